"""An address the owner may write from since a moment ago is theirs: looked up before anybody is answered."""

from __future__ import annotations

import pytest

from backend.domain.mailbox.verdict import Outcome, Row
from tests.unit.pipeline.conftest import House, letter

NEW = "ana@newname.test"


async def _verdict(house: House, gmail_id: str) -> tuple[str, str]:
    await house.push()
    await house.settle()
    view = (await house.store.known(house.mailbox_id, [gmail_id]))[gmail_id]
    return view.outcome, view.row


async def test_mail_from_an_alias_added_after_connecting_is_answered_by_nobody(house: House) -> None:
    house.gmail.aliases |= {NEW}
    mine = house.gmail.deliver(letter(NEW))
    assert await _verdict(house, mine) == (Outcome.INBOX, Row.SAME_ORGANISATION)
    assert house.gmail.sent == []


async def test_an_alias_at_a_mail_provider_is_not_answered_either(house: House) -> None:
    house.gmail.aliases |= {"ana.duarte@gmail.com"}
    mine = house.gmail.deliver(letter("anaduarte@gmail.com"))
    assert (await _verdict(house, mine))[0] == Outcome.HOLD
    assert house.gmail.sent == []


async def test_a_pitch_to_an_alias_added_after_connecting_is_answered(house: House) -> None:
    first = house.gmail.deliver(letter(to=NEW))
    assert (await _verdict(house, first))[0] == Outcome.HOLD
    house.gmail.aliases |= {NEW}
    second = house.gmail.deliver(letter("bo@seller2.test", to=NEW))
    assert (await _verdict(house, second))[0] == Outcome.CHALLENGE
    assert len(house.gmail.sent) == 1


async def test_what_was_seen_is_kept_by_the_watch(house: House) -> None:
    house.gmail.aliases |= {NEW}
    house.gmail.deliver(letter())
    await house.push()
    await house.settle()
    assert NEW in (await house.mailbox()).owner.addresses


@pytest.mark.parametrize("text", ["the minutes of Tuesday", "a pitchy letter"])
async def test_nobody_is_asked_about_mail_that_stays_silent(house: House, text: str) -> None:
    if "pitchy" in text:
        await house.prefer(mode="quarantine")
    house.gmail.deliver(letter(text=text))
    await house.push()
    await house.settle()
    assert house.gmail.calls["identity"] == 0
