"""The app as a person meets it: icon, menu, notice, windows, on a virtual desktop with a real pointer and keys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.screen import Screen
from tray_app.autostart_linux import APPLICATION, desktop_entry
from tray_app.icons import TILES
from tray_app.state import Icon

pytestmark = pytest.mark.desktop
ICON = (12, 16)
HOSTILE = "'); document.title='x' //\u2028</script><img src=x>\\\" &amp;"


def start_app(
    screen: Screen, backend: FakeBackend, *options: str, signed_in: bool = True, **environ: str
) -> subprocess.Popen[bytes]:
    """The app, as its autostart entry starts it."""
    home = screen.folder / "tray"
    home.mkdir(exist_ok=True)
    if signed_in and not (home / "token.json").exists():
        (home / "token.json").write_text(json.dumps({backend.url: backend.device_token()}))
    command = [sys.executable, "-m", "tray_app", "--plain-token-file", "--server", backend.url, *options]
    return screen.start(*command, PITCHGATE_TRAY_HOME=str(home), **environ)


def shows(screen: Screen, icon: Icon) -> bool:
    """Whether the panel shows an icon with this state's tile."""
    place = screen.picture().crop((0, 0, 34, 32)).tobytes()
    wanted = TILES[icon][:3]
    pixels = [tuple(place[i : i + 3]) for i in range(0, len(place), 3)]
    return sum(max(abs(a - b) for a, b in zip(p, wanted, strict=True)) < 12 for p in pixels) > 60


def waiting(screen: Screen) -> list[dict[str, Any]]:
    """The decisions in the running app's state file, only read: to open it as a store would mend it meanwhile."""
    kept = json.loads((screen.folder / "tray/state.json").read_text())
    return list(kept.get("outbox", {}).values())


def first_label(screen: Screen) -> str:
    menu = screen.menu()
    return str(menu[0]["label"]) if menu else ""


def test_be_told_and_allow_from_the_menu(screen: Screen, backend: FakeBackend) -> None:
    """The story of the tray: an icon, a notice, a menu, one click, the mail is on its way."""
    app = start_app(screen, backend)
    screen.until(lambda: shows(screen, Icon.ACTIVE), "the icon")
    screen.until(lambda: first_label(screen) == "Active for owner@example.com", "the state in the menu")
    screen.shot("tray-active")
    before = screen.picture()

    backend.mailbox.hold(1, subject="Grow <b>fast</b>")
    screen.until(
        lambda: backend.mailbox.email and any("Grow" in i["label"] for i in screen.menu()), "the sender"
    )
    screen.until(lambda: notice_changed(screen, before), "the notice")
    screen.shot("tray-notice")

    screen.choose(ICON, "Ann Seller 1")
    screen.shot("tray-menu")
    screen.keys("Escape", "Escape")
    screen.until(lambda: not screen.menus_open(), "the menu to close")
    screen.choose(ICON, "Ann Seller 1", "Allow ann1@seller1.example")
    screen.until(lambda: backend.mailbox.applied, "the decision at the server")
    assert backend.mailbox.applied[0][1:] == ("m00001", "allow")
    assert backend.mailbox.messages["m00001"]["placement"] == "inbox"
    screen.until(lambda: any(i["label"].startswith("Undo: Allowed") for i in screen.menu()), "the undo")

    screen.choose(ICON, "Quit")
    assert app.wait(10) == 0


def notice_changed(screen: Screen, before: object) -> bool:
    """Whether something has come up in the corner where notices come up."""
    box = (900, 40, 1280, 160)
    return screen.picture().crop(box).tobytes() != before.crop(box).tobytes()  # type: ignore[attr-defined]


def test_the_panel_shows_each_state(screen: Screen, backend: FakeBackend) -> None:
    app = start_app(screen, backend)
    screen.until(lambda: shows(screen, Icon.ACTIVE), "active")
    screen.choose(ICON, "Pause", "For 1 hour")
    screen.until(lambda: shows(screen, Icon.PAUSED), "paused")
    screen.shot("tray-paused")
    screen.until(lambda: first_label(screen).startswith("Paused until"), "the pause in the menu")
    backend.mailbox.paused_until = None
    lost = {"condition": "needs_reconnect", "title": "Access lost", "who": "owner"}
    fields = {"cause": "You took Pitchgate's access away.", "remedy": "Connect again; work resumes."}
    for name, value in (lost | fields).items():
        setattr(backend.mailbox, name, value)
    backend.mailbox.tell("status", {})
    screen.until(lambda: shows(screen, Icon.ATTENTION), "attention")
    screen.shot("tray-attention")
    found = [item["label"] for item in screen.menu()]
    assert found[:3] == ["Access lost", fields["cause"], fields["remedy"]], "the server's words"
    assert "Connect Gmail again…" in found
    backend.stop()
    screen.until(lambda: first_label(screen).startswith("No connection"), "offline")
    screen.shot("tray-offline")
    app.terminate()  # what a log-off sends
    assert app.wait(10) == 0


