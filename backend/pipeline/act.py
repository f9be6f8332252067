"""act and release: put the message where its row says it is meant to be, in one call that may run again."""

from __future__ import annotations

from backend.domain.errors import Gone, LeaseLost, Rejected
from backend.domain.mailbox.labels import LabelChange, Placement, changes_for
from backend.domain.mailbox.mailbox import LabelIds, Mailbox
from backend.domain.retry import once_more
from backend.pipeline.context import Context
from backend.ports.jobs import MessageJob


async def act(context: Context, job: MessageJob) -> MessageJob | None:
    """Hold or mark: labels on, out of the inbox."""
    return await _place(context, job)


async def release(context: Context, job: MessageJob) -> MessageJob | None:
    """Held mail comes back: our labels off, INBOX and UNREAD on."""
    return await _place(context, job)


async def _place(context: Context, job: MessageJob) -> MessageJob | None:
    known = job.in_hand
    mailbox = known.mailbox if known else await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("conflict.mailbox")
    placement = job.placement or Placement.INBOX
    labels = mailbox.labels if mailbox.labels.complete else await _labels_renewed(context, job.mailbox_id)
    try:
        try:
            await _apply(context, job, mailbox, changes_for(placement, labels))
        except Rejected:
            # The owner may have deleted one of our labels: make it again and try once more.
            labels = await _labels_renewed(context, job.mailbox_id)
            await _apply(context, job, mailbox, changes_for(placement, labels))
    except Rejected as error:
        # Setting a hold or a release aside leaves mail where it is not meant to be: that wants more than one no.
        again = once_more(error, job.error)
        if again is None:
            raise
        raise again from error
    except Gone:
        await context.store.gone(job, context.clock.now())
        return None
    return await context.store.finish_stage(job, context.clock.now(), context.lease_until())


async def _apply(context: Context, job: MessageJob, mailbox: Mailbox, change: LabelChange) -> None:
    context.echoes.expect(mailbox.owner.email, context.clock.now())
    await context.gmail.relabel(job.mailbox_id, job.gmail_id, change.add, change.remove)


async def _labels_renewed(context: Context, mailbox_id: str) -> LabelIds:
    labels = await context.gmail.ensure_labels(mailbox_id)
    await context.store.save_labels(mailbox_id, labels, await context.gmail.identity(mailbox_id))
    return labels
