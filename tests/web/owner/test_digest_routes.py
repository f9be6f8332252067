"""The page behind a digest's link: looking changes nothing, one button acts, signed out too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.domain.challenge import token_hash
from backend.domain.mailbox.message import Outcome, Placement
from tests.web.service import Office, office

TOKEN = "t" * 32
BROWSER = {"Accept": "text/html"}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    """Ana has one message held, and a digest with a link that releases it."""
    async with office(tmp_path) as opened:
        await opened.story.receive("ana", "m1", Outcome.HOLD)
        await opened.story.work()
        await opened.story.digest("ana", "m1", token_hash=token_hash(TOKEN))
        yield opened


async def page(here: Office, token: str = TOKEN) -> tuple[int, str]:
    answer = await here.app.test_client().get(f"/d/{token}", headers=BROWSER)
    return answer.status_code, str(await answer.get_data(as_text=True))


async def test_looking_changes_nothing_and_the_button_releases_and_undoes(here: Office) -> None:
    client = here.app.test_client()
    for _ in range(2):
        status, shown = await page(here)
        assert (status, "Nothing has happened yet." in shown) == (200, True)
        assert await here.story.place("ana", "m1") is Placement.HELD

    answer = await client.post(f"/d/{TOKEN}", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/d/{TOKEN}")
    assert await here.story.place("ana", "m1") is Placement.INBOX
    status, shown = await page(here)
    assert (status, "released" in shown, "Nothing has happened yet." in shown) == (200, True, False)

    await client.post(f"/d/{TOKEN}/undo", headers=BROWSER)
    assert await here.story.place("ana", "m1") is Placement.HELD
    assert "Undone" in (await page(here))[1]


async def test_expired_and_unknown_links_get_a_friendly_page(here: Office) -> None:
    status, shown = await page(here, "x" * 32)
    assert (status, "This link isn’t valid" in shown) == (404, True)
    here.clock.advance(days=15)
    status, shown = await page(here)
    assert (status, "This link has expired" in shown) == (410, True)


async def test_another_sites_form_is_refused(here: Office) -> None:
    headers = BROWSER | {"Sec-Fetch-Site": "cross-site"}
    answer = await here.app.test_client().post(f"/d/{TOKEN}", headers=headers)
    assert answer.status_code == 403
    assert await here.story.place("ana", "m1") is Placement.HELD
