"""Screens messages that a look at history has found and that have no rows yet. The page, its messages and the verdicts
that are ready make one commit; later verdicts are written one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

import structlog

from backend.domain.errors import Conflict, LaneLost, StoreAway
from backend.pipeline.context import Context
from backend.pipeline.sender_order import LINGER
from backend.transactions.records import MessageJob, Reached, ScreeningContext

log = structlog.get_logger()

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
        self._ready: list[Waiting] = []
        self._write_look: CommitLook | None = write
        self._writing: asyncio.Task[None] | None = None
        self._new: Collection[str] = ()
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._write)

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
                lost = LaneLost("conflict.lane")
                lost.__cause__ = error
                _settle(done, lost)
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


def _settle(done: asyncio.Future[MessageJob | None], how: MessageJob | Exception | None) -> None:
    if done.done():
        return
    if isinstance(how, Exception):
        done.set_exception(how)
    else:
        done.set_result(how)
