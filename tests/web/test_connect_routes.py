"""An owner connects: to Google, and back in every way one can come back."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta

import pytest
from quart import Response

from backend.domain.errors import Expired, PitchgateError, Refused, TryLater
from backend.pipeline.connect import Connected
from backend.settings import GMAIL_MODIFY
from backend.web.app import create_app
from tests.onward import onward
from tests.web.fakes import NOW, Client, World, mailbox, world

BACK = "/connect/callback?code=4/0Ab&state=s1&authuser=0"


def cookie_of(answer: Response) -> str:
    (cookie,) = answer.headers.getlist("Set-Cookie")
    return str(cookie)


async def test_the_landing_page_says_what_it_does_and_never_does(client: Client) -> None:
    page = await (await client.get("/")).get_data(as_text=True)

    assert "What it does" in page
    assert "What it never does" in page
    assert 'action="/connect"' in page


async def test_connect_goes_to_google_with_a_cookie_that_only_this_way_back_can_use(
    client: Client,
) -> None:
    answer = await client.post("/connect")

    assert answer.status_code == 200
    page = await answer.get_data(as_text=True)
    assert onward(page).startswith("https://accounts.google.com/")
    assert f'content="0; url={html.escape(onward(page))}"' in page
    cookie = cookie_of(answer)
    assert cookie.startswith("pitchgate-connect=sealed-state;")
    for flag in ("HttpOnly", "SameSite=Lax", "Max-Age=900", "Path=/"):
        assert flag in cookie


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    client = create_app(world(public_url="https://pitchgate.test").services).test_client()

    cookie = cookie_of(await client.post("/connect"))

    assert cookie.startswith("__Host-pitchgate-connect=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_forms_lead_to_ourselves_and_nowhere_else(client: Client) -> None:
    for path in ("/", "/connect", "/healthz"):
        policy = (await client.get(path)).headers["Content-Security-Policy"]
        assert policy.split("; ")[-1] == "form-action 'self'"


async def test_coming_back_shows_the_mailbox_and_drops_the_cookie(client: Client, around: World) -> None:
    around.entrances.connected = Connected(mailbox(), frozenset(), "ana@corp.test")
    await client.post("/connect")

    answer = await client.get(BACK)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "ana@corp.test" in page
    assert "Gmail is being asked to tell us" in page
    assert around.entrances.finishes == [("sealed-state", {"code": "4/0Ab", "state": "s1"})]
    assert "Max-Age=0" in cookie_of(answer)


async def test_a_returning_mailbox_shows_its_real_state(client: Client, around: World) -> None:
    watched = mailbox(watch_expires_at=NOW + timedelta(days=5))
    around.entrances.connected = Connected(watched, frozenset(), "ana@corp.test")
    assert "We read who you have written to" in await (await client.get(BACK)).get_data(as_text=True)

    indexed = replace(watched, indexed_at=NOW)
    around.entrances.connected = Connected(indexed, frozenset(), "ana@corp.test")
    assert "Nothing is held" in await (await client.get(BACK)).get_data(as_text=True)


async def test_an_unticked_box_is_named_with_what_it_is_needed_for(client: Client, around: World) -> None:
    around.entrances.connected = Connected(None, frozenset({GMAIL_MODIFY}), "ana@corp.test")

    answer = await client.get(BACK)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "A box was left unticked" in page
    assert "move a pitch out of the inbox" in page
    assert "Connect again" in page


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Refused("no", code="connect_denied"), 422, "You did not give access"),
        (Refused("no", code="connect_state"), 422, "belongs to another visit"),
        (Expired("no", code="connect_expired"), 422, "took too long"),
        (Refused("no", code="connect_account"), 422, "another Google account"),
        (Refused("no", code="something_new"), 422, "did not work"),
        (TryLater("no"), 503, "cannot be reached"),
        (PitchgateError("no"), 502, "did not work"),
    ],
)
async def test_every_other_way_back_is_told_in_plain_words(
    client: Client, around: World, error: Exception, status: int, words: str
) -> None:
    around.entrances.broken = error

    answer = await client.get(BACK)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == status
    assert words in page
    assert "Nothing was stored" in page
    assert "Max-Age=0" in cookie_of(answer)


async def test_an_absurd_answer_is_refused_before_it_goes_further(client: Client, around: World) -> None:
    answer = await client.get("/connect/callback?state=" + "x" * 5_000)

    assert answer.status_code == 422
    assert around.entrances.finishes == []


async def test_a_scanner_that_only_asks_for_the_head_uses_nothing_up(client: Client, around: World) -> None:
    answer = await client.head(BACK)

    assert answer.status_code == 204
    assert around.entrances.finishes == []


async def test_hostile_words_from_google_stay_words(client: Client, around: World) -> None:
    around.entrances.connected = Connected(mailbox(), frozenset(), "<script>alert(1)</script>")

    page = await (await client.get(BACK)).get_data(as_text=True)

    assert "<script>alert" not in page


async def test_another_site_cannot_begin_a_connection(client: Client, around: World) -> None:
    answer = await client.post("/connect", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert around.entrances.begun == 0


async def test_connecting_an_account_again_says_which_one_it_must_be(client: Client, around: World) -> None:
    answer = await client.post("/connect", form={"account": "ana@corp.test"})
    assert answer.status_code == 200
    assert around.entrances.account == "ana@corp.test"

    answer = await client.post("/connect", form={"account": "a" * 300})
    assert answer.status_code == 422
