"""act and release: move the message to where its row says it belongs. Every call is safe to repeat.

The owner may have moved it to spam or bin a moment ago. Every answer from Gmail says where the message is, and what
lies there is left there: a release checks before it adds INBOX, which would put the message in both places.
"""

from __future__ import annotations

from contextlib import suppress

from backend.domain.errors import Gone, LaneLost, Rejected, retry_of_refusal
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
    PolicyRow,
    Stage,
    changes_for,
)
from backend.domain.policy.evidence import TAKE_ALONG_AGE
from backend.pipeline.context import Context
from backend.pipeline.decide import carry_out
from backend.transactions.records import MessageJob


async def act(context: Context, job: MessageJob) -> MessageJob | None:
    """act: hold or label the message: add labels, take what is held out of the inbox."""
    return await _place(context, job)


async def release(context: Context, job: MessageJob) -> MessageJob | None:
    """release: bring held mail back: remove our labels, then add INBOX and UNREAD."""
    return await _place(context, job)


async def _place(context: Context, job: MessageJob) -> MessageJob | None:
    known = job.in_hand
    mailbox = known.mailbox if known else await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    placement, released = job.placement or Placement.INBOX, job.stage is Stage.RELEASE
    labels = mailbox.labels if mailbox.labels.complete else await _labels_renewed(context, mailbox)
    try:
        try:
            carried = await _apply(context, job, mailbox, changes_for(placement, labels, released=released))
        except Rejected:
            # The owner may have deleted one of our labels: make it again and try once more.
            labels = await _labels_renewed(context, mailbox)
            carried = await _apply(context, job, mailbox, changes_for(placement, labels, released=released))
    except Rejected as error:
        # Giving up on a hold or a release leaves mail in the wrong place: one refusal is not enough for that.
        again = retry_of_refusal(error, job.error)
        if again is None:
            raise
        raise again from error
    except Gone:
        await context.store.gone(job, context.clock.now())
        return None
    if placement is Placement.HELD:
        await _take_out_earlier(context, job, mailbox)
    if carried & {SPAM, TRASH} and (released or placement is Placement.HELD):
        await _put_away(context, job, Decision.SPAM if SPAM in carried else Decision.BIN)
    return await context.store.finish_stage(job, context.clock.now())


async def _apply(context: Context, job: MessageJob, mailbox: Mailbox, change: LabelChange) -> frozenset[str]:
    """Change the message's labels, but never add INBOX in spam or bin; returns the labels it then has."""
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
        # It was put there just now: Gmail refuses a message in two of these places.
        carried = await context.gmail.labels_on(*about)
        if not carried & {SPAM, TRASH}:
            raise
        return carried


async def _take_out_earlier(context: Context, job: MessageJob, mailbox: Mailbox) -> None:
    """Take out of the inbox what the same sender wrote earlier, if this message was held because of all of it and the
    owner has not opened the earlier mail. (Mail from people they have answered is never held like this.)"""
    if PolicyRow.HELD_WITH_LATER in mailbox.preferences.rows_off:
        return
    now, unread = context.clock.now(), []
    for earlier in await context.store.earlier_in_inbox(job.mailbox_id, job.gmail_id, now - TAKE_ALONG_AGE):
        with suppress(Gone, Rejected):  # then it stays as it is
            if await context.gmail.labels_on(job.mailbox_id, earlier) >= {INBOX, UNREAD}:
                unread.append(earlier)
    if unread:
        await context.store.take_out(job.mailbox_id, job.gmail_id, unread, now)


async def _put_away(context: Context, job: MessageJob, decision: Decision) -> None:
    """Record a move to spam or bin that history has not reported yet. If a sync has seen it, what follows is ordered
    already."""
    key = f"gmail:found:{job.gmail_id}:{job.revision}:{decision}"
    correction = Correction(key, job.gmail_id, decision, Origin.GMAIL)
    await carry_out(context, job.mailbox_id, correction.order)


async def _labels_renewed(context: Context, mailbox: Mailbox) -> LabelIds:
    labels = await context.gmail.ensure_labels(mailbox.id, mailbox.labels)
    await context.store.save_labels(mailbox.id, labels, await context.gmail.identity(mailbox.id))
    return labels
