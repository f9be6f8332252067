"""What a mailbox asks of itself: its watch, and knowing its senders."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.errors import NO_TOPIC, Cause, NeedsReconnect, Rejected, TryLater, Unexplained
from backend.domain.mail.message import Address, Message
from backend.domain.mailbox.mailbox import AccessState, Condition, Mode, Preferences
from backend.pipeline.duties import AT_ONCE, PAGE, renewed_after, watch
from backend.pipeline.notices import sweep_after
from backend.ports.gmail import Fetched
from backend.transactions.records import Duty, NewMailbox
from tests.unit.pipeline.conftest import Fixture, letter


async def test_a_renewal_never_touches_the_cursor(fixture: Fixture) -> None:
    before = (await fixture.mailbox()).cursor
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    job = await fixture.duty(Duty.WATCH)
    due = await watch(fixture.context, job)
    assert (await fixture.mailbox()).cursor == before
    day = timedelta(days=1)
    assert day * 0.9 <= due - fixture.now() <= day


async def test_it_is_an_alarm_below_48_hours_and_lapsed_at_none(fixture: Fixture) -> None:
    mailbox = await fixture.mailbox()
    until = mailbox.watch_expires_at
    assert until is not None
    assert not mailbox.watch_alarm(until - timedelta(hours=47)), "nothing has failed"
    fixture.gmail.outages["watch"] = TryLater("Google is away.")
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    await fixture.work_for(1)
    mailbox = await fixture.mailbox()
    assert not mailbox.watch_alarm(until - timedelta(hours=48, seconds=1))
    assert mailbox.watch_alarm(until - timedelta(hours=47))
    assert mailbox.condition(until - timedelta(hours=47)) is not Condition.WATCH_LAPSED
    assert mailbox.condition(until) is Condition.WATCH_LAPSED


async def test_after_a_lapse_the_watch_comes_back_and_what_came_meanwhile_is_found(fixture: Fixture) -> None:
    fixture.wait(days=8)
    missed = fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    assert (await fixture.mailbox()).condition(fixture.now()) is Condition.WATCH_LAPSED
    await fixture.settle()
    mailbox = await fixture.mailbox()
    assert mailbox.condition(fixture.now()) is Condition.ACTIVE
    assert missed in await fixture.store.known(fixture.mailbox_id, [missed])


async def test_after_a_lapse_nobody_waits_for_the_sweep(fixture: Fixture) -> None:
    position = (await fixture.mailbox()).cursor
    await fixture.store.save_watch(fixture.mailbox_id, fixture.now() - timedelta(seconds=1), position)
    job = await fixture.duty(Duty.WATCH)
    await watch(fixture.context, job)
    work = await fixture.store.lane_work(fixture.mailbox_id, 0)
    wanted = next(one for one in work.duties if one.duty is Duty.SYNC)
    assert wanted.due_at == fixture.now(), "it is due at once"


async def test_mailboxes_that_connected_together_do_not_all_come_back_together(fixture: Fixture) -> None:
    days = {renewed_after(timedelta(days=7), timedelta(days=1), f"box{n}") for n in range(50)}
    assert len(days) > 40
    assert all(timedelta(days=0.9) <= day <= timedelta(days=1) for day in days)
    sweeps = {sweep_after(fixture.context, f"box{n}") for n in range(50)}
    assert len(sweeps) > 40
    interval = timedelta(seconds=fixture.context.settings.sweep_interval)
    assert all(interval <= sweep <= interval * 1.1 for sweep in sweeps)


async def test_a_watch_that_google_grants_for_hours_only_is_renewed_at_half_its_life(
    fixture: Fixture,
) -> None:
    fixture.gmail.watch_days = 0.25
    fixture.gmail.calls.clear()
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    for _ in range(4):
        await fixture.settle()
        fixture.wait(hours=3)
    assert fixture.gmail.calls["watch"] >= 4
    assert (await fixture.mailbox()).condition(fixture.now()) is not Condition.WATCH_LAPSED


async def test_mail_of_which_no_push_told_renews_the_watch_once_an_hour_at_most(fixture: Fixture) -> None:
    fixture.wait(hours=2)
    fixture.gmail.calls.clear()
    for _ in range(3):
        fixture.gmail.deliver(letter(text="the minutes of Tuesday"))  # the watch is gone: no push
        fixture.wait(minutes=14)
        await fixture.settle()
    assert fixture.gmail.calls["watch"] == 1


async def test_mail_that_a_push_told_of_renews_nothing(fixture: Fixture) -> None:
    fixture.wait(hours=2)
    await fixture.settle()
    fixture.gmail.calls.clear()
    fixture.gmail.deliver(letter(text="the minutes of Tuesday"))
    await fixture.push()
    await fixture.settle()
    assert fixture.gmail.calls["watch"] == 0


async def test_a_topic_that_is_missing_is_told_and_forgotten_when_it_is_there(fixture: Fixture) -> None:
    fixture.gmail.outages["watch"] = TryLater("later.topic", reason=NO_TOPIC)
    await fixture.store.request_duty(fixture.mailbox_id, Duty.WATCH, fixture.now())
    await fixture.work_for(1)
    assert (await fixture.mailbox()).topic_missing
    assert fixture.failed["watch", Cause.TOPIC] == 1
    del fixture.gmail.outages["watch"]
    await fixture.work_for(70)
    assert not (await fixture.mailbox()).topic_missing


# ---- The correspondent index: read once from Sent, a page at a time, over deaths, within its limit


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
    assert (await before.mailbox()).link is AccessState.NEEDS_RECONNECT
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
