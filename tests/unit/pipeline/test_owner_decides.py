"""What the owner does themselves, in Gmail or by answering, counts more than any verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from backend.domain.entry.challenge import ChallengeState
from backend.domain.mail.message import Address, Message
from tests.fakes.gmail import LABELS
from tests.unit.pipeline.conftest import Fixture, letter

OWN = frozenset({"SENT"})


def _from_owner(text: str, to: str = "sam@seller.test", **changes: Any) -> Message:
    mail = letter("ana@corp.test", text, to=to, subject="Re: Hello")
    return replace(mail, to=(Address(to),), **changes)


async def _held(fixture: Fixture) -> str:
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    assert LABELS.held in fixture.gmail.labels_of(pitch)
    return pitch


async def test_taking_the_held_label_off_in_gmail_lets_the_mail_in(fixture: Fixture) -> None:
    pitch = await _held(fixture)
    fixture.gmail.move(pitch, remove={LABELS.held})
    await fixture.push()
    await fixture.settle()

    assert "INBOX" in fixture.gmail.labels_of(pitch)
    challenge = await fixture.store.challenge_of(fixture.mailbox_id, pitch)
    assert challenge is not None
    assert challenge.state is ChallengeState.VOIDED


async def test_answering_a_held_sender_lets_them_in(fixture: Fixture) -> None:
    pitch = await _held(fixture)
    fixture.gmail.deliver(
        _from_owner("Yes, let us talk on Tuesday at ten, I am curious."), labels=OWN, thread_id=pitch
    )
    await fixture.push()
    await fixture.settle()

    assert "INBOX" in fixture.gmail.labels_of(pitch)
    standing = await fixture.store.standing(
        fixture.mailbox_id, "sam@seller.test", "seller.test", "t", fixture.now()
    )
    assert standing.corresponded


async def test_a_no_thanks_is_no_invitation(fixture: Fixture) -> None:
    pitch = await _held(fixture)
    fixture.gmail.deliver(_from_owner("No thanks, not interested."), labels=OWN, thread_id=pitch)
    await fixture.push()
    await fixture.settle()

    assert LABELS.held in fixture.gmail.labels_of(pitch)
    standing = await fixture.store.standing(
        fixture.mailbox_id, "sam@seller.test", "seller.test", "t", fixture.now()
    )
    assert not standing.corresponded


async def test_a_no_thanks_in_html_alone_is_no_invitation(fixture: Fixture) -> None:
    pitch = await _held(fixture)
    mail = _from_owner("", html="<p>No thanks, <b>not interested</b>.</p>")
    fixture.gmail.deliver(mail, labels=OWN, thread_id=pitch)
    await fixture.push()
    await fixture.settle()
    assert LABELS.held in fixture.gmail.labels_of(pitch)


async def test_a_senders_mail_the_owners_filter_lets_in_is_not_held(fixture: Fixture) -> None:
    pitch = fixture.gmail.deliver(letter(), labels=frozenset({"INBOX", "UNREAD", LABELS.allow}))
    await fixture.push()
    await fixture.settle()
    assert "INBOX" in fixture.gmail.labels_of(pitch)


async def test_our_own_challenge_makes_nobody_a_correspondent(fixture: Fixture) -> None:
    await _held(fixture)
    await fixture.push()  # the echo of the send
    await fixture.settle()
    standing = await fixture.store.standing(
        fixture.mailbox_id, "sam@seller.test", "seller.test", "t", fixture.now()
    )
    assert not standing.corresponded
    assert not standing.took_part
    assert fixture.gmail.calls["fetch"] == 1  # the pitch; the echo was known by its id


async def test_a_challenge_whose_id_was_never_noted_is_known_by_its_header(fixture: Fixture) -> None:
    fixture.gmail.die_after.add("send")
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    await fixture.push()
    await fixture.settle()
    standing = await fixture.store.standing(
        fixture.mailbox_id, "sam@seller.test", "seller.test", pitch, fixture.now()
    )
    assert not standing.corresponded
    assert not standing.took_part
