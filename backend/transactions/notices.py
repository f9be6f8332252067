"""How mailboxes are told of, and what keeps their notices from coming."""

from __future__ import annotations

from datetime import datetime

from backend.domain.mailbox.mailbox import Missing, Notices
from backend.transactions.jobs import request_duty
from backend.transactions.records import Duty
from backend.transactions.statement import Script, micros, moment, number, q
from backend.transactions.sync import NoticeRow


def set_notice_mode(mailbox_id: str, notices: Notices) -> Script[None]:
    """How its new mail comes to our notice from now on. POLL forgets the watch, which must have been stopped."""
    yield q("hear_by", mailbox_id=mailbox_id, notices=notices)


def note_missing(missing: Missing | None) -> Script[None]:
    """What keeps the notices of all mailboxes that are fetched for from coming, None for nothing."""
    yield q("save_missing", missing=missing or "")


def owner_acted(mailbox_id: str, now: datetime) -> Script[None]:
    """The owner of a polled mailbox is at work: its history is due now, and often again from now on. Nothing for
    a mailbox that Gmail tells of.
    """
    if (yield from number("note_owner_acted", mailbox_id=mailbox_id, now=micros(now))):
        yield from request_duty(mailbox_id, Duty.SYNC, now)


def last_notice(mailbox_id: str) -> Script[datetime | None]:
    """When the last notice of a mailbox came."""
    found: list[NoticeRow] = yield q("latest_notices", mailbox_id=mailbox_id)
    return moment(found[0]["received_at"]) if found else None
