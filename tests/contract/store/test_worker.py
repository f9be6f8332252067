"""The job loop over a store: what it does with a message that breaks it, how it stops, who holds what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from backend.lanes.loop import Worker

from backend.domain.errors import SEARCH_LAG, LaneLost, StoreAway, TryLater
from backend.domain.mailbox.mailbox import NoticeHint
from backend.domain.mailbox.message import Outcome, Stage
from backend.lanes import loop
from backend.lanes.endings import Endings
from backend.pipeline.context import Context
from backend.pipeline.looks import Look
from backend.settings import Settings
from backend.store.opening import open_store
from backend.transactions.records import Duty, DutyJob, MessageJob
from backend.transactions.store import Store
from tests.contract.store.stories import Story
from tests.doubles import FixedClock, GlassVault, SeededTokens

NOBODY: Any = None
"""Gmail, the scorer and Google's consent: no stage here asks them."""
POISON, SLOW = "m-poison", "m-slow"
TRIES = 3
STOP = 0.2


@dataclass
class Workshop:
    """A store with Ana's and Bea's mailboxes, and workers whose stages are played: poison raises, slow never
    ends by itself, anything else is judged and passes."""

    story: Story
    clock: FixedClock
    context: Context
    ran: list[str] = field(default_factory=list)
    slow_began: asyncio.Event = field(default_factory=asyncio.Event)
    error: Exception = field(default_factory=lambda: RuntimeError("poison"))

    async def stage(self, context: Context, job: MessageJob, *_: object) -> tuple[MessageJob, ...]:
        """What a worker runs instead of screening."""
        self.ran.append(job.gmail_id)
        if job.gmail_id == POISON:
            raise self.error
        if job.gmail_id == SLOW:
            self.slow_began.set()
            await asyncio.Event().wait()
        await self.story.judge(job, Outcome.INBOX)
        return ()

    def worker(self, name: str = "w1", context: Context | None = None) -> Worker:
        """One that polls all the time: the clock does not go on by itself."""
        return Worker(context or self.context, NOBODY, name)

    async def work_until(self, done: Callable[[], Awaitable[bool]]) -> None:
        """Run a worker until `done`, time passing as it waits."""
        stop, worker, claim = asyncio.Event(), self.worker(), Worker._claim
        claiming = False

        async def claimed() -> int:
            nonlocal claiming
            claiming = True
            try:
                return await claim(worker)
            finally:
                claiming = False

        worker._claim = claimed  # type: ignore[method-assign]
        running = asyncio.create_task(worker.run(stop))
        async with asyncio.timeout(30):
            while not await done():
                # A slow disk or server is no reason to lose a lease.
                if not worker.busy and not claiming:
                    self.clock.advance(1)
                    self.story.now = self.clock.now()
                await asyncio.sleep(0)
        stop.set()
        await running

    async def ended(self, mailbox: str, *ids: str) -> bool:
        """Whether these are done with."""
        known = await self.story.store.known(mailbox, ids)
        return len(known) == len(ids) and all(view.stage is None for view in known.values())

    async def dead_letters(self) -> list[str]:
        """Ids of the dead letters."""
        return [row["gmail_id"] for row in await self.story.store.dead_letters()]


