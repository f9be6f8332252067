"""leave: stop the watch, revoke the grant, delete every row, in that order.

The order matters: after the revocation there is no credential left to stop the watch with, and after the
deletion none to revoke. Each step may run again, so a death in the middle only means doing it over.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from backend.domain.entry.challenge import token_hash
from backend.domain.errors import PASSED_OVER, Gone, NeedsReconnect, NotFound, NotYet, Rejected, TryLater
from backend.pipeline.context import Context
from backend.ports.gmail import Authorizer
from backend.transactions.records import DisconnectReceipt, DutyJob, GrantEnd, Receipt

log = structlog.get_logger()

REVOKE_TRIES = 4
"""How often Google is asked to take the grant back before the rows are deleted without its yes."""

RECEIPT_LIFE = timedelta(days=30)


async def leave(context: Context, authorizer: Authorizer, job: DutyJob) -> None:
    """Disconnect one mailbox for good. A grant that is gone already makes the first two steps moot."""
    now = context.clock.now()
    if await context.store.busy(job.mailbox_id, now):
        # A renewal under way could watch again after we stopped, and nobody could stop it any more.
        raise NotYet("later.leaving", reason="busy", retry_at=now + timedelta(seconds=1))
    try:
        await context.gmail.stop_watch(job.mailbox_id)
    except (NeedsReconnect, Gone, Rejected):
        pass
    except TryLater:
        # Trouble that does not end, such as a client of ours that is refused, must not keep the owner's data.
        if job.attempt < PASSED_OVER:
            raise
    grant_end = await _revoked(authorizer, job)
    now = context.clock.now()
    await context.store.forget(job.mailbox_id, DisconnectReceipt(grant_end, now))
    log.info(
        "mailbox_left", mailbox=job.mailbox_id
    )  # `audit verify --heads` misses no log that went with its owner
    if context.time.settled:
        await context.store.drop_receipts(now - RECEIPT_LIFE)


async def _revoked(authorizer: Authorizer, job: DutyJob) -> GrantEnd:
    try:
        await authorizer.revoke(job.mailbox_id)
    except NeedsReconnect:
        return GrantEnd.WAS_GONE
    except Rejected as error:
        if job.attempt < REVOKE_TRIES:
            raise
        # The owner's data goes all the same.
        log.warning("not_revoked", mailbox=job.mailbox_id, reason=error.reason)
        return GrantEnd.REFUSED
    return GrantEnd.REVOKED


async def ask(context: Context, mailbox_id: str) -> str:
    """The owner wants to go: the leaving is ordered; returns the secret of the receipt's address."""
    secret = context.tokens.token(24)
    await context.store.ask_to_leave(mailbox_id, token_hash(secret), context.clock.now())
    context.wake()
    return secret


async def receipt(context: Context, secret: str) -> Receipt:
    """The receipt with this secret. Raises `NotFound`, also when it is too old."""
    found = await context.store.receipt(token_hash(secret)) if 20 <= len(secret) <= 200 else None
    if found is None or context.clock.now() - found.asked_at > RECEIPT_LIFE:
        raise NotFound("not_found.receipt")
    return found
