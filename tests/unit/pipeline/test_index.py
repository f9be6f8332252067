"""The correspondent index: read once from Sent, a page at a time, over deaths, within its limit."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from backend.domain.errors import NeedsReconnect, Rejected, Unexplained
from backend.domain.mail.message import Address, Message
from backend.domain.mailbox.mailbox import Condition, Link, Mode, Preferences
from backend.pipeline.duties import AT_ONCE, PAGE
from backend.ports.gmail import Fetched
from backend.transactions.records import NewMailbox
from tests.unit.pipeline.conftest import Fixture, letter

SENT = frozenset({"SENT"})


def mail_to(
    address: str, text: str = "Here is the list you asked for, yours Ana.", **headers: str
) -> Message:
    mail = letter("ana@corp.test", text, to=address, **headers)
    return replace(mail, to=(Address(address),))


@pytest.fixture
async def before(fixture: Fixture) -> Fixture:
    """Ana has left and comes back: a mailbox that has not been indexed."""
    await fixture.store.forget(fixture.mailbox_id)
    fixture.gmail.calls.clear()
    return fixture


async def _connect(fixture: Fixture) -> None:
    scopes = frozenset(fixture.context.settings.scopes)
    wishes = Preferences(mode=Mode.CHALLENGE)
    new = NewMailbox(fixture.mailbox_id, "sub1", "ana@corp.test", "Ana", b"sealed", scopes, wishes)
    await fixture.store.connect(new, fixture.now())


async def _knows(fixture: Fixture, address: str) -> bool:
    standing = await fixture.store.standing(fixture.mailbox_id, address, "x.test", "no-thread", fixture.now())
    return standing.corresponded


async def test_everybody_she_wrote_to_is_known_before_anything_is_held(before: Fixture) -> None:
    for number in range(2 * PAGE - 10):
        before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT)
    await _connect(before)
    while not (await before.mailbox()).cursor:
        assert await before._turn()
    pitch = before.gmail.deliver(letter("p3@x.test"))  # comes while Sent is being read
    await before.push()
    await before.settle(turns=500)
    mailbox = await before.mailbox()
    assert mailbox.indexed_at is not None
    assert mailbox.index_done == mailbox.index_total == 2 * PAGE - 10
    assert await _knows(before, "p0@x.test")
    assert await _knows(before, f"p{2 * PAGE - 11}@x.test")
    assert "INBOX" in before.gmail.labels_of(pitch)


async def test_what_makes_nobody_a_correspondent(before: Fixture) -> None:
    before.gmail.deliver(mail_to("declined@x.test", "No thanks, not interested."), labels=SENT)
    before.gmail.deliver(mail_to("away@x.test", Auto_Submitted="auto-replied"), labels=SENT)
    before.gmail.deliver(mail_to("held@x.test", X_Pitchgate_Challenge="c1"), labels=SENT)
    before.gmail.deliver(mail_to("friend@x.test"), labels=SENT)
    await _connect(before)
    await before.settle()
    known = {
        name for name in ("declined", "away", "held", "friend") if await _knows(before, f"{name}@x.test")
    }
    assert known == {"friend"}


@pytest.mark.parametrize("call", ["list_messages", "fetch"])
@pytest.mark.parametrize("moment", ["die_before", "die_after"])
async def test_a_death_costs_a_page_at_most_and_nobody_is_missed(
    before: Fixture, call: str, moment: str
) -> None:
    for number in range(PAGE + 5):
        before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT)
    await _connect(before)
    while (await before.mailbox()).index_done < PAGE:
        assert await before._turn()
    assert (await before.mailbox()).condition(before.now()) is Condition.INDEXING
    getattr(before.gmail, moment).add(call)
    fetched = before.gmail.calls["fetch"]
    await before.settle(turns=300)
    assert before.deaths == 1
    assert before.gmail.calls["fetch"] - fetched <= 10  # the first page is not read again
    assert (await before.mailbox()).index_done == PAGE + 5
    for number in (0, PAGE, PAGE + 4):
        assert await _knows(before, f"p{number}@x.test")


async def test_a_page_token_that_died_begins_again(before: Fixture) -> None:
    for number in range(PAGE + 5):
        before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT)
    await _connect(before)
    while (await before.mailbox()).index_done < PAGE:
        assert await before._turn()
    before.gmail.pages.clear()
    await before.settle(turns=300)
    mailbox = await before.mailbox()
    assert mailbox.indexed_at is not None
    assert await _knows(before, "p0@x.test")


async def test_a_no_that_passes_costs_nobody_their_place_and_no_page_twice(before: Fixture) -> None:
    for number in range(PAGE + 5):
        before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT)
    await _connect(before)
    while (await before.mailbox()).index_done < PAGE:
        assert await before._turn()
    fetched = before.gmail.calls["fetch"]
    for call in ("list_messages", "fetch"):
        before.gmail.trouble[call] = Unexplained("later.unexplained", reason="failedPrecondition")
    await before.settle(turns=300)
    assert before.gmail.calls["fetch"] - fetched <= 10
    assert (await before.mailbox()).index_done == PAGE + 5
    assert all([await _knows(before, f"p{number}@x.test") for number in range(PAGE + 5)])


async def test_it_reads_no_more_than_its_limit(before: Fixture) -> None:
    limit = before.context.settings.index_limit  # 100
    for number in range(limit + 60):
        before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT)
    await _connect(before)
    await before.settle(turns=500)
    assert before.gmail.calls["fetch"] == limit
    assert before.gmail.calls["list_messages"] == limit // PAGE, "nor lists what it will not read"
    mailbox = await before.mailbox()
    assert mailbox.indexed_at is not None
    assert mailbox.index_done == limit


async def test_it_reads_some_at_once_and_not_a_whole_page(before: Fixture) -> None:
    under_way, most, fetch = 0, 0, before.gmail.fetch

    async def slow(mailbox_id: str, gmail_id: str) -> Fetched:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        under_way -= 1
        return await fetch(mailbox_id, gmail_id)

    before.gmail.fetch = slow  # type: ignore[method-assign]
    for number in range(PAGE):
        before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT)
    await _connect(before)
    await before.settle()
    assert most == AT_ONCE
    assert (await before.mailbox()).index_done == PAGE


async def test_lost_consent_in_the_middle_of_a_page_is_not_hidden_by_its_neighbours(before: Fixture) -> None:
    for number in range(20):
        before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT)
    await _connect(before)
    before.gmail.trouble["fetch"] = NeedsReconnect("Google no longer accepts the permission.")
    await before.settle()
    assert (await before.mailbox()).link is Link.NEEDS_RECONNECT
    await _connect(before)
    await before.settle()
    assert (await before.mailbox()).index_done == 20


def refuse(fixture: Fixture, *gmail_ids: str) -> None:
    """Gmail gives these messages out to nobody."""
    fetch = fixture.gmail.fetch

    async def some(mailbox_id: str, gmail_id: str) -> Fetched:
        if gmail_id in gmail_ids:
            raise Rejected("Google's answer is larger than it may be.", reason="answerTooLarge")
        return await fetch(mailbox_id, gmail_id)

    fixture.gmail.fetch = some  # type: ignore[method-assign]


@pytest.mark.parametrize("messages", [1, 20])
async def test_one_mail_gmail_does_not_give_out_holds_up_nobody(before: Fixture, messages: int) -> None:
    """Else the mailbox would never be screened at all."""
    sent = [before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT) for number in range(messages)]
    refuse(before, sent[0])
    await _connect(before)
    await before.settle(turns=200)
    assert (await before.mailbox()).indexed_at is not None
    assert [await _knows(before, f"p{number}@x.test") for number in range(messages)] == [False] + [True] * (
        messages - 1
    )


async def test_a_mailbox_that_gives_out_nothing_is_not_taken_for_one_without_friends(before: Fixture) -> None:
    sent = [before.gmail.deliver(mail_to(f"p{number}@x.test"), labels=SENT) for number in range(20)]
    refuse(before, *sent)
    await _connect(before)
    for _ in range(12):
        await before._turn()
    assert (await before.mailbox()).indexed_at is None
