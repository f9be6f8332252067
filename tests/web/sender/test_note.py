"""A sender's line to the owner, over HTTP; and how often anybody may come."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from backend.demo.people import solve
from backend.domain.mailbox.decisions import Decision
from backend.transactions.records import Event, EventKind
from backend.web.api import routes
from backend.web.guards import network_block
from tests.values import message
from tests.web.service import LINK, Client, Office

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SCRIPT = {"Accept": "application/json"}
NASTY = '"><img src=x onerror=alert(1)>{owner.__class__}'


async def look(client: Client) -> str:
    return await (await client.get(LINK, headers=BROWSER)).get_data(as_text=True)


async def test_a_line_to_the_owner_is_kept_shown_and_corrected(client: Client, here: Office) -> None:
    await here.link()
    for line in ("I met you at the fair.", "At the fair in Bonn."):
        answer = await client.post(f"{LINK}/note", form={"line": line}, headers=BROWSER)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"{LINK}#note"
        page = await look(client)
        assert f'value="{line}"' in page
        assert "Corp Sales can see this note now" in page
    assert await here.note() == "At the fair in Bonn."
    assert await here.solves() == 0, "a line lets nothing in"


async def test_a_hostile_line_is_text_and_one_line(client: Client, here: Office) -> None:
    await here.link()
    await client.post(f"{LINK}/note", form={"line": f"{NASTY}\r\nBcc: all\u202egnp.\0"}, headers=BROWSER)

    assert await here.note() == f"{NASTY} Bcc: all gnp."
    page = await look(client)
    assert "<img src=x" not in page
    assert "<class" not in page


async def test_too_long_a_line_comes_back_as_it_was(client: Client, here: Office) -> None:
    await here.link()
    answer = await client.post(f"{LINK}/note", form={"line": "a" * 201}, headers=BROWSER)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "at most 200 characters fit" in page
    assert "a" * 201 in page
    assert await here.note() == ""
    problem = await client.post(f"{LINK}/note", form={"line": "a" * 201}, headers=SCRIPT)
    assert (await problem.get_json())["field"] == "line"


async def test_a_line_is_not_taken_from_an_address_or_behind_a_closed_link(
    client: Client, here: Office
) -> None:
    await here.link()
    assert (await client.get(f"{LINK}/note", query_string={"line": "x"})).status_code == 405
    await client.post(f"{LINK}/note", query_string={"line": "x"})
    assert await here.note() == ""
    await here.story.decide("ana", (await here.challenge()).gmail_id, Decision.RELEASE)

    answer = await client.post(f"{LINK}/note", form={"line": "x"}, headers=BROWSER)

    assert answer.status_code == 410
    assert "Your message was delivered" in await answer.get_data(as_text=True)


async def test_after_the_delivery_a_line_can_still_be_left(client: Client, here: Office) -> None:
    await here.link(waiting=2)
    payload = solve(await (await client.get(f"{LINK}/task")).get_json())
    page = await client.post(LINK, form={"payload": payload}, headers=BROWSER)
    assert f'action="{LINK}/note"' in await page.get_data(as_text=True)

    answer = await client.post(f"{LINK}/note", form={"line": "I met you at the fair."}, headers=BROWSER)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"{LINK}#note")
    used = await client.get(LINK, headers=BROWSER)
    text = await used.get_data(as_text=True)
    assert used.status_code == 410
    assert "This link has been used" in text
    assert 'value="I met you at the fair."' in text
    assert "Corp Sales can see this note now" in text
    assert await here.note() == "I met you at the fair."
    again = await client.post(LINK, form={"payload": payload}, headers=BROWSER)
    assert again.status_code == 410
    assert 'value="I met you at the fair."' in await again.get_data(as_text=True), "a reload of the last page"
    assert await here.solves() == 1, "a line earns nothing"
    problem = await client.get(LINK, headers=SCRIPT)
    assert (problem.status_code, (await problem.get_json())["code"]) == (410, "link_used")


async def test_a_used_link_stays_used_when_its_time_is_over(client: Client, here: Office) -> None:
    await here.link()
    payload = solve(await (await client.get(f"{LINK}/task")).get_json())
    await client.post(LINK, form={"payload": payload}, headers=BROWSER)
    here.clock.advance(days=14)

    page = await client.get(LINK, headers=BROWSER)

    text = await page.get_data(as_text=True)
    assert page.status_code == 410
    assert "This link has been used" in text, "what was delivered did not expire"
    assert f'action="{LINK}/note"' not in text


async def test_too_long_a_line_after_the_delivery_comes_back_too(client: Client, here: Office) -> None:
    await here.link()
    payload = solve(await (await client.get(f"{LINK}/task")).get_json())
    await client.post(LINK, form={"payload": payload}, headers=BROWSER)

    answer = await client.post(f"{LINK}/note", form={"line": "a" * 201}, headers=BROWSER)

    page = await answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "This link has been used" in page
    assert "a" * 201 in page
    assert await here.note() == ""


async def test_lines_and_starts_are_limited(client: Client, here: Office) -> None:
    await here.link()
    statuses = [
        (await client.post(f"{LINK}/note", form={"line": "x"}, headers=SCRIPT)).status_code for _ in range(12)
    ]
    assert statuses == [200] * 10 + [429] * 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("198.51.100.7", "198.51.100.250", True),
        ("198.51.100.7", "198.51.101.7", False),
        ("::ffff:198.51.100.7", "198.51.100.9", True),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", False),
    ],
)
def test_a_network_is_a_24_or_a_48(one: str, other: str, same: bool) -> None:
    assert (network_block(one) == network_block(other)) is same


async def test_a_network_of_many_addresses_is_held_back_as_one(here: Office) -> None:
    statuses: list[int] = []
    while 429 not in statuses and len(statuses) < 250:
        number = len(statuses)
        scope = {"client": (f"198.51.100.{number}", 4000)}
        link = f"/c/{number:032}"  # a link of its own each time: not the link's limit is meant
        answer = await here.app.test_client().post(f"{link}/note", form={"line": "x"}, scope_base=scope)
        statuses.append(answer.status_code)
    assert statuses[:60] == [404] * 60
    assert statuses[-1] == 429


async def test_a_computer_hears_of_a_line_with_the_message_it_is_about() -> None:
    found = Event(7, EventKind.NOTE, "m1", "held", "", message(note='We met at the "fair".'))

    lines = routes._event(found, "en").decode().splitlines()

    assert lines[:2] == ["id: 7", "event: note"]
    data = json.loads(lines[2].removeprefix("data: "))
    assert (data["gmail_id"], data["note"]) == ("m1", 'We met at the "fair".')
    assert routes._event(replace(found, message=None), "en") == b"", "its message is gone"
