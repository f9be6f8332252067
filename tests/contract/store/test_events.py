"""Every change of what owners see is in the log of its mailbox, in the commit that made it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from backend.domain.errors import AccessLost, LaneLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import Outcome
from backend.transactions.records import EventKind, NewDevice, OneTimeCode, Purpose, Scope, SyncPage
from tests.contract.store.stories import Story

MOST = 1_000


async def events_of(story: Story, after: int = 0) -> list[tuple[str, str, str, str]]:
    """Changes after that number, as (kind, message, placement, decided by)."""
    news = await story.store.news("ana", "d1", after, 500)
    numbers = [event.id for event in news.events]
    assert numbers == sorted(set(numbers))
    return [(e.kind.value, e.gmail_id, e.placement, e.decided_by) for e in news.events]


async def position(story: Story) -> int:
    return (await story.store.news("ana", "d1", None, 0)).latest


async def beginning(story: Story) -> int:
    """A mailbox with a computer; where its log stands."""
    await story.mailbox()
    code = OneTimeCode("c1", "ana", Purpose.DEVICE, "x", story.now + timedelta(seconds=120), "laptop")
    await story.store.add_code(code, story.now)
    await story.store.exchange("c1", "x", NewDevice("d1", "h1", frozenset(Scope)), story.now)
    return await position(story)


async def test_held_released_and_undone_are_told_in_order(story: Story) -> None:
    start = await beginning(story)
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.INBOX, "di@x.test")
    await story.decide("ana", "m1", Decision.RELEASE, "key-1")
    await story.work()
    await story.store.undo("ana", "key-1", story.now)

    assert await events_of(story, start) == [
        ("held", "m1", "held", ""),
        ("moved", "m1", "inbox", "owner"),
        ("held", "m1", "held", ""),
    ]


async def test_blocking_sales_after_all_and_deleting_are_told(story: Story) -> None:
    start = await beginning(story)
    await story.receive("ana", "m1", Outcome.HOLD)
    await story.receive("ana", "m2", Outcome.INBOX, "di@x.test")
    await story.decide("ana", "m1", Decision.BLOCK)
    await story.decide("ana", "m2", Decision.SALES)
    await story.sync("ana", SyncPage(deleted=("m1",)))
    assert (await events_of(story, start))[1:] == [
        ("moved", "m1", "held", "owner"),
        ("moved", "m2", "held", "owner"),
        ("moved", "m1", "inbox", "owner"),
    ]


async def test_a_solve_is_told(story: Story) -> None:
    await beginning(story)
    intent = await story.receive("ana", "m1", Outcome.CHALLENGE)
    assert intent is not None
    before = await position(story)
    await story.solve(intent)
    assert await events_of(story, before) == [("moved", "m1", "inbox", "solve")]


async def test_settings_and_the_link_are_told_and_nothing_else_is(story: Story) -> None:
    start = await beginning(story)
    await story.store.change_preferences("ana", {"strictness": "strict"}, story.now)
    await story.store.change_preferences("ana", {"strictness": "strict"}, story.now)
    await story.store.save_sealed_token("ana", b"other", story.now)
    await story.store.set_link("ana", AccessState.NEEDS_RECONNECT, story.now, AccessLost.GRANT)
    assert await events_of(story, start) == [("status", "", "", "")] * 2


async def test_a_held_message_is_told_as_it_is_now(story: Story) -> None:
    start = await beginning(story)
    await story.receive("ana", "m1", Outcome.HOLD)
    (event,) = (await story.store.news("ana", "d1", start, 10)).events
    assert event.kind is EventKind.HELD
    assert event.message is not None
    assert event.message.subject == "More leads"


async def test_an_undone_transaction_tells_nothing(story: Story) -> None:
    start = await beginning(story)
    await story.arrive("ana", "m1")
    job = await story.job("m1")
    await story.judge(job, Outcome.INBOX)
    before = await events_of(story, start)
    with pytest.raises(LaneLost):
        await story.judge(job, Outcome.HOLD)
    assert await events_of(story, start) == before


async def test_numbers_go_up_by_one_whoever_writes_at_once(story: Story) -> None:
    start = await beginning(story)
    changes = [
        story.store.change_preferences("ana", {"retention_days": days}, story.now) for days in range(7, 47)
    ]
    await asyncio.gather(*changes)
    news = await story.store.news("ana", "d1", start, 500)
    assert [event.id for event in news.events] == list(range(start + 1, start + 41))


async def test_what_is_no_longer_known_is_said_to_be_lost(story: Story) -> None:
    start = await beginning(story)
    for round_ in range(0, MOST + 20, 60):
        await asyncio.gather(
            *(
                story.store.change_preferences("ana", {"daily_challenges": round_ % 2 * 100 + n}, story.now)
                for n in range(60)
            )
        )
    latest = await position(story)
    assert latest > start + MOST
    lost = await story.store.news("ana", "d1", start, 10)
    assert (lost.lost, lost.latest, lost.events) == (True, latest, ())
    kept = await story.store.news("ana", "d1", latest - MOST, 2_000)
    assert (kept.lost, len(kept.events)) == (False, MOST)
    assert (await story.store.news("ana", "d1", latest - MOST - 1, 1)).lost


async def test_a_number_from_another_life_is_lost_too(story: Story) -> None:
    # A mailbox that left and came back counts from the start again.
    start = await beginning(story)
    assert (await story.store.news("ana", "d1", start + 1, 10)).lost
