"""What the controller is built from, and the real clock and browser."""

from __future__ import annotations

import webbrowser
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tray_app.connection import Pace
from tray_app.memory import Memory
from tray_app.ports import Autostart, Backend, Browser, IconView, Secrets, Window


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class SystemBrowser:
    """The `Browser` port."""

    def open(self, url: str) -> bool:
        """Open `url` in a new tab of the owner's browser."""
        return webbrowser.open(url, new=2)


@dataclass(slots=True)
class Parts:
    """Everything the controller touches. `make_backend` is called with the server's address."""

    version: str
    default_server: str
    make_backend: Callable[[str], Backend]
    view: IconView
    window: Window
    secrets: Secrets
    browser: Browser
    memory: Memory
    autostart: Autostart | None = None
    command: list[str] = field(default_factory=list)
    computer: str = "this computer"
    now: Callable[[], datetime] = utc_now
    pace: Pace = Pace()
    window_only: str = ""
    """Why there is no tray, for the local page; "" where there is one."""
