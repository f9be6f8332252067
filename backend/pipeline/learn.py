"""learn: the owner's sent mail shows whom they write to, and whether they let a sender in by answering.

Our challenges and other automatic replies never count, nor does a short refusal ("no thanks").
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from backend.domain.errors import Gone, LaneLost, NotYet
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.message import Outcome, PolicyRow, Verdict
from backend.pipeline.context import Context
from backend.pipeline.decide import carry_out
from backend.ports.system import ReadingFailed
from backend.transactions.records import MessageJob

log = structlog.get_logger()

OWN_MAIL = Verdict(Outcome.IGNORE, PolicyRow.NOT_INCOMING)


async def learn(context: Context, job: MessageJob) -> None:
    """Read one sent message. Our own challenges are known by id and cost no call."""
    now = context.clock.now()
    if await context.store.sent_challenge_ids(job.mailbox_id, [job.gmail_id]):
        await context.store.record_verdict(job, OWN_MAIL, None, None, now)
        return
    if await context.store.challenge_pending_in(job.mailbox_id, job.thread_id):
        raise NotYet("later.challenge", reason="challenge_pending")
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    try:
        fetched = await context.gmail.fetch(job.mailbox_id, job.gmail_id)
        addresses = await context.reader.correspondents(fetched, mailbox.owner)
    except Gone:
        await context.store.gone(job, now)
        return
    except ReadingFailed as error:
        log.warning("own_mail_not_read", mailbox=job.mailbox_id, cause=error.cause, fault=error.fault)
        addresses = ()
    await from_own_mail(context, job, addresses)


async def from_own_mail(context: Context, job: MessageJob, correspondents: Sequence[str]) -> None:
    """Keep the correspondents found in one of the owner's own messages and end its job."""
    addresses = frozenset(correspondents)
    if addresses:
        now = context.clock.now()
        await context.store.learn(job.mailbox_id, addresses, job.thread_id, now)
        for sender, gmail_id in await context.store.held_from(job.mailbox_id, addresses):
            key = f"replied:{job.gmail_id}:{sender}"
            decision = Correction(key, gmail_id, Decision.REPLIED, Origin.GMAIL)
            await carry_out(context, job.mailbox_id, decision.order)
    await context.store.record_verdict(job, OWN_MAIL, None, None, context.clock.now())
