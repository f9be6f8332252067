"""From an empty folder to the first held mail: what docs/tutorial/first-mailbox.md promises, with its pictures.

    PITCHGATE_SHOTS=docs/tutorial pytest tests/browser/test_home.py

makes them again. Seconds and clicks are printed (`-s`).
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.demo.people import free_port
from tests.browser.checks import keep_picture
from tests.machine import Child, machine
from tests.sandbox_process import SandboxProcess

pytestmark = pytest.mark.browser
T = TypeVar("T")

CLIENT = {"client_id": "1234-home.apps.googleusercontent.com", "client_secret": "GOCSPX-home-of-ana"}
PITCH = (
    "Hi Ana, I noticed that your team is growing. We help companies like yours book 30% more qualified demos with our"
    " AI-powered outreach platform. Would you be open to a quick 15-minute call next week? Best, Sam"
)


class Clicks:
    """Counts what a person presses."""

    def __init__(self) -> None:
        self.count = 0

    def press(self, page: Page, role: str, name: str) -> None:
        self.count += 1
        page.get_by_role(role, name=name).first.click()  # type: ignore[arg-type]


@pytest.fixture
def google() -> Iterator[SandboxProcess]:
    with SandboxProcess("--mailbox", "ana@corp.test=Ana Alba") as sandbox:
        told = {**CLIENT, "kind": "desktop"}
        sandbox.http.post("/sandbox/clients", json=told | {"project": "home"}).raise_for_status()
        earlier = {"header_to": "ana@corp.test", "labels": ["INBOX"]}
        pitch = {"from": "Kim Keen <kim@leads.test>", "subject": "More demos for your team", "text": PITCH}
        lunch = {"from": "Bo <bo@friend.test>", "subject": "Lunch on Thursday?", "text": "At one, as always?"}
        sandbox.seed("ana@corp.test", [sent("bo@friend.test"), earlier | lunch, earlier | pitch])
        yield sandbox


def sent(to: str) -> dict[str, object]:
    return {
        "from": "ana@corp.test",
        "header_to": to,
        "subject": "Hello",
        "text": "See you",
        "labels": ["SENT"],
    }


class Home:
    """`pitchgate home`, its Google being the sandbox: forked, or as a person types it where it is the `typed` one."""

    def __init__(
        self, google: SandboxProcess, folder: Path, *arguments: str, file: Path, typed: bool = False
    ) -> None:
        environment = {
            **os.environ,
            "PITCHGATE_AUTHORIZE_URL": f"{google.url}/o/oauth2/v2/auth",
            "PITCHGATE_TOKEN_URL": f"{google.url}/token",
            "PITCHGATE_REVOKE_URL": f"{google.url}/revoke",
            "PITCHGATE_JWKS_URL": f"{google.url}/oauth2/v3/certs",
            "PITCHGATE_GMAIL_URL": google.url,
            "PYTHONUNBUFFERED": "1",
        }
        words = ["backend", "home", "--folder", str(folder), "--client-file", str(file)]
        words += ["--no-browser", "--no-unit", *arguments]
        said, says = os.pipe()
        self.stdout = os.fdopen(said)
        self._process: subprocess.Popen[bytes] | Child
        if typed:
            command = [sys.executable, "-m", *words]
            self._process = subprocess.Popen(command, env=environment, stdout=says, stderr=says)
        else:
            self._process = machine().begin(words, environment, says, pipe=False, real_time=True)
        os.close(says)

    def ended(self, status: int | None = 0) -> str:
        """What it said, when it has ended: with this status, or None, however it did."""
        text = self.stdout.read()
        self.stdout.close()
        process = self._process
        code = process.ends(60) if isinstance(process, Child) else process.wait(60)
        assert code is not None
        assert status in (None, code), text
        return text

    def stop(self) -> None:
        """End it, as Ctrl-C or the system does."""
        self._process.send_signal(signal.SIGTERM)
        self.ended(None)


def console_file(folder: Path, **changes: str) -> Path:
    file = folder / "client_secret_1234.json"
    file.write_text(json.dumps({"installed": CLIENT | changes}))
    return file


def test_from_an_empty_folder_to_the_first_held_mail(
    google: SandboxProcess, browser: Browser, tmp_path: Path, shots: Path
) -> None:
    folder, port, clicks, began = tmp_path / "home", free_port(), Clicks(), time.monotonic()
    file = console_file(tmp_path)
    running = Home(google, folder, "--port", str(port), file=file)
    try:
        line = until(running.stdout.readline, lambda text: text.startswith("Open "))
        address = line.split()[1]
        page = browser.new_page(viewport={"width": 1000, "height": 720})
        page.goto(address)
        picture(page, shots, 1, "landing")
        clicks.press(page, "button", "Connect")
        expect(page.get_by_role("button", name="Allow")).to_be_visible()
        picture(page, shots, 2, "consent")
        page.get_by_label("Ana Alba").check()
        clicks.count += 1
        clicks.press(page, "button", "Allow")
        expect(page.locator("a[href='/start']")).to_be_visible()
        picture(page, shots, 3, "connected")
        page.locator("a[href='/start']").click()
        clicks.count += 1
        expect(page.locator("#choice")).to_be_visible()
        offered = page.locator("input[name=mode]")
        expect(offered.locator("xpath=self::*[@value='challenge']")).to_be_disabled()
        expect(page.get_by_text("More demos for your team").first).to_be_visible(timeout=60_000)
        picture(page, shots, 4, "first-run", whole=True)
        page.locator("input[name=mode][value=quarantine]").check()
        page.locator("button[formaction='/start/choose']").click()
        clicks.count += 2
        told = until(running.stdout.readline, lambda text: "read from now on" in text)
        assert address in told
        ready = time.monotonic() - began
        google.deliver("ana@corp.test", sender="sam@seller.test", subject="Quick question", text=PITCH)
        until(
            lambda: [mail["labels"] for mail in google.messages("ana@corp.test", full=True)],
            lambda labels: any("Pitchgate/Held" in names and "INBOX" not in names for names in labels),
            pause=0.2,
        )
        held = time.monotonic() - began
        page.goto(f"{address}/review")
        expect(page.get_by_text("Quick question").first).to_be_visible()
        picture(page, shots, 5, "review")
        page.close()
        print(f"\nclicks {clicks.count}, read from {ready:.1f} s, first mail held at {held:.1f} s")
    finally:
        running.stop()
    settings = folder / "settings.env"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "PITCHGATE_NOTICES=poll" in settings.read_text()


def test_a_second_start_asks_nothing(google: SandboxProcess, tmp_path: Path) -> None:
    folder, port, file = tmp_path / "home", free_port(), console_file(tmp_path)
    for _ in range(2):
        running = Home(google, folder, "--port", str(port), file=file)
        try:
            until(running.stdout.readline, lambda text: text.startswith("Open "))
        finally:
            running.stop()
        file = tmp_path / "gone.json"


def test_another_port_and_the_unit_of_a_home_that_is_there(
    google: SandboxProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--port` and `--unit` were read at the first start alone; a taken port advised --port for ever."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder, (first, second), file = tmp_path / "home", (free_port(), free_port()), console_file(tmp_path)
    settings, unit = folder / "settings.env", tmp_path / "config/systemd/user/pitchgate.service"
    running = Home(google, folder, "--port", str(first), file=file)
    try:
        until(running.stdout.readline, lambda text: text.startswith("Open "))
        told = Home(google, folder, "--port", str(second), file=file).ended(status=1)
        assert "systemctl --user stop" in told, "two servers would serve one database"
        assert str(second) not in settings.read_text()
    finally:
        running.stop()
    with settings.open("a") as lines:
        lines.write("PITCHGATE_REPLAY_DAYS=30\n")
    before = settings.read_text()
    running = Home(google, folder, "--port", str(second), file=file)
    try:
        told = until(running.stdout.readline, lambda text: text.startswith("Open "))
        assert f"http://127.0.0.1:{second}" in told
    finally:
        running.stop()
    assert settings.read_text() == before.replace(str(first), str(second))
    assert not unit.exists()
    told = Home(google, folder, "--unit", file=file).ended()
    assert "systemctl --user restart pitchgate.service" in told
    assert f"EnvironmentFile={settings}" in unit.read_text()
    unit.unlink()
    Home(google, folder, "--again", "--unit", file=file).ended()
    assert unit.exists()
    assert settings.read_text() == before.replace(str(first), str(second)), "the key and what was added stay"


def test_a_clock_that_is_off_is_told_before_anything_is_written(
    google: SandboxProcess, tmp_path: Path
) -> None:
    google.http.post("/sandbox/clock", json={"skew": 900}).raise_for_status()
    told = Home(google, tmp_path / "home", file=console_file(tmp_path)).ended(status=1)
    assert "15 min behind" in told
    assert "timedatectl" in told
    assert not (tmp_path / "home" / "settings.env").exists()


def test_a_client_google_does_not_know_leaves_nothing_behind(google: SandboxProcess, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    file = console_file(tmp_path, client_secret="GOCSPX-another-one")
    running = Home(google, folder, file=file)
    text = running.ended(status=1)
    assert "Google does not accept this client" in text
    assert not (folder / "settings.env").exists()


def until(look: Callable[[], T], good: Callable[[T], bool], pause: float = 0.0) -> T:
    """What `look` returns once it is good."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        found = look()
        if good(found):
            return found
        time.sleep(pause)
    raise AssertionError("waited in vain")


def picture(page: Page, shots: Path, number: int, name: str, whole: bool = False) -> None:
    keep_picture(page, shots / f"first-mailbox-{number}-{name}.png", full_page=whole)
