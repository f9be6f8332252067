"""Mailboxes: connecting, settings, the link with Google, archives out and in, forgetting."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from backend.domain.errors import AccessLost, Conflict, FailingJob, NotFound, Refused
from backend.domain.mail.message import MailboxId, Owner
from backend.domain.mailbox.archive import OWNED_TABLES, TABLES
from backend.domain.mailbox.mailbox import AccessState, DigestPace, Mailbox, Preferences
from backend.domain.mailbox.message import LabelIds
from backend.transactions import rows
from backend.transactions.jobs import request_duty
from backend.transactions.records import DisconnectReceipt, Duty, DutyJob, GrantEnd, NewMailbox, Receipt
from backend.transactions.rows import MailboxRow, Reader, Row
from backend.transactions.script import (
    Script,
    Statement,
    each,
    list_pattern,
    lock,
    locked,
    maybe,
    micros,
    micros_or_none,
    moment,
    packed,
    q,
    row_count,
    wake,
)

# ---- Mailboxes


LASTING = ("lane_owners", "model_acts", "models", "receipts", "tallies")
"""Tables that outlive a mailbox: they hold no personal data."""


MOST_FORMER = 10
"""Former addresses that are remembered."""

RETAIN_AFTER = timedelta(days=1)
"""Before that nothing is old enough to delete."""


def connect(new: NewMailbox, now: datetime) -> Script[Mailbox]:
    """Create the mailbox of this Google account, or give its existing one the new token and scopes.

    Duties WATCH, INDEX (if never finished) and SYNC become due at once, RETAIN in a day; a mailbox that needed
    reconnecting goes on where it stopped. Preferences of an existing mailbox stay.
    """
    mailbox_id = yield from _created(new, now)
    if mailbox_id is None:
        mailbox_id = yield from _reconnected(new, now)
    yield from request_duty(mailbox_id, Duty.WATCH, now)
    yield from request_duty(mailbox_id, Duty.SYNC, now)
    yield from request_duty(mailbox_id, Duty.RETAIN, now + RETAIN_AFTER)
    row: MailboxRow = yield q("mailbox", mailbox_id=mailbox_id)
    stored = yield from mailbox_of(row)
    if stored.indexed_at is None:
        yield from request_duty(mailbox_id, Duty.INDEX, now)
    return stored


def _created(new: NewMailbox, now: datetime) -> Script[MailboxId | None]:
    created = yield from row_count(
        "insert_mailbox",
        id=new.id,
        sub=new.sub,
        email=new.email.lower(),
        name=new.name,
        sealed_token=new.sealed_token,
        scopes=packed(sorted(new.scopes)),
        preferences=json.dumps(new.preferences.to_json()),
        grant_expires_at=micros_or_none(new.grant_expires_at),
        now=micros(now),
    )
    if not created:
        return None
    for duty in Duty:
        yield q("insert_duty", mailbox_id=new.id, duty=duty)
    return new.id


def _reconnected(new: NewMailbox, now: datetime) -> Script[MailboxId]:
    known: MailboxRow | None = yield q("mailbox_by_sub", sub=new.sub)
    if known is None:
        raise Conflict("conflict.account")
    mailbox_id = known["id"]
    yield from lock(mailbox_id)
    if (yield from row_count("leave_begun", mailbox_id=mailbox_id)):
        raise Conflict("conflict.leaving")
    yield q("cancel_leave", mailbox_id=mailbox_id)
    yield q(
        "reconnect_mailbox",
        mailbox_id=mailbox_id,
        **_addresses(known, new.email),
        name=new.name,
        sealed_token=new.sealed_token,
        scopes=packed(sorted(new.scopes)),
        grant_expires_at=micros_or_none(new.grant_expires_at),
        now=micros(now),
    )
    yield from _forget_failures(mailbox_id)
    return mailbox_id


def mailbox_of(row: MailboxRow) -> Script[Mailbox]:
    """A row of `mailboxes` with its failing jobs."""
    failing = yield from each(FailingJob, "failing_jobs", mailbox_id=row["id"])
    return rows.mailbox(row, failing=failing)


def mailbox(mailbox_id: MailboxId) -> Script[Mailbox | None]:
    """One mailbox."""
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    return None if row is None else (yield from mailbox_of(row))


def mailbox_by_email(email: str) -> Script[Mailbox | None]:
    """The mailbox of an address, in upper or lower case, also of an earlier address that nobody has now."""
    row: MailboxRow | None = yield q("mailbox_by_email", email=email.lower())
    if row is None and email:
        formerly: MailboxRow | None = yield q("mailbox_by_former", listed=list_pattern(email.lower()))
        row = formerly
    return None if row is None else (yield from mailbox_of(row))


def mailboxes() -> Script[tuple[Mailbox, ...]]:
    """All of them, oldest first (operator's view)."""
    found: list[MailboxRow] = yield q("mailboxes")
    whole = []
    for row in found:
        whole.append((yield from mailbox_of(row)))
    return tuple(whole)


def sealed_token(mailbox_id: MailboxId) -> Script[bytes | None]:
    """The encrypted refresh token, None if the mailbox has none."""
    row: MailboxRow | None = yield q("mailbox", mailbox_id=mailbox_id)
    return None if row is None else row["sealed_token"]


def sealed_tokens() -> Script[tuple[bytes, ...]]:
    """Every encrypted refresh token, in no order: to check whether our keys open any."""
    return each(bytes, "sealed_tokens")


def save_sealed_token(mailbox_id: MailboxId, sealed: bytes, now: datetime) -> Script[None]:
    """Replace the token."""
    yield from _must_change(q("save_sealed_token", mailbox_id=mailbox_id, sealed=sealed, now=micros(now)))


def swap_sealed_token(mailbox_id: MailboxId, old: bytes, new: bytes, now: datetime) -> Script[bool]:
    """Store `new` only if `old` is still stored: a reconnect may have brought another grant
    meanwhile, which must stay. False if `new` was not stored.
    """
    return bool(
        (yield from row_count("swap_sealed_token", mailbox_id=mailbox_id, old=old, new=new, now=micros(now)))
    )


def save_grant_expiry(mailbox_id: MailboxId, sealed: bytes, at: datetime) -> Script[None]:
    """Google ends this token's grant at `at`. Changes nothing if the stored time is close or the token has changed."""
    yield q("save_grant_expiry", mailbox_id=mailbox_id, sealed=sealed, at=micros(at))


def save_preferences(mailbox_id: MailboxId, preferences: Preferences, now: datetime) -> Script[None]:
    """Replace the owner's settings."""
    yield from lock(mailbox_id)
    yield from write_preferences(mailbox_id, preferences, micros(now))


def write_preferences(mailbox_id: MailboxId, preferences: Preferences, at: int) -> Script[None]:
    """Write them as of `at` (microseconds); the caller has locked the mailbox. Also makes DIGEST due or, if
    off, forgets it."""
    text = json.dumps(preferences.to_json())
    yield q("save_preferences", mailbox_id=mailbox_id, preferences=text, now=at)
    if preferences.digest is DigestPace.OFF:
        yield q("forget_digests", mailbox_id=mailbox_id)
    else:
        yield from request_duty(mailbox_id, Duty.DIGEST, moment(at))


def save_labels(mailbox_id: MailboxId, labels: LabelIds, owner: Owner) -> Script[None]:
    """Store our labels' ids, the owner's Gmail addresses, and the owner's name unless it is ""."""
    row = yield from locked(mailbox_id)
    yield from _must_change(
        q(
            "save_labels",
            mailbox_id=mailbox_id,
            **_addresses(row, owner.email),
            held=labels.held,
            would_hold=labels.would_hold,
            allow=labels.allow,
            block=labels.block,
            partly_read=labels.partly_read,
            aliases=packed(sorted(alias.lower() for alias in owner.aliases)),
            name=owner.name,
        )
    )


def _addresses(row: MailboxRow, email: str) -> dict[str, str]:
    """The primary address as Google reports it ("": it did not), and earlier ones, to which mail still comes. A mailbox
    is identified by its account, not by its address."""
    before, now = row["email"], email.lower() or row["email"]
    former: list[str] = json.loads(row["former"])
    if before != now:
        former = [*(one for one in former if one not in (before, now)), before][-MOST_FORMER:]
    return {"email": now, "former": packed(former)}


def save_watch(mailbox_id: MailboxId, expires_at: datetime, first_cursor: str) -> Script[None]:
    """Note the watch. `first_cursor` becomes the cursor only if none is stored."""
    yield from _must_change(
        q("save_watch", mailbox_id=mailbox_id, expires_at=micros(expires_at), first_cursor=first_cursor)
    )


def lose_link(mailbox_id: MailboxId, lost: AccessLost, since: datetime, now: datetime) -> Script[bool]:
    """Google refused the grant of a job that began at `since`: NEEDS_RECONNECT, unless the mailbox is leaving, or its
    row changed after `since`: the owner may have reconnected then. (If the grant is dead all the same, the next try
    finds out.) True if the link was lost."""
    row: MailboxRow | None = yield q("mailbox_for_write", mailbox_id=mailbox_id)
    if row is None or row["link"] == AccessState.LEAVING:
        return False
    if row["link"] == AccessState.CONNECTED and row["changed_at"] > micros(since):
        return False
    yield from set_link(mailbox_id, AccessState.NEEDS_RECONNECT, now, lost)
    return True


def begin_leaving(job: DutyJob) -> Script[None]:
    """From now on the owner cannot reconnect, unless this try fails."""
    yield q("begin_leaving", mailbox_id=job.mailbox_id)


def set_link(
    mailbox_id: MailboxId, link: AccessState, now: datetime, lost: AccessLost | None = None
) -> Script[None]:
    """CONNECTED lets the mailbox's lane run again; anything else stops it at once (LEAVING: all but the LEAVE duty,
    which becomes due). `lost` is how access was lost."""
    yield from lock(mailbox_id)
    yield q("save_link", mailbox_id=mailbox_id, link=link, cause=lost or "", now=micros(now))
    yield from _forget_failures(mailbox_id)
    if link is AccessState.LEAVING:
        yield from request_duty(mailbox_id, Duty.LEAVE, now)
    elif link is AccessState.CONNECTED:
        yield q("cancel_leave", mailbox_id=mailbox_id)
        yield wake(mailbox_id)


def _forget_failures(mailbox_id: MailboxId) -> Script[None]:
    """Earlier failures do not count against a new link."""
    yield q("calm_duties", mailbox_id=mailbox_id)
    yield q("calm_messages", mailbox_id=mailbox_id)


def forget(
    mailbox_id: MailboxId, disconnect_receipt: DisconnectReceipt | None = None
) -> Script[Mapping[str, int]]:
    """Delete every row of the mailbox. Its receipts stay, and say what was deleted."""
    yield q("lock_mailbox", mailbox_id=mailbox_id)
    deleted: dict[str, int] = {}
    for table in OWNED_TABLES:
        deleted[table] = yield q(f"forget_{table}", mailbox_id=mailbox_id)
    if disconnect_receipt is not None:
        yield q(
            "finish_receipts",
            mailbox_id=mailbox_id,
            now=micros(disconnect_receipt.at),
            grant_end=disconnect_receipt.grant_end,
            deleted=json.dumps(deleted),
        )
    return deleted


def _must_change(statement: Statement) -> Script[None]:
    if not (yield statement):
        raise NotFound("unknown_mailbox.connect")


# ---- An owner's archive, out and in
# Every page, and every restored batch, is a transaction of its own.


def page(mailbox_id: MailboxId, table: str, after: str, limit: int) -> Script[tuple[Mapping[str, Any], ...]]:
    """Rows whose key comes after `after` ("" for the first page), in order of their keys, as stored."""
    found: list[Row] = yield q(f"archive_{table}", mailbox_id=mailbox_id, after=after, limit=limit)
    return tuple({name: row[name] for name in TABLES[table].columns} for row in found)


def restore(
    mailbox_id: MailboxId, table: str, rows: Iterable[Mapping[str, Any]], now: datetime
) -> Script[int]:
    """Add the missing rows in one commit; returns how many. Existing rows stay as they are.

    Ledger entries move balances and daily totals too, and must come in the order they were posted: `Refused`
    (no_credit) if a balance would fall below 0. Challenges come back closed: their links lead to the instance that sent
    them.
    """
    yield from lock(mailbox_id)
    added = 0
    for row in rows:
        if table == "ledger":
            added += yield from _restore_entry(mailbox_id, row)
        else:
            made = _closed(row) if table == "challenges" else {}
            added += yield from row_count(f"restore_{table}", mailbox_id=mailbox_id, **row, **made)
    return added


def _closed(row: Mapping[str, Any]) -> dict[str, Any]:
    # A link is found by the hex digest of its token, and no digest looks like this.
    return {"is_open": False, "token_hash": f"restored {row['id']}", "sealed_token": b""}


def _restore_entry(mailbox_id: MailboxId, row: Mapping[str, Any]) -> Script[int]:
    """Post the entry; add it to balance and daily total."""
    values = {name: row[name] for name in ("posting_key", "sender", "posting", "amount", "about", "day")}
    if not (yield from row_count("insert_entry", mailbox_id=mailbox_id, **values, now=row["posted_at"])):
        return 0
    query = "add_to_balance" if row["amount"] > 0 else "take_from_balance"
    if not (yield from row_count(query, mailbox_id=mailbox_id, sender=row["sender"], amount=row["amount"])):
        raise Refused("no_credit.file", field="file")
    yield q("add_to_day", mailbox_id=mailbox_id, day=row["day"], posting=row["posting"], amount=row["amount"])
    return 1


# ---- The receipts of those who left


def _grant_end(grant_end: str) -> GrantEnd | None:
    return GrantEnd(grant_end) if grant_end else None


_receipt = Reader(Receipt, grant_end=_grant_end)


def ask_to_leave(mailbox_id: MailboxId, token_hash: str, now: datetime) -> Script[None]:
    """Order the leaving and open its receipt. Raises `NotFound`."""
    yield from set_link(mailbox_id, AccessState.LEAVING, now)
    yield q("insert_receipt", token_hash=token_hash, mailbox_id=mailbox_id, now=micros(now))


def receipt(token_hash: str) -> Script[Receipt | None]:
    """The receipt with this secret."""
    return maybe(_receipt, "receipt", token_hash=token_hash)


def drop_receipts(before: datetime) -> Script[int]:
    """Delete receipts older than `before`; returns how many."""
    return (yield from row_count("drop_receipts", before=micros(before)))
