"""Every error the product speaks of, as one tree; how long each makes a job wait before it is tried again; and when a
job that keeps failing is shown to the mailbox's owner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

# ---- Every error of the product, as one tree
# PitchgateError
# ├── Refused             bad input from the caller; never retried; `code` is public, `field` names the culprit
# │   ├── Unauthenticated a token is missing, forged, stale or meant for somebody else
# │   ├── NotFound
# │   └── Expired         a link or code past its life, or used already
# ├── Conflict            the state changed since it was read: read again, decide again
# │   └── LaneLost        the mailbox is another process's now: drop everything, change nothing
# └── GoogleError         what Google answered, translated at the edge
#     ├── Gone            not there (404): close the job
#     ├── HistoryGone     the cursor is older than Google's history: re-list
#     ├── TryLater        back off; `retry_at` when Google named a time, else None
#     │   ├── Unexplained refused without a reason: usually passes; after many tries it counts for that one message
#     │   ├── StoreAway   our own database, not Google: waited out all the same
#     │   └── NotYet      another job has to finish first: a wait, not a failure
#     ├── SendUncertain   unknown whether it was sent: look for its Message-ID, never send blindly
#     ├── NeedsReconnect  consent revoked or narrowed: stop this mailbox's jobs, tell the owner
#     └── Rejected        Google will never accept this request: a bug or bad input; a dead letter
#
# An error holds a key and the values for its sentence, no words: `backend.locale.error_words` has those, in
# the reader's language.


class PitchgateError(Exception):
    """Root of all errors raised on purpose. `key` names what happened, from the general to the special
    (`out_of_range.pause`); `blanks` are the values that its sentences name."""

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
    """Input that is refused. `field` names the wrong field, if one is."""

    def __init__(self, key: str, *, field: str = "", **blanks: object) -> None:
        super().__init__(key, **blanks)
        self.field = field


class Unauthenticated(Refused):
    """The caller did not prove who they are. The public answer never says which check failed."""


class NotFound(Refused):
    """There is no such thing, or it belongs to somebody else (callers cannot tell which)."""


class Expired(Refused):
    """A link, code or ticket past its life or used already."""


class Conflict(PitchgateError):
    """The state moved since it was read. Read it again and decide again; nothing was written."""


class LaneLost(Conflict):
    """The mailbox has gone or is another process's by now, or another look came first. Nothing was written."""


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
    """Rate limit, quota, 5xx or a broken connection. `retry_at` is Google's own time (aware UTC) or None; `refusals`
    counts how many refusals in a row this is, if it stands for one."""

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
    """A refusal that gives no reason known to be final (a precondition that failed, a mailbox that is not found). It is
    waited out as an outage is; what concerns one message alone is believed when it has been met many times in a row."""


class StoreAway(TryLater):
    """The database does not answer, or takes nothing more. Whether the last transaction took place may be unknown:
    every stage may run again. No job is to blame, so none becomes a dead letter for it, and nobody need log it: the
    store tells the log itself, once and then each minute."""

    @property
    def trouble(self) -> str:
        """What is the matter: "away", "full" (no space), "unwritable" (a quota, a right, the disk), "damaged"."""
        return self.key.removeprefix("later.store").lstrip(".") or "away"


class NotYet(TryLater):
    """Another job has to finish first. Not a failure: not counted, not shown."""


class SendUncertain(GoogleError):
    """The connection broke, timed out or gave 5xx during a send: it may or may not have left."""


class AccessLost(StrEnum):
    """How access to a mailbox was lost. Stored, and put into words where it is shown."""

    GRANT = "grant"  # withdrawn, or no longer accepted
    SCOPE = "scope"  # narrower than what we need
    POLICY = "policy"  # the organisation does not allow it
    NO_GMAIL = "no_gmail"
    SEALED = "sealed"  # none of our keys opens the token we keep


class NeedsReconnect(GoogleError):
    """The grant is gone or too narrow. Only the owner can mend it, by connecting again; `lost` says how."""

    def __init__(self, key: str, *, reason: str = "", lost: AccessLost = AccessLost.GRANT) -> None:
        super().__init__(key, reason=reason)
        self.lost = lost


class Rejected(GoogleError):
    """A permanent refusal by Google. Retrying is useless."""


# ---- How long to wait before a retry
# Pure: jitter is handed in.


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
    """How many refusals in a row the code kept of a job's last try tells of (`code_of`)."""
    counted = cause.rpartition(" #")[2] if " #" in cause else ""
    return int(counted) if counted.isdecimal() and len(counted) < 4 else 0


def once_more(error: Rejected | Unexplained, before: str) -> TryLater | None:
    """What to call a refusal that may pass: it is tried again as an outage is, and counted in its cause. `before` is
    the cause of the try before. None: there were enough in a row."""
    number, most = refusals(before) + 1, REFUSALS if isinstance(error, Unexplained) else SECOND_THOUGHTS
    return None if number >= most else TryLater(error.key, reason=error.reason, refusals=number)


# ---- Failing jobs: causes, duration, and when the owner is informed


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
    """The cause of `error`; None if it only waits for another job."""
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
    """The job whose failing the owner hears of at `now`, None if all goes well or the trouble is young. What
    keeps all new mail waiting comes before what concerns one message. `watched`: Gmail tells us of new mail
    still, so a failing renewal of the watch keeps none waiting."""
    background = IN_THE_BACKGROUND if watched else IN_THE_BACKGROUND - {"watch"}
    late = [job for job in failing if job.job not in background and now - job.since >= TOLD_AFTER]
    return min(late, key=lambda job: (not job.reads, job.since), default=None)
