"""The icon's thread on Windows and macOS, with stand-ins for pystray's icon and for AppKit."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.desktop.rights import posix_only
from tray_app.icon_view import (
    WM_CLICKED,
    WM_ENDSESSION,
    WM_QUERYENDSESSION,
    WM_WORK,
    MacLoop,
    WindowsLoop,
)


class Icon:
    """What pystray's Windows icon offers; `menu` is what a click on it does while the menu is open."""

    _hwnd = 7

    def __init__(self) -> None:
        self.menu: Callable[[], None] = lambda: None
        self._message_handlers: dict[int, Callable[[int, int], Any]] = {WM_CLICKED: self._clicked}
        self.posted: list[tuple[int, int]] = []

    def _clicked(self, wide: int, long: int) -> None:
        self.menu()

    def post(self, window: int, message: int, wide: int, long: int) -> None:
        self.posted.append((window, message))

    def tell(self, message: int, wide: int = 0) -> Any:
        return self._message_handlers[message](wide, 0)


def test_windows_may_end_the_session_and_the_app_ends_first() -> None:
    icon, ended = Icon(), list[str]()
    WindowsLoop(icon, lambda: ended.append("end"), icon.post)
    assert icon.tell(WM_QUERYENDSESSION) == 1
    icon.tell(WM_ENDSESSION, 0)
    assert ended == [], "another program refused"
    icon.tell(WM_ENDSESSION, 1)
    assert ended == ["end"]


def test_work_is_done_on_the_icons_own_thread_in_order() -> None:
    icon, done = Icon(), list[int]()
    loop = WindowsLoop(icon, lambda: None, icon.post)
    for number in (1, 2):
        loop.do(lambda number=number: done.append(number))
    loop.notify(lambda: done.append(3))
    assert (icon.posted, done) == ([(7, WM_WORK)] * 3, [])
    for _ in icon.posted:
        icon.tell(WM_WORK)
    assert done == [1, 2, 3]


def test_an_open_menu_is_left_alone_until_it_is_closed() -> None:
    icon, shown = Icon(), list[str]()
    loop = WindowsLoop(icon, lambda: None, icon.post)

    def open_for_a_while() -> None:
        loop.when_closed(lambda: shown.append("older"))
        loop.when_closed(lambda: shown.append("newer"))
        assert shown == []

    icon.menu = open_for_a_while
    icon.tell(WM_CLICKED)
    assert shown == ["newer"]
    loop.when_closed(lambda: shown.append("at once"))
    assert shown == ["newer", "at once"]


class AppKit(ModuleType):
    """What of AppKit and PyObjCTools `MacLoop` uses. `run` does what was left for the main thread."""

    NSApplicationActivationPolicyAccessory = 1
    NSMenuDidBeginTrackingNotification = "opened"
    NSMenuDidEndTrackingNotification = "closed"
    NSApplicationWillTerminateNotification = "ends"

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__("AppKit")
        self.policy = 0
        self.heard: dict[str, Callable[[object], None]] = {}
        self.signals: dict[int, Callable[[int], None]] = {}
        self.left: list[Callable[[], None]] = []
        application = SimpleNamespace(setActivationPolicy_=lambda policy: setattr(self, "policy", policy))
        self.NSApplication = SimpleNamespace(sharedApplication=lambda: application)
        center = SimpleNamespace(addObserverForName_object_queue_usingBlock_=self._observe)
        self.NSNotificationCenter = SimpleNamespace(defaultCenter=lambda: center)
        tools = ModuleType("PyObjCTools")
        tools.AppHelper = SimpleNamespace(callAfter=self.left.append)  # type: ignore[attr-defined]
        tools.MachSignals = SimpleNamespace(signal=self.signals.__setitem__)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "AppKit", self)
        monkeypatch.setitem(sys.modules, "PyObjCTools", tools)

    def _observe(self, name: str, who: None, queue: None, block: Callable[[object], None]) -> str:
        assert who is queue is None
        self.heard[name] = block
        return name

    def run(self) -> None:
        while self.left:
            self.left.pop(0)()


@posix_only
def test_on_macos_it_is_no_app_of_the_dock_and_ends_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    kit, ended = AppKit(monkeypatch), list[str]()
    MacLoop(lambda: ended.append("end"))
    assert kit.policy == kit.NSApplicationActivationPolicyAccessory
    kit.heard["ends"](None)
    kit.signals[signal.SIGTERM](signal.SIGTERM)
    assert ended == ["end"] * 2


@posix_only
def test_on_macos_the_chosen_item_means_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """pystray looks an item's number up in the newest menu; AppKit tells of the choice after the menu has closed."""
    kit, done = AppKit(monkeypatch), list[str]()
    loop = MacLoop(lambda: None)
    loop.do(lambda: loop.when_closed(lambda: done.append("first menu")))
    kit.run()
    kit.heard["opened"](None)
    loop.do(lambda: loop.when_closed(lambda: done.append("second menu")))
    kit.run()
    kit.heard["closed"](None)
    done.append("choice")
    kit.run()
    assert done == ["first menu", "choice", "second menu"]


@posix_only
def test_on_macos_a_notice_neither_stops_the_loop_nor_breaks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    AppKit(monkeypatch)
    loop, tried = MacLoop(lambda: None), threading.Event()

    def refused() -> None:
        assert threading.current_thread() is not threading.main_thread()
        tried.set()
        raise subprocess.CalledProcessError(1, "osascript")

    loop.notify(refused)
    assert tried.wait(10)
