"""retain: count the weeks that are over, for the test of drift; then forget what is older than the owner wants kept, in
small batches; then tell the log where the log of decisions ends today, against which a cut end is
found, draw what the owner is asked this week, and end a trial whose challenger was found worse.

One duty, for no message may be forgotten before its week is counted.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import Conflict, LeaseLost, Refused
from backend.domain.watching.trial import TRIAL, Act, Finding, trial
from backend.pipeline.context import Context
from backend.transactions.records import DutyJob

log = structlog.get_logger()

BATCH = 500
UNTIL_SETTLED = timedelta(minutes=1)
"""When it is tried again while nobody knows what time it is: nothing is forgotten by a clock that may be wrong."""
ITSELF = "pitchgate"
"""Who did what no person did."""


async def retain(context: Context, job: DutyJob) -> datetime:
    """Delete one batch; due again at once while there is more, else in a day."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("conflict.mailbox")
    now = context.clock.now()
    if not context.time.settled:
        return now + UNTIL_SETTLED
    await context.store.count_weeks(job.mailbox_id, now)
    before = now - timedelta(days=mailbox.preferences.retention_days)
    counted = now - timedelta(days=context.settings.replay_days)
    deleted = await context.store.retain(job.mailbox_id, before, BATCH, counted)
    if deleted < BATCH:
        await _log_head(context, job.mailbox_id)
        await context.store.draw_questions(job.mailbox_id, now)
        await _end_lost_trial(context, now)
    return now if deleted >= BATCH else now + timedelta(days=1)


async def _log_head(context: Context, mailbox_id: str) -> None:
    found = await context.store.decision_chain(mailbox_id)
    if found is not None:
        log.info("decisions_head", mailbox=mailbox_id, number=found.number, seal=found.seal.hex())


async def _end_lost_trial(context: Context, now: datetime) -> None:
    """A challenger that was found worse scores no more. One that was found better waits for a person."""
    at_work = await context.store.models_at_work()
    if at_work.challenger is None or at_work.since is None:
        return
    labels = await context.store.labels_of_model(TRIAL, at_work.challenger, at_work.since)
    found = trial(labels)
    if found.finding is Finding.WORSE:
        with contextlib.suppress(Refused, Conflict):  # somebody, or another mailbox's duty, came first
            await context.store.change_models(Act.STOP, at_work.challenger, ITSELF, now)
            log.warning("trial_lost", challenger=at_work.challenger, answers=found.answered)
