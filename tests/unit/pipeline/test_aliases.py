"""An address the owner may write from since a moment ago is theirs: looked up before anybody is answered. One that
takes the place of their primary address is the same mailbox's."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from backend.domain.errors import TryLater
from backend.domain.mailbox.message import Outcome, PolicyRow
from backend.pipeline import solve
from backend.transactions.records import Duty
from tests.unit.pipeline.conftest import Fixture, letter

NEW = "ana@newname.test"
SALES = "sales@brand.test"


def _sent(fixture: Fixture) -> EmailMessage:
    (only,) = fixture.gmail.sent
    found = message_from_bytes(only.raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


async def _verdict(fixture: Fixture, gmail_id: str) -> tuple[str, str]:
    await fixture.push()
    await fixture.settle()
    view = (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id]
    return view.outcome, view.row


async def test_mail_from_an_alias_added_after_connecting_is_answered_by_nobody(fixture: Fixture) -> None:
    fixture.gmail.aliases |= {NEW}
    mine = fixture.gmail.deliver(letter(NEW))
    assert await _verdict(fixture, mine) == (Outcome.INBOX, PolicyRow.SAME_ORGANISATION)
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
        await fixture.save_preferences(mode="quarantine")
    fixture.gmail.deliver(letter(text=text))
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.calls["identity"] == 0


async def test_a_pitch_is_answered_from_the_address_that_it_was_written_to(fixture: Fixture) -> None:
    fixture.gmail.aliases |= {SALES}
    fixture.gmail.names = ((SALES, "Brand Sales"), ("ana@corp.test", "Ana"))
    fixture.gmail.deliver(letter(to=SALES))
    await fixture.push()
    await fixture.settle()
    mail = _sent(fixture)
    assert str(mail["From"]) == f"Brand Sales <{SALES}>"
    assert str(mail["Message-ID"]).endswith("@brand.test>")
    assert b"corp.test" not in fixture.gmail.sent[0].raw, "the primary address is none of its business"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "Brand Sales" in body.get_content()
    opened = await solve.open_challenge(fixture.context, body.get_content().partition("/c/")[2].split()[0])
    assert opened.owner == "Brand Sales"


@pytest.mark.parametrize(
    ("to", "written_from"),
    [
        ("ana@corp.test", "Ana <ana@corp.test>"),
        ("ana+shop@corp.test", "Ana <ana@corp.test>"),
        ("ana+news@corp.test", "Ana <ana+news@corp.test>"),
        ("sales+x@brand.test", f"Ana <{SALES}>"),
    ],
)
async def test_a_spelling_of_an_address_is_answered_from_that_address(
    fixture: Fixture, to: str, written_from: str
) -> None:
    fixture.gmail.aliases |= {SALES, "ana+news@corp.test"}
    fixture.gmail.deliver(letter(to=to))
    await fixture.push()
    await fixture.settle()
    assert str(_sent(fixture)["From"]) == written_from


@pytest.mark.parametrize("death", ["before", "after"])
async def test_a_second_try_writes_from_the_same_address(fixture: Fixture, death: str) -> None:
    """Whatever became of the alias meanwhile: what left is found by its Message-ID, or leaves as it was meant."""
    fixture.gmail.aliases |= {SALES}
    fixture.gmail.names = ((SALES, "Brand Sales"),)
    (fixture.gmail.die_before if death == "before" else fixture.gmail.die_after).add("send")
    fixture.gmail.deliver(letter(to=SALES))
    await fixture.push()
    while not fixture.deaths:
        await fixture._turn()
    fixture.gmail.aliases, fixture.gmail.names = frozenset({"ana@corp.test"}), ()
    await fixture.settle()
    assert str(_sent(fixture)["From"]) == f"Brand Sales <{SALES}>"


def _renamed(fixture: Fixture) -> None:
    fixture.gmail.address = NEW
    fixture.gmail.aliases = frozenset({NEW})  # the former one is not even among those they may send from


async def test_another_primary_address_is_found_by_the_first_mail_no_push_is_heard_of(
    fixture: Fixture,
) -> None:
    _renamed(fixture)
    fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    await fixture.store.request_duty(
        fixture.mailbox_id, Duty.SYNC, fixture.now()
    )  # the sweep; a push names who we do not know
    await fixture.settle()
    owner = (await fixture.mailbox()).owner
    assert owner.email == NEW
    assert owner.addresses == {NEW, "ana@corp.test"}
    calls = fixture.gmail.calls["watch"]
    fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Wednesday"))
    await fixture.store.request_duty(fixture.mailbox_id, Duty.SYNC, fixture.now())
    await fixture.settle()
    assert fixture.gmail.calls["watch"] == calls  # once is enough


async def test_it_is_found_before_a_pitch_to_the_new_one_is_judged(fixture: Fixture) -> None:
    _renamed(fixture)
    pitch = fixture.gmail.deliver(letter(to=NEW))
    assert (await _verdict(fixture, pitch))[0] == Outcome.CHALLENGE
    assert (await fixture.mailbox()).owner.email == NEW


@pytest.mark.parametrize("to", [NEW, "ana@corp.test"])
async def test_a_pitch_to_either_is_answered_and_mail_from_either_is_their_own(
    fixture: Fixture, to: str
) -> None:
    _renamed(fixture)
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    await fixture.settle()
    pitch = fixture.gmail.deliver(letter(to=to))
    assert (await _verdict(fixture, pitch))[0] == Outcome.CHALLENGE
    mine = fixture.gmail.deliver(letter(to))
    assert await _verdict(fixture, mine) == (Outcome.INBOX, PolicyRow.SAME_ORGANISATION)


async def test_trouble_with_the_look_does_not_undo_the_sync(fixture: Fixture) -> None:
    _renamed(fixture)
    fixture.gmail.trouble["profile"] = TryLater("later", reason="backendError")
    mail = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    await fixture.store.request_duty(fixture.mailbox_id, Duty.SYNC, fixture.now())
    await fixture.settle()
    assert (await fixture.store.known(fixture.mailbox_id, [mail]))[mail].outcome == Outcome.INBOX
