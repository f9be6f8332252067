"""act and release: put the message where its row says it is meant to be. Each call may run again.

The owner may have put it into spam or bin a moment ago. Every answer of Gmail's says where it is, and what lies there
is left there: a release looks before it gives INBOX, since a message that has that besides is in both places.
"""

from __future__ import annotations

from contextlib import suppress

from backend.domain.errors import Gone, LaneLost, Rejected, once_more
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import (
    INBOX,
    SPAM,
    TRASH,
    UNREAD,
    LabelChange,
    LabelIds,
    Placement,
    RowName,
    changes_for,
)
from backend.domain.policy.evidence import TAKE_ALONG_AGE
from backend.pipeline.context import Context
from backend.pipeline.decide import carry_out
from backend.transactions.records import MessageJob


async def act(context: Context, job: MessageJob) -> MessageJob | None:
    """Hold or mark: labels on, out of the inbox."""
    return await _place(context, job)


async def release(context: Context, job: MessageJob) -> MessageJob | None:
    """Held mail comes back: our labels off, then INBOX and UNREAD on."""
    return await _place(context, job)


async def _place(context: Context, job: MessageJob) -> MessageJob | None:
    known = job.in_hand
    mailbox = known.mailbox if known else await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    placement = job.placement or Placement.INBOX
    labels = mailbox.labels if mailbox.labels.complete else await _labels_renewed(context, mailbox)
    try:
        try:
            carried = await _apply(context, job, mailbox, changes_for(placement, labels))
        except Rejected:
            # The owner may have deleted one of our labels: make it again and try once more.
            labels = await _labels_renewed(context, mailbox)
            carried = await _apply(context, job, mailbox, changes_for(placement, labels))
    except Rejected as error:
        # Setting a hold or a release aside leaves mail where it is not meant to be: that wants more than one no.
        again = once_more(error, job.error)
        if again is None:
            raise
        raise again from error
    except Gone:
        await context.store.gone(job, context.clock.now())
        return None
    if placement is Placement.HELD:
        await _take_out_earlier(context, job, mailbox)
    if carried & {SPAM, TRASH} and placement is not Placement.MARKED:
        await _put_away(context, job, Decision.SPAM if SPAM in carried else Decision.BIN)
    return await context.store.finish_stage(job, context.clock.now())


async def _apply(context: Context, job: MessageJob, mailbox: Mailbox, change: LabelChange) -> frozenset[str]:
    """Change its labels, but give INBOX to nothing that is in spam or bin; the labels it carries then."""
    relabel, about = context.gmail.relabel, (job.mailbox_id, job.gmail_id)
    context.echoes.expect(mailbox.owner.email, context.clock.now())
    if INBOX not in change.add:
        return await relabel(*about, change.add, change.remove)
    carried = await relabel(*about, frozenset(), change.remove)
    if carried & {SPAM, TRASH}:
        return carried
    try:
        return await relabel(*about, change.add, frozenset())
    except Rejected:
        # Put there just now: Gmail refuses a message two of these places.
        carried = await context.gmail.labels_on(*about)
        if not carried & {SPAM, TRASH}:
            raise
        return carried


async def _take_out_earlier(context: Context, job: MessageJob, mailbox: Mailbox) -> None:
    """What its sender wrote before, if this message was held for all of it and the owner has not opened it yet. (Mail
    of people whom they answered is never held so.)"""
    if RowName.HELD_WITH_LATER in mailbox.preferences.rows_off:
        return
    now, unread = context.clock.now(), []
    for earlier in await context.store.earlier_in_inbox(job.mailbox_id, job.gmail_id, now - TAKE_ALONG_AGE):
        with suppress(Gone, Rejected):  # then it stays as it is
            if await context.gmail.labels_on(job.mailbox_id, earlier) >= {INBOX, UNREAD}:
                unread.append(earlier)
    if unread:
        await context.store.take_out(job.mailbox_id, job.gmail_id, unread, now)


async def _put_away(context: Context, job: MessageJob, decision: Decision) -> None:
    """What history is about to tell. A sync that has heard it already has ordered what follows."""
    key = f"gmail:found:{job.gmail_id}:{job.revision}:{decision}"
    correction = Correction(key, job.gmail_id, decision, Origin.GMAIL)
    await carry_out(context, job.mailbox_id, correction.order)


async def _labels_renewed(context: Context, mailbox: Mailbox) -> LabelIds:
    labels = await context.gmail.ensure_labels(mailbox.id, mailbox.labels)
    await context.store.save_labels(mailbox.id, labels, await context.gmail.identity(mailbox.id))
    return labels
