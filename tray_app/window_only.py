"""Stands in for the tray icon where a desktop has none: the window is all there is then."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from tray_app.menu import Screen


class WindowOnly:
    """The `IconView` port without an icon. Notices go to the terminal, if there is one."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Block the main thread until `stop`."""
        on_ready()
        self._stopped.wait()

    def show(self, screen: Screen) -> None:
        """Nothing to draw."""

    def notify(self, title: str, body: str) -> None:
        """Write it where somebody may look."""
        if sys.stderr:
            sys.stderr.write(f"{title}: {body}\n")

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()
