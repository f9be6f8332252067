"""How long to wait after an error before a job is tried again, or that it is not. Pure: jitter is handed in."""

from __future__ import annotations

from datetime import datetime, timedelta

from backend.domain.errors import (
    Conflict,
    Gone,
    NeedsReconnect,
    Refused,
    Rejected,
    SendUncertain,
    TryLater,
    Unexplained,
)

LONGEST_BACKOFF = 64
"""Seconds; the doubling stops here."""

LONGEST_WAIT = timedelta(hours=24)
"""A time Google names farther off than this is not believed: its longest limits last a day."""

SEARCH_LAG = timedelta(seconds=10)
"""A mail that left is found by search only after some seconds; looking sooner could end in a second send."""

REFUSALS = 64
"""Refusals in a row after which one that may pass is believed of a message: at the usual waits an hour's worth. Tries
that limits or an outage ended say nothing of the next."""

PASSED_OVER = 12
"""The same for what a duty can do without, seven minutes' worth: the rest of the mailbox waits for it."""

SECOND_THOUGHTS = 4
"""How often a refusal that does not pass is met where believing it would leave mail in the wrong place."""

NEVER_AGAIN = (Rejected, Gone, NeedsReconnect, Refused)
"""Errors that another try cannot change: bad requests, things that are not there, lost consent."""


def wait_after(
    error: Exception,
    attempt: int,
    jitter: float,
    now: datetime,
    most: int,
    longest: float = LONGEST_BACKOFF,
) -> timedelta | None:
    """The wait before try number `attempt` + 1 (`attempt` counts from 1), or None: give up, hand it to a person.

    min(2^n, `longest`) seconds with n from 0, and `jitter` (0..1) of a second on top so that jobs which failed
    together do not come back together. A time Google named is waited for. Google's limits and outages
    (`TryLater`) are waited out however long they last; a send of unknown fate, which Google's troubles may
    have delayed before, is tried three times `most`; anything else `most` times in all.
    """
    spread = timedelta(seconds=min(max(jitter, 0.0), 1.0))
    backoff = timedelta(seconds=min(1 << min(max(attempt, 1) - 1, 12), longest)) + spread
    if isinstance(error, TryLater):
        if error.retry_at is None:
            return backoff
        # A time that has passed by our clock still means that we came too early.
        named = min(error.retry_at - now, LONGEST_WAIT)
        return named + spread if named > timedelta(0) else backoff
    if isinstance(error, NEVER_AGAIN) or attempt >= most * (3 if isinstance(error, SendUncertain) else 1):
        return None
    if isinstance(error, Conflict):
        return spread  # the state moved: read it again at once
    return max(backoff, SEARCH_LAG + spread) if isinstance(error, SendUncertain) else backoff


def believed(error: Rejected | Unexplained, before: str, most: int = REFUSALS) -> bool:
    """Whether a refusal is final for a job. `before` is the cause of its last try."""
    return not isinstance(error, Unexplained) or refusals(before) + 1 >= most


def refusals(cause: str) -> int:
    """How many refusals in a row the code kept of a job's last try tells of (`failing.code_of`)."""
    counted = cause.rpartition(" #")[2] if " #" in cause else ""
    return int(counted) if counted.isdecimal() and len(counted) < 4 else 0


def once_more(error: Rejected | Unexplained, before: str) -> TryLater | None:
    """What to call a refusal that may pass: it is tried again as an outage is, and counted in its cause. `before` is
    the cause of the try before. None: there were enough in a row."""
    number, most = refusals(before) + 1, REFUSALS if isinstance(error, Unexplained) else SECOND_THOUGHTS
    return None if number >= most else TryLater(error.key, reason=error.reason, refusals=number)
