"""deliver: waits that followed a typed code are over, and the mail behind those links is let in by itself."""

from __future__ import annotations

from datetime import datetime

from backend.pipeline.context import Context
from backend.pipeline.retain import UNTIL_SETTLED
from backend.transactions.records import DutyJob


async def deliver(context: Context, job: DutyJob) -> datetime | None:
    """Solve every link whose wait is over; returns when the next one is. May run again: each is solved once. While
    nobody knows what time it is, none is over."""
    now = context.clock.now()
    if not context.time.settled:
        return now + UNTIL_SETTLED
    return await context.store.keep_promises(job.mailbox_id, now)
