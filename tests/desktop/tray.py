"""The app on a screen: started as its autostart entry starts it, and what its icon, menu and file tell."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.desktop.screen import Screen
from tray_app.icons import TILES
from tray_app.state import Icon

ICON = (12, 16)
"""Where the panel shows it, in pixels of the screen."""


def start_app(
    screen: Screen, server: str, token: str = "", *options: str, **environ: str
) -> subprocess.Popen[bytes]:
    """The app; with a token on a computer that has been let in."""
    home = screen.folder / "tray"
    home.mkdir(exist_ok=True)
    if token:
        (home / "token.json").write_text(json.dumps({server: token}))
    command = [sys.executable, "-m", "tray_app", "--plain-token-file", "--server", server, *options]
    return screen.start(*command, PITCHGATE_TRAY_HOME=str(home), **environ)


def shows(screen: Screen, icon: Icon) -> bool:
    """Whether the panel shows an icon with this state's tile."""
    place = screen.picture().crop((0, 0, 34, 32)).tobytes()
    wanted = TILES[icon][:3]
    pixels = [tuple(place[i : i + 3]) for i in range(0, len(place), 3)]
    return sum(max(abs(a - b) for a, b in zip(p, wanted, strict=True)) < 12 for p in pixels) > 60


def first_label(screen: Screen) -> str:
    """The state, in the first line of the menu."""
    menu = screen.menu()
    return str(menu[0]["label"]) if menu else ""


def listed(screen: Screen, words: str) -> bool:
    """Whether a line of the menu has these words."""
    return any(words in item["label"] for item in screen.menu())


def waiting(screen: Screen) -> list[tuple[str, str]]:
    """Message and decision of all that waits to be sent, in order. The running app's state file is only read: to open
    it as a store would mend it meanwhile."""
    kept = json.loads((screen.folder / "tray/state.json").read_text())
    return [(row["gmail_id"], row["decision"]) for row in kept.get("outbox", {}).values()]