@pytest_asyncio.fixture(loop_scope="session")
async def workshop(store: Store, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    clock = FixedClock()
    settings = Settings(
        state_dir=tmp_path, max_attempts=TRIES, stop_seconds=STOP, poll_seconds=0.005, worker_tasks=4
    )
    context = Context(settings, store, NOBODY, NOBODY, clock, SeededTokens(), GlassVault(), NOBODY)
    story.now = clock.now()
    for name in ("ana", "bea"):
        await story.mailbox(name)
    shop = Workshop(story, clock, context)
    monkeypatch.setattr(loop, "run_stage", shop.stage)
    return shop


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


async def test_a_message_that_kills_its_workers_becomes_a_dead_letter_too(workshop: Workshop) -> None:
    """It ends no job: the process is gone each time, and with it whatever else it held."""
    await workshop.story.arrive("ana", POISON, "m1")
    for number in range(TRIES):
        for job in await workshop.story.claim(worker=f"dead{number}"):
            if job.gmail_id != POISON:
                await workshop.story.judge(job, Outcome.INBOX)
        workshop.clock.advance(61)
        workshop.story.now = workshop.clock.now()
    await workshop.story.arrive("ana", "m2")

    async def done() -> bool:
        return bool(await workshop.dead_letters()) and await workshop.ended("ana", "m1", "m2")

    await workshop.work_until(done)
    assert POISON not in workshop.ran
    assert (await workshop.story.view("ana", POISON)).cause == loop.DEADLY


async def test_a_few_deaths_that_had_other_causes_do_not_count_against_a_message(workshop: Workshop) -> None:
    await workshop.story.arrive("ana", "m1")
    for number in range(TRIES - 1):
        await workshop.story.claim(worker=f"dead{number}")
        workshop.clock.advance(61)
        workshop.story.now = workshop.clock.now()
    await workshop.work_until(lambda: workshop.ended("ana", "m1"))
    assert workshop.ran == ["m1"]


async def test_of_all_that_a_dying_worker_held_only_the_cause_becomes_a_dead_letter(
    workshop: Workshop,
) -> None:
    """A process that dies takes everything it holds with it, and here it does so again and again."""
    innocent = ("m1", "m2", "m3", "m4", "m5", "m6")
    died = asyncio.Event()

    async def stage(context: Context, job: MessageJob, *_: object) -> tuple[MessageJob, ...]:
        if job.gmail_id == POISON:
            died.set()
        await asyncio.wait({asyncio.create_task(died.wait())}, timeout=0.01)
        if died.is_set():
            await asyncio.Event().wait()  # nothing that ran in that process ends any more
        await workshop.story.judge(job, Outcome.INBOX)
        return ()

    async def nobody_left_to(endings: Endings, job: MessageJob) -> None: ...

    await workshop.story.arrive("ana", *innocent, POISON)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "run_stage", stage)
        patch.setattr(Endings, "give_back", nobody_left_to)
        for life in range(TRIES + 1):
            died.clear()
            stop = asyncio.Event()
            running = asyncio.create_task(workshop.worker(f"life{life}").run(stop))
            async with asyncio.timeout(30):
                while not died.is_set() and not await workshop.dead_letters():
                    pass
            stop.set()
            await running
            workshop.clock.advance(61)
            workshop.story.now = workshop.clock.now()
    assert await workshop.dead_letters() == [POISON]
    await workshop.work_until(lambda: workshop.ended("ana", *innocent))
    assert await workshop.dead_letters() == [POISON]


async def test_a_worker_that_is_told_to_stop_gives_back_what_does_not_end_in_time(workshop: Workshop) -> None:
    await workshop.story.arrive("ana", SLOW)
    stop = asyncio.Event()
    running = asyncio.create_task(workshop.worker().run(stop))
    await workshop.slow_began.wait()
    began = asyncio.get_running_loop().time()
    stop.set()
    await running
    assert asyncio.get_running_loop().time() - began < 20 * STOP
    # Free at once, not when the lease runs out, and no try of its own was spent.
    (job,) = await workshop.story.due()
    assert (job.gmail_id, job.attempt, job.deaths) == (SLOW, 1, 0)


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
        patch.setattr(loop, "run_stage", endless)
        patch.setattr(loop, "run_duty", endless)
        stop, worker = asyncio.Event(), workshop.worker()
        running = asyncio.create_task(worker.run(stop))
        async with asyncio.timeout(30):
            await all_began.wait()
            assert worker.busy == slots
            stop.set()
            await running
    assert began == slots, "nothing more was claimed"
    free = await workshop.story.due()
    assert {job.attempt for job in free} == {1}, "given back at once, and no try was spent"


