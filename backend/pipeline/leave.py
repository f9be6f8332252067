"""leave: stop the watch, revoke the grant, delete every row, in that order.

The order matters: after the revocation there is no credential left to stop the watch with, and after the
deletion none to revoke. Each step may run again, so a death in the middle only means doing it over.
"""

from __future__ import annotations

import contextlib
from datetime import timedelta

import structlog

from backend.domain.errors import Gone, NeedsReconnect, Rejected, TryLater
from backend.pipeline.kit import Kit
from backend.ports.gmail import Authorizer
from backend.ports.store import DutyJob

log = structlog.get_logger()

REVOKE_TRIES = 4
"""How often Google is asked to take the grant back before the rows are deleted without its yes."""


async def leave(kit: Kit, authorizer: Authorizer, job: DutyJob) -> None:
    """Disconnect one mailbox for good. A grant that is gone already makes the first two steps moot."""
    now = kit.clock.now()
    if await kit.store.busy(job.mailbox_id, now):
        # A renewal under way could watch again after we stopped, and nobody could stop it any more.
        raise TryLater("Work on this mailbox is ending.", reason="busy", retry_at=now + timedelta(seconds=1))
    with contextlib.suppress(NeedsReconnect, Gone, Rejected):
        await kit.gmail.stop_watch(job.mailbox_id)
    try:
        with contextlib.suppress(NeedsReconnect):
            await authorizer.revoke(job.mailbox_id)
    except Rejected as error:
        if job.attempt < REVOKE_TRIES:
            raise
        log.warning(
            "not_revoked", mailbox=job.mailbox_id, reason=error.reason
        )  # the owner's data goes all the same
    await kit.store.forget(job.mailbox_id)
