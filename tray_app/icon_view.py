"""What the owner sees without a window: the tray icon, its menu and its notices, drawn with pystray from the data that
`menu` makes; and what takes its place on a desktop without a tray.

Threads: `run` blocks the main thread, which macOS demands and the others allow. `show`, `notify` and `stop` may
be called from any thread; on Linux pystray passes them to its own loop, on Windows and macOS our `Loop` does. Menu
actions run on the main thread and only submit an `Action`. pystray calls an action with at most two arguments and
shows no menu, without an error, if one takes more: so actions are closures, never lambdas with defaults.
"""

from __future__ import annotations

import contextlib
import html
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from tray_app.errors import NoTray
from tray_app.icons import draw
from tray_app.menu import SEPARATOR, Action, Item, Screen, clipped
from tray_app.state import Icon
from tray_app.words import t

NOTICE_TITLE_LIMIT = 63
NOTICE_BODY_LIMIT = 255
Work = Callable[[], None]


class PystrayView:
    """The `IconView` port. `backend` comes from `choose_backend`. Build it on the main thread.

    `end` is called on the main thread when the session ends (on Linux a signal comes instead). It may block for
    some seconds; after it the system may kill the process. `submit` is called with what the owner chose.
    """

    def __init__(self, backend: str, submit: Callable[[Action], None], end: Work) -> None:
        if backend:
            os.environ["PYSTRAY_BACKEND"] = backend
        import pystray

        if not pystray.Icon.HAS_MENU:
            raise NoTray(t("error.picture_only"))
        self._pystray = pystray
        self._platform = str(sys.platform)
        self._submit = submit
        self._markup = backend in ("appindicator", "gtk")
        self._shown: Screen | None = None
        self._loop: Loop = MacLoop(end) if self._platform == "darwin" else LinuxLoop()
        self._icon = pystray.Icon("pitchgate", title="Pitchgate")
        if self._platform == "win32":
            self._loop = WindowsLoop(self._icon, end)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Show the icon until `stop`. `on_ready` is called once, on another thread. Main thread only."""

        def ready(icon: Any) -> None:
            on_ready()
            self._loop.do(appear)

        def appear() -> None:
            self._icon.visible = True

        self._icon.icon = draw(self._shown.icon, self._shown.badge) if self._shown else draw(Icon.OFFLINE)
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
                self._submit(action)

        return chosen

    def _fixed_check(self, value: bool) -> Callable[[Any], bool]:
        def checked(item: Any) -> bool:
            return value

        return checked


# ---- The thread the icon belongs to


class Loop(Protocol):
    """The thread the icon belongs to. `do` and `notify` may be called from any thread and return at once."""

    def do(self, work: Work) -> None:
        """Run `work` on the icon's thread, in order."""

    def notify(self, work: Work) -> None:
        """Run `work`, which shows a notice and may block on macOS."""

    def when_closed(self, work: Work) -> None:
        """Run `work` now, or once the open menu has closed, when only the latest is run. Icon's thread only."""


class LinuxLoop:
    """Runs work at once: on Linux pystray's methods may be called from any thread, and an open menu stays as it is."""

    def do(self, work: Work) -> None:
        work()

    notify = when_closed = do


class _OpenMenu:
    """Puts off a change of the menu while it is open: pystray destroys an open menu on Windows, and on macOS looks a
    chosen item up by its number in the menu that was set last."""

    def __init__(self) -> None:
        self._open = False
        self._pending: Work | None = None

    def when_closed(self, work: Work) -> None:
        if self._open:
            self._pending = work
        else:
            work()

    def _closed(self) -> None:
        self._open = False
        later, self._pending = self._pending, None
        if later is not None:
            later()


