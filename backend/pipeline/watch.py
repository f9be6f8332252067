"""watch: labels, aliases and Gmail's watch, made once and renewed daily. Never touches the cursor."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta

from backend.pipeline.kit import Kit
from backend.ports.store import DutyJob


async def watch(kit: Kit, job: DutyJob) -> datetime:
    """Renew; returns when it is due again, up to a tenth of the interval early so that mailboxes spread out."""
    labels = await kit.gmail.ensure_labels(job.mailbox_id)
    await kit.store.save_labels(job.mailbox_id, labels, await kit.gmail.aliases(job.mailbox_id))
    granted = await kit.gmail.watch(job.mailbox_id)
    await kit.store.save_watch(job.mailbox_id, granted.expires_at, granted.history_id)
    share = zlib.crc32(job.mailbox_id.encode()) % 1_000 / 1_000
    return kit.clock.now() + timedelta(seconds=kit.settings.watch_interval * (1 - share / 10))
