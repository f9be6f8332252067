"""A typed code without work: the link is solved by itself when its wait is over, once, unless the owner decides."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from backend.domain.challenge import ChallengeIntent
from backend.domain.errors import Expired, Refused
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Outcome, Placement
from backend.transactions.records import Duty
from tests.contract.store.stories import BO, Story
from tests.contract.store.test_used_links import is_open, known, waiting

WAIT = timedelta(minutes=10)


async def promise(story: Story, challenge: ChallengeIntent, signature: str = "code") -> datetime:
    before = (await known(story, challenge)).solved_before
    return await story.store.schedule_release(
        challenge.id, signature, story.now + WAIT, before, story.now + WAIT, story.now
    )


async def keep(story: Story) -> datetime | None:
    return await story.store.release_due("ana", story.now)


async def test_the_duty_is_due_at_the_end_of_the_wait_and_delivers(story: Story) -> None:
    challenge = await waiting(story, 3)
    at = await promise(story, challenge)
    assert await story.due_duty() is None
    assert await keep(story) == at
    assert await story.place("ana", "m0") is Placement.HELD

    story.now = at
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.DELIVER
    assert await keep(story) is None
    assert [await story.place("ana", f"m{n}") for n in range(3)] == [
        Placement.INBOX,
        Placement.INBOX,
        Placement.HELD,
    ]
    assert (await known(story, challenge)).solved_before == 1
    assert await story.store.ledger_differences() == ()


async def test_kept_many_times_at_once_it_delivers_once(story: Story) -> None:
    challenge = await waiting(story, 5, credits_per_solve=1)
    story.now = await promise(story, challenge)
    await asyncio.gather(*(keep(story) for _ in range(6)))
    assert [await story.place("ana", f"m{n}") for n in range(2)] == [Placement.INBOX, Placement.HELD]
    assert await story.store.balance("ana", BO) == 0


async def test_a_wait_under_way_stands_whatever_else_is_typed(story: Story) -> None:
    challenge = await waiting(story, 2)
    at = await promise(story, challenge)
    story.pass_time(minutes=5)
    assert await promise(story, challenge, "another code") == at


async def test_a_code_is_taken_once_and_at_the_price_that_stands(story: Story) -> None:
    challenge = await waiting(story, 4, credits_per_solve=1)
    story.now = await promise(story, challenge)
    await keep(story)
    with pytest.raises(Refused) as replayed:
        await promise(story, challenge)
    assert replayed.value.code == "captcha_replayed"
    with pytest.raises(Refused) as cheap:
        await story.store.schedule_release(
            challenge.id, "new", story.now + WAIT, 0, story.now + WAIT, story.now
        )
    assert cheap.value.code == "captcha_expired"


async def test_the_work_done_meanwhile_takes_the_place_of_the_wait(story: Story) -> None:
    challenge = await waiting(story, 4, credits_per_solve=1)
    at = await promise(story, challenge)
    assert (await story.solve(challenge)).released == ("m0",)
    story.now = at
    assert await keep(story) is None
    assert await story.place("ana", "m1") is Placement.HELD


@pytest.mark.parametrize("decision", [Decision.BLOCK, Decision.RELEASE, Decision.ALLOW])
async def test_the_owners_word_ends_it_and_taking_it_back_lets_it_go_on(
    story: Story, decision: Decision
) -> None:
    challenge = await waiting(story, 1)
    at = await promise(story, challenge)
    await story.decide("ana", "m0", decision, "the-word")
    story.now = at + timedelta(hours=1)
    assert await keep(story) is None
    assert await story.store.balance("ana", BO) == 0
    with pytest.raises(Expired):
        await promise(story, challenge, "another code")
    await story.work()
    while (job := await story.due_duty()) is not None:
        await story.store.finish_duty(job, None)

    await story.store.undo("ana", "the-word", story.now)
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.DELIVER
    assert await keep(story) is None
    assert (await story.view("ana", "m0")).decided_by == "solve"
    assert await story.store.balance("ana", BO) == 1


async def test_it_is_kept_though_the_link_expires_meanwhile(story: Story) -> None:
    challenge = await waiting(story, 1)
    story.pass_time(days=13, hours=23, minutes=55)
    story.now = await promise(story, challenge)
    assert await is_open(story)
    await keep(story)
    assert await story.place("ana", "m0") is Placement.INBOX


async def test_behind_a_used_link_with_nothing_left_it_earns_nothing(story: Story) -> None:
    challenge = await waiting(story, 2, credits_per_solve=1)
    await story.solve(challenge)
    at = await promise(story, challenge)
    await story.decide("ana", "m1", Decision.RELEASE)
    story.now = at
    assert await keep(story) is None
    assert await story.store.balance("ana", BO) == 0


async def test_a_new_link_is_not_kept_from_a_sender_by_a_wait_for_nothing(story: Story) -> None:
    challenge = await waiting(story, 2, credits_per_solve=1)
    await story.solve(challenge)
    await story.work()
    story.pass_time(days=8)
    await promise(story, challenge)
    await story.decide("ana", "m1", Decision.RELEASE)
    await story.work()
    later = await story.receive("ana", "m2", Outcome.CHALLENGE)
    assert later is not None
    assert (await story.solve(later)).released == ("m2",)
