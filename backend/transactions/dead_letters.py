"""Messages that were tried too often, for a person who looks after them."""

from __future__ import annotations

from datetime import datetime

from backend.transactions.jobs import due
from backend.transactions.message_rows import MessageRow
from backend.transactions.statement import Script, micros, number, q


def list_dead_letters(mailbox_id: str | None) -> Script[list[MessageRow]]:
    """Dead letters, of one mailbox or of all, oldest first."""
    found: list[MessageRow] = yield q("dead_letters", mailbox_id=mailbox_id or "")
    return found


def retry_dead_letter(mailbox_id: str, gmail_id: str, now: datetime) -> Script[bool]:
    """Give a dead letter new tries. False if it is none."""
    changed = yield from number(
        "retry_dead_letter", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now)
    )
    if changed:
        yield from due(mailbox_id, now)
    return bool(changed)


def drop_dead_letter(mailbox_id: str, gmail_id: str, now: datetime) -> Script[bool]:
    """End a dead letter as it is. False if it is none."""
    changed = yield from number("drop_dead_letter", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now))
    return bool(changed)
