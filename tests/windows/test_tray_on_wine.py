"""The tray app as a Windows program: Windows' Python, pystray's Windows icon, a real pointer; on Wine, not Windows."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import shots
from tests.desktop.fake_backend import FakeBackend
from tests.desktop.tray import shows
from tests.windows.menus import item, menu
from tests.windows.page import shown
from tests.windows.wine import ICON, PYTHON, TRAY, Wine
from tray_app.icons import BADGE
from tray_app.state import Icon

__all__ = ["shots"]

pytestmark = pytest.mark.windows
RUN_KEY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run"
MAY_THE_SESSION_END = """
import ctypes
from ctypes import wintypes

def ask(window, number):
    name = ctypes.create_unicode_buffer(256)
    user.GetClassNameW(window, name, 256)
    if name.value.endswith("SystemTrayIcon"):
        print(user.SendMessageW(window, 0x0011, 0, 0))
    return True

user = ctypes.windll.user32
user.EnumWindows(ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)(ask), 0)
"""
"""Asks each window of the icon as Windows does before a log-off, and prints what they answer."""


def online(wine: Wine, backend: FakeBackend) -> None:
    wine.until(lambda: backend.streams == 1 and shows(wine, Icon.ACTIVE), "the icon", seconds=60)


def badged(wine: Wine) -> bool:
    pixels = wine.picture().crop((0, 0, 34, 32)).get_flattened_data()
    return sum(max(abs(a - b) for a, b in zip(p, BADGE[:3], strict=True)) < 12 for p in pixels) > 12


def test_be_told_and_allow_from_the_menu(wine: Wine, backend: FakeBackend) -> None:
    app = wine.app(backend.url, backend.device_token())
    online(wine, backend)
    assert not badged(wine)
    desk = (0, 40, 400, 400)
    before = wine.picture().crop(desk).tobytes()
    backend.mailbox.hold(1, subject="Fish & <b>chips</b>", sender_name="Ann Seller 1 " + "\U0001f680" * 40)
    wine.until(lambda: badged(wine), "the number on the icon")
    wine.until(lambda: wine.picture().crop(desk).tobytes() != before, "the notice")
    wine.shot("windows-notice")

    wine.expected = menu("Ann Seller 1")
    wine.until(lambda: wine.opens() == len(wine.expected), "the sender in the menu")
    wine.pointer(*ICON, button=3)
    wine.until(wine.menus_open, "the menu")
    backend.mailbox.hold(3, subject="Another, while the menu is open")
    wine.until(lambda: "m00003" in str(wine.kept()), "the other one on the disk")
    box = wine.menus_open()[0]
    wine.pointer(box[0] + 60, wine.lines(box)[2], press=False)
    wine.until(
        lambda: len(wine.menus_open()) == 2, "the sub-menu: the menu was not torn away under the pointer"
    )
    wine.keys("Escape")
    wine.dismiss()
    wine.expected = menu("Ann Seller 3", "Ann Seller 1")
    wine.choose(ICON, "Ann Seller 1")
    wine.shot("windows-menu")
    wine.keys("Escape")
    wine.dismiss()
    wine.choose(ICON, "Ann Seller 1", "Allow ann")
    wine.until(lambda: backend.mailbox.applied, "the decision at the server")
    assert [decision[1:] for decision in backend.mailbox.applied] == [("m00001", "allow")]

    wine.expected = menu("Ann Seller 3", undo=True)
    wine.choose(ICON, "Quit")
    assert app.wait(20) == 0
    assert not wine.state.with_name("running.json").exists()
    assert "m00003" in str(wine.kept()["last_known"])
    wine.until(lambda: not shows(wine, Icon.ACTIVE), "the icon to go")


def test_the_icon_shows_each_state(wine: Wine, backend: FakeBackend) -> None:
    wine.app(backend.url, backend.device_token())
    online(wine, backend)
    wine.expected = menu()
    wine.choose(ICON, "Pause", "For 1 hour")
    wine.until(lambda: shows(wine, Icon.PAUSED), "paused")
    wine.shot("windows-paused")
    backend.mailbox.paused_until = None
    backend.mailbox.condition = "needs_reconnect"
    backend.mailbox.tell("status", {})
    wine.until(lambda: shows(wine, Icon.ATTENTION), "attention")
    wine.shot("windows-attention")
    backend.stop()
    wine.until(lambda: shows(wine, Icon.OFFLINE), "offline")
    wine.shot("windows-offline")
    backend.mailbox.condition = "active"
    backend.start()
    wine.until(lambda: shows(wine, Icon.ACTIVE), "online again", seconds=30)


def test_a_log_off_is_allowed_and_ends_the_app(wine: Wine, backend: FakeBackend) -> None:
    app = wine.app(backend.url, backend.device_token())
    online(wine, backend)
    backend.mailbox.hold(1)
    wine.until(lambda: badged(wine), "the number on the icon")
    answers = wine.wine(str(PYTHON), "-c", MAY_THE_SESSION_END).split()
    assert set(answers) == {"1"}, "on Windows a single no keeps everybody logged on"
    wine.wine("wineboot", "--end-session")
    assert app.wait(10) == 0, "ended by itself, not killed"
    assert "m00001" in str(wine.kept()["last_known"]), "written at the end"
    assert not wine.state.with_name("running.json").exists()


def test_killed_and_started_again_a_decision_still_arrives(wine: Wine, backend: FakeBackend) -> None:
    backend.mailbox.hold(1)
    first = wine.app(backend.url, backend.device_token())
    online(wine, backend)
    wine.until(lambda: "m00001" in str(wine.kept()), "the list on the disk")
    backend.stop()
    wine.until(lambda: shows(wine, Icon.OFFLINE), "offline")
    wine.expected = [
        line
        for line in menu("Ann Seller 1", state=("No", "Tried", "Try again"))
        if line["label"] not in ("Pause", "Strictness", "Topics")
    ]
    wine.choose(ICON, "Ann Seller 1", "Block ann")
    wine.until(lambda: wine.kept().get("outbox"), "the decision on the disk")
    wine.wine("taskkill", "/F", "/IM", "pythonw.exe")
    assert first.wait(10) != 0
    backend.start()
    wine.app(backend.url, backend.device_token())
    wine.until(lambda: backend.mailbox.applied, "the decision at the server", seconds=60)
    wine.until(lambda: not wine.kept().get("outbox"), "nothing waits")
    assert [decision[1:] for decision in backend.mailbox.applied] == [("m00001", "block")]


def test_a_second_start_shows_the_review_page_of_the_first(wine: Wine, backend: FakeBackend) -> None:
    """Wine has no Edge WebView2: what Windows without one does, too."""
    backend.mailbox.hold(1)
    first = wine.app(backend.url, backend.device_token())
    online(wine, backend)
    second = wine.app(backend.url, backend.device_token())
    assert second.wait(60) == 0
    wine.until(wine.opened, "the browser")
    (address,) = wine.opened()
    assert "Review page, signed in" in httpx.get(address).text
    wine.pointer(*ICON)  # a left click
    wine.until(lambda: len(wine.opened()) == 2, "the browser again")
    assert first.poll() is None


def test_the_window_is_a_page_in_the_browser(wine: Wine, backend: FakeBackend, shots: Path) -> None:
    """What a Windows without Edge WebView2 gets, and Wine: connect, be shown what is held, decide."""
    wine.app(backend.url)
    wine.until(wine.opened, "the browser", seconds=120)
    with shown(wine.opened()[0]) as page:
        expect(page.get_by_role("heading", name="Connect this computer")).to_be_visible()
        page.screenshot(path=shots / "windows-page-connect.png")
        page.get_by_role("button", name="Connect").click()
        wine.until(lambda: backend.streams == 1 and shows(wine, Icon.ACTIVE), "connected")
        backend.mailbox.hold(1)
        expect(page.get_by_role("article")).to_contain_text("Ann Seller 1")
        page.screenshot(path=shots / "windows-page-held.png")
        page.get_by_role("button", name="Release").click()
        wine.until(lambda: backend.mailbox.applied, "the decision at the server")
    assert [decision[1:] for decision in backend.mailbox.applied] == [("m00001", "release")]


def test_connect_in_the_browser_and_keep_the_token_with_windows(wine: Wine, backend: FakeBackend) -> None:
    wine.app(backend.url)
    wine.until(lambda: shows(wine, Icon.ATTENTION), "the icon", seconds=60)
    wine.expected = [
        item(label)
        for label in ("Not connected", "Review", "Notify", "Open", "Tell", "Connect", "About", "Quit")
    ]
    wine.until(wine.opened, "the page of a first start")
    wine.choose(ICON, "Connect")
    wine.until(lambda: backend.streams == 1 and shows(wine, Icon.ACTIVE), "connected")
    assert "/connect/device?" in wine.opened()[-1]
    assert not wine.state.with_name("token.json").exists()
    kept = (
        "from tray_app.secret_stores import KeyringSecrets as K; import keyring, sys;"
        "print(type(keyring.get_keyring()).__name__, K().load(sys.argv[1]))"
    )
    ring, token = wine.wine(str(PYTHON), "-c", kept, backend.url).split()
    assert (ring, bool(token)) == ("WinVaultKeyring", True)
    assert not any(
        token.encode() in path.read_bytes() for path in wine.state.parent.iterdir() if path.suffix != ".lock"
    )
    wine.expected = menu()
    wine.choose(ICON, "Open at login")
    wine.until(lambda: "Pitchgate" in wine.wine("reg", "query", RUN_KEY), "the start at login")
    assert "pitchgate-trayw.exe --at-login" in wine.wine("reg", "query", RUN_KEY)
    wine.choose(ICON, "Quit")
    wine.until(lambda: backend.streams == 0, "the end")
    found = wine.wine(str(TRAY), "--server", backend.url, "uninstall")
    assert "Forgotten" in found
    assert wine.wine(str(PYTHON), "-c", kept, backend.url).split() == ["WinVaultKeyring"]
    assert "Pitchgate" not in wine.wine("reg", "query", RUN_KEY)
    assert not wine.state.parent.exists()


def test_the_start_menu_starts_it_without_a_console(wine: Wine, backend: FakeBackend) -> None:
    found = wine.wine(str(TRAY), "install")
    link = wine.roaming / "Microsoft/Windows/Start Menu/Programs/Pitchgate.lnk"
    assert "Pitchgate.lnk" in found
    assert link.exists()
    wine.environ["PITCHGATE_TRAY_SERVER"] = backend.url
    wine.start("wine", "start", "/unix", str(link))
    wine.until(lambda: shows(wine, Icon.ATTENTION), "the icon", seconds=60)
    wine.shot("windows-started")
    found = wine.wine(str(TRAY), "uninstall", "--keep-state")
    assert not link.exists()
    assert wine.state.exists()


def test_the_units_hold_on_windows_too(wine: Wine) -> None:
    """What of tests/desktop touches files, sockets, processes, or shows text, run by Windows' Python."""
    names = "authorize controller icons kill loops menu notices outbox platform state storage window_process"
    files = [f"tests/desktop/test_{name}.py" for name in names.split()]
    options = ["-v", "-s", "-p", "no:cacheprovider", "--no-header", "--tb=short"]
    done = wine.start("wine", str(PYTHON), "-m", "pytest", *options, *files)
    ended = done.wait(480)
    (log,) = (wine.folder / "log").glob("wine-*.txt")
    output = log.read_text(errors="replace")
    assert ended == 0, output
    print("", *(line for line in output.splitlines() if "kills" in line or " passed" in line), sep="\n")
