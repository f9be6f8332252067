"""Since when jobs fail: kept from the first failure to the next try that comes to its end, and told of one mailbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
import pytest_asyncio

from backend.domain.errors import Cause, FailingJob
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import Outcome, Stage
from backend.transactions.records import Duty
from tests.contract.store.stories import Story

SOON = timedelta(seconds=1)


async def failing(story: Story, name: str = "ana") -> tuple[FailingJob, ...]:
    mailbox = await story.store.mailbox(name)
    assert mailbox is not None
    return mailbox.failing


async def seconds(story: Story) -> int:
    return (await story.store.census(story.now))["failing_seconds"]


async def fail_sync(story: Story, cause: Cause | None = Cause.GOOGLE) -> None:
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    job = await story.due_duty()
    assert job is not None
    assert job.duty is Duty.SYNC
    await story.store.postpone_duty(job, story.now + SOON, "503", story.now, cause=cause)


async def fail_message(story: Story, cause: Cause | None = Cause.GOOGLE) -> None:
    job = await story.job("m1")
    await story.store.postpone(job, story.now + SOON, "503", story.now, cause=cause)


@pytest_asyncio.fixture(loop_scope="session")
async def rested(story: Story) -> Story:
    """Ana's and Bea's mailboxes with nothing due but a message of Ana's."""
    for name in ("ana", "bea"):
        await story.mailbox(name)
        while (job := await story.due_duty()) is not None:
            await story.store.finish_duty(job, None)
    await story.arrive("ana", "m1")
    assert await failing(story) == ()
    assert await seconds(story) == 0
    return story


@pytest.mark.parametrize(("fail", "job"), [(fail_sync, Duty.SYNC), (fail_message, Stage.SCREEN)])
async def test_it_fails_since_the_first_time_and_for_the_last_reason(
    rested: Story, fail: Callable[[Story, Cause | None], Awaitable[None]], job: str
) -> None:
    began = rested.now
    await fail(rested, None)
    assert await failing(rested) == (), "a wait of our own is no failure"
    rested.pass_time(seconds=2)
    began = rested.now
    await fail(rested, Cause.GOOGLE)
    rested.pass_time(seconds=100)
    await fail(rested, Cause.FAULT)
    rested.pass_time(seconds=50)
    assert await failing(rested) == (FailingJob(job, Cause.FAULT, began),)
    await fail(rested, None)
    assert await failing(rested) == (FailingJob(job, Cause.FAULT, began),), "and mends nothing"
    assert await seconds(rested) == 150
    assert await failing(rested, "bea") == ()


async def test_a_duty_that_is_done_or_goes_on_fails_no_more(rested: Story) -> None:
    await fail_sync(rested)
    rested.pass_time(seconds=2)
    job = await rested.due_duty()
    assert job is not None
    await rested.store.finish_duty(job, None)
    assert await failing(rested) == ()
    assert await seconds(rested) == 0


async def test_the_longest_of_many_messages_is_told(rested: Story) -> None:
    began = rested.now
    await fail_message(rested)
    rested.pass_time(seconds=1)
    await rested.arrive("ana", "m2", "m3")
    for job in (await rested.store.lane_work("ana", 9)).messages:
        await rested.store.postpone(job, rested.now + SOON, "503", rested.now, cause=Cause.FAULT)
    assert await failing(rested) == (FailingJob(Stage.SCREEN, Cause.FAULT, began),)


@pytest.mark.parametrize("end", ["judged", "held", "dead letter", "gone", "ordered"])
async def test_however_a_messages_job_ends_it_fails_no_more(rested: Story, end: str) -> None:
    await fail_message(rested)
    rested.pass_time(seconds=2)
    job = await rested.job("m1")
    assert await failing(rested)
    if end in ("judged", "held", "ordered"):
        await rested.judge(job, Outcome.INBOX if end == "judged" else Outcome.HOLD)
    elif end == "dead letter":
        await rested.store.make_dead_letter(job, "broken", rested.now)
    else:
        await rested.store.gone(job, rested.now)
    if end == "ordered":
        await rested.store.postpone(await rested.job("m1"), rested.now, "503", rested.now, cause=Cause.FAULT)
        assert await failing(rested)
        await rested.decide("ana", "m1", Decision.RELEASE)
    assert await failing(rested) == ()
    assert await seconds(rested) == 0


@pytest.mark.parametrize("link", [AccessState.NEEDS_RECONNECT, AccessState.LEAVING, AccessState.CONNECTED])
async def test_what_failed_before_the_link_changed_says_nothing_of_how_it_goes_on(
    rested: Story, link: AccessState
) -> None:
    await fail_sync(rested)
    await fail_message(rested)
    assert len(await failing(rested)) == 2
    await rested.store.set_link("ana", link, rested.now)
    assert await failing(rested) == ()
    assert await seconds(rested) == 0
