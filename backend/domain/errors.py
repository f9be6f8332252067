"""All errors of the product, as one tree; how long a job waits after each before it is retried; and when a job that
keeps failing is shown to the owner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# ---- Every error of the product, as one tree
# PitchgateError
# ├── Refused             bad input from the caller; never retried; `code` is public, `field` is the wrong field
# │   ├── Unauthenticated a token is missing, forged, expired or meant for somebody else
# │   ├── NotFound
# │   └── Expired         a link or code that has expired or was used already
# ├── Conflict            the state changed since it was read: read again, decide again
# │   └── LaneLost        the mailbox is another process's now: drop everything, change nothing
# └── GoogleError         what Google answered, translated at the edge
#     ├── Gone            not there (404): close the job
#     ├── HistoryGone     the cursor is older than Google's history: re-list
#     ├── TryLater        back off; `retry_at` if Google named a time, else None
#     │   ├── Unexplained refused without a clear reason: usually passes; after many tries it counts as final
#     │   ├── StoreAway   our own database, not Google: waited out in the same way
#     │   └── NotYet      another job has to finish first: a wait, not a failure
#     ├── SendUncertain   unknown whether it was sent: look for its Message-ID, never send blindly
#     ├── NeedsReconnect  consent revoked or narrowed: stop this mailbox's jobs, tell the owner
#     └── Rejected        Google will never accept this request: a bug or bad input; a dead letter
#
# An error has a key and the values for its sentence. The sentence itself comes from `backend.locale.error_words`, in
# the reader's language.


class PitchgateError(Exception):
    """Root of all errors raised on purpose. `key` says what happened, from general to special (`out_of_range.pause`);
    `blanks` are the values for its sentence."""

    def __init__(self, key: str, **blanks: object) -> None:
        super().__init__(key)
        self.key = key
        self.blanks = blanks

    def __str__(self) -> str:
        return " ".join((self.key, *map(str, self.blanks.values())))

    @property
    def code(self) -> str:
        """The first part of the key, which is public and stable."""
        return self.key.partition(".")[0]


class Refused(PitchgateError):
    """Input that is refused. `field` is the wrong field, if there is one."""

    def __init__(self, key: str, *, field: str = "", **blanks: object) -> None:
        super().__init__(key, **blanks)
        self.field = field


class Unauthenticated(Refused):
    """The caller did not prove who they are. The public answer never says which check failed."""


class NotFound(Refused):
    """There is no such thing, or it belongs to somebody else (callers cannot tell which)."""


class Expired(Refused):
    """A link, code or ticket that has expired or was used already."""


class Conflict(PitchgateError):
    """The state has changed since it was read. Nothing was written: read again and decide again."""


class LaneLost(Conflict):
    """The mailbox was deleted or belongs to another process by now, or another run changed it first. Nothing was
    written."""


class GoogleError(PitchgateError):
    """Something Google answered. `reason` is Google's own reason word, for logs and metrics."""

    def __init__(self, key: str, *, reason: str = "", **blanks: object) -> None:
        super().__init__(key, reason=reason, **blanks)
        self.reason = reason


class Gone(GoogleError):
    """404: the message, thread or label is not there (any more)."""


class HistoryGone(GoogleError):
    """404 on history.list: the cursor is too old. Re-list; nothing may be skipped."""


class TryLater(GoogleError):
    """Rate limit, quota, 5xx or a broken connection. `retry_at` is the time Google named (aware UTC) or None. If this
    replaces a refusal (`retry_of_refusal`), `refusals` counts the refusals in a row."""

    def __init__(
        self,
        key: str,
        *,
        reason: str = "",
        retry_at: datetime | None = None,
        refusals: int = 0,
        **blanks: object,
    ) -> None:
        super().__init__(key, reason=reason, **blanks)
        self.retry_at = retry_at
        self.refusals = refusals


class Unexplained(TryLater):
    """A refusal without a reason that is known to be final (a failed precondition, a mailbox not found). It is waited
    out like an outage; if it concerns a single message, it counts as final after many times in a row."""


