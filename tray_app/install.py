"""What the app adds to the desktop: its entry in the applications menu, and one that opens it at login."""

from __future__ import annotations

import os
import plistlib
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tray_app import APPLICATION, ICON
from tray_app.icons import mark
from tray_app.ports import Autostart

# ---- The applications menu


SIZES = (16, 22, 24, 32, 48, 64, 128, 256)
ENTRY = f"{APPLICATION}.desktop"
MAC_ID = "org.pitchgate.tray"
WriteLink = Callable[[Path, list[str], Path], None]
"""Makes a shortcut file that runs a command, with an icon."""


def xdg_home(kind: str, default: str) -> Path:
    """The folder for one kind of files on Linux: XDG_DATA_HOME and so on, or its default below the home folder."""
    return Path(os.environ.get(f"XDG_{kind}_HOME") or Path.home() / default)


def data_home() -> Path:
    return xdg_home("DATA", ".local/share")


def install(
    command: list[str], platform: str = sys.platform, write_link: WriteLink | None = None
) -> list[Path]:
    """Make the menu entry that runs `command`; returns the files written. Safe to run again."""
    if platform == "win32":
        return _windows_shortcut(command, write_link or _write_link)
    if platform == "darwin":
        return _mac_bundle(command)
    return _linux_entry(command)


def uninstall(platform: str = sys.platform) -> list[Path]:
    """Remove what `install` wrote, the data WebKit stores for the window under pywebview before 6 (Debian 13), and
    folders that are then empty; returns the paths removed. Safe to run again."""
    removed = []
    webkit_data = [xdg_home("CACHE", ".cache") / APPLICATION, data_home() / APPLICATION]
    for path in (*installed_paths(platform), *(webkit_data if platform == "linux" else ())):
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            continue
        removed.append(path)
        _drop_empty(path.parent)
    return removed


def _drop_empty(folder: Path) -> None:
    """Remove this folder and its parents while they are empty and inside `data_home`."""
    while data_home() in folder.parents:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def installed_paths(platform: str = sys.platform) -> list[Path]:
    """Everything `install` may have written."""
    if platform == "win32":
        return [_start_menu() / "Pitchgate.lnk", _windows_icon()]
    if platform == "darwin":
        return [Path.home() / "Applications" / "Pitchgate.app"]
    return [data_home() / "applications" / ENTRY, *(_linux_icon(size) for size in SIZES)]


def _linux_icon(size: int) -> Path:
    return data_home() / "icons" / "hicolor" / f"{size}x{size}" / "apps" / f"{ICON}.png"


def _linux_entry(command: list[str]) -> list[Path]:
    for size in SIZES:
        icon = _linux_icon(size)
        icon.parent.mkdir(parents=True, exist_ok=True)
        mark(size).save(icon)
    entry = data_home() / "applications" / ENTRY
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(desktop_entry(command), encoding="utf-8")
    return installed_paths("linux")


def desktop_entry(command: list[str]) -> str:
    """The text of a desktop entry that runs `command`."""
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Name=Pitchgate",
            "Comment=See and decide what was held back from your inbox",
            f"Exec={' '.join(quoted(part) for part in command)}",
            f"Icon={ICON}",
            "Terminal=false",
            "Categories=Network;Email;",
            "StartupNotify=false",
            f"StartupWMClass={APPLICATION}",
            "",
        )
    )


def quoted(argument: str) -> str:
    """One argument of an Exec line, quoted as the desktop entry specification asks."""
    safe = argument.replace("%", "%%")
    if argument and all(c.isalnum() or c in "/._-+=:@%" for c in argument):
        return safe
    # The value is unescaped twice: once as a string of the file, once as a quoted argument.
    for special in ("\\", '"', "`", "$"):
        safe = safe.replace(special, "\\" + special)
    return '"' + safe.replace("\\", "\\\\") + '"'


def _start_menu() -> Path:
    roaming = os.environ.get("APPDATA") or str(Path.home() / "AppData" / "Roaming")
    return Path(roaming) / "Microsoft" / "Windows" / "Start Menu" / "Programs"


def _windows_icon() -> Path:
    local = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    return Path(local) / "pitchgate" / "pitchgate.ico"


def _windows_shortcut(command: list[str], write_link: WriteLink) -> list[Path]:
    link, icon = installed_paths("win32")
    icon.parent.mkdir(parents=True, exist_ok=True)
    link.parent.mkdir(parents=True, exist_ok=True)
    mark(256).save(icon, sizes=[(size, size) for size in (16, 24, 32, 48, 64, 256)])
    write_link(link, command, icon)
    return [link, icon]