def test_offline_in_the_window_by_keyboard_and_by_pointer(screen: Screen, backend: FakeBackend) -> None:
    """No server: the window shows the last known list, takes every decision, and they arrive once it is back."""
    for number in (1, 2, 3, 5, 7):
        backend.mailbox.put(make_message(number))
    backend.mailbox.put(make_message(9, subject=HOSTILE, sender_name="Eve"))
    backend.mailbox.put(make_message(20, placement="inbox"))
    start_app(screen, backend)
    screen.until(lambda: any("Eve" in i["label"] for i in screen.menu()), "the list")
    backend.stop()
    screen.until(lambda: first_label(screen).startswith("No connection"), "offline")
    screen.choose(ICON, "Review…")
    screen.until(lambda: screen.find("article", "Eve, 1 message"), "the last known list")
    screen.shot("window-offline")
    screen.until(lambda: screen.find("heading", "Eve ann9@seller9.example"), "their address")
    screen.until(lambda: any(HOSTILE in t for t in screen.texts()), "letter by letter")

    screen.click_on("article", "Ann Seller 7")
    screen.keys("r")
    screen.until(lambda: not screen.find("article", "Ann Seller 7"), "released by key")
    screen.keys("a")  # the focus went on to the next sender
    screen.until(lambda: not screen.find("article", "Ann Seller 5"), "allowed by key")
    screen.keys("Down", "b")
    screen.until(lambda: not screen.find("article", "Ann Seller 2"), "the next but one blocked by key")
    screen.until(lambda: screen.find("button", "Undo"), "the offer to undo")
    screen.shot("window-undo")
    screen.keys("u")
    screen.until(lambda: screen.find("article", "Ann Seller 2"), "undone by key")

    screen.click_on("page tab", "Released recently")
    screen.click_on("button", "Mark as sales")
    screen.until(lambda: not screen.find("article", "Ann Seller 20"), "held after all, by pointer")

    screen.click_on("page tab", "Held")
    screen.keys("slash", "E", "v", "e")
    screen.until(lambda: not screen.find("article", "Ann Seller 1"), "the search")
    screen.until(lambda: screen.find("article", "Eve"), "the one that was searched for")
    screen.shot("window-search")
    screen.keys("Escape")
    screen.until(lambda: screen.find("article", "Ann Seller 1"), "the search cleared")
    screen.until(lambda: len(waiting(screen)) == 3, "three waiting decisions")

    backend.start()
    screen.click_on("button", "Try again now")
    screen.until(lambda: len(backend.mailbox.applied) == 3, "the decisions at the server")
    assert [(i, d) for _, i, d in backend.mailbox.applied] == [
        ("m00007", "release"),
        ("m00005", "allow"),
        ("m00020", "sales"),
    ]
    screen.until(lambda: screen.find("button", "Open the full review page"), "online again")
    screen.click_on("article", "Eve")
    screen.keys("p")
    screen.until(
        lambda: any("Hi Olga, m00009" in text for text in screen.texts()), "the preview, fetched on demand"
    )
    screen.shot("window-online")
    screen.click_on("button", "Open the full review page")
    screen.until(lambda: screen.find("heading", "Review page, signed in"), "the server's page")
    screen.shot("window-live")


def test_nothing_held_says_so(screen: Screen, backend: FakeBackend) -> None:
    start_app(screen, backend)
    screen.until(lambda: first_label(screen).startswith("Active"), "online")
    backend.stop()
    screen.until(lambda: first_label(screen).startswith("No connection"), "offline")
    screen.choose(ICON, "Review…")
    screen.until(lambda: any("Nothing is held" in text for text in screen.texts()), "the empty list")
    screen.shot("window-empty")


def test_a_first_start_begins_in_the_window(screen: Screen, backend: FakeBackend) -> None:
    """Nobody is connected: the window asks for the server. A browser that cannot be opened is told."""
    start_app(screen, backend, signed_in=False, BROWSER="/bin/false")
    screen.until(lambda: screen.find("heading", "Connect this computer"), "the connect form")
    screen.shot("window-connect")
    entry = desktop_entry(["pitchgate-tray"])
    assert screen.application("Pitchgate")[0] == APPLICATION
    assert f"StartupWMClass={APPLICATION}\n" in entry, "the task list shows the entry's name and icon"
    assert shows(screen, Icon.ATTENTION)


