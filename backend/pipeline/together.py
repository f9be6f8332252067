"""together: messages of one mailbox that are screened at the same time begin with one read, and the verdicts on those
that stay where they are become one transaction. In all else each is a job of its own: what delays or ends one of them
is no matter to the others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping

import structlog

from backend.domain.errors import Conflict
from backend.domain.mailbox.message import Screened, Stage, Verdict
from backend.ports.system import Clock
from backend.transactions.records import MessageJob, ScreeningContext, Stays
from backend.transactions.store import Store

log = structlog.get_logger()

LINGER = 0.05
"""Seconds for which a verdict waits for those on the others: Google or the reading may hold one of them up."""


class VerdictBatch:
    """Some jobs of one mailbox. Each job must call `without` when it finishes, even on error."""

    def __init__(self, store: Store, clock: Clock, jobs: Collection[MessageJob]) -> None:
        self._store, self._clock = store, clock
        (self._mailbox_id,) = {job.mailbox_id for job in jobs}
        self._threads = tuple({job.thread_id for job in jobs})
        self._under_way = {job.gmail_id for job in jobs}
        self._single = len(jobs) == 1
        self._in_hand = next(iter(jobs)).begun
        self._begun: asyncio.Task[ScreeningContext] | None = None
        self._ready: list[tuple[Stays, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()

    async def beginning(self) -> ScreeningContext:
        """What their screening begins with. Those that one sync found have it in hand."""
        if self._in_hand is not None:
            return self._in_hand
        if self._single:
            return await self._store.screening_context(self._mailbox_id, self._threads)
        if self._begun is None:
            self._begun = asyncio.create_task(self._store.screening_context(self._mailbox_id, self._threads))
        return await asyncio.shield(self._begun)

    async def stays(self, job: MessageJob, verdict: Verdict, screened: Screened | None) -> None:
        """Record a verdict on a message that stays where it is, as `record_verdict` does."""
        one = Stays(job, verdict, screened)
        if not self._ready and self._under_way <= {job.gmail_id}:
            try:
                await self._store.record_stays(self._mailbox_id, [one], self._clock.now())
            except Conflict:
                await self._store.record_verdict(job, verdict, screened, None, self._clock.now())
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ready.append((one, done))
        self.without(job)
        await done

    def without(self, job: MessageJob) -> None:
        """The others wait for this one no longer."""
        self._under_way.discard(job.gmail_id)
        if self._ready and not self._under_way:
            self._write()
        elif self._ready and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LINGER, self._write)

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ready, self._ready = self._ready, []
        task = asyncio.create_task(self._recorded([one for one in ready if not one[1].done()]))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _recorded(self, ready: list[tuple[Stays, asyncio.Future[None]]]) -> None:
        try:
            await self._store.record_stays(self._mailbox_id, [one for one, _ in ready], self._clock.now())
        except Exception as error:
            if not isinstance(error, Conflict):
                log.exception("verdicts_not_together", mailbox=self._mailbox_id)
            # Nothing was written: each then finds out alone what is wrong with it.
            await asyncio.gather(*(self._alone(*one) for one in ready))
            return
        for _, done in ready:
            if not done.done():
                done.set_result(None)

    async def _alone(self, one: Stays, done: asyncio.Future[None]) -> None:
        try:
            await self._store.record_verdict(one.job, one.verdict, one.screened, None, self._clock.now())
        except Exception as error:
            if not done.done():
                done.set_exception(error)
        else:
            if not done.done():
                done.set_result(None)


def together(store: Store, clock: Clock, jobs: Collection[MessageJob]) -> Mapping[str, VerdictBatch]:
    """Which of these are screened together, by mailbox."""
    many = Counter(job.mailbox_id for job in jobs if job.stage is Stage.SCREEN)
    return {
        name: VerdictBatch(
            store, clock, [job for job in jobs if job.mailbox_id == name and job.stage is Stage.SCREEN]
        )
        for name, number in many.items()
        if number > 1
    }
