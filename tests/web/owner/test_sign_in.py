"""Signing in brings an owner to the page they asked for, and to no other place, whatever a form or a cookie says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.web.google.way_back import PAGES
from tests.web.service import Office, office

ELSEWHERE = [
    "https://evil.test/",
    "//evil.test/review",
    "/\\evil.test",
    "/review/../sign-out",
    "/healthz",
    "/review?x",
]


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Office]:
    async with office(tmp_path) as opened:
        await opened.at_work()
        yield opened


async def text_of(answer: Any) -> str:
    return str(await answer.get_data(as_text=True))


async def back_from_google(here: Office, browser: Any) -> str:
    answer = await browser.get(here.google.back())
    assert answer.status_code == 200
    return await text_of(answer)


@pytest.mark.parametrize("page", sorted(PAGES))
async def test_he_comes_to_the_page_he_asked_for(here: Office, page: str) -> None:
    browser = here.app.test_client()
    asked = await browser.get(page)
    assert asked.status_code == 401
    assert f'name="page" value="{page}"' in await text_of(asked)

    await browser.post("/connect", form={"page": page})
    told = await back_from_google(here, browser)

    assert f'content="0; url={page}"' in told
    assert f'href="{page}"' in told
    assert (await browser.get(page)).status_code == 200
    assert {cookie.name for cookie in browser.cookie_jar} == {"pitchgate-session"}


@pytest.mark.parametrize("page", ELSEWHERE)
async def test_no_form_leads_him_elsewhere(here: Office, page: str) -> None:
    browser = here.app.test_client()
    await browser.post("/connect", form={"page": page})
    assert "refresh" not in await back_from_google(here, browser)


@pytest.mark.parametrize("page", ELSEWHERE)
async def test_no_planted_cookie_leads_him_elsewhere(here: Office, page: str) -> None:
    browser = here.app.test_client()
    await browser.post("/connect")
    browser.set_cookie("localhost", "pitchgate-wanted", page, path="/connect")
    assert "refresh" not in await back_from_google(here, browser)


async def test_a_mailbox_that_only_begins_shows_what_happens_now(here: Office) -> None:
    browser = here.app.test_client()
    here.google.grant = replace(here.google.grant, sub="sub-eve", email="eve@corp.test")
    await browser.post("/connect", form={"page": "/review"})
    told = await back_from_google(here, browser)
    assert "What happens now" in told
    assert "refresh" not in told


async def test_connecting_from_the_start_page_forgets_an_earlier_wish(here: Office) -> None:
    browser = here.app.test_client()
    await browser.post("/connect", form={"page": "/insights"})
    await browser.post("/connect")
    assert "What happens now" in await back_from_google(here, browser)


async def test_a_form_sent_without_a_session_asks_to_sign_in_and_promises_no_page(here: Office) -> None:
    answer = await here.app.test_client().post("/review/undo", form={"csrf": "x"})
    assert answer.status_code == 401
    assert 'name="page"' not in await text_of(answer)
