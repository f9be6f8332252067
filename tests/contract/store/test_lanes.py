"""Lanes over a store: what they do with a message that breaks them, how they stop, what a death leaves."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from backend.domain.errors import LaneLost, StoreAway, TryLater
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import AccessState, NoticeHint
from backend.domain.mailbox.message import Outcome, Stage
from backend.lanes.running import DEADLY
from backend.pipeline.context import Context
from backend.pipeline.memory import Look
from backend.transactions.records import Duty, DutyJob, MessageJob
from backend.transactions.script import EVERY
from tests.contract.store.workshop import POISON, SLOW, STOP, TRIES, Workshop

FULL = StoreAway("later.store.full", reason="SQLITE_FULL")


async def test_a_message_that_breaks_its_stage_becomes_a_dead_letter_and_the_mailbox_goes_on(
    workshop: Workshop,
) -> None:
    await workshop.story.arrive("ana", "m1", POISON, "m2")
    await workshop.story.arrive("bea", "m3")

    async def done() -> bool:
        return bool(await workshop.dead_letters()) and await workshop.ended("ana", "m1", "m2")

    await workshop.work_until(done)
    assert await workshop.ended("bea", "m3")
    assert await workshop.dead_letters() == [POISON]
    assert workshop.ran.count(POISON) == TRIES
    view = await workshop.story.view("ana", POISON)
    assert (view.cause, view.placement) == ("fault RuntimeError", None)  # it stays where Gmail put it


@pytest.mark.parametrize("error", [TryLater("Google is away."), StoreAway("The database is away.")])
async def test_what_others_are_to_blame_for_is_tried_for_as_long_as_it_takes(
    workshop: Workshop, error: Exception
) -> None:
    workshop.error = error
    await workshop.story.arrive("ana", POISON)

    async def done() -> bool:
        return workshop.ran.count(POISON) >= 3 * TRIES

    await workshop.work_until(done)
    assert await workshop.dead_letters() == []


async def test_a_few_deaths_that_had_other_causes_do_not_count_against_a_message(workshop: Workshop) -> None:
    await workshop.story.arrive("ana", "m1")
    for _ in range(TRIES):
        await workshop.die_over("m1")
    (job,) = await workshop.story.due()
    assert job.deaths == TRIES - 1
    await workshop.work_until(lambda: workshop.ended("ana", "m1"))
    assert workshop.ran == ["m1"]


async def test_of_all_that_dies_with_it_only_the_cause_becomes_a_dead_letter(workshop: Workshop) -> None:
    """A process that dies takes all that is under way with it, and here it does so again and again."""
    innocent = {"ana": ("m1", "m2", "m3"), "bea": ("m4", "m5", "m6")}
    await workshop.story.arrive("ana", *innocent["ana"], POISON)
    await workshop.story.arrive("bea", *innocent["bea"])

    for _ in range(TRIES + 2):
        await workshop.die_over(POISON)
        if await workshop.dead_letters():
            break
    assert await workshop.dead_letters() == [POISON]
    assert (await workshop.story.view("ana", POISON)).cause == DEADLY
    await workshop.work_until(lambda: workshop.ended("ana", *innocent["ana"]))
    await workshop.work_until(lambda: workshop.ended("bea", *innocent["bea"]))
    assert await workshop.dead_letters() == [POISON]


async def test_after_a_death_a_mailbox_goes_one_by_one_and_marks_each_until_it_is_through(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["m1", "m2", "m3"]
    await workshop.story.arrive("ana", *names)
    await workshop.die_over("m1")
    seen: list[tuple[int, dict[str, int]]] = []
    under_way = 0

    async def stage(context: Context, job: MessageJob, *_: object) -> None:
        nonlocal under_way
        under_way += 1
        seen.append((under_way, {one.gmail_id: one.deaths for one in await workshop.story.due()}))
        await workshop.story.judge(job, Outcome.INBOX)
        under_way -= 1

    monkeypatch.setattr("backend.lanes.running.run_stage", stage)
    await workshop.work_until(lambda: workshop.ended("ana", *names))
    assert seen == [
        (1, {"m1": 1, "m2": 0, "m3": 0}),
        (1, {"m2": 1, "m3": 0}),
        (1, {"m3": 1}),
    ]
    seen.clear()
    await workshop.story.arrive("ana", "m4")
    await workshop.work_until(lambda: workshop.ended("ana", "m4"))
    assert seen == [(1, {"m4": 0})], "that process stopped in an orderly way"


async def test_lanes_that_are_told_to_stop_leave_what_does_not_end_in_time_as_it_was(
    workshop: Workshop,
) -> None:
    await workshop.story.arrive("ana", SLOW)
    stop = asyncio.Event()
    running = asyncio.create_task(workshop.lanes().run(stop))
    await workshop.slow_began.wait()
    began = asyncio.get_running_loop().time()
    stop.set()
    await running
    assert asyncio.get_running_loop().time() - began < 20 * STOP
    (job,) = await workshop.story.due()
    assert (job.gmail_id, job.attempt, job.deaths) == (SLOW, 1, 0)


async def test_leaving_waits_for_what_is_under_way_and_nothing_begins_beside_it(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A renewal could watch again after we stopped, and nobody could stop it any more."""
    story, order, renewing = workshop.story, list[str](), asyncio.Event()

    async def duty(context: Context, authorizer: object, job: DutyJob, *others: object) -> None:
        order.append(f"{job.duty} begins")
        if job.duty is Duty.WATCH:
            await story.store.set_link("ana", AccessState.LEAVING, story.now)
            renewing.set()
            for _ in range(20):
                await asyncio.sleep(0.002)
        order.append(f"{job.duty} ends")
        await context.store.finish_duty(job, None)

    monkeypatch.setattr("backend.lanes.running.run_duty", duty)
    await story.store.request_duty("ana", Duty.WATCH, story.now)
    await workshop.work_until(lambda: _says(order, "leave ends"))
    assert order == ["watch begins", "watch ends", "leave begins", "leave ends"]


