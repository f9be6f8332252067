"""Signed-in browsers: who they are, ending them, and that every sign-in makes a new one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend.domain.challenge import token_hash
from backend.web.browser_session import csrf_of
from tests.web.owner_pages import Visit
from tests.web.service import Office, office

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"


async def signed_in(here: Office, agent: str = FIREFOX, client: Any = None) -> Any:
    """A browser that comes back from Google."""
    client = client or here.app.test_client()
    answer = await here.connect(client, agent=agent)
    assert answer.status_code == 200
    return client


def secret_of(client: Any) -> str:
    return next(cookie.value for cookie in client.cookie_jar if cookie.name == "pitchgate-session")


async def test_the_list_names_browsers_roughly_and_ends_one(here: Office) -> None:
    mine, other = await signed_in(here), await signed_in(here, EDGE)
    visit = Visit(here, mine, "ana")
    page = await visit.get("/devices")
    assert "Firefox on Linux" in page
    assert "Edge on Windows" in page
    assert "140.0" not in page
    (handle,) = re.findall(r'name="session" value="([^"]*)"', page)  # none for this one
    assert secret_of(other) not in page
    assert "The browser is signed out." in await visit.get(
        await visit.post("/devices/browsers/end", session=handle)
    )
    assert (await other.get("/devices")).status_code == 401
    assert (await mine.get("/devices")).status_code == 200


async def test_all_others_end_at_once(here: Office) -> None:
    browsers = [await signed_in(here, agent) for agent in (FIREFOX, EDGE, PHONE)]
    eve = await Visit.begin(here, "eve")
    visit = Visit(here, browsers[0], "ana")
    assert "Safari on iPhone" in await visit.get("/devices")
    page = await visit.get(await visit.post("/devices/browsers/end-others"))
    assert "2 other browsers were signed out." in page
    assert [(await one.get("/devices")).status_code for one in browsers] == [200, 401, 401]
    await eve.get("/devices")


async def test_another_owners_browser_cannot_be_ended(here: Office) -> None:
    ana = await signed_in(here)
    eve = await Visit.begin(here, "eve")
    await eve.get("/devices")
    await eve.post("/devices/browsers/end", session=token_hash(secret_of(ana))[:24])
    await eve.post("/devices/browsers/end-others")
    assert (await ana.get("/devices")).status_code == 200


async def test_signing_in_again_makes_a_new_session_and_ends_the_old(here: Office) -> None:
    browser = await signed_in(here)
    old = secret_of(browser)
    await browser.post(
        "/connect/sign-in"
    )  # on the way to Google the cookie is not sent back: a note of it is
    browser.delete_cookie("localhost", "pitchgate-session")
    await signed_in(here, client=browser)
    assert secret_of(browser) != old
    assert await here.service.session(old) is None
    assert "pitchgate-earlier" not in {cookie.name for cookie in browser.cookie_jar}


async def test_a_ticket_ends_the_session_the_browser_had(here: Office) -> None:
    caller = await here.caller()
    browser = await signed_in(here)
    old = secret_of(browser)
    url = (await caller.request("POST", "ticket", json={"page": "settings"}))["url"]
    answer = await browser.get(url.removeprefix(here.settings.public_url))
    assert answer.headers["Location"] == "/settings"
    assert await here.service.session(old) is None
    assert "opened from the app" in await Visit(here, browser, "ana").get("/devices")


async def test_a_note_that_is_none_of_ours_ends_nothing(here: Office) -> None:
    victim = await signed_in(here)
    attacker = here.app.test_client()
    attacker.set_cookie("localhost", "pitchgate-earlier", secret_of(victim), path="/connect")
    await signed_in(here, client=attacker)
    assert (await victim.get("/devices")).status_code == 200


async def test_a_session_ends_thirty_days_after_its_last_use(here: Office) -> None:
    browser = await signed_in(here)
    found = await here.store.session(token_hash(secret_of(browser)), here.story.now)
    assert found is not None
    assert found.expires_at == here.service.context.clock.now() + timedelta(days=30)
    assert await here.store.session(found.token_hash, found.expires_at) is None
    here.clock.advance(days=20)
    assert (await browser.get("/devices")).status_code == 200
    later = await here.store.session(found.token_hash, here.clock.now())
    assert later is not None
    assert later.expires_at == here.clock.now() + timedelta(days=30)
    here.clock.advance(days=31)
    assert (await browser.get("/devices")).status_code == 401


async def test_computers_are_listed_and_removed(here: Office) -> None:
    await here.token(name="Ana's <b>laptop</b>")
    visit = await Visit.begin(here)
    page = await visit.get("/devices")
    assert "Ana's <b>laptop</b>" in page
    assert "<b>laptop" not in visit.page
    page = await visit.get(await visit.post("/devices/remove", device_id=visit.hidden("device_id")))
    assert "The computer is removed." in page
    assert "No computer is connected." in page


async def test_forms_of_strangers_end_nothing(here: Office) -> None:
    ana = Visit(here, await signed_in(here), "ana")
    await ana.get("/devices")
    for path in ("/devices/remove", "/devices/browsers/end", "/devices/browsers/end-others"):
        assert (await here.app.test_client().post(path, form={})).status_code == 401
        await ana.post(path, 403, csrf="x")


async def test_no_two_answers_have_the_same_token_and_each_is_good(here: Office) -> None:
    ana = Visit(here, await signed_in(here), "ana")
    tokens = []
    for _ in range(2):
        await ana.get("/settings")
        tokens.append(ana.hidden("csrf"))
    assert tokens[0][:8] != tokens[1][:8]
    assert tokens[0][-8:] != tokens[1][-8:]
    await ana.post("/devices/browsers/end-others", 403, csrf=tokens[0][:16] + tokens[1][16:])
    for token in tokens:
        await ana.post("/devices/browsers/end-others", csrf=token)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Office]:
    """One owner's own machine, where other programs listen too."""
    settings = {"environment": "production", "live_page": False, "public_url": "http://127.0.0.1:8400"}
    async with office(tmp_path, **settings) as opened:
        yield opened


