"""owed: links that a daily limit kept back are sent once there is room again, without another message.

Everything is checked again as if the message had just come: its sender, the owner, Gmail, and every guard. Only its age
does not matter.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import Conflict, Gone, LaneLost, Rejected, Unexplained
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import FailOpenCause, Outcome, PolicyRow, Verdict
from backend.domain.policy.guards import is_postponed as is_owed
from backend.domain.policy.guards import limits_reached
from backend.domain.policy.table import NOT_INCOMING_LABELS
from backend.pipeline import screen
from backend.pipeline.context import Context
from backend.ports.system import ReadingFailed
from backend.transactions.records import Debt, DutyJob

log = structlog.get_logger()

MOST = 10
"""Most messages read again in one run."""

UNTIL_MENDED = timedelta(minutes=10)
"""When to retry after our model failed: that is our fault, and costs nobody their link."""

_MODEL_BROKEN = (FailOpenCause.SCORER_BROKEN, FailOpenCause.NO_PROBABILITY)

_NONE = Verdict(Outcome.HOLD, PolicyRow.QUARANTINE)
"""No link, and no guard that explains it."""


async def owed(context: Context, job: DutyJob) -> datetime | None:
    """Send owed links as far as there is room; returns when there is room for more, None if none is owed. May run
    again: each is sent once."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    if mailbox.paused(context.clock.now()):
        return mailbox.preferences.paused_until
    left, read, broken = False, 0, False
    for debt in await context.store.owed_links(mailbox.id, context.clock.now()):
        now = context.clock.now()
        challenge_history = await context.store.challenge_history(
            mailbox.id, debt.sender, debt.sender_domain, debt.thread_id, now
        )
        against = limits_reached(challenge_history, mailbox.preferences, now)
        if is_owed(against):
            left = True
        elif against:
            await context.store.pay_link(mailbox.id, debt, replace(_NONE, guards=against), None, now)
        elif read == MOST:
            return now + UNTIL_MENDED if broken else now
        else:
            read += 1
            try:
                left |= not await _paid(context, mailbox, debt)
            except _ModelBroken:
                broken = True
    if broken:
        log.warning("owed_waits", mailbox=mailbox.id, reason="model")
        return context.clock.now() + UNTIL_MENDED
    return await context.store.room_at(mailbox.id, context.clock.now()) if left else None


class _ModelBroken(Exception):
    """The model gave no score, or an invalid one."""


async def _paid(context: Context, mailbox: Mailbox, debt: Debt) -> bool:
    """Whether the link is sent, or no longer owed; False if the limits were full again first."""
    try:
        fetched = await context.gmail.fetch(mailbox.id, debt.gmail_id)
        digest = await screen.read(context, fetched, mailbox)
    except (Gone, Rejected, ReadingFailed) as error:
        if isinstance(error, Unexplained):
            raise
        await context.store.pay_link(mailbox.id, debt, _NONE, None, context.clock.now())
        return True
    labels, now = digest.arrival.labels, context.clock.now()
    verdict, writer = _NONE, None
    if mailbox.labels.held in labels and not labels & NOT_INCOMING_LABELS:
        standing = await context.store.standing(
            mailbox.id, debt.sender, debt.sender_domain, debt.thread_id, now, debt.gmail_id
        )
        verdict, writer = await screen.decided(context, mailbox, fetched, digest, standing, debt.thread_id)
    if verdict.cause in _MODEL_BROKEN:
        raise _ModelBroken
    intent = replace(screen.intended(context, writer, digest.kept()), late=True) if writer else None
    if intent is None and is_owed(verdict.guards):
        return False
    try:
        await context.store.pay_link(mailbox.id, debt, verdict, intent, now)
    except Conflict:
        return False
    return True
