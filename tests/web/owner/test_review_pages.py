"""The review pages' addresses, orders and words: what is read from outside is checked, what is done is told."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain import challenge
from backend.domain.errors import Refused, TryLater
from backend.domain.mail.message import Address, Arrival, Headers, Message
from backend.domain.mailbox.message import Placement
from backend.domain.mailbox.review import UnsubscribeState
from backend.domain.reading.score import Mark
from backend.locale import catalogue
from backend.web.owner.review_show import ListView, TextPiece, list_view_from, pieces, plain, return_url
from tests.web.offers import offered
from tests.web.service import Office

ORDER = "o" * 24


async def shown(client: Any, path: str, status: int = 200, **headers: str) -> str:
    answer = await client.get(path, headers=headers)
    assert answer.status_code == status, path
    return str(await answer.get_data(as_text=True))


async def csrf(client: Any) -> str:
    found = re.search(r'name="csrf" value="([^"]*)"', await shown(client, "/review"))
    assert found
    return unescape(found[1])


async def posted(client: Any, path: str, **fields: Any) -> Any:
    form = urlencode({"csrf": await csrf(client), "order": ORDER} | fields, doseq=True)
    return await client.post(path, data=form, headers={"Content-Type": "application/x-www-form-urlencoded"})


async def sent(client: Any, path: str, **fields: Any) -> str:
    """Where an order leads."""
    answer = await posted(client, path, **fields)
    assert answer.status_code == 303, await answer.get_data(as_text=True)
    return str(answer.headers["Location"])


# --- addresses


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.text(max_size=40)
            for name in ("view", "q", "band", "note", "challenged", "since", "until", "cursor", "told", "x")
        },
    )
)
def test_whatever_an_address_says_it_becomes_a_list_of_ours(args: dict[str, str]) -> None:
    look = list_view_from(args)

    assert look.address().startswith("/review")
    assert look.wanted.shelves
    path, _, query = look.address().partition("?")
    assert path == "/review"
    assert "told" not in query or "told" in "".join(args.values())


@pytest.mark.parametrize(
    ("given_back", "leads"),
    [
        ("", "/review"),
        ("/review?view=all&q=x", "/review?view=all&q=x"),
        ("/review/sender?address=bo%40pitch.test", "/review/sender?address=bo%40pitch.test"),
        ("//evil.test/review", "/review"),
        ("https://evil.test/review/sender?address=a", "/review"),
        ("/review/sender", "/review"),
        ("javascript:alert(1)", "/review"),
        ("/review?done=release&order=x&view=passed", "/review?view=passed"),
        ("/review?q=%0d%0aSet-Cookie:x", "/review?q=Set-Cookie%3Ax"),
    ],
)
def test_an_order_leads_back_to_pages_of_ours_only(given_back: str, leads: str) -> None:
    assert return_url(given_back) == leads


def test_days_are_whole_and_a_day_that_is_none_is_not_said() -> None:
    look = list_view_from({"since": "2026-03-02", "until": "2026-03-02"})
    assert look.wanted.since is not None
    assert look.wanted.until is not None
    assert (look.wanted.until - look.wanted.since).days == 1
    assert (
        list_view_from({"since": "2026-02-30", "until": "9999-12-31", "view": "no", "band": "no"})
        == ListView()
    )


async def test_a_cursor_of_somebody_elses_making_is_the_beginning(here: Office) -> None:
    await here.hold("m1")
    browser = await here.browser()
    for cursor in ("x", "W10", "e30", "WzEsMl0", "%00", "a" * 5_000):
        assert "bo@pitch.test" in await shown(browser, f"/review?cursor={cursor}")
        assert "bo@pitch.test" in await shown(
            browser, f"/review/sender?address=bo@pitch.test&cursor={cursor}"
        )


# --- text


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70), st.floats(-2, 2))))
def test_marked_text_is_the_text(text: str, places: list[tuple[int, int, float]]) -> None:
    marks = [Mark(max(start, 0), end, weight) for start, end, weight in sorted(places)]

    found = pieces(text, marks)

    assert "".join(piece.text for piece in found) == text or any(mark.end < mark.start for mark in marks)
    assert all(piece.text for piece in found)


def test_a_mark_says_on_which_side_it_stands() -> None:
    assert pieces("a quick call, bees", [Mark(2, 12, 1.0), Mark(14, 18, -1.0)]) == [
        TextPiece("a "),
        TextPiece("quick call", "for"),
        TextPiece(", "),
        TextPiece("bees", "against"),
    ]


@given(st.text())
def test_a_line_of_a_strangers_is_one_line_without_turns(text: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", plain(text))


# --- orders


async def test_an_order_sent_twice_is_one(here: Office) -> None:
    await here.hold("m1")
    await here.hold("m2", "eva@x.test")
    browser = await here.browser()
    for _ in range(2):
        where = await sent(
            browser, "/review/decide", bulk="release", pick=["m1", "m2"], back="/review?view=all"
        )
        assert where == f"/review?view=all&done=release&n=2&order={ORDER}"
    assert "2 emails are on their way" in await shown(browser, where)
    await sent(browser, "/review/undo", key=ORDER)
    assert await sent(browser, "/review/decide", bulk="release", pick=["m1", "m2"]) == "/review?done=again"
    assert "Nothing was selected" in await shown(
        browser, await sent(browser, "/review/decide", bulk="release")
    )
    assert await here.story.place("ana", "m1") is Placement.HELD


@pytest.mark.parametrize(
    "fields",
    [
        {"one": "drop m1"},
        {"one": "replied m1"},
        {"bulk": "", "pick": "m1"},
        {"one": "release m1", "order": "short"},
        {"one": "release m1", "order": "../../../../../../x"},
        {"bulk": "release", "pick": [f"m{n}" for n in range(201)]},
    ],
)
async def test_a_form_none_of_our_pages_makes_is_refused(here: Office, fields: dict[str, Any]) -> None:
    await here.hold("m1")
    browser = await here.browser()
    answer = await posted(browser, "/review/decide", **fields)
    assert answer.status_code == 422
    assert await here.story.place("ana", "m1") is Placement.HELD


async def test_nobody_decides_about_everybody_at_a_mail_provider(here: Office) -> None:
    await here.hold("m1", "bo@gmail.com")
    browser = await here.browser()
    assert "Allow all of" not in await shown(browser, "/review")
    form = {"csrf": await csrf(browser), "order": ORDER, "one": "allow_domain m1"}
    assert (await browser.post("/review/decide", form=form)).status_code == 422
    assert await here.story.place("ana", "m1") is Placement.HELD


@pytest.mark.parametrize("subject", ["gmail.com", "Outlook.com", "mail.gmail.com"])
async def test_no_rule_is_made_for_a_domain_where_anybody_gets_an_address(here: Office, subject: str) -> None:
    browser = await here.browser()
    for rule in ("allow", "block"):
        assert (await posted(browser, "/review/rule", subject=subject, rule=rule)).status_code == 422
    assert await here.store.count_rules("ana") == 0
    await sent(browser, "/review/rule", subject=subject, rule="none")  # one that is there can be dropped


async def test_a_rule_is_dropped_and_set_without_any_mail(here: Office) -> None:
    await here.hold("m1")
    browser = await here.browser()
    back = "/review/sender?address=bo%40pitch.test"
    await sent(browser, "/review/decide", one="allow_domain m1")
    assert "Remove the rule for pitch.test" in await shown(browser, back)
    where = await sent(browser, "/review/rule", subject="pitch.test", rule="none", back=back)
    page = await shown(browser, where)
    assert "The rule was changed" in page
    assert "Remove the rule" not in page
    await sent(browser, "/review/rule", subject="Who@Else.test", rule="block", back=back)
    page = await shown(browser, "/review/sender?address=who@else.test")
    assert "Remove the rule for who@else.test" in page


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": "0", "way": "give"},
        {"amount": "21", "way": "give"},
        {"amount": "1", "way": "steal"},
        {"amount": "-1", "way": "give"},
        {"amount": "²", "way": "give"},
        {"amount": "1", "way": "give", "address": "nobody"},
    ],
)
async def test_credits_out_of_range_are_refused(here: Office, fields: dict[str, str]) -> None:
    browser = await here.browser()
    form = {"csrf": await csrf(browser), "order": ORDER, "address": "bo@pitch.test"} | fields
    assert (await browser.post("/review/credits", form=form)).status_code == 422
    assert await here.store.balance("ana", "bo@pitch.test") == 0


# --- unsubscribing


async def offer_in(here: Office, gmail_id: str = "m1", **changes: str) -> None:
    await here.hold(gmail_id)
    headers = Headers(offered("pitch.test", **changes))
    message = Message(headers=headers, from_=(Address("bo@pitch.test", "Bo"),), text="Hi")
    here.gmail.messages[gmail_id] = Arrival(gmail_id, gmail_id, frozenset(), here.story.now, message)


async def test_one_order_to_leave_is_one_click(here: Office) -> None:
    await offer_in(here)
    browser = await here.browser()
    for _ in range(3):
        await sent(browser, "/review/decide", one="block_off m1")
    await sent(browser, "/review/unsubscribe", gmail_id="m1")
    assert here.lists.clicked == ["https://lists.pitch.test/u?t=1"]


async def test_what_did_not_work_is_told_and_can_be_ordered_again(here: Office) -> None:
    await offer_in(here)
    here.lists.trouble = Refused("unreachable")
    browser = await here.browser()
    await sent(browser, "/review/decide", one="block_off m1")
    page = await shown(browser, "/review/sender?address=bo@pitch.test")
    assert "Unsubscribing did not work: the list’s server did not answer." in unescape(page)
    here.lists.trouble = None
    await sent(browser, "/review/unsubscribe", gmail_id="m1")
    page = await shown(browser, "/review/sender?address=bo@pitch.test")
    assert "Unsubscribed at lists.pitch.test." in page


async def test_the_page_of_a_sender_tells_what_happened_the_latest_first(here: Office) -> None:
    await here.hold("m1")
    browser = await here.browser()
    here.clock.advance(minutes=1)
    await sent(browser, "/review/decide", one="release m1")
    here.clock.advance(minutes=1)
    await sent(browser, "/review/credits", address="bo@pitch.test", amount="2", way="give")
    page = unescape(await shown(browser, "/review/sender?address=bo@pitch.test"))
    told = page[page.index("What happened") :]
    lines = ("You added credits: +2", "You released it on this page", "Email held")
    places = [told.index(line) for line in lines]
    assert places == sorted(places)


async def test_all_that_wait_are_named_by_a_time_of_ours(here: Office) -> None:
    await here.hold("m1")
    browser = await here.browser()
    for text in ("", "yesterday", "9" * 50, "0001-01-01T00:00:00+23:00"):
        answer = await posted(browser, "/review/decide", bulk="block", pick="m1", all=text or "x")
        assert answer.status_code == 422
    where = await sent(browser, "/review/decide", bulk="block", pick="m1", all="2000-01-01T00:00:00+00:00")
    assert where == "/review?done=nothing"
    assert await here.story.place("ana", "m1") is Placement.HELD


async def test_an_offer_that_cannot_be_believed_is_never_clicked(here: Office) -> None:
    await offer_in(here, covered="from:to")
    browser = await here.browser()
    assert "Block and unsubscribe" not in await shown(browser, "/review/mail/m1")
    await sent(browser, "/review/decide", one="block_off m1")
    assert here.lists.clicked == []
    unsubscription = (await here.store.mail("ana", "m1"))[2]
    assert unsubscription is not None
    assert unsubscription.cause == "unproved"


async def test_gmail_being_away_leaves_an_order_to_be_tried_again(here: Office) -> None:
    await offer_in(here)
    here.gmail.trouble["fetch"] = TryLater("Gmail rests.")
    browser = await here.browser()
    await sent(browser, "/review/decide", one="block_off m1")
    found = (await here.store.mail("ana", "m1"))[2]
    assert found is not None
    assert (found.state, found.cause) == (UnsubscribeState.FAILED, "later")
    await sent(browser, "/review/unsubscribe", gmail_id="m1")
    assert len(here.lists.clicked) == 1


# --- pages


async def test_a_mail_gmail_does_not_give_out_can_still_be_decided(here: Office) -> None:
    await here.hold("m1")
    browser = await here.browser()
    here.gmail.trouble["fetch"] = TryLater("Gmail rests.")
    page = await shown(browser, "/review/mail/m1")
    assert "Gmail does not answer at the moment" in page
    assert 'value="release m1"' in page
    del here.gmail.messages["m1"]
    assert "Gmail no longer has this email" in await shown(browser, "/review/mail/m1")


@pytest.mark.parametrize(
    ("language", "title", "button"),
    [
        ("en", "Held mail", "Release"),
        ("de", "Zurückgehaltene E-\u2060Mails", "Freigeben"),
        ("fr", "Messages retenus", "Libérer"),
        ("es", "Correo retenido", "Liberar"),
        ("pt-BR", "Correio retido", "Libertar"),
    ],
)
async def test_every_page_speaks_the_browsers_language(
    here: Office, language: str, title: str, button: str
) -> None:
    await here.hold("m1")
    browser = await here.browser()
    for path in ("/review", "/review/mail/m1", "/review/sender?address=bo@pitch.test"):
        page = await shown(browser, path, **{"Accept-Language": language})
        assert f">{button}</button>" in page
        assert "<b>97</b>" in page
        assert f'<html lang="{catalogue(language[:2]).tag}">' in page
    assert f"<title>{title} ·" in await shown(browser, "/review", **{"Accept-Language": language})


async def test_looking_changes_nothing(here: Office, tmp_path: Path) -> None:
    from tests.contract.store.dump import dump

    await offer_in(here)
    browser = await here.browser()
    before = await dump(str(tmp_path / "web.sqlite3"))
    for path in (
        *("/review", "/review?view=all&q=x", "/review/mail/m1", "/review/sender?address=bo@pitch.test"),
        *("/review?done=release&n=3&order=" + ORDER, "/review/sender?address=who@else.test"),
    ):
        await shown(browser, path)
    assert await dump(str(tmp_path / "web.sqlite3")) == before
    assert here.lists.clicked == []
    for path in ("decide", "undo", "credits", "rule", "unsubscribe"):
        assert (await browser.get(f"/review/{path}")).status_code == 405


async def test_another_owners_sender_is_a_stranger(here: Office) -> None:
    await here.hold("m1")
    await here.store.post(
        "ana", challenge.adjusted_by_owner("bo@pitch.test", 2, f"page:{ORDER}"), here.story.now
    )
    eve = await here.browser("eve")
    page = await shown(eve, "/review/sender?address=bo@pitch.test")
    assert "Nothing is on record" in page
    assert "More leads" not in page
    assert (await sent(eve, "/review/undo", key=ORDER)) == "/review?done=lost"
    assert await here.store.balance("ana", "bo@pitch.test") == 2


# --- changes


async def test_changes_are_told_in_the_owners_language_and_to_nobody_else(here: Office) -> None:
    await here.hold("m1")
    ana, eve, nobody = await here.browser(), await here.browser("eve"), here.app.test_client()
    assert (await nobody.get("/review/events")).status_code == 204
    overview = await here.store.overview("ana")
    assert overview is not None
    start = overview.latest
    await sent(ana, "/review/decide", one="release m1")
    for client, figures in ((ana, True), (eve, False)):
        async with client.request(
            f"/review/events?after={start}", headers={"Accept-Language": "de"}
        ) as stream:
            await stream.send_complete()
            heard = b""
            while b"event: mail" not in heard and b"event: lost" not in heard:
                heard += await stream.receive()
            await stream.disconnect()
        if figures:
            (line,) = re.findall(rb"event: mail\ndata: (.*)\n", heard)
            assert json.loads(line) == {"id": "m1", "shelf": "let_in", "text": "Freigegeben"}
        else:
            assert b"m1" not in heard
