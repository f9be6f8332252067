"""Adds to pystray's Windows icon: all work on one thread, no menu change while the menu is open, and log-off.

pystray calls Windows from the caller's thread and destroys an open menu, and then the app hangs. It also answers 0 to
every message it does not know; to WM_QUERYENDSESSION that means no, and Windows cannot shut down.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

WM_QUERYENDSESSION = 0x0011
WM_ENDSESSION = 0x0016
WM_CLICKED = 0x0400 + 11
"""pystray's own: the icon was clicked. Its handler shows the menu and returns once that is closed."""
WM_WORK = 0x8000 + 1
"""Our own: the queue holds work."""

Work = Callable[[], None]
Post = Callable[[Any, int, int, int], object]


def _post(window: Any, message: int, wparam: int, lparam: int) -> object:
    from pystray._util import win32

    return win32.PostMessage(window, message, wparam, lparam)


class WindowsLoop:
    """The `Loop` of a pystray icon that has not started. `end` is called when the session ends, and may block.

    `post` sends a message to the icon's window, as `PostMessage` does.
    """

    def __init__(self, icon: Any, end: Work, post: Post = _post) -> None:
        self._icon = icon
        self._end = end
        self._post = post
        self._work: queue.SimpleQueue[Work] = queue.SimpleQueue()
        self._open = False
        self._pending: Work | None = None
        handlers = icon._message_handlers
        self._clicked = handlers[WM_CLICKED]
        handlers[WM_CLICKED] = self._on_click
        handlers[WM_WORK] = self._on_work
        handlers[WM_QUERYENDSESSION] = lambda wparam, lparam: 1
        handlers[WM_ENDSESSION] = self._on_end

    def do(self, work: Work) -> None:
        self._work.put(work)
        self._post(self._icon._hwnd, WM_WORK, 0, 0)

    def notify(self, work: Work) -> None:
        self.do(work)

    def when_closed(self, work: Work) -> None:
        if self._open:
            self._pending = work
        else:
            work()

    def _on_click(self, wparam: int, lparam: int) -> object:
        self._open = True
        try:
            return self._clicked(wparam, lparam)
        finally:
            self._open = False
            later, self._pending = self._pending, None
            if later is not None:
                later()

    def _on_work(self, wparam: int, lparam: int) -> None:
        self._work.get_nowait()()

    def _on_end(self, wparam: int, lparam: int) -> None:
        if wparam:  # 0: another program refused, and the session goes on
            self._end()
