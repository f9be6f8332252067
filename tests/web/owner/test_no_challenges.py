"""Where senders could not open a link, challenge mode is refused with the reason, whichever way it is asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.domain.mailbox.mailbox import Mode
from tests.web.owner_pages import Visit
from tests.web.service import Office, office

WHY = "a public https address that senders can open"
SAVED = {"strictness": "normal", "credits_per_solve": "3", "daily_challenges": "9", "domain_challenges": "3"}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Office]:
    """A laptop behind a router."""
    settings = {"environment": "production", "public_url": "http://127.0.0.1:8400", "live_page": False}
    async with office(tmp_path, **settings) as opened:
        await opened.store.change_preferences("ana", {"mode": "observe"}, opened.story.now)
        yield opened


@pytest.mark.parametrize("path", ["/settings", "/start"])
async def test_the_pages_offer_it_closed_and_say_why(home: Office, path: str) -> None:
    ana = await Visit.at_home(home)
    page = await ana.get(path)
    assert 'value="challenge" disabled' in page
    assert WHY in page


async def test_a_form_that_asks_for_it_all_the_same_is_refused(home: Office) -> None:
    ana = await Visit.at_home(home)
    await ana.get("/settings")
    page = await ana.post("/settings", 422, mode="challenge", retention_days="90", **SAVED)
    assert f"“Hold and reply” needs {WHY}" in page
    await ana.get("/start")
    await ana.post("/start/choose", 422, mode="challenge", strictness="normal")
    assert (await ana.mailbox()).preferences.mode is Mode.OBSERVE


async def test_the_api_names_the_field_and_the_reason(home: Office) -> None:
    caller = await home.caller()
    response = await caller.request("PATCH", "preferences", 422, json={"mode": "challenge"})
    assert (response["code"], response["field"]) == ("out_of_range", "mode")
    assert "public https address" in response["title"]
    await caller.request("PATCH", "preferences", json={"mode": "quarantine"})
