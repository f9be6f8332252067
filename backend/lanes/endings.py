"""What follows when a stage fails: retry later, make a dead letter for a person to look at, or close the job.

No error loses a message. A message that becomes a dead letter before it is judged stays in the inbox.
"""

from __future__ import annotations

import random
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
from backend.pipeline.looks import Look
from backend.transactions.records import Duty, DutyJob, MessageJob

log = structlog.get_logger()

FIRST_PATIENCE = timedelta(seconds=5)
DUTY_PATIENCE = timedelta(minutes=15)
"""A duty is never given up: after a permanent refusal, or too many failures, it is tried again at intervals that double
from the first to the second."""

AGAIN = timedelta(seconds=1)


class Endings:
    """Records what follows from an error, each time in one commit of the mailbox's lane."""

    def __init__(self, context: Context, failed: Counter[tuple[str, str]]) -> None:
        """`failed` counts failures by job and cause."""
        self._context = context
        self._failed = failed
        self._jitter = random.SystemRandom()

    async def stopped(self, job: MessageJob | DutyJob) -> None:
        """The process stops before the job has ended: it stays due. A digest may just have been placed."""
        if isinstance(job, DutyJob) and job.duty is Duty.DIGEST:
            await self._postpone(job, timedelta(0), "stopped", counts=False)

    async def make_dead_letter(self, job: MessageJob, cause: str) -> None:
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
        self._tell(Duty.SYNC, look.mailbox_id, 1, error, cause)
        if isinstance(error, NeedsReconnect):
            await context.store.lose_link(look.mailbox_id, error.lost, began, now)
            cause = None  # the lost link tells the owner
        settings = context.settings
        wait = wait_after(
            error, 1, self._jitter.random(), now, settings.max_attempts, settings.longest_backoff
        )
        at = now + (FIRST_PATIENCE if wait is None else wait)
        await context.store.leave_look(look.mailbox_id, look.told, at, now, cause)
        context.looks.forget(look.mailbox_id)

    async def _after(self, job: MessageJob | DutyJob, error: Exception, began: datetime) -> None:
        context, now, cause = self._context, self._context.clock.now(), cause_of(error)
        kind = job.stage if isinstance(job, MessageJob) else job.duty
        self._tell(kind, job.mailbox_id, job.attempt, error, cause)
        if isinstance(error, NeedsReconnect):
            lost = await context.store.lose_link(job.mailbox_id, error.lost, began, now)
            context.looks.forget(job.mailbox_id)
            # Otherwise the owner has just reconnected or is leaving: the next try shows which.
            await self._postpone(job, timedelta(0) if lost else AGAIN, code_of(error), counts=False)
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

    def _tell(
        self, kind: Stage | Duty, mailbox_id: MailboxId, attempt: int, error: Exception, cause: Cause | None
    ) -> None:
        if cause is not None:
            self._failed[kind, cause] += 1
        expected = isinstance(error, PitchgateError | TimeoutError)
        tell = log.info if expected else log.exception
        tell("job_failed", job=kind, mailbox=mailbox_id, attempt=attempt, cause=_cause(error))


def _cause(error: Exception) -> str:
    """What is logged of an error: never its arguments, which may quote mail."""
    if isinstance(error, PitchgateError):
        reason = getattr(error, "reason", "")
        return f"{error.key} ({reason})" if reason else error.key
    return type(error).__name__