async def _says(order: list[str], word: str) -> bool:
    return word in order


async def test_a_worker_with_every_slot_taken_hears_that_it_is_to_stop(workshop: Workshop) -> None:
    """Once it waited for one of them to end, however long that took."""
    slots = workshop.context.settings.worker_tasks
    began = 0
    all_began = asyncio.Event()

    async def endless(*_: object) -> None:
        nonlocal began
        began += 1
        if began == slots:
            all_began.set()
        await asyncio.Event().wait()

    story = workshop.story
    for name in [f"owner{number}" for number in range(slots + 2)]:
        await story.mailbox(name)
    for number in range(slots + 2):
        await story.arrive(f"owner{number}", f"m{number}")
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.lanes.running.run_stage", endless)
        patch.setattr("backend.lanes.running.run_duty", endless)
        stop, worker = asyncio.Event(), workshop.lanes()
        running = asyncio.create_task(worker.run(stop))
        async with asyncio.timeout(30):
            await all_began.wait()
            assert worker.busy == slots
            stop.set()
            await running
    assert began == slots, "nothing more was begun"
    free = await workshop.story.due()
    assert {job.attempt for job in free} == {1}, "no try was spent"


async def test_lanes_that_are_told_to_stop_begin_nothing_more_but_end_what_runs(
    workshop: Workshop,
) -> None:
    ending = asyncio.Event()

    async def slow(context: Context, job: MessageJob, *_: object) -> None:
        workshop.ran.append(job.gmail_id)
        workshop.slow_began.set()
        await ending.wait()
        await workshop.story.judge(job, Outcome.INBOX)

    await workshop.story.arrive("ana", "m1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backend.lanes.running.run_stage", slow)
        stop = asyncio.Event()
        patient = workshop.context.settings.model_copy(update={"stop_seconds": 30})
        worker = workshop.lanes(replace(workshop.context, settings=patient))
        running = asyncio.create_task(worker.run(stop))
        await workshop.slow_began.wait()
        stop.set()
        await workshop.story.arrive("bea", "m2")
        ending.set()
        await running
    assert await workshop.ended("ana", "m1")
    assert workshop.ran == ["m1"]


