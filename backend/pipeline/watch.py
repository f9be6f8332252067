"""watch: labels, the owner's name and addresses, and Gmail's watch, made once and renewed daily.

Never touches the cursor. Where history is asked for instead (`Notices.POLL`) there is no watch: what is left of an
earlier one is stopped.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import TryLater
from backend.domain.mailbox.failing import NO_TOPIC
from backend.pipeline.context import Context
from backend.ports.gmail import NO_LABELS
from backend.transactions.records import Duty, DutyJob

log = structlog.get_logger()


async def watch(context: Context, job: DutyJob) -> datetime:
    """Renew; returns when it is due again, up to a tenth of the interval early so that mailboxes spread out."""
    before = await context.store.mailbox(job.mailbox_id)
    labels = await context.gmail.ensure_labels(job.mailbox_id, before.labels if before else NO_LABELS)
    await context.store.save_labels(job.mailbox_id, labels, await context.gmail.identity(job.mailbox_id))
    interval = timedelta(seconds=context.settings.watch_interval)
    if not context.settings.notices.watched:
        if before is not None and before.watch_expires_at is not None:
            await context.gmail.stop_watch(job.mailbox_id)
        await context.store.hear_by(job.mailbox_id, context.settings.notices)
        return context.clock.now() + renewed_after(2 * interval, interval, job.mailbox_id)
    try:
        granted = await context.gmail.watch(job.mailbox_id)
    except TryLater as error:
        if error.reason == NO_TOPIC:
            log.warning("topic_missing", mailbox=job.mailbox_id)
        raise
    await context.store.save_watch(job.mailbox_id, granted.expires_at, granted.history_id)
    await context.store.hear_by(job.mailbox_id, context.settings.notices)
    now = context.clock.now()
    if before is not None and before.watch_expires_at is not None and before.watch_expires_at <= now:
        # Nobody told us of what came since it lapsed.
        log.warning("watch_had_lapsed", mailbox=job.mailbox_id)
        await context.store.want(job.mailbox_id, Duty.SYNC, now)
    return now + renewed_after(granted.expires_at - now, interval, job.mailbox_id)


def renewed_after(life: timedelta, interval: timedelta, mailbox_id: str) -> timedelta:
    """How long a watch with so much life left is let alone: the interval, up to a tenth less so that mailboxes
    spread out. Google grants seven days; should it ever be less, half its life at the most."""
    share = zlib.crc32(mailbox_id.encode()) % 1_000 / 1_000
    return max(min(interval, life / 2), timedelta(minutes=1)) * (1 - share / 10)
