"""Opening the app at login on Linux, macOS and Windows (`tray_app.ports.Autostart`)."""

from __future__ import annotations

import os
import plistlib
import subprocess
from pathlib import Path
from typing import Any

# ---- Open at login on Linux


APPLICATION = "pitchgate-tray"
"""The app's id on a Linux desktop: name of its desktop entry and class (WM_CLASS) of its windows."""
ICON = "pitchgate"
FILE_NAME = f"{APPLICATION}.desktop"


def config_home() -> Path:
    """XDG_CONFIG_HOME, or its default."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def desktop_entry(command: list[str], icon: str = ICON) -> str:
    """The text of a desktop entry that runs `command`."""
    return "\n".join(
        (
            "[Desktop Entry]",
            "Type=Application",
            "Name=Pitchgate",
            "Comment=See and decide what was held back from your inbox",
            f"Exec={' '.join(quoted(part) for part in command)}",
            f"Icon={icon}",
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


class LinuxAutostart:
    """A desktop entry in the autostart folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or config_home() / "autostart") / FILE_NAME

    def enabled(self) -> bool:
        """Whether the entry exists and the desktop has not disabled it."""
        try:
            # Desktops add Hidden=true to switch an entry off.
            return "\nHidden=true" not in self._path.read_text(encoding="utf-8")
        except OSError:
            return False

    def enable(self, command: list[str]) -> None:
        """Write the entry."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(desktop_entry(command), encoding="utf-8")

    def disable(self) -> None:
        """Remove it."""
        self._path.unlink(missing_ok=True)


# ---- Open at login on macOS


LABEL = "org.pitchgate.tray"


class MacAutostart:
    """A launchd agent, in effect from the next login."""

    def __init__(self, home: Path | None = None) -> None:
        self._path = (home or Path.home()) / "Library" / "LaunchAgents" / f"{LABEL}.plist"

    def enabled(self) -> bool:
        """Whether the agent exists and is not disabled."""
        try:
            return not plistlib.loads(self._path.read_bytes()).get("Disabled", False)
        except (OSError, ValueError):
            return False

    def enable(self, command: list[str]) -> None:
        """Write the agent."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        agent = {
            "Label": LABEL,
            "ProgramArguments": command,
            "RunAtLoad": True,
            "ProcessType": "Interactive",
            "LimitLoadToSessionType": "Aqua",
        }
        self._path.write_bytes(plistlib.dumps(agent))

    def disable(self) -> None:
        """Remove it."""
        self._path.unlink(missing_ok=True)


# ---- Open at login on Windows


RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
VALUE_NAME = "Pitchgate"


class WindowsAutostart:
    """A value under the registry's Run key. `registry` replaces the winreg module in tests."""

    def __init__(self, registry: Any = None) -> None:
        if registry is None:
            import winreg as registry
        self._registry = registry

    def enabled(self) -> bool:
        """Whether the value exists."""
        try:
            with self._key(self._registry.KEY_READ) as key:
                self._registry.QueryValueEx(key, VALUE_NAME)
        except OSError:
            return False
        return True

    def enable(self, command: list[str]) -> None:
        """Write the value."""
        with self._key(self._registry.KEY_SET_VALUE) as key:
            command_line = subprocess.list2cmdline(command)
            self._registry.SetValueEx(key, VALUE_NAME, 0, self._registry.REG_SZ, command_line)

    def disable(self) -> None:
        """Remove it."""
        try:
            with self._key(self._registry.KEY_SET_VALUE) as key:
                self._registry.DeleteValue(key, VALUE_NAME)
        except OSError:
            return

    def _key(self, access: int) -> Any:
        return self._registry.CreateKeyEx(self._registry.HKEY_CURRENT_USER, RUN_KEY, 0, access)
