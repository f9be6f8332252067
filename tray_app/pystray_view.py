"""Draws the icon, its menu and its notices with pystray, from the data that `menu` makes.

Threads: `run` blocks the main thread, which macOS demands and the others allow. `show`, `notify` and `stop` may
be called from any thread; on Linux pystray passes them to its own loop, on Windows and macOS our `Loop` does. Menu
actions run on the main thread and only submit an `Action`. pystray calls an action with at most two arguments and
shows no menu, without an error, if one takes more: so actions are closures, never lambdas with defaults.
"""

from __future__ import annotations

import html
import os
import sys
from collections.abc import Callable
from typing import Any, Protocol

from tray_app.errors import NoTray
from tray_app.icons import draw
from tray_app.menu import SEPARATOR, Action, Item, Screen, clipped
from tray_app.ports import Orders
from tray_app.words import t

NOTICE_TITLE_LIMIT = 63
NOTICE_BODY_LIMIT = 255
Work = Callable[[], None]


class Loop(Protocol):
    """The thread the icon belongs to. `do` and `notify` may be called from any thread and return at once."""

    def do(self, work: Work) -> None:
        """Run `work` on the icon's thread, in order."""

    def notify(self, work: Work) -> None:
        """Run `work`, which shows a notice and may block on macOS."""

    def when_closed(self, work: Work) -> None:
        """Run `work` now, or once the open menu has closed, when only the latest is run. Icon's thread only."""


class LinuxLoop:
    """No detour: on Linux pystray's methods may be called from any thread, and an open menu stays as it is."""

    def do(self, work: Work) -> None:
        work()

    notify = when_closed = do


class PystrayView:
    """The `IconView` port. `backend` comes from `desktop.choose`. Build it on the main thread.

    `end` is called on the main thread when the session ends (on Linux a signal comes instead). It may block for
    some seconds; after it the system may kill the process. `orders` is called when something is chosen.
    """

    def __init__(self, backend: str, orders: Callable[[], Orders], end: Work) -> None:
        if backend:
            os.environ["PYSTRAY_BACKEND"] = backend
        import pystray

        if not pystray.Icon.HAS_MENU:
            raise NoTray(t("error.picture_only"))
        self._pystray = pystray
        self._platform = str(sys.platform)
        self._orders = orders
        self._markup = backend in ("appindicator", "gtk")
        self._shown: Screen | None = None
        self._icon, self._loop = self._build(end)

    def _build(self, end: Work) -> tuple[Any, Loop]:
        if self._platform == "darwin":
            from tray_app.loop_macos import MacLoop

            loop: Loop = MacLoop(end)
            return self._pystray.Icon("pitchgate", title="Pitchgate"), loop
        icon = self._pystray.Icon("pitchgate", title="Pitchgate")
        if self._platform == "win32":
            from tray_app.loop_windows import WindowsLoop

            return icon, WindowsLoop(icon, end)
        return icon, LinuxLoop()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show the icon until `stop`. `on_ready` is called once, on another thread. Main thread only."""

        def ready(icon: Any) -> None:
            on_ready()
            self._loop.do(appear)

        def appear() -> None:
            self._icon.visible = True

        self._icon.icon = draw(*self._initial_icon())
        self._icon.run(setup=ready)

    def show(self, screen: Screen) -> None:
        """See `IconView.show`. Redraws only what changed."""
        self._loop.do(lambda: self._draw(screen))

    def notify(self, title: str, body: str) -> None:
        """See `IconView.notify`. The body is escaped on Linux, where desktops read it as markup."""
        if not self._icon.HAS_NOTIFICATION:
            return
        text = clipped(body, NOTICE_BODY_LIMIT) or " "
        text = html.escape(text, quote=False) if self._markup else text
        head = clipped(title, NOTICE_TITLE_LIMIT) or "Pitchgate"
        self._loop.notify(lambda: self._icon.notify(text, head))

    def stop(self) -> None:
        self._loop.do(self._icon.stop)

    def _initial_icon(self) -> tuple[Any, int]:
        from tray_app.state import Icon

        return (self._shown.icon, self._shown.badge) if self._shown else (Icon.OFFLINE, 0)

    def _draw(self, screen: Screen) -> None:
        before, self._shown = self._shown, screen
        if before is None or (before.icon, before.badge) != (screen.icon, screen.badge):
            self._icon.icon = draw(screen.icon, screen.badge)
        if before is None or before.title != screen.title:
            self._icon.title = screen.title
        if before is None or before.menu != screen.menu:
            self._loop.when_closed(lambda: self._set_menu(screen.menu))

    def _set_menu(self, items: tuple[Item, ...]) -> None:
        self._icon.menu = self._menu(items)

    def _menu(self, items: tuple[Item, ...]) -> Any:
        return self._pystray.Menu(*(self._item(item) for item in items))

    def _item(self, item: Item) -> Any:
        if item is SEPARATOR:
            return self._pystray.Menu.SEPARATOR
        return self._pystray.MenuItem(
            item.label.replace("&", "&&") if self._platform == "win32" else item.label,
            self._menu(item.children) if item.children else self._callback(item.action),
            checked=None if item.checked is None else self._fixed_check(item.checked),
            radio=item.radio,
            default=item.default,
            enabled=item.enabled,
        )

    def _callback(self, action: Action | None) -> Callable[[], None]:
        def chosen() -> None:
            if action is not None:
                self._orders().submit(action)

        return chosen

    def _fixed_check(self, value: bool) -> Callable[[Any], bool]:
        def checked(item: Any) -> bool:
            return value

        return checked
