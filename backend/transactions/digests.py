"""The owner's digest: its contents are committed before it is placed; its links order what a page would."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from backend.domain.errors import NotFound
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import Order, Origin
from backend.domain.mailbox.owner_digest import DigestLink, DigestState
from backend.transactions import decide, jobs
from backend.transactions.mailboxes import lock
from backend.transactions.records import DutyJob
from backend.transactions.statement import Script, maybe, micros, packed, q


def digest_state(mailbox_id: MailboxId) -> Script[DigestState | None]:
    """How far the digests have come; None if they were never on, or are off now."""
    return maybe(DigestState, "digest", mailbox_id=mailbox_id)


def tell_digest(
    job: DutyJob, message_id: str, until: datetime, links: Sequence[DigestLink], now: datetime
) -> Script[None]:
    """The intent: a digest with this Message-ID, covering mail up to `until`, is about to be placed with these links.
    Expired links, and those of an earlier try at the same digest, are removed."""
    yield from jobs.duty_row(job)
    yield q("drop_digest_links", mailbox_id=job.mailbox_id, now=micros(now))
    yield q("intend_digest", mailbox_id=job.mailbox_id, message_id=message_id, until=micros(until))
    for link in links:
        yield q(
            "insert_digest_link",
            token_hash=link.token_hash,
            mailbox_id=job.mailbox_id,
            message_id=message_id,
            decision=link.decision,
            gmail_ids=packed(link.gmail_ids),
            expires_at=micros(link.expires_at),
        )


def digest_told(
    job: DutyJob, until: datetime, gmail_id: str, next_due: datetime, now: datetime
) -> Script[None]:
    """The owner has been informed up to `until`, by the message `gmail_id` ("": there was nothing to report). Ends the
    duty, next due at `next_due`."""
    yield from jobs.finish_duty(job, next_due)
    yield q("digest_told", mailbox_id=job.mailbox_id, until=micros(until), gmail_id=gmail_id)


def digest_link(token_hash: str) -> Script[DigestLink | None]:
    """The link with this token, used or not."""
    return maybe(DigestLink, "digest_link", token_hash=token_hash)


def use_digest_link(token_hash: str, now: datetime) -> Script[DigestLink | None]:
    """Carry out the link's order, once, in one commit; returns the link as it is then, None if unknown. A used or
    expired link orders nothing."""
    link = yield from _locked(token_hash)
    if link is None or link.used_at is not None or link.expires_at <= now:
        return link
    yield q("use_digest_link", token_hash=token_hash, now=micros(now))
    order = Order(link.order, link.decision, link.gmail_ids, Origin.PAGE)
    yield from decide.decide(link.mailbox_id, order, now)
    return (yield from digest_link(token_hash))


def undo_digest_link(token_hash: str, now: datetime) -> Script[DigestLink | None]:
    """Undo its order, once, before it expires."""
    link = yield from _locked(token_hash)
    if link is None or link.used_at is None or link.undone_at is not None or link.expires_at <= now:
        return link
    yield q("undo_digest_link", token_hash=token_hash, now=micros(now))
    with suppress(NotFound):  # nothing was left to decide
        yield from decide.undo(link.mailbox_id, link.order, now)
    return (yield from digest_link(token_hash))


def _locked(token_hash: str) -> Script[DigestLink | None]:
    """The link, read with its mailbox locked."""
    found = yield from digest_link(token_hash)
    if found is None:
        return None
    yield from lock(found.mailbox_id)
    return (yield from digest_link(token_hash))
