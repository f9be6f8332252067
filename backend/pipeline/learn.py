"""learn: the owner's own mail tells whom he writes to, and whether he has let somebody in by answering.

Our challenges and other automatic replies never count, and neither does a short refusal ("no thanks").
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from backend.domain.errors import Gone, LeaseLost, NotYet
from backend.domain.mailbox.correction import Correction, Decision, Origin
from backend.domain.mailbox.verdict import Outcome, Row, Verdict
from backend.pipeline.kit import Kit
from backend.ports.reader import Unread
from backend.ports.store import MessageJob

log = structlog.get_logger()

OWN_MAIL = Verdict(Outcome.IGNORE, Row.NOT_INCOMING)


async def learn(kit: Kit, job: MessageJob) -> None:
    """Read one sent message. Our own challenges are known by id and cost no call."""
    now = kit.clock.now()
    if await kit.store.ours(job.mailbox_id, [job.gmail_id]):
        await kit.store.record_verdict(job, OWN_MAIL, None, None, now)
        return
    if await kit.store.challenge_pending_in(job.mailbox_id, job.thread_id):
        raise NotYet("A challenge of ours is leaving in this thread.", reason="challenge_pending")
    mailbox = await kit.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("The mailbox was disconnected.")
    try:
        fetched = await kit.gmail.fetch(job.mailbox_id, job.gmail_id)
        addresses = await kit.reader.correspondents(fetched, mailbox.owner)
    except Gone:
        await kit.store.gone(job, now)
        return
    except Unread as error:
        log.warning("own_mail_not_read", mailbox=job.mailbox_id, cause=error.cause, fault=error.fault)
        addresses = ()
    await from_own_mail(kit, job, addresses)


async def from_own_mail(kit: Kit, job: MessageJob, correspondents: Sequence[str]) -> None:
    """Keep the correspondents of one of the owner's own messages and end its job."""
    addresses = frozenset(correspondents)
    if addresses:
        now = kit.clock.now()
        await kit.store.learn(job.mailbox_id, addresses, job.thread_id, now)
        for sender, gmail_id in await kit.store.held_from(job.mailbox_id, addresses):
            key = f"replied:{job.gmail_id}:{sender}"
            decision = Correction(key, gmail_id, Decision.REPLIED, Origin.GMAIL)
            await kit.store.correct(job.mailbox_id, decision, now)
    await kit.store.record_verdict(job, OWN_MAIL, None, None, kit.clock.now())