async def test_a_send_that_was_cut_short_is_looked_for_only_once_it_can_be_found(workshop: Workshop) -> None:
    """Given back at once, the next worker would look before the mail shows, and send it a second time."""
    await workshop.story.arrive("ana", SLOW)
    await workshop.story.judge(await workshop.story.job(SLOW), Outcome.CHALLENGE)
    await workshop.story.store.finish_stage(await workshop.story.job(SLOW), workshop.story.now)
    stop = asyncio.Event()
    running = asyncio.create_task(workshop.worker().run(stop))
    await workshop.slow_began.wait()
    stop.set()
    await running
    assert await workshop.story.due() == ()
    workshop.story.pass_time(seconds=SEARCH_LAG.total_seconds())
    (job,) = await workshop.story.due()
    assert (job.gmail_id, job.stage) == (SLOW, Stage.CHALLENGE)


async def test_a_worker_that_is_told_to_stop_claims_nothing_more_but_ends_what_runs(
    workshop: Workshop,
) -> None:
    ending = asyncio.Event()

    async def slow(context: Context, job: MessageJob, *_: object) -> tuple[MessageJob, ...]:
        workshop.ran.append(job.gmail_id)
        workshop.slow_began.set()
        await ending.wait()
        await workshop.story.judge(job, Outcome.INBOX)
        return ()

    await workshop.story.arrive("ana", "m1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "run_stage", slow)
        stop = asyncio.Event()
        patient = workshop.context.settings.model_copy(update={"stop_seconds": 30})
        worker = workshop.worker(context=replace(workshop.context, settings=patient))
        running = asyncio.create_task(worker.run(stop))
        await workshop.slow_began.wait()
        stop.set()
        await workshop.story.arrive("bea", "m2")
        ending.set()
        await running
    assert await workshop.ended("ana", "m1")
    assert workshop.ran == ["m1"]


async def test_two_workers_never_sync_one_mailbox_at_the_same_time(
    workshop: Workshop, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a store of its own, as processes have: only what is stored can keep them apart."""
    inside: dict[str, int] = {"ana": 0, "bea": 0}
    most, turns = dict(inside), 0

    async def sync(
        context: Context, authorizer: object, job: DutyJob, *more: object
    ) -> tuple[MessageJob, ...]:
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
        return ()

    monkeypatch.setattr(loop, "run_duty", sync)
    for name in ("ana", "bea"):
        await workshop.story.store.request_duty(name, Duty.SYNC, workshop.clock.now())
    stop = asyncio.Event()
    async with AsyncExitStack() as stores, asyncio.timeout(30):
        workers = []
        for number in range(3):
            own = open_store(address)
            await own.open()
            stores.push_async_callback(own.close)
            worker = workshop.worker(f"w{number}", replace(workshop.context, store=own))
            workers.append(asyncio.create_task(worker.run(stop)))
        while turns < 40:  # noqa: ASYNC110 - counted, not timed
            await asyncio.sleep(0.001)
        stop.set()
        await asyncio.gather(*workers)
    assert most == {"ana": 1, "bea": 1}


@pytest.mark.parametrize("tasks", [1, 2, 8, 64])
async def test_what_there_was_no_room_for_is_not_left_until_the_next_look(
    workshop: Workshop, tasks: int
) -> None:
    """Neither room of the worker's nor a mailbox's share: nothing but the end of a message tells that there is some."""
    settings = workshop.context.settings.model_copy(update={"worker_tasks": tasks, "poll_seconds": 3600.0})
    names = [f"m{number}" for number in range(20)]
    await workshop.story.arrive("ana", *names)
    stop, worker = asyncio.Event(), workshop.worker(context=replace(workshop.context, settings=settings))
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


def hear(workshop: Workshop, number: int, window: float = 0.0, *, seen: bool = False) -> None:
    """A push about Ana's mailbox, which this process has looked at before."""
    told = NoticeHint(number, workshop.clock.now())
    workshop.context.looks.hear("ana", told, window, seen=seen, echo=False)


@dataclass
class Looker:
    """Plays the looks: what each was told, and what becomes of the next ones."""

    looks: list[Look] = field(default_factory=list)
    ends: list[Exception] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    enough: int = 1
    meanwhile: list[Callable[[], None]] = field(default_factory=list)

    async def look_at(self, context: Context, look: Look, hands: object) -> None:
        self.looks.append(look)
        if len(self.looks) >= self.enough:
            self.done.set()
        if self.meanwhile:
            self.meanwhile.pop()()
        if self.ends:
            raise self.ends.pop(0)

    async def run(self, workshop: Workshop) -> None:
        """A worker, until it has looked often enough."""
        stop = asyncio.Event()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "look_at", self.look_at)
            patch.setattr(loop, "AGAIN", 0.001)
            running = asyncio.create_task(workshop.worker().run(stop))
            async with asyncio.timeout(30):
                await self.done.wait()
                while workshop.context.looks.waiting():  # noqa: ASYNC110 - it ends in a later turn of the loop
                    await asyncio.sleep(0)
            stop.set()
            await running


async def test_a_push_wakes_the_worker_and_so_does_the_next(workshop: Workshop) -> None:
    looker = Looker(enough=2, meanwhile=[lambda: hear(workshop, 8)])
    hear(workshop, 7)
    await looker.run(workshop)
    assert [look.told and look.told.position for look in looker.looks] == [7, 8]


@pytest.mark.parametrize("error", [StoreAway("later.store.full"), LaneLost("conflict.lane")])
async def test_a_look_that_could_not_be_written_is_made_again_with_what_was_told(
    workshop: Workshop, error: Exception
) -> None:
    looker = Looker(ends=[error], enough=2)
    hear(workshop, 7)
    await looker.run(workshop)
    assert [look.told and look.told.position for look in looker.looks] == [7, 7]


async def test_a_look_that_google_refuses_is_left_to_the_duty_and_waits_as_long_as_google_says(
    workshop: Workshop,
) -> None:
    story, later = workshop.story, workshop.clock.now() + timedelta(hours=1)
    ana = await story.store.mailbox("ana")
    assert ana is not None
    workshop.context.looks.looked(ana, "5")
    looker = Looker(ends=[TryLater("later.limits", reason="limit", retry_at=later)])
    hear(workshop, 7)
    await looker.run(workshop)
    assert not workshop.context.looks.knows("ana"), "pushes are stored until a duty has looked"
    assert await story.due_duty() is None
    mailbox = await story.store.mailbox("ana")
    assert mailbox is not None
    assert [failing.job for failing in mailbox.failing] == [Duty.SYNC]
    assert mailbox.told is not None
    assert mailbox.told.position == 7
    story.now = later + timedelta(minutes=1)  # not all at the same moment
    job = await story.due_duty()
    assert job is not None
    assert (job.mailbox_id, job.duty) == ("ana", Duty.SYNC)


async def test_a_worker_that_stops_leaves_the_looks_still_to_come_to_the_store(workshop: Workshop) -> None:
    """Others may be at work on the database, and go on at once."""
    hear(workshop, 7, window=3600, seen=True)
    stop = asyncio.Event()
    stop.set()
    await workshop.worker().run(stop)
    job = await workshop.story.due_duty()
    assert job is not None
    assert (job.mailbox_id, job.duty) == ("ana", Duty.SYNC)


async def test_while_the_store_takes_nothing_nothing_is_looked_at(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Google would be asked again and again for what cannot be kept."""
    store, looker, tries = workshop.story.store, Looker(), 0
    full = StoreAway("later.store.full", reason="SQLITE_FULL")
    store._driver.outage.met(full)

    async def ping() -> None:
        nonlocal tries
        tries += 1
        assert looker.looks == []
        if tries < 3:
            raise full
        store._driver.outage.error = None

    monkeypatch.setattr(store, "ping", ping)
    hear(workshop, 7)
    await looker.run(workshop)
    assert tries == 3
