"""What pystray's macOS icon lacks: the main thread for all work, no place in the Dock, items that keep their meaning
while the menu is open, a clean end at log-off. Written from the sources of pystray and PyObjC, and never run on macOS.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import threading
from collections.abc import Callable

Work = Callable[[], None]


class MacLoop:
    """The `Loop` on macOS. Build it on the main thread, before the icon. `end` is called there and may block."""

    def __init__(self, end: Work) -> None:
        import AppKit
        from PyObjCTools import AppHelper, MachSignals

        self._call_after = AppHelper.callAfter
        self._open = False
        self._later: Work | None = None
        # Whatever bundle the interpreter comes from, this is an app of the menu bar.
        AppKit.NSApplication.sharedApplication().setActivationPolicy_(
            AppKit.NSApplicationActivationPolicyAccessory
        )
        center = AppKit.NSNotificationCenter.defaultCenter()
        heard = {
            AppKit.NSMenuDidBeginTrackingNotification: self._opened,
            AppKit.NSMenuDidEndTrackingNotification: self._closed,
            # A log-off makes AppKit leave the process without returning from its loop.
            AppKit.NSApplicationWillTerminateNotification: lambda notification: end(),
        }
        self._observers = [
            center.addObserverForName_object_queue_usingBlock_(name, None, None, heard[name])
            for name in heard
        ]
        # Python's own handlers wait for Python's next step, which AppKit's loop need not take for hours.
        for number in (signal.SIGTERM, signal.SIGHUP):
            MachSignals.signal(number, lambda *details: end())

    def do(self, work: Work) -> None:
        """See `Loop.do`."""
        self._call_after(work)

    def notify(self, work: Work) -> None:
        """See `Loop.notify`. pystray waits for a program that shows it, and raises what that program says."""

        def shown() -> None:
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                work()

        threading.Thread(target=shown, daemon=True).start()

    def when_closed(self, work: Work) -> None:
        """See `Loop.when_closed`. pystray finds what to do by an item's number, in the menu that was set last."""
        if self._open:
            self._later = work
        else:
            work()

    def _opened(self, notification: object) -> None:
        self._open = True

    def _closed(self, notification: object) -> None:
        self._call_after(self._settled)  # the chosen item is reported after the menu has closed

    def _settled(self) -> None:
        self._open = False
        later, self._later = self._later, None
        if later is not None:
            later()