class StoreAway(TryLater):
    """The database does not answer, or cannot be written. It may be unknown whether the last transaction was committed,
    so every stage must be safe to run again. No job is at fault, so none becomes a dead letter. Callers need not log
    it: the store does, once and then every minute."""

    @property
    def trouble(self) -> str:
        """What is wrong: "away", "full" (no space), "unwritable" (quota, permissions or disk), "damaged"."""
        return self.key.removeprefix("later.store").lstrip(".") or "away"


class NotYet(TryLater):
    """Another job has to finish first. Not a failure: not counted, not shown."""


class SendUncertain(GoogleError):
    """The connection broke, timed out or gave 5xx during a send: it may or may not have left."""


class AccessLost(StrEnum):
    """How access to a mailbox was lost. The values are stored; the catalogues have their sentences."""

    GRANT = "grant"  # withdrawn, or no longer accepted
    SCOPE = "scope"  # narrower than what we need
    POLICY = "policy"  # the organisation does not allow it
    NO_GMAIL = "no_gmail"
    SEALED = "sealed"  # none of our keys can decrypt the stored token


class NeedsReconnect(GoogleError):
    """The grant is gone or too narrow; `lost` says how. Only the owner can fix that, by connecting again."""

    def __init__(self, key: str, *, reason: str = "", lost: AccessLost = AccessLost.GRANT) -> None:
        super().__init__(key, reason=reason)
        self.lost = lost


class Rejected(GoogleError):
    """A permanent refusal by Google. Retrying is useless."""


# ---- How long to wait before a retry


LONGEST_BACKOFF = 64
"""Seconds at which the doubling stops."""

LONGEST_WAIT = timedelta(hours=24)
"""Longest wait that Google may name, because its longest limits last a day."""

SEARCH_LAG = timedelta(seconds=10)
"""Gmail's search finds a sent mail only after some seconds; searching sooner could lead to sending it twice."""

FINAL_REFUSALS = 64
"""`Unexplained` refusals in a row after which they count as final for a message: about an hour of retries. Tries that
ended in a rate limit or an outage start the count again."""

REFUSALS_BEFORE_SKIP = 12
"""The same for a message that a duty can skip, about seven minutes, because the rest of the mailbox waits for it."""

REJECTED_TRIES = 4
"""Tries after which a `Rejected` is final where accepting it leaves mail in the wrong place."""

NEVER_AGAIN = (Rejected, Gone, NeedsReconnect, Refused)
"""Errors that a retry cannot change: bad requests, missing things, lost consent."""


def wait_after(
    error: Exception, attempt: int, jitter: float, now: datetime, most: int, longest: float = LONGEST_BACKOFF
) -> timedelta | None:
    """The wait before try number `attempt` + 1 (`attempt` counts from 1); None: give up and leave it to a person.

    The wait is min(2^n, `longest`) seconds with n from 0, plus `jitter` (0..1) of a second, so that jobs that failed
    together do not return together. If Google named a time, the wait ends then. Google's limits and outages
    (`TryLater`) are retried without end; a send that may or may not have left is tried three times `most`, because
    outages may have used up earlier tries; anything else `most` times in all.
    """
    spread = timedelta(seconds=min(max(jitter, 0.0), 1.0))
    backoff = timedelta(seconds=min(1 << min(max(attempt, 1) - 1, 12), longest)) + spread
    if isinstance(error, TryLater):
        if error.retry_at is None:
            return backoff
        # Even if the named time has passed by our clock, Google says that we came too early.
        named = min(error.retry_at - now, LONGEST_WAIT)
        return named + spread if named > timedelta(0) else backoff
    if isinstance(error, NEVER_AGAIN) or attempt >= most * (3 if isinstance(error, SendUncertain) else 1):
        return None
    if isinstance(error, Conflict):
        return spread  # the state has changed: read it again at once
    return max(backoff, SEARCH_LAG + spread) if isinstance(error, SendUncertain) else backoff


def refusal_is_final(error: Rejected | Unexplained, before: str, most: int = FINAL_REFUSALS) -> bool:
    """Whether a refusal is final for a job. `before` is the stored cause of its previous try."""
    return not isinstance(error, Unexplained) or refusal_count(before) + 1 >= most


def refusal_count(cause: str) -> int:
    """The number of refusals in a row in the stored cause of a job's last try (see `code_of`)."""
    counted = cause.rpartition(" #")[2] if " #" in cause else ""
    return int(counted) if counted.isdecimal() and len(counted) < 4 else 0


