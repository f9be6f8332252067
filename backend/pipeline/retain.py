"""retain: count the weeks that are over, for the test of drift; then forget what is older than the owner wants kept, in
small batches; then tell the log where the log of decisions ends today, against which a cut end is
found, and draw what the owner is asked this week.

One duty, for no message may be forgotten before its week is counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from backend.domain.errors import LeaseLost
from backend.pipeline.context import Context
from backend.ports.jobs import DutyJob

log = structlog.get_logger()

BATCH = 500


async def retain(context: Context, job: DutyJob) -> datetime:
    """Delete one batch; due again at once while there is more, else in a day."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("conflict.mailbox")
    now = context.clock.now()
    await context.store.count_weeks(job.mailbox_id, now)
    before = now - timedelta(days=mailbox.preferences.retention_days)
    deleted = await context.store.retain(job.mailbox_id, before, BATCH)
    counted = now - timedelta(days=context.settings.replay_days)
    deleted = max(deleted, await context.store.drop_counts(job.mailbox_id, counted, BATCH))
    if deleted < BATCH:
        await _log_head(context, job.mailbox_id)
        await context.store.draw_questions(job.mailbox_id, now)
    return now if deleted >= BATCH else now + timedelta(days=1)


async def _log_head(context: Context, mailbox_id: str) -> None:
    found = await context.store.decision_chain(mailbox_id)
    if found is not None:
        log.info("decisions_head", mailbox=mailbox_id, number=found.head.number, seal=found.head.seal.hex())
