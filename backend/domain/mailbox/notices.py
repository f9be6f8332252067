"""How new mail comes to our notice: Google pushes, we fetch its notices, or we ask for history now and then."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

QUIET_AFTER = timedelta(hours=2)
"""A mailbox in which nothing has happened for this long is asked for less often; twice as rarely after each such
time."""

NOTICE_DELAY = timedelta(minutes=10)
"""How late a notice may be: Pub/Sub waits no longer than this before it delivers again."""


class Notices(StrEnum):
    """Where the news of a mailbox comes from."""

    PUSH = "push"  # Pub/Sub posts to us
    PULL = "pull"  # we fetch from Pub/Sub
    POLL = "poll"  # nobody tells us: history is asked for

    @property
    def watched(self) -> bool:
        """Whether Gmail is asked to tell of changes (`users.watch`)."""
        return self is not Notices.POLL


class Missing(StrEnum):
    """What keeps notices from being fetched. Stored and counted, so the words stay as they are."""

    CREDENTIALS = "credentials"  # this machine has no application default credentials, or they are refused
    SUBSCRIPTION = "subscription"  # there is none of that name, or it is one that pushes
    RIGHT = "right"  # the account may not fetch from it
    CONNECTION = "connection"  # Pub/Sub cannot be reached


def look_after(
    often: timedelta, seldom: timedelta, moved_at: datetime | None, now: datetime, chance: float
) -> timedelta:
    """How long a polled mailbox is left alone at `now`.

    `often` while something has happened in the last hours (`moved_at` is when anything last did), then twice as long
    for each further `QUIET_AFTER`, up to `seldom`. `chance`, from 0 to 1, spreads it by a twentieth either way, so that
    mailboxes do not ask together.
    """
    quiet = now - moved_at if moved_at is not None else timedelta(0)
    doublings = min(max(int(quiet / QUIET_AFTER), 0), 20)
    wait = max(often, min(often * (1 << doublings), seldom))
    return wait * (0.95 + chance / 10)
