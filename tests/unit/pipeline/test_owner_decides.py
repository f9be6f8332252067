"""What the owner does themselves, in Gmail or by answering, counts more than any verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backend.domain.challenge import ChallengeState
from backend.domain.errors import Rejected
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


async def _stands(fixture: Fixture, gmail_id: str) -> tuple[str | None, str]:
    view = (await fixture.store.known(fixture.mailbox_id, [gmail_id]))[gmail_id]
    return view.placement, view.decided_by


async def _solve(fixture: Fixture, gmail_id: str) -> None:
    challenge = await fixture.store.challenge_of(fixture.mailbox_id, gmail_id)
    assert challenge is not None
    now = fixture.now()
    await fixture.store.solve(challenge.id, "signature", now + timedelta(minutes=5), 0, now)


@pytest.mark.parametrize(("place", "by"), [("SPAM", "spam"), ("TRASH", "bin")])
async def test_what_the_owner_puts_away_is_not_delivered_by_a_solve_nobody_knew_to_be_too_late(
    fixture: Fixture, place: str, by: str
) -> None:
    pitch = await _held(fixture)
    await _solve(fixture, pitch)
    fixture.gmail.move(pitch, add={place})  # and no push tells of it in time
    await fixture.settle()
    assert "INBOX" not in fixture.gmail.labels_of(pitch)
    assert await _stands(fixture, pitch) == ("held", by)
    await fixture.push()
    await fixture.settle()
    assert await _stands(fixture, pitch) == ("held", by)


@pytest.mark.parametrize("place", ["SPAM", "TRASH"])
async def test_nor_where_they_do_so_between_our_look_and_our_move(fixture: Fixture, place: str) -> None:
    pitch = await _held(fixture)
    await _solve(fixture, pitch)
    relabel = fixture.gmail.relabel

    async def slow(
        mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        if "INBOX" in add:
            fixture.gmail.move(pitch, add={place})
        return await relabel(mailbox_id, gmail_id, add, remove)

    fixture.gmail.relabel = slow  # type: ignore[method-assign]
    await fixture.settle()
    labels = fixture.gmail.labels_of(pitch)
    assert place in labels
    assert "INBOX" not in labels
    assert (await fixture.store.census()).get("dead_letters", 0) == 0


async def test_what_is_put_away_while_it_is_judged_is_not_answered(fixture: Fixture) -> None:
    relabel = fixture.gmail.relabel

    async def late(
        mailbox_id: str, gmail_id: str, add: frozenset[str], remove: frozenset[str]
    ) -> frozenset[str]:
        fixture.gmail.relabel = relabel  # type: ignore[method-assign]
        fixture.gmail.move(gmail_id, add={"TRASH"}, remove={"INBOX"})
        return await relabel(mailbox_id, gmail_id, add, remove)

    fixture.gmail.relabel = late  # type: ignore[method-assign]
    pitch = fixture.gmail.deliver(letter())
    await fixture.push()
    await fixture.settle()
    assert await _stands(fixture, pitch) == ("held", "bin")
    assert fixture.gmail.sent == []


async def test_a_reported_sender_is_blocked_until_it_is_no_spam_after_all(fixture: Fixture) -> None:
    customer = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    await fixture.push()
    await fixture.settle()
    fixture.gmail.move(customer, add={"SPAM"}, remove={"INBOX"})
    await fixture.push()
    await fixture.settle()
    second = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Wednesday"))
    await fixture.push()
    await fixture.settle()
    assert await _stands(fixture, second) == ("held", "")
    fixture.gmail.move(customer, add={"INBOX"}, remove={"SPAM"})
    await fixture.push()
    await fixture.settle()
    assert await _stands(fixture, customer) == ("inbox", "")
    third = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Thursday"))
    await fixture.push()
    await fixture.settle()
    assert await _stands(fixture, third) == ("inbox", "")


async def test_delivered_mail_that_is_thrown_away_is_nobodys_business(fixture: Fixture) -> None:
    read = fixture.gmail.deliver(letter("mia@mia.test", "the minutes of Tuesday"))
    await fixture.push()
    await fixture.settle()
    fixture.gmail.calls.clear()
    fixture.gmail.move(read, add={"TRASH"}, remove={"INBOX"})
    await fixture.push()
    await fixture.settle()
    assert await _stands(fixture, read) == ("inbox", "")
    assert fixture.gmail.calls.keys() == {"history"}


async def _arrives(
    fixture: Fixture, label: str, sender: str = "sam@seller.test", **changes: Any
) -> tuple[str, str]:
    mail = fixture.gmail.deliver(
        replace(letter(sender), **changes), labels=frozenset({"INBOX", "UNREAD", label})
    )
    await fixture.push()
    await fixture.settle()
    view = (await fixture.store.known(fixture.mailbox_id, [mail]))[mail]
    return view.row, view.outcome


async def test_what_their_filter_stars_is_in_the_inbox(fixture: Fixture) -> None:
    assert await _arrives(fixture, "STARRED") == ("owners_filter", "inbox")
    assert fixture.gmail.calls["filtered"] == 0
    await fixture.save_preferences(rows_off=["owners_filter"])
    assert (await _arrives(fixture, "STARRED"))[1] == "challenge"


async def test_what_gmail_finds_important_is_judged_and_what_their_filter_does_is_let_in(
    fixture: Fixture,
) -> None:
    fixture.gmail.important = frozenset({"pat@seller.test"})
    assert (await _arrives(fixture, "IMPORTANT"))[1] == "challenge"
    assert await _arrives(fixture, "IMPORTANT", "pat@seller.test") == ("owners_filter", "inbox")
    assert fixture.gmail.calls["filtered"] == 2
    fixture.gmail.outages["filtered"] = Rejected("Forbidden", reason="forbidden")
    assert (await _arrives(fixture, "IMPORTANT", "kim@else.test"))[1] == "challenge"


async def test_of_mail_that_stays_nobody_asks_for_filters(fixture: Fixture) -> None:
    assert (await _arrives(fixture, "IMPORTANT", text="the minutes of Tuesday"))[1] == "inbox"
    assert fixture.gmail.calls["filtered"] == 0
