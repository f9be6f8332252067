"""An owner connects: to Google, and back in every way one can come back."""

from __future__ import annotations

import html
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from quart import Response
from werkzeug.datastructures import LanguageAccept

from backend.domain.challenge import LINK_LIFE
from backend.domain.errors import PitchgateError, Refused, TryLater
from backend.domain.mailbox.mailbox import Strictness
from backend.locale import LANGUAGES, catalogue, reason
from backend.pipeline.act import challenge_wording
from backend.settings import GMAIL_MODIFY
from backend.transactions.records import Duty
from backend.web.google import EXAMPLE_ROWS
from backend.web.pages import words_for
from tests.onward import onward
from tests.web.service import TOKEN, Client, Office, office, unopened

BACK = "/connect/callback?code=4/0Ab&state=s1&authuser=0"
"""Of somebody who did not begin here."""


def cookie_of(answer: Response, name: str = "pitchgate-connect") -> str:
    (cookie,) = [one for one in answer.headers.getlist("Set-Cookie") if one.split("=")[0].endswith(name)]
    return str(cookie)


async def come_back(client: Client, here: Office, **changes: str) -> Response:
    """The answer to somebody who went to Google and was led back."""
    await client.post("/connect")
    return await client.get(here.google.back(**changes))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_landing_page_shows_the_product_and_the_reply_as_they_are(
    client: Client, here: Office, language: str
) -> None:
    answer = await client.get("/", headers={"Accept-Language": language})
    page = html.unescape(await answer.get_data(as_text=True))

    cost = here.service.context.reader.cost(Strictness.NORMAL)
    t = words_for("connect", LanguageAccept([(language, 1)]))
    assert (
        t("measured", caught=cost.caught, held=cost.held) in page
    )  # the figures of the model that is served
    for *_, code, _, _ in EXAMPLE_ROWS:
        assert reason(language, code) in page
        assert f"reason.{code}" in catalogue(language), "no bare code"
    wording = challenge_wording(language, here.clock.now() + LINK_LIFE, 3)
    assert all(text in page for text in (wording.todo, wording.more, wording.what)), "what is really sent"
    assert 'action="/connect"' in page


async def test_connect_goes_to_google_with_a_cookie_that_only_this_way_back_can_use(
    client: Client, here: Office
) -> None:
    answer = await client.post("/connect")

    assert answer.status_code == 200
    page = await answer.get_data(as_text=True)
    assert onward(page).startswith("https://accounts.google.com/")
    assert f'content="0; url={html.escape(onward(page))}"' in page
    cookie = cookie_of(answer)
    assert here.google.begun[0]["state"] not in cookie, "sealed"
    for flag in ("HttpOnly", "SameSite=Lax", "Max-Age=900", "Path=/"):
        assert flag in cookie


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host() -> None:
    client = unopened(public_url="https://pitchgate.test").app.test_client()

    cookie = cookie_of(await client.post("/connect"))

    assert cookie.startswith("__Host-pitchgate-connect=")
    assert "Secure" in cookie
    assert "Domain" not in cookie


async def test_forms_lead_to_ourselves_and_nowhere_else(client: Client) -> None:
    for path in ("/", "/connect", "/healthz"):
        policy = (await client.get(path)).headers["Content-Security-Policy"]
        assert policy.split("; ")[-1] == "form-action 'self'"


async def test_coming_back_shows_the_mailbox_and_drops_the_cookie(client: Client, here: Office) -> None:
    answer = await come_back(client, here)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "ana@corp.test" in page
    assert "We are asking Gmail to tell us" in page
    assert here.google.redeemed == ["4/0Ab"]
    assert "Max-Age=0" in cookie_of(answer)


async def test_a_returning_mailbox_shows_its_real_state(client: Client, here: Office) -> None:
    story = here.story
    await here.service.save_preferences("ana", {"mode": "observe"})
    index = await story.hold("ana", Duty.INDEX)
    await here.store.save_watch("ana", story.now + timedelta(days=5), "900")
    assert "We read who you have written to" in await (await come_back(client, here)).get_data(as_text=True)

    await here.store.save_index(index, "", 40, 40, True, story.now)
    assert "Nothing is held" in await (await come_back(client, here)).get_data(as_text=True)


