"""Adds to pystray's macOS icon: all work on the main thread, no icon in the Dock, no menu change while the menu is
open, and a clean end at log-off. Written from the sources of pystray and PyObjC; never run on macOS.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable

Work = Callable[[], None]


class MacLoop:
    """The `Loop` on macOS. Build it on the main thread, before the icon. `end` runs there at log-off and may block."""

    def __init__(self, end: Work) -> None:
        import AppKit
        from PyObjCTools import AppHelper, MachSignals

        self._call_after = AppHelper.callAfter
        self._open = False
        self._pending: Work | None = None
        # Accessory: only in the menu bar, whatever bundle the interpreter belongs to.
        AppKit.NSApplication.sharedApplication().setActivationPolicy_(
            AppKit.NSApplicationActivationPolicyAccessory
        )
        center = AppKit.NSNotificationCenter.defaultCenter()
        handlers = {
            AppKit.NSMenuDidBeginTrackingNotification: self._opened,
            AppKit.NSMenuDidEndTrackingNotification: self._closed,
            # At log-off AppKit exits the process without returning from its loop.
            AppKit.NSApplicationWillTerminateNotification: lambda notification: end(),
        }
        self._observers = [
            center.addObserverForName_object_queue_usingBlock_(name, None, None, handlers[name])
            for name in handlers
        ]
        # Python's own signal handlers run at the next bytecode, which may be hours away inside AppKit's loop.
        for number in (signal.SIGTERM, signal.SIGHUP):
            MachSignals.signal(number, lambda *details: end())

    def do(self, work: Work) -> None:
        self._call_after(work)

    def notify(self, work: Work) -> None:
        """See `Loop.notify`. On a thread: pystray waits for an external program, and raises its errors."""

        def shown() -> None:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                work()

        threading.Thread(target=shown, daemon=True).start()

    def when_closed(self, work: Work) -> None:
        """See `Loop.when_closed`. pystray looks a chosen item up by its number in the menu that was set last."""
        if self._open:
            self._pending = work
        else:
            work()

    def _opened(self, notification: object) -> None:
        self._open = True

    def _closed(self, notification: object) -> None:
        self._call_after(
            self._menu_closed
        )  # after it: AppKit reports the chosen item only once the menu has closed

    def _menu_closed(self) -> None:
        self._open = False
        later, self._pending = self._pending, None
        if later is not None:
            later()
