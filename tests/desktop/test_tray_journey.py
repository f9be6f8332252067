"""The tray app against the real server: a click in its menu, and the mail is back in the sandbox's Gmail."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.screen import Screen
from tests.desktop.test_tray_screen import ICON, first_label
from tests.journeys.real_server import RealServer, RealSubject, real_server

pytestmark = pytest.mark.desktop


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    with real_server(tmp_path / "server") as running:
        yield running


def start_app(screen: Screen, subject: RealSubject, token: str) -> None:
    """The app on a computer that has been let in."""
    home = screen.folder / "tray"
    home.mkdir()
    (home / "token.json").write_text(json.dumps({subject.url: token}))
    command = [sys.executable, "-m", "tray_app", "--plain-token-file", "--server", subject.url]
    screen.start(*command, PITCHGATE_TRAY_HOME=str(home))


def test_allow_in_the_menu_releases_the_mail_in_gmail(screen: Screen, server: RealServer) -> None:
    subject = asyncio.run(server.subject())
    start_app(screen, subject, asyncio.run(subject.device_token("Olga's laptop")))
    screen.until(lambda: first_label(screen) == f"Active for {subject.email}", "the state in the menu")

    gmail_id = asyncio.run(subject.hold(1, "Grow your pipeline"))
    assert "Pitchgate/Held" in asyncio.run(subject.labels(gmail_id))
    screen.until(lambda: any("Grow" in item["label"] for item in screen.menu()), "the sender in the menu")
    screen.shot("journey-held")
    screen.choose(ICON, "Ann Seller 1", "Allow ann@seller1.example")

    def released() -> bool:
        labels = asyncio.run(subject.labels(gmail_id))
        return "INBOX" in labels and "Pitchgate/Held" not in labels

    screen.until(released, "the mail back in the inbox")
    screen.until(lambda: any(i["label"].startswith("Undo: Allowed") for i in screen.menu()), "the undo")
    screen.choose(ICON, "Review…")
    screen.until(lambda: screen.find("heading", "Held mail"), "the server's review page in the window")
    screen.shot("journey-review")
