"""Claiming and ending jobs. See `backend.ports.store` for what holds of all its methods."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from backend.domain.mailbox.failing import Cause
from backend.ports.records import Duty, DutyJob, MessageJob, Notice, PushFate


class JobStore(Protocol):
    """Claiming and ending jobs."""

    async def note_push(self, notice: Notice, again_at: datetime, now: datetime) -> PushFate:
        """Store the notice. Unless it is a repeat or unknown the mailbox's SYNC is due at once, and at `again_at`,
        when the time in which Google drops further pushes has passed.

        Not at once, but at `again_at` alone, if the change it tells of has been listed already (a late push, or the
        echo of a change of our own): it may still be the only word of what came in the second after it. And while the
        second look of an earlier push is still to come, that one serves as the first look of this push: pushes that
        come faster than Google sends them do not make us list faster.

        A notice is stale when its history id is below the stored cursor.
        """
        ...

    async def want(self, mailbox_id: str, duty: Duty, due_at: datetime) -> None:
        """Ask for a duty at `due_at`. It may be done sooner too, if it is due sooner, and then once more at
        `due_at`; asked for at many times it is done at the first and the last of them at least."""
        ...

    async def claim_duty(self, worker: str, now: datetime, lease_until: datetime) -> DutyJob | None:
        """The longest due duty of a connected mailbox nobody holds. One holder per mailbox and duty."""
        ...

    async def finish_duty(self, job: DutyJob, next_due: datetime | None, now: datetime) -> None:
        """Give the duty back, next due at `next_due` (None: only when wanted again). A time it was wanted at,
        before or meanwhile, that is still to come stands."""
        ...

    async def postpone_duty(
        self,
        job: DutyJob,
        at: datetime,
        error: str,
        now: datetime,
        counts: bool = True,
        cause: Cause | None = None,
    ) -> None:
        """Give it back, to be tried again at `at`; this try counts as an attempt unless `counts` is false.

        With a `cause` it has failed, from `now` or from an earlier failure on, until a try comes to its end.
        """
        ...

    async def claim_messages(
        self, worker: str, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[MessageJob, ...]:
        """Up to `limit` due messages of connected mailboxes, oldest first, fair across mailboxes."""
        ...

    async def finish_stage(
        self, job: MessageJob, now: datetime, until: datetime | None = None
    ) -> MessageJob | None:
        """The job's stage is done: go to the stage that follows from the row (ACT of a challenged message
        goes to CHALLENGE; everything else ends), unless a newer revision ordered something else.

        With `until` the same worker keeps the message for the stage that follows, if there is one, under the same lease
        prolonged to then: that job is returned. Without, or when there is none, None."""
        ...

    async def postpone(
        self,
        job: MessageJob,
        at: datetime,
        error: str,
        now: datetime,
        counts: bool = True,
        cause: Cause | None = None,
    ) -> None:
        """Try again at `at`; `counts` and `cause` as for a duty."""
        ...

    async def set_aside(self, job: MessageJob, cause: str, now: datetime) -> None:
        """Tried too often: keep it with its cause for a person. The mailbox goes on."""
        ...

    async def gone(self, job: MessageJob, now: datetime) -> None:
        """The message no longer exists: end its job, void its open challenge."""
        ...

    async def next_due(self, now: datetime) -> datetime | None:
        """When the next job of any kind is due, None if there is none (for the worker's nap)."""
        ...
