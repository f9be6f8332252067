"""Every error the product speaks of, as one tree.

    PitchgateError
    ├── Refused                 the caller's input; never retried; `code` is public, `field` names the culprit
    │   ├── Unauthenticated     a token is missing, forged, stale or meant for somebody else
    │   ├── NotFound
    │   └── Expired             a link or code past its life, or used already
    ├── Conflict                the state moved since it was read: read again, decide again
    │   └── LeaseLost           another worker holds this job now: drop everything, change nothing
    └── GoogleError             what Google answered, translated at the edge
        ├── Gone                the thing is not there (404): close the job
        ├── HistoryGone         the cursor is older than Google's history: re-list
        ├── TryLater            back off; `retry_at` when Google named a time, else None
        │   ├── Unexplained     a no without a reason: it passes as a rule, and is believed of one message at last
        │   ├── StoreAway       not Google but our own database: waited out all the same
        │   └── NotYet          something of our own comes first: a wait, no failure
        ├── SendUncertain       a send whose fate is unknown: look for its Message-ID, never send blindly
        ├── NeedsReconnect      consent revoked or narrowed: stop this mailbox's jobs, tell the owner
        └── Rejected            a request Google will never accept: a bug or bad input; a dead letter

An error holds a key and the values for the blanks of its sentences, no words:
`backend.locale.words.error_words` has those, in the language of whoever reads them.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum


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


class LeaseLost(Conflict):
    """The job's lease ran out and another worker took it. Nothing was written."""


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
    """Something else of ours has to happen first, and will. Nothing has failed: it is neither counted nor told."""


class SendUncertain(GoogleError):
    """The connection broke, timed out or gave 5xx during a send: it may or may not have left."""


class Lost(StrEnum):
    """How access to a mailbox was lost. Stored, and put into words where it is shown."""

    GRANT = "grant"  # withdrawn, or no longer accepted
    SCOPE = "scope"  # narrower than what we need
    POLICY = "policy"  # the organisation does not allow it
    NO_GMAIL = "no_gmail"
    SEALED = "sealed"  # no key of ours opens what we keep of it


class NeedsReconnect(GoogleError):
    """The grant is gone or too narrow. Only the owner can mend it, by connecting again; `lost` says how."""

    def __init__(self, key: str, *, reason: str = "", lost: Lost = Lost.GRANT) -> None:
        super().__init__(key, reason=reason)
        self.lost = lost


class Rejected(GoogleError):
    """A permanent refusal by Google. Retrying is useless."""
