"""together: messages of one mailbox that are screened at the same time begin with one read, and their verdicts are
written in one commit. What a look at history found has no rows before: the look, its messages and the verdicts that are
ready make one commit. What one sender wrote is judged in order of dates, each with the evidence of those before it. In
all else each is a job of its own: what delays or ends one is no matter to the others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime

import structlog

from backend.domain.errors import Conflict, LeaseLost, StoreAway
from backend.domain.mailbox.message import Screened, Stage, Verdict
from backend.domain.policy.evidence import company_domain
from backend.ports.system import Clock
from backend.transactions.records import MessageJob, Reached, ScreeningContext
from backend.transactions.store import Store

log = structlog.get_logger()

LINGER = 0.05
"""Seconds for which a verdict waits for those on the others: Google or the reading may hold one of them up."""

PATIENCE = 2.0
"""Seconds after which a look is written even if no verdict is ready."""

CommitLook = Callable[[Sequence[Reached]], Awaitable[Mapping[str, MessageJob | None]]]
"""Writes a look with these verdicts. Returns which of its messages are ours, and the stage to go on with."""

Future = asyncio.Future


class VerdictBatch:
    """Some jobs of one mailbox. With a `look` they are what it found: screened with `begun`, and without rows until it
    is `written`. Each job must call `without` when it finishes, even on error."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        jobs: Collection[MessageJob],
        begun: ScreeningContext | None = None,
        look: CommitLook | None = None,
    ) -> None:
        self.jobs = tuple(jobs)
        self._store, self._clock = store, clock
        (self._mailbox_id,) = {job.mailbox_id for job in jobs}
        self._under_way = {job.gmail_id for job in jobs}
        self._known = begun
        self._begun: asyncio.Task[ScreeningContext] | None = None
        self._ready: list[tuple[Reached, Future[MessageJob | None]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writing: set[asyncio.Task[None]] = set()
        self._senders = _Senders(self._under_way)
        self._look = look
        self._ours: Collection[str] = frozenset(self._under_way)
        self.written: Future[None] = asyncio.get_running_loop().create_future()
        if look is None:
            self.written.set_result(None)
        else:
            self._write_in(PATIENCE)

    async def beginning(self) -> ScreeningContext:
        """What their screening begins with."""
        if self._known is not None:
            return self._known
        if len(self.jobs) == 1:
            return await self._store.screening_context(self._mailbox_id)
        if self._begun is None:
            self._begun = asyncio.create_task(self._store.screening_context(self._mailbox_id))
        return await asyncio.shield(self._begun)

    @asynccontextmanager
    async def in_turn(self, job: MessageJob, screened: Screened, *, doubtful: bool) -> AsyncIterator[None]:
        """Judge a message in here. Of a `doubtful` one's sender it is then on record what they, or their colleagues,
        wrote before it."""
        senders = self._senders
        try:
            senders.read(job.gmail_id, screened)
            if doubtful:
                await senders.others_read()
            while doubtful and (earlier := senders.before(job.gmail_id)) is not None:
                self.without(job)
                await earlier.wait()
            yield
        finally:
            senders.judged(job.gmail_id)

    async def stays(self, job: MessageJob, verdict: Verdict, screened: Screened | None) -> None:
        """Record a verdict on a message that stays where it is, as `record_verdict` does."""
        one = Reached(job, verdict, screened)
        if self._look is None:
            await self.there(job)
        if self._look is None and not self._ready and self._under_way <= {job.gmail_id}:
            try:
                await self._store.record_stays(self._mailbox_id, [one], self._clock.now())
            except Conflict:
                await self._alone(one)
            return
        await self._with_others(one)

    async def acts(self, one: Reached, until: datetime) -> MessageJob | None:
        """Record any other verdict, as `record_verdict` does; the stage to go on with."""
        if self._look is not None:
            return await self._with_others(one)
        await self.there(one.job)
        self.without(one.job)
        return await self._alone(one, until)

    async def there(self, job: MessageJob) -> None:
        """Wait until the message has a row. Raises `LeaseLost` where it is not ours to go on with."""
        if not self.written.done():
            self.without(job)
            try:
                await asyncio.shield(self.written)
            except Exception as error:
                raise LeaseLost("conflict.lease") from error
        if job.gmail_id not in self._ours:
            raise LeaseLost("conflict.lease")

    def without(self, job: MessageJob) -> None:
        """The others wait for this one no longer."""
        self._under_way.discard(job.gmail_id)
        self._senders.gone(job.gmail_id)
        if not self._under_way and (self._ready or self._look is not None):
            self._write()
        elif self._ready and (self._timer is None or self._look is not None):
            self._write_in(LINGER)

    async def _with_others(self, one: Reached) -> MessageJob | None:
        done: Future[MessageJob | None] = asyncio.get_running_loop().create_future()
        self._ready.append((one, done))
        self.without(one.job)
        return await done

    def _write_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._write)

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        ready, self._ready = [one for one in self._ready if not one[1].done()], []
        look, self._look = self._look, None
        task = asyncio.create_task(self._recorded(ready) if look is None else self._looked(look, ready))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _looked(
        self, look: CommitLook, ready: Sequence[tuple[Reached, Future[MessageJob | None]]]
    ) -> None:
        """Write the look. What cannot be written with it (a credit that has gone, facts that no row can hold) is
        written alone, once it has a row."""
        together = True
        try:
            try:
                ours = await look([one for one, _ in ready])
            except (LeaseLost, StoreAway):
                raise
            except Exception as error:
                self._tell(error)
                together, ours = False, await look(())
        except Exception as error:
            self._ours = frozenset()
            self.written.set_exception(error)
            self.written.exception()  # who waits hears of it; should nobody, nothing is to be told
            for _, done in ready:
                _settle(done, LeaseLost("conflict.lease"))
            return
        self._ours = ours.keys()
        self.written.set_result(None)
        for one, done in ready:
            if one.job.gmail_id not in ours:
                _settle(done, LeaseLost("conflict.lease"))
            elif together:
                _settle(done, ours[one.job.gmail_id])
        if not together:
            await asyncio.gather(*(self._settled_alone(*one) for one in ready if not one[1].done()))

    async def _recorded(self, ready: Sequence[tuple[Reached, Future[MessageJob | None]]]) -> None:
        try:
            await self._store.record_stays(self._mailbox_id, [one for one, _ in ready], self._clock.now())
        except Exception as error:
            self._tell(error)
            # Nothing was written: each then finds out alone what is wrong with it.
            await asyncio.gather(*(self._settled_alone(*one) for one in ready))
            return
        for _, done in ready:
            _settle(done, None)

    async def _settled_alone(self, one: Reached, done: Future[MessageJob | None]) -> None:
        try:
            _settle(done, await self._alone(one))
        except Exception as error:
            _settle(done, error)

    async def _alone(self, one: Reached, until: datetime | None = None) -> MessageJob | None:
        return await self._store.record_verdict(
            one.job, one.verdict, one.screened, one.challenge, self._clock.now(), until
        )

    def _tell(self, error: Exception) -> None:
        if not isinstance(error, Conflict):
            log.exception("verdicts_not_together", mailbox=self._mailbox_id)


class _Senders:
    """Who wrote what of some messages, as they are read, and which of those are judged."""

    def __init__(self, ids: Collection[str]) -> None:
        self._unread = set(ids)
        self._all_read = asyncio.Event()
        self._read: dict[str, Screened] = {}
        self._begun = set[str]()
        self._judged: dict[str, asyncio.Event] = {}

    def read(self, gmail_id: str, screened: Screened) -> None:
        """It has been read."""
        self._read[gmail_id], self._judged[gmail_id] = screened, asyncio.Event()
        self.gone(gmail_id)

    async def others_read(self) -> None:
        """Wait a little until all have been read."""
        if not self._all_read.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._all_read.wait()

    def gone(self, gmail_id: str) -> None:
        """Nobody need wait until it is read."""
        self._unread.discard(gmail_id)
        if not self._unread:
            self._all_read.set()

    def before(self, gmail_id: str) -> asyncio.Event | None:
        """What is set once a message is on record that is evidence for this one; None: this one is begun."""
        own = self._read[gmail_id]
        for other, screened in self._read.items():
            first = other in self._begun or (screened.received_at, other) < (own.received_at, gmail_id)
            if other != gmail_id and first and _alike(screened, own) and not self._judged[other].is_set():
                return self._judged[other]
        self._begun.add(gmail_id)
        return None

    def judged(self, gmail_id: str) -> None:
        """Its verdict is on record, or there will be none now."""
        self._judged[gmail_id].set()


def _alike(one: Screened, other: Screened) -> bool:
    """Whether the mail of one's sender is evidence about the other's."""
    same_firm = one.sender_domain == other.sender_domain and bool(company_domain(one.sender_domain))
    return (one.sender != "" and one.sender == other.sender) or same_firm


def _settle(done: Future[MessageJob | None], how: MessageJob | Exception | None) -> None:
    if done.done():
        return
    if isinstance(how, Exception):
        done.set_exception(how)
    else:
        done.set_result(how)


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