def retry_of_refusal(error: Rejected | Unexplained, before: str) -> TryLater | None:
    """The error to raise instead of a refusal that may pass: it is retried like an outage, and counts the refusals.
    `before` is the stored cause of the previous try. None: there were enough in a row, and the refusal is final."""
    number, most = (
        refusal_count(before) + 1,
        FINAL_REFUSALS if isinstance(error, Unexplained) else REJECTED_TRIES,
    )
    return None if number >= most else TryLater(error.key, reason=error.reason, refusals=number)


# ---- Failing jobs, and when they are shown to the owner


SHOWN_AFTER = timedelta(minutes=2)
"""A job that has failed for this long is shown to the owner; most Google outages are shorter."""

LIMIT_REASONS = frozenset(
    {
        *("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "dailyLimitExceeded"),
        *("RESOURCE_EXHAUSTED", "http429", "statedTime", "ownQuota", "rate_limit_exceeded", "slow_down"),
    }
)
"""Reasons that mean a rate limit or a named time to retry: Google's, and ours (`http429`, `statedTime`, `ownQuota`)."""

CLIENT_KEYS = ("later.client", "later.switched_off")
"""Errors in which Google refuses our OAuth client or project, which affect every mailbox."""

NO_TOPIC = "noTopic"
"""The reason if the Pub/Sub topic for Gmail's notices does not exist; the operator must fix that."""

NO_READER = "reader"
"""The reason of an error if no reading process is available, which is always our fault."""

READING_DUTIES = ("sync", "index", "watch")
"""Duties without which no new mail is read, in the order in which they are shown."""
BACKGROUND_DUTIES = frozenset({"retain", "preview", "leave", "watch", "owed"})
"""Duties that do not delay new mail."""


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
    CLIENT = "client"  # Google refuses our OAuth client: only the operator can fix that
    GOOGLE = "google"
    OURS = "ours"


_CAUSES: tuple[tuple[type[Exception], Cause], ...] = (
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
    """The cause of `error`; None if the job only waits for another one."""
    if isinstance(error, NotYet):
        return None
    if isinstance(error, TryLater) and not isinstance(error, StoreAway):
        if error.key in CLIENT_KEYS:
            return Cause.CLIENT
        if error.reason in LIMIT_REASONS:
            return Cause.LIMITS
        if error.reason in (NO_READER, NO_TOPIC):
            return Cause.FAULT if error.reason == NO_READER else Cause.TOPIC
    return next((cause for kind, cause in _CAUSES if isinstance(error, kind)), Cause.FAULT)


def code_of(error: Exception) -> str:
    """What is stored of an error: its cause, then Google's reason or the error's type, and "#2" for the second refusal
    in a row. Never its message, which might quote mail."""
    word = getattr(error, "reason", "") or (
        error.code if isinstance(error, Refused) else type(error).__name__
    )
    number = error.refusals if isinstance(error, TryLater) else 0
    return f"{cause_of(error) or 'wait'} {word}" + (f" #{number}" if number else "")


@dataclass(frozen=True, slots=True)
class FailingJob:
    """A job that failed at `since` (aware UTC) and has not succeeded since. `job` names the duty or the stage; `cause`
    is why it failed last."""

    job: str
    cause: Cause
    since: datetime

    @property
    def blame(self) -> Blame:
        return _BLAMES.get(self.cause, Blame.OURS)

    @property
    def stops_reading(self) -> bool:
        """Whether no new mail is read meanwhile; otherwise only some mail waits."""
        return self.job in READING_DUTIES


def failure_to_show(failing: Iterable[FailingJob], now: datetime, *, watched: bool) -> FailingJob | None:
    """The failing job that is shown to the owner at `now`; None if there is none or it has only just begun to fail. A
    job that stops all new mail comes before one that concerns a single message. `watched`: Gmail still sends notices,
    so a watch that cannot be renewed delays nothing yet."""
    background = BACKGROUND_DUTIES if watched else BACKGROUND_DUTIES - {"watch"}
    late = [job for job in failing if job.job not in background and now - job.since >= SHOWN_AFTER]
    return min(late, key=lambda job: (not job.stops_reading, job.since), default=None)