async def test_an_unticked_box_is_named_with_what_it_is_needed_for(client: Client, here: Office) -> None:
    here.google.grant = replace(here.google.grant, scopes=here.google.grant.scopes - {GMAIL_MODIFY})

    answer = await come_back(client, here)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "A box was left unticked" in page
    assert "move a pitch out of the inbox" in page
    assert "Try again" in page


async def shows(answer: Response, status: int, words: str) -> None:
    """A visitor who came back another way reads so in plain words."""
    page = await answer.get_data(as_text=True)
    assert answer.status_code == status
    assert words in page
    assert "Nothing was stored" in page
    assert "Max-Age=0" in cookie_of(answer)


async def test_whoever_does_not_agree_at_google_is_told_so(client: Client, here: Office) -> None:
    await shows(await come_back(client, here, error="access_denied"), 422, "You did not give access")


async def test_an_answer_of_another_visit_is_refused(client: Client, here: Office) -> None:
    await shows(await come_back(client, here, state="s1"), 422, "The connection was not completed")
    await shows(await here.app.test_client().get(here.google.back()), 422, "The connection was not completed")


async def test_who_takes_too_long_is_told_so(client: Client, here: Office) -> None:
    await client.post("/connect")
    here.clock.advance(minutes=16)
    await shows(await client.get(here.google.back()), 422, "took too long")


async def test_another_account_than_the_one_to_be_connected_again_is_refused(
    client: Client, here: Office
) -> None:
    await client.post("/connect", form={"account": "eve@corp.test"})
    await shows(await client.get(here.google.back()), 422, "another Google account")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Refused("something_new"), 422, "did not work"),
        (TryLater("no"), 503, "cannot be reached"),
        (PitchgateError("no"), 502, "did not work"),
    ],
)
async def test_what_google_refuses_is_told_in_plain_words(
    client: Client, here: Office, error: Exception, status: int, words: str
) -> None:
    here.google.trouble = error
    await shows(await come_back(client, here), status, words)


async def test_an_absurd_answer_is_refused_before_it_goes_further(client: Client, here: Office) -> None:
    answer = await client.get("/connect/callback?state=" + "x" * 5_000)

    assert answer.status_code == 422
    assert here.google.redeemed == []


async def test_a_scanner_that_only_asks_for_the_head_uses_nothing_up(client: Client, here: Office) -> None:
    await client.post("/connect")
    answer = await client.head(here.google.back())

    assert answer.status_code == 204
    assert here.google.redeemed == []


async def test_hostile_words_from_google_stay_words(client: Client, here: Office) -> None:
    here.google.grant = replace(here.google.grant, email="<script>alert(1)</script>")

    page = await (await come_back(client, here)).get_data(as_text=True)

    assert "<script>alert" not in page


async def test_another_site_cannot_begin_a_connection(client: Client, here: Office) -> None:
    answer = await client.post("/connect", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert here.google.begun == []


async def test_connecting_an_account_again_says_which_one_it_must_be(client: Client, here: Office) -> None:
    answer = await client.post("/connect", form={"account": "ana@corp.test"})
    assert answer.status_code == 200
    assert here.google.begun[-1]["login_hint"] == "ana@corp.test"

    answer = await client.post("/connect", form={"account": "a" * 300})
    assert answer.status_code == 422


@pytest.mark.parametrize(("language", "words"), [("de", "nicht erreichbar"), ("fr", "injoignable")])
async def test_the_page_for_when_we_are_gone_is_in_the_readers_language_and_nobodys(
    here: Office, language: str, words: str
) -> None:
    answer = await (await here.browser()).get("/offline", headers={"Accept-Language": language})
    told = await answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert words in told
    assert "ana@corp.test" not in told


async def test_owners_pages_can_be_installed_and_a_senders_cannot(client: Client, here: Office) -> None:
    await here.link()
    assert 'rel="manifest"' in await (await client.get("/")).get_data(as_text=True)
    assert 'rel="manifest"' not in await (await client.get(f"/c/{TOKEN}")).get_data(as_text=True)


async def test_the_landing_page_leads_to_the_operators_source(tmp_path: Path) -> None:
    source = "https://code.example/pitchgate"
    async with office(tmp_path, source_url=source) as here:
        answer = await here.app.test_client().get("/")
        page = await answer.get_data(as_text=True)
        assert page.count(f'<a href="{source}">Source code</a>') == 2, "in the menu and at the foot"