def half_in(page: str) -> str:
    found = re.search(r'data-half="([\w-]+)"', page)
    assert found is not None
    return found[1]


async def test_what_another_port_gets_of_a_session_at_home_opens_nothing(home: Office) -> None:
    browser = home.app.test_client()
    half = half_in(await (await home.connect(browser)).get_data(as_text=True))
    cookie = secret_of(browser)
    for thief in (
        {},
        {"X-Pitchgate-Half": "none"},
        {"X-Pitchgate-Half": cookie},
        {"X-Pitchgate-Half": half[:-1]},
    ):
        answer = await browser.get("/review", headers=thief)
        assert answer.status_code == 401
        assert half not in await answer.get_data(as_text=True)
    assert (await browser.get("/review/events")).status_code == 401
    assert (await browser.get("/review", headers={"X-Pitchgate-Half": half})).status_code == 200
    alone = home.app.test_client()
    assert (await alone.get("/review", headers={"X-Pitchgate-Half": half})).status_code == 401


async def test_a_form_at_home_brings_the_other_half(home: Office) -> None:
    browser = home.app.test_client()
    half = half_in(await (await home.connect(browser)).get_data(as_text=True))
    visit = Visit(home, browser, "ana")
    await visit.get("/settings", **{"X-Pitchgate-Half": half})
    token = visit.hidden("csrf")
    assert token.endswith(f".{half}")
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    for wrong in (
        "",
        f".{half}",
        token.partition(".")[0],
        f"{csrf_of(secret_of(browser))}.{half}",
    ):
        refused = await browser.post("/devices/browsers/end-others", data=f"csrf={wrong}", headers=sent)
        assert refused.status_code in (401, 403)
    await visit.post("/devices/browsers/end-others", csrf=token)
    await visit.post("/sign-out", csrf=token)
    assert (await browser.get("/settings", headers={"X-Pitchgate-Half": half})).status_code == 401


async def test_an_app_hands_the_other_half_on_in_what_no_server_sees(home: Office) -> None:
    ticket = await home.service.ticket(await home.service.device(await home.token()), "review")
    browser = home.app.test_client()
    entered = await browser.get(f"/enter?ticket={ticket}")
    path, _, half = entered.headers["Location"].partition("#half=")
    assert path == "/review"
    assert (await browser.get(path, headers={"X-Pitchgate-Half": half})).status_code == 200


async def test_where_only_we_are_the_cookie_is_the_whole_secret(here: Office) -> None:
    browser = here.app.test_client()
    assert "data-half" not in await (await here.connect(browser)).get_data(as_text=True)
    assert (await browser.get("/review")).status_code == 200
