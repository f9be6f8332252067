"""Adds the app to the applications menu, and removes it again without a trace."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tray_app.autostart import APPLICATION, desktop_entry
from tray_app.icons import draw
from tray_app.state import Icon

SIZES = (16, 22, 24, 32, 48, 64, 128, 256)
ENTRY = "pitchgate-tray.desktop"
WriteLink = Callable[[Path, list[str], Path], None]
"""Makes a shortcut file that runs a command, with an icon."""


def data_home() -> Path:
    """XDG_DATA_HOME, or its default."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")


def cache_home() -> Path:
    """XDG_CACHE_HOME, or its default."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def install(
    command: list[str], platform: str = sys.platform, write_link: WriteLink | None = None
) -> list[Path]:
    """Make the menu entry that runs `command`; returns the files written. May run twice."""
    if platform == "win32":
        return _windows_shortcut(command, write_link or _write_link)
    if platform == "darwin":
        return _mac_bundle(command)
    return _linux_entry(command)


def uninstall(platform: str = sys.platform) -> list[Path]:
    """Remove what `install` wrote, the data WebKit stores for the window under pywebview before 6 (Debian 13), and
    folders that are then empty; returns the paths removed. May run twice."""
    removed = []
    webkit_data = [home / APPLICATION for home in (cache_home(), data_home())] if platform == "linux" else []
    for path in (*installed_paths(platform), *webkit_data):
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
    return data_home() / "icons" / "hicolor" / f"{size}x{size}" / "apps" / "pitchgate.png"


def _linux_entry(command: list[str]) -> list[Path]:
    for size in SIZES:
        icon = _linux_icon(size)
        icon.parent.mkdir(parents=True, exist_ok=True)
        draw(Icon.ACTIVE, 0, size).save(icon)
    entry = data_home() / "applications" / ENTRY
    entry.parent.mkdir(parents=True, exist_ok=True)
    entry.write_text(desktop_entry(command), encoding="utf-8")
    return installed_paths("linux")


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
    draw(Icon.ACTIVE, 0, 256).save(icon, sizes=[(size, size) for size in (16, 24, 32, 48, 64, 256)])
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
    quoted = " ".join("'" + part.replace("'", "'\\''") + "'" for part in command)
    program.write_text(f"#!/bin/sh\nexec {quoted}\n", encoding="utf-8")
    program.chmod(0o755)
    draw(Icon.ACTIVE, 0, 512).save(resources / "pitchgate.icns")
    about = {
        "CFBundleName": "Pitchgate",
        "CFBundleIdentifier": "org.pitchgate.tray",
        "CFBundleExecutable": "Pitchgate",
        "CFBundleIconFile": "pitchgate.icns",
        "CFBundlePackageType": "APPL",
        "LSUIElement": True,  # lives in the menu bar, not in the Dock
    }
    (bundle / "Contents" / "Info.plist").write_bytes(plistlib.dumps(about))
    return [bundle]
