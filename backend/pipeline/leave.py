"""leave: stop the watch, revoke the grant, delete every row, in that order.

The order matters: after the revocation there is no credential left to stop the watch with, and after the
deletion none to revoke. Each step may run again, so a death in the middle only means doing it over.
"""

from __future__ import annotations

import contextlib

from backend.domain.errors import Gone, NeedsReconnect, Rejected
from backend.pipeline.kit import Kit
from backend.ports.gmail import Authorizer
from backend.ports.store import DutyJob


async def leave(kit: Kit, authorizer: Authorizer, job: DutyJob) -> None:
    """Disconnect one mailbox for good. A grant that is gone already makes the first two steps moot."""
    with contextlib.suppress(NeedsReconnect, Gone, Rejected):
        await kit.gmail.stop_watch(job.mailbox_id)
    with contextlib.suppress(NeedsReconnect):
        await authorizer.revoke(job.mailbox_id)
    await kit.store.forget(job.mailbox_id)
