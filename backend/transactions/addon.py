"""What the add-on's cards read at once, and the two things only they write."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TypedDict

from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import PLACES, Placement, Screened
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.table import Standing
from backend.transactions import message_rows, verdicts
from backend.transactions.mailboxes import lock, locked, mailbox_of, write_preferences
from backend.transactions.message_rows import MessageRow
from backend.transactions.records import MessageJob, Reading, SenderRecord, Sighting, Tenant
from backend.transactions.statement import Script, micros, q
from backend.transactions.tables import GmailIdRow, MailboxRow


class RecordRow(TypedDict):
    """What came of a sender so far."""

    held: int
    challenged: int
    solved: int


def tenant(sub: str) -> Script[Tenant | None]:
    """The mailbox of a Google account. Never looked up by address: that may change hands."""
    row: MailboxRow | None = yield q("mailbox_by_sub", sub=sub)
    return None if row is None else Tenant((yield from mailbox_of(row)), row["changed_at"])


def reading(mailbox_id: str, gmail_id: str, now: datetime) -> Script[Reading | None]:
    """Everything the card of a message shows; None for a message that has no row."""
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    if row is None:
        return None
    standing, record = yield from sender(
        mailbox_id, row["sender"], row["sender_domain"], row["thread_id"], now
    )
    return Reading(message_rows.view(row), row["revision"], standing, record)


def sender(
    mailbox_id: str, address: str, domain: str, thread_id: str, now: datetime
) -> Script[tuple[Standing, SenderRecord]]:
    """How a sender stands, and what came of them so far."""
    standing = yield from verdicts.standing(mailbox_id, address, domain, thread_id, now)
    if not address:
        return standing, SenderRecord()
    row: RecordRow = yield q("sender_record", mailbox_id=mailbox_id, sender=address)
    return standing, SenderRecord(row["held"], row["challenged"], row["solved"])


def adopt(
    mailbox_id: str, seen: Sighting, verdict: Verdict, screened: Screened | None, now: datetime
) -> Script[bool]:
    """Note a message no sync will bring, with what is thought of it; nothing follows. False: it was known."""
    yield from lock(mailbox_id)
    values = [(seen.gmail_id, seen.thread_id, None, seen.stage)]
    new: list[GmailIdRow] = yield q(
        "insert_messages",
        mailbox_id=mailbox_id,
        rows=json.dumps(values),
        backlog=True,
        lease=None,
        attempts=0,
        due_at=micros(now),
        now=micros(now),
    )
    if not new:
        return False
    job = MessageJob(
        mailbox_id=mailbox_id,
        gmail_id=seen.gmail_id,
        thread_id=seen.thread_id,
        stage=seen.stage,
        attempt=1,
        lease="",
        revision=0,
        labels=None,
        placement=None,
        backlog=True,
        first_seen_at=now,
    )
    placement = PLACES[verdict.outcome] and Placement.INBOX
    yield from verdicts.write_verdict(job, verdict, screened, now, placement=placement)
    return True


def prefer(mailbox_id: str, version: int, preferences: Preferences, now: datetime) -> Script[bool]:
    """Save the settings if nothing changed since `version`; False if something did."""
    row = yield from locked(mailbox_id)
    if row["changed_at"] != version:
        return False
    # Two changes in one microsecond would look like none.
    yield from write_preferences(mailbox_id, preferences, max(micros(now), version + 1))
    return True
