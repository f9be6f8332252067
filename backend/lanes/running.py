"""Runs one job or one look, and records what follows when it fails: retry later, make a dead letter for a person to
look at, or close the job.

No error loses a message. A message that becomes a dead letter before it is judged stays in the inbox.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import (
    SEARCH_LAG,
    Cause,
    Gone,
    LaneLost,
    NeedsReconnect,
    PitchgateError,
    StoreAway,
    TryLater,
    Unexplained,
    cause_of,
    code_of,
    retry_of_refusal,
    wait_after,
)
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.message import Stage
from backend.pipeline.context import Context
from backend.pipeline.memory import Look
from backend.pipeline.stages import run_duty, run_stage
from backend.pipeline.sync import FoundMail, Screeners, look_at
from backend.ports.gmail import Authorizer
from backend.transactions.records import Duty, DutyJob, MessageJob

log = structlog.get_logger()

FIRST_PATIENCE = timedelta(seconds=5)
DUTY_PATIENCE = timedelta(minutes=15)
"""A duty is never given up: after a permanent refusal, or too many failures, it is tried again at intervals that double
from the first to the second."""

RETRY_SECONDS = 1.0
"""Seconds until the next try of a look that the store did not take, or of a job whose owner has just reconnected."""

LONGEST = 48.0
"""Seconds after which a stage, a duty or a look is stopped, so that nothing hangs for ever."""

DEADLY = "workers_died"
"""The error code of a message over which so many processes in a row died as it may have tries."""

UNRECORDED = 5.0
"""Seconds for which a job whose end could not be written keeps its place. It is still due, and would start again at
once."""


class Runner:
    """What follows from an error is recorded in one commit of the mailbox's lane."""

    def __init__(self, context: Context, authorizer: Authorizer, failed: Counter[tuple[str, str]]) -> None:
        """`failed` counts failures by job and cause."""
        self._context, self._authorizer = context, authorizer
        self._failed = failed
        self._jitter = random.SystemRandom()
        self._log = structlog.get_logger().bind()

    async def run(
        self,
        job: MessageJob | DutyJob,
        screeners: Screeners,
        found: FoundMail | None = None,
        *,
        count_death: bool,
    ) -> bool:
        """Run the job, and the stages that follow, to their end; True if it was a message and ended without error.
        `screeners` and `found` as for `run_duty` and `run_stage`. With `count_death` the message may kill this process,
        so a death is counted before it runs."""
        # Every log line of this task says which message it is about.
        about = {"message": job.gmail_id} if isinstance(job, MessageJob) else {}
        structlog.contextvars.bind_contextvars(mailbox=job.mailbox_id, **about)
        context, kind = self._context, job.stage if isinstance(job, MessageJob) else job.duty
        began, at, counted = time.perf_counter(), context.clock.now(), False
        try:
            if isinstance(job, MessageJob):
                if job.deaths >= context.settings.max_attempts:
                    await self._make_dead_letter(job, DEADLY)
                    return False
                if count_death or job.deaths:
                    await context.store.count_death(job)
                    counted = True
            async with asyncio.timeout(LONGEST):
                following = None
                if isinstance(job, MessageJob):
                    following = await run_stage(context, job, found)
                else:
                    await run_duty(context, self._authorizer, job, screeners)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                if counted and isinstance(job, MessageJob):
                    await asyncio.shield(context.store.take_back_death(job))
                await asyncio.shield(self._stopped(job))
            raise
        except LaneLost as lost:
            if not isinstance(lost.__cause__, StoreAway):  # the store reports its own outage
                log.info("lane_lost", job=kind, mailbox=job.mailbox_id)
        except Exception as error:
            if not await self.after(job, error, at):
                await asyncio.sleep(UNRECORDED)
        else:
            spent = round((time.perf_counter() - began) * 1000, 1)
            # Syncs are too frequent to log; what they find shows in the messages.
            tell = self._log.debug if kind is Duty.SYNC else self._log.info
            tell("job_done", job=kind, mailbox=job.mailbox_id, attempt=job.attempt, ms=spent)
            if following is not None:
                return await self.run(following, screeners, count_death=count_death)
            return isinstance(job, MessageJob)
        return False

    async def look(self, look: Look, screeners: Screeners) -> bool:
        """Look; on any failure, make sure the mailbox is looked at again."""
        context, looks = self._context, self._context.looks
        structlog.contextvars.bind_contextvars(mailbox=look.mailbox_id)
        began = context.clock.now()
        try:
            async with asyncio.timeout(LONGEST):
                again = await look_at(context, look, screeners)
        except LaneLost:
            looks.end(look, 0.0)  # another look came first
        except StoreAway:
            looks.end(look, RETRY_SECONDS)
        except Exception as error:
            looks.end(look, None if await self.after_look(look, error, began) else RETRY_SECONDS)
        except BaseException:
            looks.end(look, RETRY_SECONDS)
            raise
        else:
            looks.end(look, again)
        return True

    async def _stopped(self, job: MessageJob | DutyJob) -> None:
        """The process stops before the job has ended: it stays due. A digest may just have been placed."""
        if isinstance(job, DutyJob) and job.duty is Duty.DIGEST:
            await self._postpone(job, timedelta(0), "stopped", counts=False)

    async def _make_dead_letter(self, job: MessageJob, cause: str) -> None:
        """Leave the job for a person; the mailbox's other jobs go on."""
        log.warning("dead_letter", job=job.stage, mailbox=job.mailbox_id, cause=cause)
        await self._context.store.make_dead_letter(job, cause, self._context.clock.now())

    async def after(self, job: MessageJob | DutyJob, error: Exception, began: datetime | None = None) -> bool:
        """End `job`, begun at `began`, after `error`. If the mailbox or the store is lost meanwhile, nothing more
        changes. False if the outcome could not be written."""
        try:
            await self._after(job, error, began or self._context.clock.now())
        except LaneLost:
            log.info("lane_lost", mailbox=job.mailbox_id)
        except StoreAway:
            return False  # as below; the store reports its own outage
        except Exception:
            # The job stays due, so nothing is lost.
            log.exception("ending_failed", mailbox=job.mailbox_id)
            return False
        return True

    async def after_look(self, look: Look, error: Exception, began: datetime) -> bool:
        """Leave the rest of the listing to the SYNC duty. False if that could not be written."""
        try:
            await self._after_look(look, error, began)
        except StoreAway:
            return False
        except Exception:
            log.exception("look_not_left", mailbox=look.mailbox_id)
            return False
        return True

    async def _after_look(self, look: Look, error: Exception, began: datetime) -> None:
        context, now, cause = self._context, self._context.clock.now(), cause_of(error)
        self._log_failure(Duty.SYNC, look.mailbox_id, 1, error, cause)
        if isinstance(error, NeedsReconnect):
            await context.store.lose_link(look.mailbox_id, error.lost, began, now)
            cause = None  # the lost link tells the owner
        settings = context.settings
        wait = wait_after(
            error, 1, self._jitter.random(), now, settings.max_attempts, settings.longest_backoff
        )
        at = now + (FIRST_PATIENCE if wait is None else wait)
        await context.store.postpone_look(look.mailbox_id, look.hint, at, now, cause)
        context.looks.forget(look.mailbox_id)

    async def _after(self, job: MessageJob | DutyJob, error: Exception, began: datetime) -> None:
        context, now, cause = self._context, self._context.clock.now(), cause_of(error)
        kind = job.stage if isinstance(job, MessageJob) else job.duty
        self._log_failure(kind, job.mailbox_id, job.attempt, error, cause)
        if isinstance(error, NeedsReconnect):
            lost = await context.store.lose_link(job.mailbox_id, error.lost, began, now)
            context.looks.forget(job.mailbox_id)
            # Otherwise the owner has just reconnected or is leaving: the next try shows which.
            await self._postpone(
                job, timedelta(seconds=0 if lost else RETRY_SECONDS), code_of(error), counts=False
            )
            return
        if isinstance(job, MessageJob) and isinstance(error, Gone):
            await context.store.gone(job, now)
            return
        if isinstance(error, Unexplained):
            again = retry_of_refusal(error, job.error)
            if again is None and isinstance(job, MessageJob):
                await context.store.make_dead_letter(job, code_of(error), now)
                return
            error = again or error
        most, longest = context.settings.max_attempts, context.settings.longest_backoff
        wait = wait_after(error, job.attempt, self._jitter.random(), now, most, longest)
        if wait is not None:
            # An answer that says when to come back is not the job's failure.
            timed = isinstance(error, TryLater) and error.retry_at is not None
            await self._postpone(job, wait, code_of(error), counts=not timed, failed=cause)
        elif isinstance(job, MessageJob):
            await context.store.make_dead_letter(job, code_of(error), now)
        else:
            doubling = FIRST_PATIENCE * 2 ** min(max(job.attempt, 1) - 1, 10)
            await self._postpone(job, min(doubling, DUTY_PATIENCE), code_of(error), failed=cause)

    async def _postpone(
        self,
        job: MessageJob | DutyJob,
        wait: timedelta,
        cause: str,
        *,
        counts: bool = True,
        failed: Cause | None = None,
    ) -> None:
        now = self._context.clock.now()
        if isinstance(job, MessageJob):
            if job.stage is Stage.CHALLENGE:
                # It may just have been sent: wait until a search can find it.
                wait = max(wait, SEARCH_LAG)
            await self._context.store.postpone(job, now + wait, cause, now, counts, failed)
        else:
            if job.duty is Duty.DIGEST:
                wait = max(wait, SEARCH_LAG)
            await self._context.store.postpone_duty(job, now + wait, cause, now, counts, failed)

    def _log_failure(
        self, kind: Stage | Duty, mailbox_id: MailboxId, attempt: int, error: Exception, cause: Cause | None
    ) -> None:
        if cause is not None:
            self._failed[kind, cause] += 1
        expected = isinstance(error, PitchgateError | TimeoutError)
        tell = log.info if expected else log.exception
        tell("job_failed", job=kind, mailbox=mailbox_id, attempt=attempt, cause=_logged_cause(error))


def _logged_cause(error: Exception) -> str:
    """What is logged of an error: never its arguments, which may quote mail."""
    if isinstance(error, PitchgateError):
        reason = getattr(error, "reason", "")
        return f"{error.key} ({reason})" if reason else error.key
    return type(error).__name__
