"""Failing jobs: causes, duration, and when the mailbox's owner is informed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain.errors import (
    Conflict,
    Gone,
    GoogleError,
    NeedsReconnect,
    NotYet,
    Refused,
    Rejected,
    SendUncertain,
    StoreAway,
    TryLater,
)

TOLD_AFTER = timedelta(minutes=2)
"""A job that has failed for this long is shown to the owner; most Google outages are shorter."""

LIMIT_WORDS = frozenset(
    {
        *("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"),
        *("RESOURCE_EXHAUSTED", "http429", "statedTime", "ownQuota", "rate_limit_exceeded", "slow_down"),
    }
)
"""Reasons that mean a rate limit, or that Google named a time to retry after."""

CLIENT_KEYS = ("later.client", "later.switched_off")
"""Errors where Google refuses our own OAuth client or project, for every mailbox alike."""

NO_TOPIC = "noTopic"
"""The reason when Gmail's watch names a Pub/Sub topic that does not exist; the operator must mend it."""

NO_READER = "reader"
"""Cause used when no reading process is available. Always our fault."""

READING = ("sync", "index", "watch")
"""Duties without which no new mail is read, in the order they are shown."""
IN_THE_BACKGROUND = frozenset({"retain", "preview", "leave", "watch", "owed"})
"""Jobs that no new mail waits for."""


class Cause(StrEnum):
    """Why a try failed. The values are counted and stored, so they never change."""

    LIMITS = "limits"
    CLIENT = "client"
    GOOGLE = "google"
    STORE = "store"
    RECONNECT = "reconnect"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"
    GONE = "gone"
    REFUSED = "refused"
    CONFLICT = "conflict"
    TIMEOUT = "timeout"
    TOPIC = "topic"
    FAULT = "fault"


class Blame(StrEnum):
    """Whose fault it is, as shown to the owner."""

    LIMITS = "limits"  # Google asks us to wait
    CLIENT = "client"  # Google refuses our client: only the operator can mend that
    GOOGLE = "google"
    OURS = "ours"


_KINDS: tuple[tuple[type[Exception], Cause], ...] = (
    (StoreAway, Cause.STORE),
    (TryLater, Cause.GOOGLE),
    (NeedsReconnect, Cause.RECONNECT),
    (SendUncertain, Cause.UNCERTAIN),
    (Rejected, Cause.REJECTED),
    (Gone, Cause.GONE),
    (GoogleError, Cause.GOOGLE),
    (Refused, Cause.REFUSED),
    (Conflict, Cause.CONFLICT),
    (TimeoutError, Cause.TIMEOUT),
)
_BLAMES = {
    Cause.LIMITS: Blame.LIMITS,
    Cause.CLIENT: Blame.CLIENT,
    Cause.GOOGLE: Blame.GOOGLE,
    Cause.UNCERTAIN: Blame.GOOGLE,
    Cause.REJECTED: Blame.GOOGLE,
    Cause.GONE: Blame.GOOGLE,
}


def cause_of(error: Exception) -> Cause | None:
    """The cause of `error`; None if it is only a wait for another step of ours."""
    if isinstance(error, NotYet):
        return None
    if isinstance(error, TryLater) and not isinstance(error, StoreAway):
        if error.key in CLIENT_KEYS:
            return Cause.CLIENT
        if error.reason in LIMIT_WORDS:
            return Cause.LIMITS
        if error.reason in (NO_READER, NO_TOPIC):
            return Cause.FAULT if error.reason == NO_READER else Cause.TOPIC
    return next((cause for kind, cause in _KINDS if isinstance(error, kind)), Cause.FAULT)


def code_of(error: Exception) -> str:
    """What is stored of an error: its cause, Google's word or the error's type, and `#2` for the second refusal in a
    row. Never a message, which might quote mail."""
    word = getattr(error, "reason", "") or (
        error.code if isinstance(error, Refused) else type(error).__name__
    )
    number = error.refusals if isinstance(error, TryLater) else 0
    return f"{cause_of(error) or 'wait'} {word}" + (f" #{number}" if number else "")


@dataclass(frozen=True, slots=True)
class Failing:
    """A job that has not come to its end since a try of it failed at `since` (aware UTC). `job` names the duty or
    the stage, `cause` is why it failed last."""

    job: str
    cause: Cause
    since: datetime

    @property
    def blame(self) -> Blame:
        """Whose fault it is."""
        return _BLAMES.get(self.cause, Blame.OURS)

    @property
    def reads(self) -> bool:
        """Whether no new mail is read meanwhile; else only some mail waits."""
        return self.job in READING


def foremost(failing: Iterable[Failing], now: datetime, *, watched: bool) -> Failing | None:
    """The job whose failing the owner is told of at `now`, None if all goes well or the trouble is young. What
    keeps all new mail waiting comes before what concerns one message. `watched`: Gmail tells us of new mail
    still, so a failing renewal of the watch keeps none waiting."""
    background = IN_THE_BACKGROUND if watched else IN_THE_BACKGROUND - {"watch"}
    late = [job for job in failing if job.job not in background and now - job.since >= TOLD_AFTER]
    return min(late, key=lambda job: (not job.reads, job.since), default=None)