class MacLoop(_OpenMenu):
    """The `Loop` on macOS; it also keeps the icon out of the Dock. Written from the sources of pystray and PyObjC;
    never run on macOS. Build it on the main thread, before the icon. `end` runs there at log-off and may block."""

    def __init__(self, end: Work) -> None:
        super().__init__()
        import AppKit
        from PyObjCTools import AppHelper, MachSignals

        self._call_after = AppHelper.callAfter
        # Accessory: only in the menu bar, whatever bundle the interpreter belongs to.
        AppKit.NSApplication.sharedApplication().setActivationPolicy_(
            AppKit.NSApplicationActivationPolicyAccessory
        )
        center = AppKit.NSNotificationCenter.defaultCenter()
        handlers = {
            AppKit.NSMenuDidBeginTrackingNotification: self._menu_opened,
            AppKit.NSMenuDidEndTrackingNotification: self._menu_closing,
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

    def _menu_opened(self, notification: object) -> None:
        self._open = True

    def _menu_closing(self, notification: object) -> None:
        self._call_after(self._closed)  # later: AppKit reports the chosen item only once the menu has closed


WM_QUERYENDSESSION = 0x0011
WM_ENDSESSION = 0x0016
WM_CLICKED = 0x0400 + 11
"""pystray's own: the icon was clicked. Its handler shows the menu and returns once that is closed."""
WM_WORK = 0x8000 + 1
"""Our own: the queue holds work."""

Post = Callable[[Any, int, int, int], object]


def _post(window: Any, message: int, wparam: int, lparam: int) -> object:
    from pystray._util import win32

    return win32.PostMessage(window, message, wparam, lparam)


class WindowsLoop(_OpenMenu):
    """The `Loop` of a pystray icon that has not started. `end` is called when the session ends, and may block.

    pystray calls Windows from the caller's thread, and answers 0 to every message it does not know; to
    WM_QUERYENDSESSION that means no, and Windows cannot shut down. `post` sends a message to the icon's window, as
    `PostMessage` does.
    """

    def __init__(self, icon: Any, end: Work, post: Post = _post) -> None:
        super().__init__()
        self._icon = icon
        self._end = end
        self._post = post
        self._work: queue.SimpleQueue[Work] = queue.SimpleQueue()
        handlers = icon._message_handlers
        self._clicked = handlers[WM_CLICKED]
        handlers[WM_CLICKED] = self._on_click
        handlers[WM_WORK] = self._on_work
        handlers[WM_QUERYENDSESSION] = lambda wparam, lparam: 1
        handlers[WM_ENDSESSION] = self._on_end

    def do(self, work: Work) -> None:
        self._work.put(work)
        self._post(self._icon._hwnd, WM_WORK, 0, 0)

    notify = do

    def _on_click(self, wparam: int, lparam: int) -> object:
        self._open = True
        try:
            return self._clicked(wparam, lparam)
        finally:
            self._closed()

    def _on_work(self, wparam: int, lparam: int) -> None:
        self._work.get_nowait()()

    def _on_end(self, wparam: int, lparam: int) -> None:
        if wparam:  # 0: another program refused, and the session goes on
            self._end()


# ---- Which of pystray's back ends this desktop can show, found out before pystray is imported


WATCHER = "org.kde.StatusNotifierWatcher"
PANEL_CHECK_PAUSE = 0.5
"""Seconds between two looks for the panel."""


def choose_backend(
    platform: str = sys.platform,
    environ: Mapping[str, str] = os.environ,
    patience: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """The name of the back end for PYSTRAY_BACKEND; "" leaves the choice to pystray (Windows, macOS).

    Raises `NoTray` where none can show a menu. pystray's Xorg back end is never chosen: it has no menu and gets no
    clicks. At login the panel may start after us: wait for it up to `patience` s.
    """
    if not platform.startswith("linux"):
        return ""
    wanted = environ.get("PYSTRAY_BACKEND", "")
    if wanted == "xorg":
        raise NoTray(t("error.xorg"), t("error.no_parts_remedy"))
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        raise NoTray(t("error.no_desktop"), t("error.no_desktop_remedy"))
    remaining = patience
    while True:
        found = _available_backend(wanted)
        if found:
            return found
        if remaining <= 0:
            raise NoTray(t("error.no_host"), t("error.no_host_remedy"))
        sleep(PANEL_CHECK_PAUSE)
        remaining -= PANEL_CHECK_PAUSE


def _available_backend(wanted: str) -> str:
    try:
        import gi

        gi.require_version("Gtk", "3.0")
    except (ImportError, ValueError) as error:
        raise NoTray(t("error.no_parts"), t("error.no_parts_remedy")) from error
    if wanted != "gtk" and _has_indicator() and _has_indicator_host():
        return "appindicator"
    if wanted != "appindicator" and _has_xembed_tray():
        return "gtk"
    return ""


def _has_indicator() -> bool:
    import gi

    for name in ("AyatanaAppIndicator3", "AppIndicator3"):
        try:
            gi.require_version(name, "0.1")
        except ValueError:
            continue
        return True
    return False


def _has_indicator_host() -> bool:
    """Whether a panel on the session bus shows StatusNotifierItems."""
    from gi.repository import Gio, GLib

    try:
        bus = Gio.bus_get_sync(Gio.BusType.SESSION, None)
        answer = bus.call_sync(
            WATCHER,
            "/StatusNotifierWatcher",
            "org.freedesktop.DBus.Properties",
            "Get",
            GLib.Variant("(ss)", (WATCHER, "IsStatusNotifierHostRegistered")),
            GLib.VariantType("(v)"),
            Gio.DBusCallFlags.NO_AUTO_START,
            1000,
            None,
        )
    except GLib.Error:
        return False
    return bool(answer.unpack()[0])


def _has_xembed_tray() -> bool:
    """Whether an X11 tray of the older kind (XEmbed) is running."""
    if not os.environ.get("DISPLAY"):
        return False
    from Xlib import X
    from Xlib.display import Display
    from Xlib.error import DisplayError

    try:
        display = Display()
    except (DisplayError, OSError):
        return False
    try:
        selection = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(selection) != X.NONE)
    finally:
        display.close()


# ---- A desktop without a tray


class WindowOnly:
    """The `IconView` port where there is no tray. Notices go to standard error."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def run(self, on_ready: Callable[[], None]) -> None:
        """Block the main thread until `stop`."""
        on_ready()
        self._stopped.wait()

    def show(self, screen: Screen) -> None:
        """Nothing to draw."""

    def notify(self, title: str, body: str) -> None:
        """Write to standard error, if there is a console."""
        if sys.stderr:
            sys.stderr.write(f"{title}: {body}\n")

    def stop(self) -> None:
        """End `run`."""
        self._stopped.set()
