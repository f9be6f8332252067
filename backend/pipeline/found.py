"""Screens messages that a look at history has found and that have no rows yet. The page, its messages and the verdicts
that are ready make one commit; later verdicts are written one by one. Messages of one sender are judged in order of
date, each with the earlier ones as evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress

import structlog

from backend.domain.errors import Conflict, LaneLost, StoreAway
from backend.domain.mailbox.message import Screened
from backend.domain.policy.evidence import company_domain
from backend.pipeline.context import Context
from backend.transactions.records import MessageJob, Reached, ScreeningContext

log = structlog.get_logger()

LINGER = 0.05
"""Seconds for which a verdict waits for the others: Google or the reading may delay one of them."""

PATIENCE = 2.0
"""Seconds after which a look is written even if no verdict is ready."""

CommitLook = Callable[[Sequence[Reached]], Awaitable[Mapping[str, MessageJob | None]]]
"""Writes a look with these verdicts. Returns which of its messages are new, with their next stages."""

Waiting = tuple[Reached, asyncio.Future[MessageJob | None]]


class FoundMail:
    """The `jobs` of one look, screened in the context `begun`. Each must call `without` when it ends, even on error."""

    def __init__(
        self, context: Context, jobs: Collection[MessageJob], begun: ScreeningContext, write: CommitLook
    ) -> None:
        self.jobs, self.begun = tuple(jobs), begun
        self._context = context
        self._under_way = {job.gmail_id for job in jobs}
        self._senders = _Senders(self._under_way)
        self._ready: list[Waiting] = []
        self._write_look: CommitLook | None = write
        self._writing: asyncio.Task[None] | None = None
        self._new: Collection[str] = ()
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._write)

    async def turn(self, job: MessageJob, screened: Screened, *, doubtful: bool) -> None:
        """A message has been read, and is to be judged. If it is `doubtful`, earlier mail from its sender, or their
        colleagues, is on record first."""
        senders = self._senders
        senders.read(job.gmail_id, screened)
        if doubtful:
            await senders.others_read()
        while doubtful and (earlier := senders.before(job.gmail_id)) is not None:
            self.without(job)
            await earlier.wait()

    def judged(self, job: MessageJob) -> None:
        """Its verdict is on record, or it will have none for now."""
        self._senders.judged(job.gmail_id)

    async def record(self, one: Reached) -> MessageJob | None:
        """As `record_verdict` does."""
        if self._write_look is None:
            await self.there(one.job)
            return await self._alone(one)
        done: asyncio.Future[MessageJob | None] = asyncio.get_running_loop().create_future()
        self._ready.append((one, done))
        self.without(one.job)
        return await done

    async def there(self, job: MessageJob) -> None:
        """Wait until the message has a row. Raises `LaneLost` if it is no longer ours to process."""
        self.without(job)
        try:
            await asyncio.shield(self.written)
        except Exception as error:
            raise LaneLost("conflict.lane") from error
        if job.gmail_id not in self._new:
            raise LaneLost("conflict.lane")

    def without(self, job: MessageJob) -> None:
        """The look no longer waits for this message."""
        self._under_way.discard(job.gmail_id)
        self._senders.gone(job.gmail_id)
        if self._write_look is None:
            return
        if not self._under_way:
            self._write()
        elif self._ready:
            loop = asyncio.get_running_loop()
            if self._timer.when() > loop.time() + LINGER:
                self._timer.cancel()
                self._timer = loop.call_later(LINGER, self._write)

    def _write(self) -> None:
        self._timer.cancel()
        look, self._write_look = self._write_look, None
        if look is not None:
            self._writing = asyncio.create_task(self._written(look, self._ready))

    async def _written(self, look: CommitLook, ready: Sequence[Waiting]) -> None:
        """Write the look's commit. A verdict that cannot be part of it (its credit has gone, or no row can hold its
        facts) is written alone afterwards."""
        together = True
        try:
            try:
                new = await look([one for one, _ in ready])
            except (LaneLost, StoreAway):
                raise
            except Exception as error:
                if not isinstance(error, Conflict):
                    log.exception("verdicts_not_together", mailbox=self.jobs[0].mailbox_id)
                together, new = False, await look(())
        except Exception as error:
            self.written.set_exception(error)
            self.written.exception()  # the waiting jobs get the error; if none waits, nothing needs to be raised
            for _, done in ready:
                _settle(done, LaneLost("conflict.lane"))
            return
        self._new = new.keys()
        self.written.set_result(None)
        for one, done in ready:
            if one.job.gmail_id not in new:
                _settle(done, LaneLost("conflict.lane"))
            elif together:
                _settle(done, new[one.job.gmail_id])
        if not together:
            await asyncio.gather(*(self._settled_alone(*one) for one in ready if not one[1].done()))

    async def _settled_alone(self, one: Reached, done: asyncio.Future[MessageJob | None]) -> None:
        try:
            _settle(done, await self._alone(one))
        except Exception as error:
            _settle(done, error)

    async def _alone(self, one: Reached) -> MessageJob | None:
        now = self._context.clock.now()
        return await self._context.store.record_verdict(
            one.job, one.verdict, one.screened, one.challenge, now
        )


class _Senders:
    """Which sender wrote which messages, as they are read, and which of those are judged."""

    def __init__(self, ids: Collection[str]) -> None:
        self._unread = set(ids)
        self._all_read = asyncio.Event()
        self._read: dict[str, Screened] = {}
        self._begun = set[str]()
        self._judged: dict[str, asyncio.Event] = {}

    def read(self, gmail_id: str, screened: Screened) -> None:
        """The message has been read."""
        self._read[gmail_id], self._judged[gmail_id] = screened, asyncio.Event()
        self.gone(gmail_id)

    async def others_read(self) -> None:
        """Wait a little until all have been read."""
        if not self._all_read.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await self._all_read.wait()

    def gone(self, gmail_id: str) -> None:
        """No longer wait for this message to be read."""
        self._unread.discard(gmail_id)
        if not self._unread:
            self._all_read.set()

    def before(self, gmail_id: str) -> asyncio.Event | None:
        """The event set once an earlier message that is evidence for this one is on record; None if there is none. This
        one counts as started."""
        own = self._read[gmail_id]
        for other, screened in self._read.items():
            first = other in self._begun or (screened.received_at, other) < (own.received_at, gmail_id)
            if other != gmail_id and first and _alike(screened, own) and not self._judged[other].is_set():
                return self._judged[other]
        self._begun.add(gmail_id)
        return None

    def judged(self, gmail_id: str) -> None:
        self._judged[gmail_id].set()


def _alike(one: Screened, other: Screened) -> bool:
    """Whether mail from one of these senders is evidence about the other."""
    same_firm = one.sender_domain == other.sender_domain and bool(company_domain(one.sender_domain))
    return (one.sender != "" and one.sender == other.sender) or same_firm


def _settle(done: asyncio.Future[MessageJob | None], how: MessageJob | Exception | None) -> None:
    if done.done():
        return
    if isinstance(how, Exception):
        done.set_exception(how)
    else:
        done.set_result(how)