async def test_a_mailboxs_duty_runs_once_at_a_time(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: dict[str, int] = {"ana": 0, "bea": 0}
    most, turns = dict(inside), 0

    async def sync(context: Context, authorizer: object, job: DutyJob, *more: object) -> None:
        nonlocal turns
        inside[job.mailbox_id] += 1
        most[job.mailbox_id] = max(most[job.mailbox_id], inside[job.mailbox_id])
        for _ in range(5):
            await asyncio.sleep(0)
        # Told of more while it lists: the same mailbox is due again at once.
        await context.store.request_duty(
            job.mailbox_id, Duty.SYNC, context.clock.now() - timedelta(seconds=1)
        )
        inside[job.mailbox_id] -= 1
        turns += 1
        await context.store.finish_duty(job, context.clock.now())

    monkeypatch.setattr("backend.lanes.running.run_duty", sync)
    for name in ("ana", "bea"):
        await workshop.story.store.request_duty(name, Duty.SYNC, workshop.clock.now())

    async def often() -> bool:
        return turns >= 40

    await workshop.work_until(often)
    assert most == {"ana": 1, "bea": 1}


@pytest.mark.parametrize("tasks", [1, 2, 8, 64])
async def test_what_there_was_no_room_for_is_not_left_until_the_next_look(
    workshop: Workshop, tasks: int
) -> None:
    """Neither room of the process nor a mailbox's share: nothing but the end of a message tells that there is some."""
    settings = workshop.context.settings.model_copy(update={"worker_tasks": tasks, "poll_seconds": 3600.0})
    names = [f"m{number}" for number in range(20)]
    await workshop.story.arrive("ana", *names)
    stop, worker = asyncio.Event(), workshop.lanes(replace(workshop.context, settings=settings))
    running = asyncio.create_task(worker.run(stop))
    async with asyncio.timeout(30):
        ended = False
        while worker.busy or not ended:
            await asyncio.sleep(0)
            ended = await workshop.ended("ana", *names)
    stop.set()
    await running
    assert await workshop.ended("ana", *names)


# ---- Looks that pushes ask for


def hear(workshop: Workshop, number: int, window: float = 0.0, *, already_listed: bool = False) -> None:
    """A push about Ana's mailbox, which this process has looked at before."""
    told = NoticeHint(number, workshop.clock.now())
    workshop.context.looks.after_push("ana", told, window, already_listed=already_listed, echo=False)


@dataclass
class Looker:
    """Plays the looks: what each was told, and what becomes of the next ones."""

    looks: list[Look] = field(default_factory=list)
    ends: list[Exception] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    enough: int = 1
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    async def look_at(self, context: Context, look: Look, screeners: object) -> None:
        self.looks.append(look)
        if len(self.looks) >= self.enough:
            self.done.set()
        if self.meanwhile:
            self.meanwhile.pop()()
        if self.ends:
            raise self.ends.pop(0)

    async def run(self, workshop: Workshop, push: Callable[[], None] | None = None) -> None:
        """Lanes, until they have looked often enough: from their start on, or after it, from a `push` on."""
        stop, running_lanes = asyncio.Event(), workshop.lanes()
        with pytest.MonkeyPatch.context() as patch:
            if push is None:
                patch.setattr("backend.lanes.running.look_at", self.look_at)
            patch.setattr("backend.lanes.running.RETRY_SECONDS", 0.001)
            running = asyncio.create_task(running_lanes.run(stop))
            async with asyncio.timeout(30):
                if push is not None:
                    while not workshop.context.looks.has_looked("bea") or workshop.context.looks.waiting():  # noqa: ASYNC110 - in a later turn of the loop
                        await asyncio.sleep(0)
                    patch.setattr("backend.lanes.running.look_at", self.look_at)
                    push()
                await self.done.wait()
                while workshop.context.looks.waiting():  # noqa: ASYNC110 - it ends in a later turn of the loop
                    await asyncio.sleep(0)
            stop.set()
            await running


async def test_what_is_ordered_as_a_stage_ends_is_done_when_it_has_ended(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lane reads what is due while the message still runs: it must read again afterwards."""
    story = workshop.story
    await story.arrive("ana", "m1")
    ran: list[Stage] = []

    async def stage(context: Context, job: MessageJob, *_: object) -> None:
        ran.append(job.stage)
        if job.stage is not Stage.SCREEN:
            await story.store.finish_stage(job, story.now)
            return
        await story.judge(job, Outcome.INBOX)
        await story.decide("ana", "m1", Decision.BLOCK, "key")
        for _turn in range(500):
            await asyncio.sleep(0)

    monkeypatch.setattr("backend.lanes.running.run_stage", stage)

    async def done() -> bool:
        return len(ran) > 1 and await workshop.ended("ana", "m1")

    await workshop.work_until(done)
    assert ran == [Stage.SCREEN, Stage.ACT]


async def test_a_mailbox_that_connects_while_all_are_read_is_served(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not in what was read, and nothing would wake its lane again."""
    store, lanes = workshop.story.store, workshop.lanes()
    read_lanes, begun, read = store.lanes, asyncio.Event(), asyncio.Event()

    async def read_before_it_came() -> Mapping[MailboxId, datetime | None]:
        found = await read_lanes()
        monkeypatch.setattr(store, "lanes", read_lanes)
        await workshop.story.mailbox("cy")
        await workshop.story.arrive("cy", "m1")
        while "cy" not in lanes._queue.lanes:  # noqa: ASYNC110 - the database wakes it
            await asyncio.sleep(0)
        read.set()
        return found

    async def done() -> bool:
        if "ana" in lanes._queue.lanes and not begun.is_set():
            begun.set()
            monkeypatch.setattr(store, "lanes", read_before_it_came)
            lanes.rouse(EVERY)
        return read.is_set() and await workshop.ended("cy", "m1")

    monkeypatch.setattr(workshop, "lanes", lambda: lanes)
    await workshop.work_until(done)
    assert workshop.ran == ["m1"]


async def test_a_push_wakes_the_lane_and_so_does_the_next(workshop: Workshop) -> None:
    looker = Looker(enough=2, meanwhile=[lambda: hear(workshop, 8)])
    await looker.run(workshop, lambda: hear(workshop, 7))
    assert [look.hint and look.hint.position for look in looker.looks] == [7, 8]


@pytest.mark.parametrize("error", [StoreAway("later.store.full"), LaneLost("conflict.lane")])
async def test_a_look_that_could_not_be_written_is_made_again_with_what_was_told(
    workshop: Workshop, error: Exception
) -> None:
    looker = Looker(ends=[error], enough=2)
    await looker.run(workshop, lambda: hear(workshop, 7))
    assert [look.hint and look.hint.position for look in looker.looks] == [7, 7]


async def test_a_look_that_google_refuses_is_left_to_the_duty_and_waits_as_long_as_google_says(
    workshop: Workshop,
) -> None:
    story, later = workshop.story, workshop.clock.now() + timedelta(hours=1)
    looker = Looker(ends=[TryLater("later.limits", reason="limit", retry_at=later)])
    await looker.run(workshop, lambda: hear(workshop, 7))
    assert not workshop.context.looks.has_looked("ana"), "pushes are stored until a duty has looked"
    assert await story.due_duty() is None
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert [failing.job for failing in mailbox.failing] == [Duty.SYNC]
    assert mailbox.hint is not None
    assert mailbox.hint.position == 7
    story.now = later + timedelta(minutes=1)  # not all at the same moment
    job = await story.due_duty()
    assert job is not None
    assert (job.mailbox_id, job.duty) == ("ana", Duty.SYNC)


async def test_a_start_looks_at_every_history(workshop: Workshop) -> None:
    looker = Looker(enough=2)
    await looker.run(workshop)
    assert {look.mailbox_id for look in looker.looks} == {"ana", "bea"}


@pytest.mark.parametrize("error", [FULL, sqlite3.OperationalError("an error nobody foresaw")])
async def test_while_the_store_takes_nothing_nothing_is_looked_at(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Google would be asked again and again for what cannot be kept."""
    store, looker, tries = workshop.story.store, Looker(), 0
    store._driver.outage.met(FULL)

    async def ping() -> None:
        nonlocal tries
        tries += 1
        assert looker.looks == []
        if tries < 3:
            raise error
        store._driver.outage.error = None

    monkeypatch.setattr(store, "ping", ping)
    await looker.run(workshop, lambda: hear(workshop, 7))
    assert tries == 3
