"""Signing in brings an owner to the page they asked for, and to no other place, whatever a form or a cookie says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.domain.errors import AccessLost
from backend.web.browser_session import PAGES
from tests.web.owner.test_review_routes import ASK, hidden
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
async def test_they_come_to_the_page_they_asked_for(here: Office, page: str) -> None:
    browser = here.app.test_client()
    page_shown = await browser.get(page)
    assert page_shown.status_code == 401
    assert f'name="page" value="{page}"' in await text_of(page_shown)

    await browser.post("/connect/sign-in", form={"page": page})
    answer = await back_from_google(here, browser)

    assert f'content="0; url={page}"' in answer
    assert f'href="{page}"' in answer
    assert (await browser.get(page)).status_code == 200
    assert {cookie.name for cookie in browser.cookie_jar} == {"pitchgate-session"}


@pytest.mark.parametrize("page", ELSEWHERE)
async def test_no_form_leads_them_elsewhere(here: Office, page: str) -> None:
    browser = here.app.test_client()
    await browser.post("/connect/sign-in", form={"page": page})
    assert 'content="0; url=/review"' in await back_from_google(here, browser)


@pytest.mark.parametrize("page", ELSEWHERE)
async def test_no_planted_cookie_leads_them_elsewhere(here: Office, page: str) -> None:
    browser = here.app.test_client()
    await browser.post("/connect/sign-in")
    browser.set_cookie("localhost", "pitchgate-wanted", page, path="/connect")
    assert "refresh" not in await back_from_google(here, browser)


async def test_a_mailbox_that_only_begins_shows_what_happens_now(here: Office) -> None:
    browser = here.app.test_client()
    here.google.grant = replace(here.google.grant, sub="sub-eve", email="eve@corp.test")
    await browser.post("/connect/sign-in", form={"page": "/review"})
    answer = await back_from_google(here, browser)
    assert "What happens now" in answer
    assert "refresh" not in answer


async def test_connecting_from_the_start_page_forgets_an_earlier_wish(here: Office) -> None:
    browser = here.app.test_client()
    await browser.post("/connect/sign-in", form={"page": "/insights"})
    await browser.post("/connect")
    assert "What happens now" in await back_from_google(here, browser)


async def test_a_form_sent_without_a_session_asks_to_sign_in_and_promises_no_page(here: Office) -> None:
    answer = await here.app.test_client().post("/review/undo", form={"csrf": "x"})
    assert answer.status_code == 401
    assert 'name="page"' not in await text_of(answer)


async def test_an_owner_who_comes_back_is_asked_who_they_are_and_nothing_else(here: Office) -> None:
    before = await here.store.sealed_token("ana")
    browser = here.app.test_client()
    assert 'action="/connect/sign-in"' in await text_of(await browser.get("/review"))
    answer = await browser.post("/connect/sign-in")
    assert here.google.begun[-1]["access"] == "identity"
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith("pitchgate-connect="))
    assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))
    await back_from_google(here, browser)
    assert (await browser.get("/review")).status_code == 200
    assert await here.store.sealed_token("ana") == before


async def test_a_mailbox_that_lost_its_token_is_signed_in_to_and_then_offers_to_reconnect(
    here: Office,
) -> None:
    await here.store.lose_link("ana", AccessLost.GRANT, here.story.now, here.story.now)
    browser = here.app.test_client()
    await browser.post("/connect/sign-in")
    await back_from_google(here, browser)
    page = await text_of(await browser.get("/review"))
    assert 'action="/connect"' in page
    assert 'name="account" value="ana@corp.test"' in page
    await browser.post("/connect", form={"account": "ana@corp.test"})
    assert here.google.begun[-1] | {"state": ""} == {
        "state": "", "login_hint": "ana@corp.test", "access": "mailbox"
    }  # fmt: skip


def newcomer(here: Office) -> None:
    here.google.grant = replace(here.google.grant, sub="sub-new", email="new@corp.test")


async def test_an_address_without_a_mailbox_is_led_to_connect_it(here: Office) -> None:
    newcomer(here)
    browser = here.app.test_client()
    await browser.post("/connect/sign-in", form={"page": "/insights"})
    answer = await back_from_google(here, browser)
    assert "The mailbox of new@corp.test is not connected yet" in answer
    assert 'name="page" value="/insights"' in answer
    assert await here.store.mailbox_by_email("new@corp.test") is None
    assert (await browser.get("/review")).status_code == 401, "nobody is signed in by that"
    await browser.post("/connect", form={"page": "/insights"})
    assert here.google.begun[-1]["access"] == "mailbox"
    assert "What happens now" in await back_from_google(here, browser)
    assert (await browser.get("/review")).status_code == 200


async def test_an_apps_request_waits_until_its_owners_mailbox_is_connected(here: Office) -> None:
    newcomer(here)
    browser = here.app.test_client()
    sealed = hidden(await text_of(await browser.get("/connect/device", query_string=ASK)), "request")
    await browser.post("/connect/device/sign-in", form={"request": sealed})
    assert here.google.begun[-1]["access"] == "identity"
    sent = hidden(await back_from_google(here, browser), "request")
    await browser.post("/connect", form={"request": sent})
    assert "Connect “Ana&#39;s”?" in await back_from_google(here, browser)
    await browser.post("/connect")
    assert "Ana&#39;s" not in await back_from_google(here, browser), "a new beginning forgets it"


async def test_who_does_not_say_who_they_are_may_sign_in_again(here: Office) -> None:
    browser = here.app.test_client()
    await browser.post("/connect/sign-in")
    answer = await browser.get(here.google.back(error="access_denied"))
    assert answer.status_code == 422
    text = await text_of(answer)
    assert "You are not signed in" in text
    assert 'action="/connect/sign-in"' in text
