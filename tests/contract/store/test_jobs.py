"""Pushes, duties, leases: who does what, and what a death or a newer order leaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from backend.domain.errors import LaneLost
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome, Placement, Stage
from backend.transactions.records import Duty, PushFate, Sighting, SyncPage
from tests.contract.store.stories import LEASE, Story

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


async def test_a_duty_has_one_holder_and_mailboxes_do_not_wait_for_each_other(story: Story) -> None:
    await story.mailbox("ana")
    await story.mailbox("bea")
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    await story.store.request_duty("bea", Duty.SYNC, story.now + timedelta(seconds=1))
    story.pass_time(seconds=1)
    first, second, third = [await story.due_duty() for _ in range(3)]
    assert first is not None
    assert second is not None
    assert (first.mailbox_id, second.mailbox_id) == ("ana", "bea")  # the one longest due
    assert third is None


async def test_what_was_asked_for_during_a_duty_is_not_lost(story: Story) -> None:
    await story.mailbox("ana")
    job = await story.hold("ana")
    found = story.now + timedelta(seconds=2)
    await story.store.request_duty("ana", Duty.SYNC, found)
    assert await story.due_duty() is None
    await story.store.finish_duty(job, story.now + timedelta(minutes=12))
    assert await story.next_due() == found


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


async def test_the_duty_of_a_dead_worker_goes_to_the_next_and_the_dead_changes_nothing(story: Story) -> None:
    await story.mailbox("ana")
    dead = await story.hold("ana")
    assert await story.due_duty() is None
    story.pass_time(seconds=60)
    heir = await story.due_duty()
    assert heir is not None
    assert heir.attempt == 2
    for late in (
        story.store.finish_duty(dead, None),
        story.store.postpone_duty(dead, story.now, "late", story.now),
        story.store.commit_sync(dead, SyncPage((Sighting("m1", "t1", None),), cursor="7"), story.now),
        story.store.save_index(dead, "x", 1, 1, finished=True, now=story.now),
    ):
        with pytest.raises(LaneLost):
            await late
    untouched = await story.store.mailbox("ana")
    assert untouched is not None
    assert (untouched.cursor, untouched.indexed_at) == ("", None)
    assert await story.store.known("ana", ["m1"]) == {}
    await story.store.finish_duty(heir, None)


# Messages


async def test_two_workers_racing_share_the_work_without_overlap(story: Story) -> None:
    await story.mailbox("ana")
    ids = [f"m{number:03}" for number in range(60)]
    await story.arrive("ana", *ids)
    claims = await asyncio.gather(*(story.claim(7, worker=f"w{number}") for number in range(10)))
    taken = Counter(job.gmail_id for jobs in claims for job in jobs)
    assert max(taken.values()) == 1
    rest = await story.due(100)
    assert sorted([*taken, *(job.gmail_id for job in rest)]) == ids


async def test_a_claimed_message_carries_what_the_stage_needs(story: Story) -> None:
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


async def test_a_crowd_in_one_mailbox_does_not_starve_the_others(story: Story) -> None:
    for name in ("ana", "bea", "cid"):
        await story.mailbox(name)
    await story.arrive("ana", *(f"m{number:05}" for number in range(100_000)))
    story.pass_time(seconds=1)
    await story.arrive("bea", "b1", "b2")
    await story.arrive("cid", "c1")
    claims = [await story.due(1) for _ in range(5)]
    assert Counter(job.mailbox_id for (job,) in claims) == {"ana": 2, "bea": 2, "cid": 1}
    batch = await story.due(30)  # with nobody else waiting, the crowd gets all of it
    assert [job.gmail_id for job in batch] == [f"m{number:05}" for number in range(2, 32)]
    # Whoever comes later, while the crowd is served, has the very next turn but one.
    story.pass_time(seconds=1)
    await story.arrive("cid", "c2", "c3")
    batches = [await story.due(8) for _ in range(2)]
    assert [Counter(job.mailbox_id for job in batch) for batch in batches] == [
        {"ana": 8},
        {"ana": 6, "cid": 2},
    ]


async def test_everything_due_is_claimed_in_the_end(story: Story) -> None:
    names = [f"owner{number}" for number in range(9)]
    for number, name in enumerate(names):
        await story.mailbox(name)
        await story.arrive(name, *(f"m{index}" for index in range(number + 1)))
    claimed = Counter[str]()
    while jobs := await story.due(4):
        claimed.update(job.mailbox_id for job in jobs)
        for job in jobs:
            await story.store.finish_stage(job, story.now)
    assert claimed == {name: number + 1 for number, name in enumerate(names)}
    assert await story.next_due() is None or await story.due() == ()


async def test_the_message_of_a_dead_worker_goes_to_the_next_and_the_dead_changes_nothing(
    story: Story,
) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    dead = await story.job("m1")
    assert await story.due() == ()
    assert await story.next_due() == story.now + LEASE
    story.pass_time(seconds=60)
    heir = await story.job("m1")
    assert heir.attempt == 2
    for late in (
        story.judge(dead, Outcome.CHALLENGE),
        story.store.finish_stage(dead, story.now),
        story.store.postpone(dead, story.now, "late", story.now),
        story.store.make_dead_letter(dead, "late", story.now),
        story.store.gone(dead, story.now),
        story.store.mark_sending(dead, "c1", story.now),
        story.store.mark_sent(dead, "c1", "x", story.now),
        story.store.mark_unsent(dead, "c1", "late", story.now),
    ):
        with pytest.raises(LaneLost):
            await late
    view = await story.view("ana", "m1")
    assert (view.stage, view.outcome, view.sender, view.dead_letter) == (Stage.SCREEN, "", "", False)
    assert await story.store.challenge_of("ana", "m1") is None
    await story.judge(heir, Outcome.INBOX)


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


async def test_an_order_given_while_a_worker_acts_is_carried_out_afterwards(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.HOLD)
    acting = await story.job("m1")
    assert await story.decide("ana", "m1", Decision.RELEASE) == ("m1",)
    assert await story.due() == ()  # two at once must not move the same mail
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


async def test_an_order_for_a_message_whose_worker_died_waits_for_the_lease_only(story: Story) -> None:
    await story.mailbox("ana")
    await story.arrive("ana", "m1")
    await story.judge(await story.job("m1"), Outcome.HOLD)
    await story.job("m1")  # and dies
    await story.decide("ana", "m1", Decision.RELEASE)
    story.pass_time(seconds=60)
    assert (await story.job("m1")).stage is Stage.RELEASE


# Waking


async def test_a_waiting_worker_is_woken_by_new_work(story: Story) -> None:
    await story.mailbox("ana")
    heard = story.store.rings
    woken = asyncio.create_task(story.store.wait(20, heard))
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    assert await woken


async def test_work_that_came_between_the_look_and_the_wait_is_not_slept_through(story: Story) -> None:
    await story.mailbox("ana")
    listened: list[str] = []
    story.store.on_due(listened.append)
    heard = story.store.rings
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    assert await story.store.wait(20, heard)
    assert listened == ["ana"]


async def test_a_wait_for_nothing_ends(story: Story) -> None:
    assert not await story.store.wait(0.01, story.store.rings)
