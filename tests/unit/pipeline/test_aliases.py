"""An address the owner may write from since a moment ago is theirs: looked up before anybody is answered."""

from __future__ import annotations

import pytest

from backend.domain.mailbox.verdict import Outcome, Row
from tests.unit.pipeline.conftest import Fixture, letter

NEW = "ana@newname.test"


async def _verdict(fixture: Fixture, gmail_id: str) -> tuple[str, str]:
    await fixture.push()
    await fixture.settle()
    view = (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id]
    return view.outcome, view.row


async def test_mail_from_an_alias_added_after_connecting_is_answered_by_nobody(fixture: Fixture) -> None:
    fixture.gmail.aliases |= {NEW}
    mine = fixture.gmail.deliver(letter(NEW))
    assert await _verdict(fixture, mine) == (Outcome.INBOX, Row.SAME_ORGANISATION)
    assert fixture.gmail.sent == []


async def test_an_alias_at_a_mail_provider_is_not_answered_either(fixture: Fixture) -> None:
    fixture.gmail.aliases |= {"ana.duarte@gmail.com"}
    mine = fixture.gmail.deliver(letter("anaduarte@gmail.com"))
    assert (await _verdict(fixture, mine))[0] == Outcome.HOLD
    assert fixture.gmail.sent == []


async def test_a_pitch_to_an_alias_added_after_connecting_is_answered(fixture: Fixture) -> None:
    first = fixture.gmail.deliver(letter(to=NEW))
    assert (await _verdict(fixture, first))[0] == Outcome.HOLD
    fixture.gmail.aliases |= {NEW}
    second = fixture.gmail.deliver(letter("bo@seller2.test", to=NEW))
    assert (await _verdict(fixture, second))[0] == Outcome.CHALLENGE
    assert len(fixture.gmail.sent) == 1


async def test_what_was_seen_is_kept_by_the_watch(fixture: Fixture) -> None:
    fixture.gmail.aliases |= {NEW}
    fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    assert NEW in (await fixture.mailbox()).owner.addresses


@pytest.mark.parametrize("text", ["the minutes of Tuesday", "a pitchy letter"])
async def test_nobody_is_asked_about_mail_that_stays_silent(fixture: Fixture, text: str) -> None:
    if "pitchy" in text:
        await fixture.prefer(mode="quarantine")
    fixture.gmail.deliver(letter(text=text))
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.calls["identity"] == 0