def _write_link(link: Path, command: list[str], icon: Path) -> None:
    """Write the shortcut with Windows' own shell object; its file format is not public."""
    from comtypes.client import CreateObject
    from comtypes.persist import IPersistFile
    from comtypes.shelllink import IShellLinkW, ShellLink

    shortcut = CreateObject(ShellLink, interface=IShellLinkW)
    shortcut.SetPath(command[0])
    shortcut.SetArguments(subprocess.list2cmdline(command[1:]))
    shortcut.SetIconLocation(str(icon), 0)
    shortcut.QueryInterface(IPersistFile).Save(str(link), True)


def _mac_bundle(command: list[str]) -> list[Path]:
    bundle = Path.home() / "Applications" / "Pitchgate.app"
    program = bundle / "Contents" / "MacOS" / "Pitchgate"
    resources = bundle / "Contents" / "Resources"
    for folder in (program.parent, resources):
        folder.mkdir(parents=True, exist_ok=True)
    program.write_text(f"#!/bin/sh\nexec {shlex.join(command)}\n", encoding="utf-8")
    program.chmod(0o755)
    mark(512).save(resources / "pitchgate.icns")
    about = {
        "CFBundleName": "Pitchgate",
        "CFBundleIdentifier": MAC_ID,
        "CFBundleExecutable": "Pitchgate",
        "CFBundleIconFile": "pitchgate.icns",
        "CFBundlePackageType": "APPL",
        "LSUIElement": True,  # lives in the menu bar, not in the Dock
    }
    (bundle / "Contents" / "Info.plist").write_bytes(plistlib.dumps(about))
    return [bundle]


# ---- Opening at login


def platform_autostart() -> Autostart | None:
    kinds: dict[str, Callable[[], Autostart]] = {
        "linux": LinuxAutostart,
        "darwin": MacAutostart,
        "win32": WindowsAutostart,
    }
    kind = kinds.get(sys.platform)
    return kind() if kind else None


class LinuxAutostart:
    """A desktop entry in the autostart folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or xdg_home("CONFIG", ".config") / "autostart") / ENTRY

    def enabled(self) -> bool:
        """Whether the entry exists and the desktop has not disabled it."""
        try:
            # Desktops add Hidden=true to switch an entry off.
            return "\nHidden=true" not in self._path.read_text(encoding="utf-8")
        except OSError:
            return False

    def enable(self, command: list[str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(desktop_entry(command), encoding="utf-8")

    def disable(self) -> None:
        self._path.unlink(missing_ok=True)


class MacAutostart:
    """A launchd agent, in effect from the next login."""

    def __init__(self, home: Path | None = None) -> None:
        self._path = (home or Path.home()) / "Library" / "LaunchAgents" / f"{MAC_ID}.plist"

    def enabled(self) -> bool:
        """Whether the agent exists and is not disabled."""
        try:
            return not plistlib.loads(self._path.read_bytes()).get("Disabled", False)
        except (OSError, ValueError):
            return False

    def enable(self, command: list[str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        agent = {
            "Label": MAC_ID,
            "ProgramArguments": command,
            "RunAtLoad": True,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": "Aqua",
        }
        self._path.write_bytes(plistlib.dumps(agent))

    def disable(self) -> None:
        self._path.unlink(missing_ok=True)


RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
VALUE_NAME = "Pitchgate"


class WindowsAutostart:
    """A value under the registry's Run key. `registry` replaces the winreg module in tests."""

    def __init__(self, registry: Any = None) -> None:
        if registry is None:
            import winreg as registry
        self._registry = registry

    def enabled(self) -> bool:
        try:
            with self._key(self._registry.KEY_READ) as key:
                self._registry.QueryValueEx(key, VALUE_NAME)
        except OSError:
            return False
        return True

    def enable(self, command: list[str]) -> None:
        with self._key(self._registry.KEY_SET_VALUE) as key:
            command_line = subprocess.list2cmdline(command)
            self._registry.SetValueEx(key, VALUE_NAME, 0, self._registry.REG_SZ, command_line)

    def disable(self) -> None:
        try:
            with self._key(self._registry.KEY_SET_VALUE) as key:
                self._registry.DeleteValue(key, VALUE_NAME)
        except OSError:
            return

    def _key(self, access: int) -> Any:
        return self._registry.CreateKeyEx(self._registry.HKEY_CURRENT_USER, RUN_KEY, 0, access)
