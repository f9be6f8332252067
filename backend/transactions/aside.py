"""Messages that were set aside, for a person who looks after them."""

from __future__ import annotations

from datetime import datetime

from backend.transactions.jobs import due
from backend.transactions.message_rows import MessageRow
from backend.transactions.statement import Script, micros, number, q


def list_aside(mailbox_id: str | None) -> Script[list[MessageRow]]:
    """Messages set aside, of one mailbox or of all, oldest first."""
    found: list[MessageRow] = yield q("messages_aside", mailbox_id=mailbox_id or "")
    return found


def retry_aside(mailbox_id: str, gmail_id: str, now: datetime) -> Script[bool]:
    """Give a message set aside new tries. False if it is not set aside."""
    changed = yield from number("retry_aside", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now))
    if changed:
        yield from due(mailbox_id, now)
    return bool(changed)


def drop_aside(mailbox_id: str, gmail_id: str, now: datetime) -> Script[bool]:
    """End a message set aside as it is. False if it is not set aside."""
    changed = yield from number("drop_aside", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now))
    return bool(changed)
