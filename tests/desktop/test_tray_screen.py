"""The app as a person meets it: icon, menu, notice, windows, on a virtual desktop with a real pointer and keys."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desktop.fake_backend import FakeBackend
from tests.desktop.fake_mailbox import make_message
from tests.desktop.screen import PATIENCE, Screen
from tests.desktop.tray import ICON, first_label, listed, shows, start_app
from tray_app import APPLICATION
from tray_app.install import desktop_entry
from tray_app.state import Icon

pytestmark = pytest.mark.desktop


def test_be_told_and_allow_from_the_menu(screen: Screen, backend: FakeBackend) -> None:
    """The tray: an icon, a notice, a menu, one click, the mail is on its way; a question, a second start."""
    app = start_app(screen, backend.url, backend.device_token())
    screen.until(lambda: shows(screen, Icon.ACTIVE), "the icon")
    screen.until(lambda: first_label(screen) == "Active for owner@example.com", "the state in the menu")
    screen.shot("tray-active")
    before = corner(screen)

    backend.mailbox.hold(1, subject="Grow <b>fast</b>")
    screen.until(lambda: listed(screen, "Grow"), "the sender")
    screen.until(lambda: corner(screen) != before, "the notice")
    screen.shot("tray-notice")

    screen.choose(ICON, "Ann Seller 1")
    screen.shot("tray-menu")
    screen.keys("Escape", "Escape")
    screen.until(lambda: not screen.menus_open(), "the menu to close")
    screen.choose(ICON, "Ann Seller 1", "Allow ann1@seller1.example")
    screen.until(lambda: backend.mailbox.applied, "the decision at the server")
    assert backend.mailbox.applied[0][1:] == ("m00001", "allow")
    assert backend.mailbox.messages["m00001"]["placement"] == "inbox"
    screen.until(lambda: listed(screen, "Undo: Allowed"), "the undo")

    backend.mailbox.put(make_message(3, placement="inbox", subject="Trade fair"))
    backend.mailbox.asked = ["m00003"]
    backend.mailbox.tell("status", {})
    screen.until(lambda: listed(screen, "Trade fair"), "the question")
    screen.choose(ICON, "Ann Seller 3")
    screen.shot("tray-question")
    screen.keys("Escape", "Escape")
    screen.until(lambda: not screen.menus_open(), "the menu to close")
    screen.choose(ICON, "Ann Seller 3", "Yes, a sales pitch")
    screen.until(lambda: backend.mailbox.answers == {"m00003": "yes"}, "the answer at the server")

    assert start_app(screen, backend.url).wait(PATIENCE) == 0, "a second start ends"
    screen.until(lambda: screen.find("heading", "Review page, signed in"), "the first one's window")
    screen.choose(ICON, "Quit")
    assert app.wait(PATIENCE) == 0


def corner(screen: Screen) -> bytes:
    """What is to be seen where notices come up."""
    return screen.picture().crop((900, 40, 1280, 160)).tobytes()


def test_the_panel_shows_each_state(screen: Screen, backend: FakeBackend) -> None:
    app = start_app(screen, backend.url, backend.device_token())
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
    screen.choose(ICON, "Review…")
    screen.until(lambda: any("Nothing is held" in text for text in screen.texts()), "the empty list")
    screen.shot("window-empty")
    app.terminate()  # what a log-off sends
    assert app.wait(PATIENCE) == 0


def test_a_first_start_begins_in_the_window(screen: Screen, backend: FakeBackend) -> None:
    """Nobody is connected: the window asks for the server. It says so if a browser cannot be opened."""
    start_app(screen, backend.url, BROWSER="/bin/false")
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
        app = start_app(screen, backend.url, backend.device_token())
        screen.until(lambda: screen.find("article", "Ann Seller 1"), "the window")
        screen.shot("window-no-tray")
        found = "This desktop has no tray that shows icons"
        screen.until(lambda: any(found in text for text in screen.texts()), "why there is a window")
        assert "AppIndicator and KStatusNotifierItem Support" in screen.logs()
        app.terminate()
        assert app.wait(PATIENCE) == 0
    finally:
        screen.close()


def test_the_older_kind_of_tray_works_too(screen: Screen, backend: FakeBackend) -> None:
    backend.mailbox.put(make_message(1))
    start_app(screen, backend.url, backend.device_token(), PYSTRAY_BACKEND="gtk")
    screen.until(lambda: shows(screen, Icon.ACTIVE), "the icon")
    screen.until(lambda: backend.streams == 1, "online")
    screen.pointer(*ICON, button=3)
    screen.until(lambda: len(screen.menus_open()) == 1, "its menu")
    screen.shot("tray-gtk")


SERVICE = "org.freedesktop.secrets"
DEFAULT = "/org/freedesktop/secrets/aliases/default"
SECRETS = (
    "import sys; from tray_app.errors import SecretsRefused; from tray_app.secret_stores import platform_secrets\n"
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
    kept(screen, "k.save(at, 'one'); k.save(at, 't0ken')")
    use = "print(k.load(at)); k.forget(at); k.forget(at); print(repr(k.load(at)))"
    assert kept(screen, use) == ["t0ken", "''"]


@pytest.mark.usefixtures("keyring")
def test_a_token_that_the_keyring_package_kept_is_found_and_forgotten(screen: Screen) -> None:
    """As 0.1.0 kept it: https://github.com/jaraco/keyring, backends/SecretService.py."""
    kind = ("service", "Pitchgate", "username", "https://p.example", "application", "Python keyring library")
    store = ("secret-tool", "store", "--label", "Password for 'https://p.example' on 'Pitchgate'", *kind)
    screen.run("sh", "-c", 'printf t0ken | "$@"', "sh", *store)
    use = "print(k.load(at)); k.save(at, 'new'); print(k.load(at)); k.forget(at); print(repr(k.load(at)))"
    assert kept(screen, use) == ["t0ken", "new", "''"]


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
    assert asking.wait(PATIENCE) == 0
    assert told.read_text() == "The keyring did not open: it is still locked"


def test_without_a_keyring_the_token_is_refused(tmp_path: Path) -> None:
    use = (
        "from tray_app.secret_stores import platform_secrets\nfrom tray_app.errors import SecretsRefused\n"
        "try: platform_secrets().save('s', 't')\nexcept SecretsRefused as e: print(e.remedy)"
    )
    bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    result = subprocess.run([sys.executable, "-c", use], env=bare, capture_output=True, text=True, check=True)
    assert "--plain-token-file" in result.stdout
