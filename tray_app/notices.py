"""When to tell the owner of newly held mail, and in which words. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tray_app.menu import cut, grouped
from tray_app.state import Message
from tray_app.words import count, t

SETTLE = timedelta(seconds=3)
"""How long to wait for more of a burst."""
AT_MOST = timedelta(seconds=15)
"""How long a steady trickle may put a notice off."""
APART = timedelta(minutes=2)
"""The least time between two notices."""
TITLE_LIMIT = 60
BODY_LIMIT = 240
"""Windows cuts at 64 and 256 wide characters, the ends included."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it is shown: sender and subject, never more of the mail."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages to announce. `first_at` and `last_at` are when the first and the last came in."""

    pending: tuple[Message, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    told_at: datetime | None = None


def arrived(batch: Batch, message: Message, now: datetime) -> Batch:
    """One more to tell of."""
    return replace(batch, pending=(message, *batch.pending), first_at=batch.first_at or now, last_at=now)


def dropped(batch: Batch, gmail_ids: set[str]) -> Batch:
    """These were decided before they were announced."""
    left = tuple(message for message in batch.pending if message.gmail_id not in gmail_ids)
    return replace(batch, pending=left, first_at=batch.first_at if left else None)


def due_at(batch: Batch) -> datetime | None:
    """When the next notice is to be shown; None: nothing to tell."""
    if not batch.pending or batch.first_at is None or batch.last_at is None:
        return None
    due = min(batch.last_at + SETTLE, batch.first_at + AT_MOST)
    return max(due, batch.told_at + APART) if batch.told_at else due


def take(batch: Batch, now: datetime) -> tuple[Batch, Notice | None]:
    """The notice that is due at `now`, and the batch without it."""
    due = due_at(batch)
    if due is None or now < due:
        return batch, None
    return Batch(told_at=now), worded(batch.pending)


def worded(messages: Sequence[Message]) -> Notice:
    """One notice about all of them."""
    if len(messages) == 1:
        subject = messages[0].subject or t("menu.no_subject")
        return Notice(cut(t("notice.held", who=messages[0].who), TITLE_LIMIT), cut(subject, BODY_LIMIT))
    senders = grouped(tuple(messages))
    names = [cut(message.who, 40) + (f" ({number})" if number > 1 else "") for message, number in senders]
    shown = ", ".join(names[:4])
    if len(names) > 4:
        shown = t("notice.more", names=shown, count=len(names) - 4)
    return Notice(count("notice.messages", len(messages)), cut(shown, BODY_LIMIT))
