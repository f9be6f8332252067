"""Pushes, duties, messages: what is due when, and what a newer order leaves."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from backend.domain.errors import AccessLost, LaneLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import Outcome, Placement, Stage
from backend.transactions.records import Duty, LaneWork, PushFate, Sighting, SyncPage
from tests.contract.store.stories import Story

# Pushes


async def test_a_push_told_three_times_is_one_duty(story: Story) -> None:
    await story.mailbox("ana")
    fates = [await story.push(50, "Ana@corp.test") for _ in range(3)]
    assert fates == [PushFate.NEW] * 3
    job = await story.due_duty()
    assert job is not None
    await story.store.finish_duty(job, None)
    assert await story.due_duty() is None


async def test_a_push_is_stale_below_the_cursor_as_numbers_not_as_texts(story: Story) -> None:
    await story.mailbox("ana")
    await story.sync("ana", SyncPage(cursor="1000"))
    assert await story.push(999) is PushFate.STALE
    # What came within a second after it was dropped by Google, so even a stale push makes us look.
    assert await story.due_duty() is not None
    assert await story.push(1000) is PushFate.NEW
    beyond_int64 = 2**64 - 1
    assert await story.push(beyond_int64) is PushFate.NEW


async def test_a_push_for_nobody_makes_nothing_due(story: Story) -> None:
    assert await story.push(5, "nobody@corp.test") is PushFate.UNKNOWN
    assert await story.next_due() is None


# Duties


async def test_a_duty_asked_for_again_is_never_delayed(story: Story) -> None:
    await story.mailbox("ana")
    soon, later = story.now + timedelta(seconds=5), story.now + timedelta(hours=1)
    await story.store.request_duty("ana", Duty.SYNC, soon)
    await story.store.request_duty("ana", Duty.SYNC, later)
    assert await story.next_due() == soon
    assert await story.due_duty() is None
    story.pass_time(seconds=5)
    assert await story.due_duty() is not None


async def test_the_duty_that_has_been_due_longest_comes_first(story: Story) -> None:
    await story.mailbox("ana")
    await story.mailbox("bea")
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    await story.store.request_duty("bea", Duty.SYNC, story.now + timedelta(seconds=1))
    story.pass_time(seconds=1)
    for name in ("ana", "bea"):
        job = await story.due_duty()
        assert job is not None
        assert job.mailbox_id == name
        await story.store.finish_duty(job, None)
    assert await story.due_duty() is None


async def test_a_duty_nobody_asked_for_again_comes_when_it_should(story: Story) -> None:
    await story.mailbox("ana")
    job = await story.hold("ana")
    again = story.now + timedelta(minutes=12)
    await story.store.finish_duty(job, again)
    assert await story.next_due() == again


async def test_a_postponed_duty_counts_its_attempts_until_it_succeeds(story: Story) -> None:
    await story.mailbox("ana")
    job = await story.hold("ana")
    for attempt in (1, 2, 3):
        assert job.attempt == attempt
        await story.store.postpone_duty(job, story.now + timedelta(seconds=30), "503", story.now)
        assert await story.due_duty() is None
        story.pass_time(seconds=30)
        claimed = await story.due_duty()
        assert claimed is not None
        job = claimed
    await story.store.finish_duty(job, story.now)
    fresh = await story.due_duty()
    assert fresh is not None
    assert fresh.attempt == 1


@pytest.mark.parametrize("asked_in", [0, 2])
async def test_a_duty_that_was_asked_for_while_it_ran_is_done_once_more_and_not_twice(
    story: Story, asked_in: int
) -> None:
    await story.mailbox("ana")
    job = await story.hold("ana")
    asked_for = story.now + timedelta(seconds=asked_in)
    await story.store.request_duty("ana", Duty.SYNC, asked_for)
    await story.store.finish_duty(job, story.now + timedelta(minutes=12))
    again = await story.due_duty()
    assert again is not None
    # The second run has seen all there is: what it says is when the duty is due.
    await story.store.finish_duty(again, asked_for + timedelta(minutes=1))
    assert await story.next_due() == asked_for + timedelta(minutes=1)


async def test_what_a_process_leaves_behind_is_due_as_it_was(story: Story) -> None:
    await story.mailbox("ana")
    left = await story.hold("ana")
    again = await story.due_duty()
    assert again == left


# Messages


async def test_a_due_message_carries_what_the_stage_needs(story: Story) -> None:
    await story.mailbox("ana")
    seen = (
        Sighting("m1", "t1", frozenset({"INBOX", "UNREAD"})),
        Sighting("m2", "t2", None, Stage.LEARN),
    )
    await story.sync("ana", SyncPage(seen, backlog=True))
    first, second = await story.due()
    assert (first.gmail_id, first.thread_id, first.stage, first.labels) == (
        "m1",
        "t1",
        Stage.SCREEN,
        frozenset({"INBOX", "UNREAD"}),
    )
    assert (second.stage, second.labels) == (Stage.LEARN, None)
    assert (first.attempt, first.revision, first.placement, first.backlog) == (1, 0, None, True)
    assert first.first_seen_at == story.now


async def test_of_a_crowd_as_many_are_read_as_are_asked_for_the_oldest_first(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", *(f"m{number:05}" for number in range(10_000)))
    found = (await story.store.lane_work("ana", 3)).messages
    assert [job.gmail_id for job in found] == ["m00000", "m00001", "m00002"]


async def test_lanes_tell_when_the_first_thing_is_due_in_each_mailbox(story: Story) -> None:
    for name in ("ana", "bea", "cid"):
        await story.mailbox(name)
    later = story.now + timedelta(minutes=3)
    await story.store.request_duty("ana", Duty.SYNC, later)
    await story.arrive("bea", "m1")
    await story.store.request_duty("bea", Duty.SYNC, later)
    assert await story.store.lanes() == {"ana": later, "bea": story.now, "cid": None}
    await story.store.set_link("bea", AccessState.NEEDS_RECONNECT, story.now, AccessLost.GRANT)
    assert await story.store.lanes() == {"ana": later, "cid": None}
    assert (await story.store.lane_work("bea", 9)) == LaneWork((), ())


async def test_what_has_ended_meanwhile_ends_nothing_more(story: Story) -> None:
    """Whoever still has it in hand comes too late, and changes nothing."""
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    late = await story.job("m1")
    await story.judge(late, Outcome.INBOX)
    for ending in (
        story.judge(late, Outcome.CHALLENGE),
        story.store.finish_stage(late, story.now),
        story.store.postpone(late, story.now, "late", story.now),
        story.store.make_dead_letter(late, "late", story.now),
        story.store.gone(late, story.now),
        story.store.count_death(late),
        story.store.mark_sending(late, "c1", story.now),
        story.store.mark_sent(late, "c1", "x", story.now),
        story.store.mark_unsent(late, "c1", "late", story.now),
    ):
        with pytest.raises(LaneLost):
            await ending
    view = await story.view("ana", "m1")
    assert (view.stage, view.outcome, view.dead_letter) == (None, Outcome.INBOX, False)
    assert await story.store.challenge_of("ana", "m1") is None


async def test_a_mark_counts_a_death_until_the_stage_ends_somehow(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    for deaths in range(3):
        job = await story.job("m1")
        assert job.deaths == deaths
        await story.store.count_death(job)
    await story.store.take_back_death(await story.job("m1"))
    job = await story.job("m1")
    assert (job.deaths, job.attempt) == (3, 1)
    await story.store.postpone(job, story.now, "503", story.now)
    job = await story.job("m1")
    assert (job.deaths, job.attempt) == (0, 2)


async def test_a_postponed_message_waits_and_counts(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    again = story.now + timedelta(seconds=30)
    await story.store.postpone(await story.job("m1"), again, "503", story.now)
    assert await story.due() == ()
    assert await story.next_due() == again
    story.pass_time(seconds=30)
    assert (await story.job("m1")).attempt == 2


async def test_a_dead_letter_waits_for_a_person_while_the_mailbox_goes_on(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1", "m2")
    first, second = await story.due()
    await story.store.make_dead_letter(first, "cannot be read", story.now)
    await story.judge(second, Outcome.HOLD)
    assert await story.work() == [(Stage.ACT, "m2")]
    view = await story.view("ana", "m1")
    assert (view.dead_letter, view.cause, view.stage) == (True, "cannot be read", Stage.SCREEN)
    assert [row["gmail_id"] for row in await story.store.dead_letters()] == ["m1"]
    assert [row["gmail_id"] for row in await story.store.dead_letters("ana")] == ["m1"]
    assert await story.store.dead_letters("bea") == []
    assert (await story.store.census(story.now))["dead_letters"] == 1

    assert await story.store.retry_dead_letter("ana", "m1", story.now)
    assert not await story.store.retry_dead_letter("ana", "m1", story.now)
    again = await story.job("m1")
    assert again.attempt == 1
    await story.store.make_dead_letter(again, "still not", story.now)
    assert await story.store.drop_dead_letter("ana", "m1", story.now)
    assert not await story.store.drop_dead_letter("ana", "m1", story.now)
    assert await story.store.dead_letters() == []
    assert await story.due() == ()


async def test_a_message_that_is_gone_ends_and_takes_its_challenge_along(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    challenge = await story.judge(await story.job("m1"), Outcome.CHALLENGE)
    assert challenge is not None
    await story.store.gone(await story.job("m1"), story.now)
    assert await story.work() == []
    stored = await story.store.challenge_of("ana", "m1")
    assert stored is not None
    assert stored.state == "voided"
    assert await story.place("ana", "m1") is None
    assert await story.store.messages("ana", Placement.HELD) == ()


# A newer order


async def test_an_order_given_while_a_stage_runs_is_carried_out_afterwards(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.HOLD)
    acting = await story.job("m1")
    assert await story.decide("ana", "m1", Decision.RELEASE) == ("m1",)
    await story.store.finish_stage(acting, story.now)
    release = await story.job("m1")
    assert (release.stage, release.placement, release.attempt) == (Stage.RELEASE, Placement.INBOX, 1)
    assert release.revision > acting.revision
    await story.store.finish_stage(release, story.now)
    assert await story.due() == ()


@pytest.mark.parametrize("ending", ["postpone", "make_dead_letter"])
async def test_a_newer_order_does_not_wait_for_the_old_ones_trouble(story: Story, ending: str) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.HOLD)
    acting = await story.job("m1")
    await story.decide("ana", "m1", Decision.RELEASE)
    if ending == "postpone":
        await story.store.postpone(acting, story.now + timedelta(hours=1), "503", story.now)
    else:
        await story.store.make_dead_letter(acting, "refused", story.now)
    assert (await story.job("m1")).stage is Stage.RELEASE


# Waking


async def test_new_work_wakes_the_lane_of_its_mailbox(story: Story) -> None:
    await story.mailbox("ana")
    woken: asyncio.Queue[str] = asyncio.Queue()
    story.store.on_due(woken.put_nowait)
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    async with asyncio.timeout(20):
        assert await woken.get() == "ana"