def test_a_desktop_without_a_tray_gets_the_window_and_is_told(tmp_path: Path, backend: FakeBackend) -> None:
    backend.mailbox.put(make_message(1))
    screen = Screen(tmp_path / "desktop", panel=False)
    try:
        app = start_app(screen, backend)
        screen.until(lambda: screen.find("article", "Ann Seller 1"), "the window")
        screen.shot("window-no-tray")
        found = "This desktop has no tray that shows icons"
        screen.until(lambda: any(found in text for text in screen.texts()), "why there is a window")
        assert "AppIndicator and KStatusNotifierItem Support" in screen.logs()
        app.terminate()
        assert app.wait(10) == 0
    finally:
        screen.close()


def test_a_second_start_opens_the_window_of_the_first(screen: Screen, backend: FakeBackend) -> None:
    start_app(screen, backend)
    screen.until(lambda: first_label(screen).startswith("Active"), "online")
    second = start_app(screen, backend)
    assert second.wait(15) == 0
    screen.until(lambda: screen.find("heading", "Review page, signed in"), "the window")


def test_the_older_kind_of_tray_works_too(screen: Screen, backend: FakeBackend) -> None:
    backend.mailbox.put(make_message(1))
    start_app(screen, backend, PYSTRAY_BACKEND="gtk")
    screen.until(lambda: shows(screen, Icon.ACTIVE), "the icon")
    screen.until(lambda: backend.streams == 1, "online")
    screen.pointer(*ICON, button=3)
    screen.until(lambda: len(screen.menus_open()) == 1, "its menu")
    screen.shot("tray-gtk")


SERVICE = "org.freedesktop.secrets"
DEFAULT = "/org/freedesktop/secrets/aliases/default"
SECRETS = (
    "import sys; from tray_app.errors import SecretsRefused; from tray_app.app import platform_secrets\n"
    "k, at = platform_secrets(), 'https://p.example'\n"
)


@pytest.fixture
def keyring(screen: Screen) -> None:
    """GNOME Keyring, unlocked: the Secret Service over D-Bus."""
    screen.start(
        "sh", "-c", "printf secret | gnome-keyring-daemon --unlock --foreground --components=secrets"
    )
    screen.until(lambda: screen.owned(SERVICE), "the keyring")


def kept(screen: Screen, use: str) -> list[str]:
    """What these lines print; `k` is the keyring, `at` a server."""
    return screen.run(sys.executable, "-c", SECRETS + use).split()


@pytest.mark.usefixtures("keyring")
def test_the_token_is_kept_in_a_real_keyring(screen: Screen) -> None:
    assert kept(screen, "k.save(at, 'one'); k.save(at, 't0ken'); print(k.load(at))") == ["t0ken"]
    assert kept(screen, "k.forget(at); k.forget(at); print(repr(k.load(at)))") == ["''"]


@pytest.mark.usefixtures("keyring")
def test_a_token_that_the_keyring_package_kept_is_found_and_forgotten(screen: Screen) -> None:
    """As 0.1.0 kept it: https://github.com/jaraco/keyring, backends/SecretService.py."""
    attributes = (
        "service",
        "Pitchgate",
        "username",
        "https://p.example",
        "application",
        "Python keyring library",
    )
    store = (
        "secret-tool",
        "store",
        "--label",
        "Password for 'https://p.example' on 'Pitchgate'",
        *attributes,
    )
    screen.run("sh", "-c", 'printf t0ken | "$@"', "sh", *store)
    assert kept(screen, "print(k.load(at)); k.save(at, 'new'); print(k.load(at))") == ["t0ken", "new"]
    assert kept(screen, "k.forget(at); print(repr(k.load(at)))") == ["''"]


@pytest.mark.usefixtures("keyring")
def test_a_locked_keyring_asks_and_what_stays_locked_is_refused(screen: Screen) -> None:
    kept(screen, "k.save(at, 't0ken')")
    screen.call(SERVICE, "/org/freedesktop/secrets", "org.freedesktop.Secret.Service.Lock", f"['{DEFAULT}']")
    assert kept(screen, "print(repr(k.load('https://q.example')))") == ["''"], (
        "nothing is kept: nobody is asked"
    )
    told = screen.folder / "told"
    waits = "try: k.load(at)\nexcept SecretsRefused as e: open(sys.argv[1], 'w').write(e.title)"
    asking = screen.start(sys.executable, "-c", SECRETS + waits, str(told))
    screen.click_on("button", "Cancel")
    assert asking.wait(20) == 0
    assert told.read_text() == "The keyring did not open: it is still locked"


def test_without_a_keyring_the_token_is_refused(tmp_path: Path) -> None:
    use = (
        "from tray_app.app import platform_secrets\nfrom tray_app.errors import SecretsRefused\n"
        "try: platform_secrets().save('s', 't')\nexcept SecretsRefused as e: print(e.remedy)"
    )
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", use], env=bare, capture_output=True, text=True, check=True)
    assert "--plain-token-file" in result.stdout
