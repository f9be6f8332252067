; The installer for Windows: for one person, without an administrator. See requirements/windows-installer.sh.
; makensis -DVERSION=… -DFOLDER=… -DOUT=… tray.nsi; with -DTARGET=amd64-unicode, where makensis has that, a program of 64 bits,
; which is all that a Wine without 32 bits runs.
!ifdef TARGET
Target ${TARGET}
!endif
Unicode true
SetCompressor /SOLID lzma
RequestExecutionLevel user
Name "Pitchgate"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\Pitchgate"
!define PROGRAM "$INSTDIR\pitchgate-tray.exe"
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Pitchgate"

; No page asks for a folder: the uninstaller deletes it with all that is in it.
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

Section
    ; A program that runs cannot be replaced. What its owner decided is on the disk already.
    nsExec::Exec "taskkill /F /IM pitchgate-tray.exe"
    RMDir /r "$INSTDIR"
    SetOutPath "$INSTDIR"
    File /r "${FOLDER}/*"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    CreateShortcut "$SMPROGRAMS\Pitchgate.lnk" "${PROGRAM}"
    WriteRegStr HKCU "${KEY}" DisplayName "Pitchgate"
    WriteRegStr HKCU "${KEY}" DisplayVersion "${VERSION}"
    WriteRegStr HKCU "${KEY}" DisplayIcon "${PROGRAM}"
    WriteRegStr HKCU "${KEY}" Publisher "The Pitchgate developers"
    WriteRegStr HKCU "${KEY}" UninstallString '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKCU "${KEY}" QuietUninstallString '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKCU "${KEY}" NoModify 1
    WriteRegDWORD HKCU "${KEY}" NoRepair 1
SectionEnd

Section Uninstall
    nsExec::Exec "taskkill /F /IM pitchgate-tray.exe"
    ; Forgets the token, the state and the start at login.
    ExecWait '"${PROGRAM}" uninstall'
    Delete "$SMPROGRAMS\Pitchgate.lnk"
    DeleteRegKey HKCU "${KEY}"
    SetOutPath "$TEMP"
    RMDir /r "$INSTDIR"
SectionEnd
