"""How often anybody is answered: the guards that count earlier challenges. They are asked before a verdict, and once
more by the commit that stores the challenge, when others may have come between."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from backend.domain.entry.challenge import Dealings
from backend.domain.mailbox.mailbox import Preferences

SENDER_PAUSE = timedelta(days=7)
"""A sender is answered at most once in this time."""

COUNTED = timedelta(days=1)
"""The time over which the answers of a domain and of a mailbox are counted."""

OWED = SENDER_PAUSE
"""How long a link is owed that a full count kept back."""


_COUNTS = frozenset({"domain_limit", "mailbox_limit"})


def _asked_recently(dealings: Dealings, _: Preferences, now: datetime) -> bool:
    return dealings.sender_last_at is not None and now - dealings.sender_last_at < SENDER_PAUSE


LIMITS: Mapping[str, Callable[[Dealings, Preferences, datetime], bool]] = {
    "open_challenge": lambda dealings, wishes, now: dealings.open_for_sender,
    "asked_recently": _asked_recently,
    "domain_limit": lambda dealings, wishes, now: dealings.domain_today >= wishes.domain_challenges,
    "mailbox_limit": lambda dealings, wishes, now: dealings.mailbox_today >= wishes.daily_challenges,
    "thread_answered": lambda dealings, wishes, now: dealings.thread_answered,
}
"""Name of the guard → whether the limit is reached, so that nobody may be answered."""


def reached(dealings: Dealings, preferences: Preferences, now: datetime) -> tuple[str, ...]:
    """The limits that stand against another challenge; () means it may be sent."""
    return tuple(name for name, limit in LIMITS.items() if limit(dealings, preferences, now))


def owed(objections: Collection[str]) -> bool:
    """Whether a link is owed where these guards said no: nothing but a full count stood against it."""
    return bool(objections) and {*objections} <= _COUNTS


def next_link_at(dealings: Dealings, preferences: Preferences, now: datetime) -> datetime:
    """The moment from which the next fresh mail of a sender, in a conversation of its own, gets a link: `now`, or
    the end of the pause after the last one, or of the day where the count of the domain or the mailbox is full. A link
    that is owed leaves then without it."""
    full = _COUNTS & {*reached(dealings, preferences, now)}
    pause = now if dealings.sender_last_at is None else dealings.sender_last_at + SENDER_PAUSE
    return max(now, pause, now + COUNTED if full else now)
