"""The Windows program against the real server: a click in its menu, and the mail is back in the sandbox's Gmail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop.tray import shows
from tests.journeys.real_server import RealServer, real_server
from tests.windows.menus import menu
from tests.windows.wine import ICON, Wine
from tray_app.state import Icon

pytestmark = pytest.mark.windows


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    with real_server(tmp_path / "server") as running:
        yield running


def test_allow_in_the_menu_releases_the_mail_in_gmail(wine: Wine, server: RealServer) -> None:
    subject = asyncio.run(server.subject())
    wine.app(subject.url, token=asyncio.run(subject.device_token("Olga's computer")))
    wine.until(lambda: shows(wine, Icon.ACTIVE), "the icon", seconds=60)

    gmail_id = asyncio.run(subject.hold(1, "Grow your pipeline"))
    assert "Pitchgate/Held" in asyncio.run(subject.labels(gmail_id))
    wine.expected = menu("Ann Seller 1")
    wine.choose(ICON, "Ann Seller 1", "Allow ann")

    def released() -> bool:
        labels = asyncio.run(subject.labels(gmail_id))
        return "INBOX" in labels and "Pitchgate/Held" not in labels

    wine.until(released, "the mail back in the inbox")
    wine.shot("windows-journey")
