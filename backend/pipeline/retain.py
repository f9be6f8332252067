"""retain: forget what is older than the owner wants kept, in small batches."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.domain.errors import LeaseLost
from backend.pipeline.context import Context
from backend.ports.jobs import DutyJob

BATCH = 500


async def retain(context: Context, job: DutyJob) -> datetime:
    """Delete one batch; due again at once while there is more, else in a day."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("The mailbox was disconnected.")
    now = context.clock.now()
    before = now - timedelta(days=mailbox.preferences.retention_days)
    deleted = await context.store.retain(job.mailbox_id, before, BATCH)
    return now if deleted >= BATCH else now + timedelta(days=1)
