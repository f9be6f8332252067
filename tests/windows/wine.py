"""Windows programs on a `Screen`: Windows' own Python, and Wine in Windows' place. Wine is not Windows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.desktop.screen import Screen

HOME = Path(sys.prefix) / "windows"
PYTHON = HOME / "python" / "python.exe"
TRAY = HOME / "python" / "Scripts" / "pitchgate-tray.exe"
QUIET_TRAY = TRAY.with_name("pitchgate-trayw.exe")
ICON = (12, 16)
"""Where the panel shows the icon, in pixels of the screen."""
REPOSITORY = Path(__file__).parents[2]
BROWSER = """#!/bin/sh
echo "$1" >>'{log}'
exec '{python}' -c 'import sys; from tests.desktop.rig import FakeBrowser; FakeBrowser().open(sys.argv[1])' "$1"
"""
"""What Wine starts as the owner's browser: it notes the address, and says yes to being connected."""


def missing() -> str:
    """What `make test-windows` has not set up; "" if nothing."""
    return "" if QUIET_TRAY.exists() and (HOME / "prefix").exists() else "Windows' Python on Wine"


class Wine(Screen):
    """A desktop with Windows programs on it, which have a drive C: of their own in `folder`.

    Nothing can look into a menu from outside: `expected` holds the lines it should have, and `choose` counts them.
    """

    smallest = (60, 30)
    notifiers = (*Screen.notifiers, "explorer.exe")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.expected: list[dict[str, Any]] = []
        drive = _new_drive(folder / "wine")
        (user,) = (home for home in (drive / "drive_c/users").iterdir() if home.name != "Public")
        self.local = user / "AppData" / "Local"
        self.roaming = user / "AppData" / "Roaming"
        self.state = self.local / "pitchgate" / "state.json"
        self.addresses = folder / "addresses"
        programs = folder / "bin"
        programs.mkdir()
        (programs / "xdg-open").write_text(BROWSER.format(log=self.addresses, python=sys.executable))
        (programs / "xdg-open").chmod(0o755)
        self.environ |= {
            "WINEPREFIX": str(drive),
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree,mshtml=",
            "WINEPATH": "Z:" + str(TRAY.parent).replace("/", "\\"),
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
        }

    def app(self, server: str, token: str = "") -> subprocess.Popen[bytes]:
        """The app as its entry in the start menu starts it. With a token it keeps that in a file, else in the vault."""
        kept = self.state.with_name("token.json")
        if token and not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps({server: token}))
        plain = ["--plain-token-file"] if kept.exists() else []
        return self.start("wine", str(QUIET_TRAY), *plain, "--server", server)

    def wine(self, *command: str, seconds: float = 60) -> str:
        """What a short Windows program prints; "" if it fails."""
        return self.run("wine", *command, seconds=seconds)

    def menu(self) -> list[dict[str, Any]]:
        return self.expected

    def choose(self, icon: tuple[int, int], *labels: str, button: int = 3) -> None:
        """As on Linux, with the right button, once the menu has as many lines as it should."""
        self.until(lambda: self.opens(icon, button) == len(self.expected), "the expected menu")
        super().choose(icon, *labels, button=button)

    def opens(self, icon: tuple[int, int] = ICON, button: int = 3) -> int:
        """How many lines the menu has: opens it, looks, and closes it. An open one never changes."""
        self.pointer(*icon, button=button)
        self.until(self.menus_open, "the menu")
        lines = len(self.lines(self.menus_open()[0]))
        self.dismiss()
        return lines

    def dismiss(self) -> None:
        """Close the menu without a choice."""
        self.keys("Escape")
        self.until(lambda: not self.menus_open(), "the menu to close")

    def opened(self) -> list[str]:
        return self.addresses.read_text().split() if self.addresses.exists() else []

    def kept(self) -> dict[str, Any]:
        """The state file; {} before it is written."""
        return json.loads(self.state.read_text(encoding="utf-8")) if self.state.exists() else {}

    def close(self) -> None:
        """End every Windows program, then the desktop."""
        if "WINEPREFIX" in self.environ:
            self.run("wineserver", "--kill", "--wait")
        super().close()


def _new_drive(folder: Path) -> Path:
    """A copy of the drive that set-up made; Windows itself, which nobody writes to, is linked."""
    template = HOME / "prefix"
    shutil.copytree(template, folder, symlinks=True, ignore=shutil.ignore_patterns("drive_c", "wineserver"))
    (folder / "drive_c").mkdir()
    for part in (template / "drive_c").iterdir():
        if part.name == "users":
            shutil.copytree(part, folder / "drive_c" / part.name, symlinks=True)
        else:
            (folder / "drive_c" / part.name).symlink_to(part)
    return folder
