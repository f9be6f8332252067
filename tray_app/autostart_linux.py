"""Open at login on Linux: an entry in the XDG autostart folder."""

from __future__ import annotations

import os
from pathlib import Path

APPLICATION = "pitchgate-tray"
"""The app's id on a Linux desktop: the name of its entry, and the class of its windows."""
ICON = "pitchgate"
NAME = f"{APPLICATION}.desktop"


def config_home() -> Path:
    """XDG_CONFIG_HOME, or its default."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def desktop_entry(command: list[str], icon: str = ICON) -> str:
    """A desktop entry that runs `command`."""
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
    """The `Autostart` port."""

    def __init__(self, folder: Path | None = None) -> None:
        self._path = (folder or config_home() / "autostart") / NAME

    def enabled(self) -> bool:
        """Whether an entry is there that the desktop has not switched off."""
        try:
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
