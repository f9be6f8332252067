"""What Google answers: JSON as the domain's values, refusals as its errors. Imports no HTTP library, so the reading
process may use it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from backend.domain.errors import (
    NO_TOPIC,
    AccessLost,
    Gone,
    GoogleError,
    HistoryGone,
    NeedsReconnect,
    Rejected,
    SendUncertain,
    TryLater,
    Unexplained,
)
from backend.ports.gmail import Added, HistoryPage, ListPage, Relabelled


class AnswerUnreadable(Exception):
    """The answer is not what its headers, or the protocol, say."""


# ---- Gmail's JSON as domain values
# What Google leaves out is normal; what it gets wrong costs only itself.


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def history_page(data: Mapping[str, Any]) -> HistoryPage:
    """A page of history.list. The generic `messages` of a record repeats the rest and is not read."""
    added: list[Added] = []
    moved: list[Relabelled] = []
    gone: list[str] = []
    for record in objects(data.get("history")):
        for entry in objects(record.get("messagesAdded")):
            message = _message(entry)
            added.append(Added(required(message, "id"), required(message, "threadId"), labels(message)))
        for kind in ("labelsAdded", "labelsRemoved"):
            moved.extend(_relabelled(entry, kind, record) for entry in objects(record.get(kind)))
        gone.extend(required(_message(entry), "id") for entry in objects(record.get("messagesDeleted")))
    return HistoryPage(
        tuple(added),
        tuple(moved),
        tuple(gone),
        number_text(data.get("historyId")),
        text(data, "nextPageToken"),
    )


def list_page(data: Mapping[str, Any]) -> ListPage:
    """A page of messages.list."""
    ids = tuple(
        (required(entry, "id"), required(entry, "threadId")) for entry in objects(data.get("messages"))
    )
    estimate = data.get("resultSizeEstimate")
    return ListPage(ids, text(data, "nextPageToken"), estimate if isinstance(estimate, int) else len(ids))


def labels(data: Mapping[str, Any]) -> frozenset[str] | None:
    """The label ids, or None where Google did not say."""
    ids = data.get("labelIds")
    return frozenset(str(label) for label in ids) if isinstance(ids, list) else None


def milliseconds(value: object) -> datetime:
    """An epoch in milliseconds, as text or number. Anything else counts as 1970: old mail, never answered."""
    try:
        return _EPOCH + timedelta(milliseconds=int(value))  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return _EPOCH


def number_text(value: object) -> str:
    """A 64-bit number that travels as text, sometimes as a number. Raises `AnswerUnreadable`."""
    digits = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise AnswerUnreadable("a history id is missing")
    return digits


def text(data: Mapping[str, Any], name: str) -> str:
    """The text under `name`, "" without one."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def objects(value: object) -> Iterable[dict[str, Any]]:
    """The objects of a list; nothing where there is no list."""
    return (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()


def _relabelled(entry: Mapping[str, Any], kind: str, record: Mapping[str, Any]) -> Relabelled:
    message, changed = _message(entry), labels(entry) or frozenset()
    added, removed = (changed, frozenset[str]()) if kind == "labelsAdded" else (frozenset[str](), changed)
    origin = str(record.get("id") or "")[:20]
    return Relabelled(
        required(message, "id"), required(message, "threadId"), added, removed, labels(message), origin
    )


def _message(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    message = entry.get("message")
    if not isinstance(message, dict):
        raise AnswerUnreadable("a history record names no message")
    return message


def required(data: Mapping[str, Any], name: str) -> str:
    """The text under `name`. Raises `AnswerUnreadable` without one."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerUnreadable(f"{name} is missing")
    return value


# ---- Refusals as the domain's errors: one place, one table
# Two shapes of body occur, with and without `status` and `details`; a proxy's HTML is a third. The reason is read from
# `errors[0].reason`, then `details[].reason`, then `status`, because the usual quota answer carries the status
# PERMISSION_DENIED and only its reason tells it from a real refusal.


RETRY_HORIZON = timedelta(hours=25)
"""A retry time further off than this is a misreading; Google's longest suspension is a day."""
SAME_TIME = timedelta(seconds=2)

_RETRY_AFTER = re.compile(
    r"retry after\s+(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)?)", re.I
)
_QUOTA = frozenset(
    {
        "rateLimitExceeded",
        "userRateLimitExceeded",
        "quotaExceeded",
        "concurrentLimitExceeded",
        "RATE_LIMIT_EXCEEDED",
        "RESOURCE_EXHAUSTED",
    }
)
_SCOPE = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientScopes"})
_SWITCHED_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
MAKES_MAIL = ("gmail.users.messages.send", "gmail.users.messages.insert")
"""Methods of which a second try could make a second mail."""

_OF_ONE_THING = frozenset(
    f"gmail.users.{method}" for method in ("messages.get", "messages.modify", "messages.send", "threads.get")
)
"""Methods that name a message or thread: what is not found is that. Elsewhere it is the mailbox."""
_ASK_AGAIN_LATER = frozenset({408, 425})
_PASSING_400 = frozenset({"failedPrecondition", "FAILED_PRECONDITION"})
"""A refusal that comes and goes, on any method: with one text only does it mean an account without Gmail."""


class NameTaken(Rejected):
    """409 on labels.create: a label of that name is there already."""


class OneWatchOnly(Rejected):
    """400 on watch: a watch with another topic is active."""


@dataclass(frozen=True, slots=True)
class GoogleAnswer:
    """An error answer, read as far as it could be."""

    status: int
    reasons: tuple[str, ...] = ()
    message: str = ""
    retry_at: datetime | None = None

    @property
    def reason(self) -> str:
        """Google's own word for it, or the bare status."""
        return self.reasons[0] if self.reasons else f"http{self.status}"

    @property
    def names_a_reason(self) -> bool:
        """Whether there is more than a status, as a word or a number."""
        return not {*self.reasons} <= {"PERMISSION_DENIED"}

    def names(self, words: frozenset[str]) -> bool:
        """Whether any reason given is one of `words`."""
        return not words.isdisjoint(self.reasons)


def read_answer(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> GoogleAnswer:
    """Read an error body of whatever shape. Never raises."""
    error = _error_object(body)
    message = error.get("message")
    text = message if isinstance(message, str) else ""
    reasons = [*_reasons(error.get("errors")), *_reasons(error.get("details"))]
    named = error.get("status")
    if isinstance(named, str) and named:
        reasons.append(named)
    return GoogleAnswer(status, tuple(reasons), text[:2_000], _retry_time(text, headers, now))


def translate(
    answer: GoogleAnswer, method: str, now: datetime, daily_wait: timedelta = timedelta(hours=1)
) -> GoogleError:
    """The domain error for `answer` to `method` (e.g. gmail.users.messages.get); 401 is the caller's affair.

    `daily_wait` is how long is waited when the project's quota of the day is used up.
    """
    reason, status = answer.reason, answer.status
    if answer.names(_QUOTA) or status == 429 or (status == 403 and "quota" in answer.message.lower()):
        return TryLater("later.limits", reason=reason, retry_at=answer.retry_at)
    if status == 403:
        return _forbidden(answer, now + daily_wait)
    if status in (404, 410):
        return _missing(answer, method)
    if status == 409:
        if method == "gmail.users.labels.create":
            return NameTaken("rejected.name_taken", reason=reason)
        return TryLater("later.changing", reason=reason)
    if status in _ASK_AGAIN_LATER or status >= 500:
        return _server_trouble(answer, method)
    if 300 <= status < 400:
        return TryLater("later.redirect", reason=reason)
    return _bad_request(answer, method)


def _forbidden(answer: GoogleAnswer, next_day: datetime) -> GoogleError:
    reason = answer.reason
    if "dailyLimitExceeded" in answer.reasons:
        # When the quota day ends is not told. An hourly look costs nothing and misses the end by an hour at most.
        at = answer.retry_at or next_day
        return TryLater("later.daily_quota", reason=reason, retry_at=at)
    if answer.names(_SCOPE):
        return scope_missing(reason)
    if "domainPolicy" in answer.reasons:
        return NeedsReconnect("reconnect.policy", reason=reason, lost=AccessLost.POLICY)
    if answer.names(_SWITCHED_OFF):
        # The operator's mistake, not the owner's: nothing may become a dead letter while they mend it.
        return TryLater("later.switched_off", reason=reason)
    if not answer.names_a_reason:
        # A proxy's page or a bare message is about no one request, whichever it meets.
        return TryLater("later.unexplained", reason=reason)
    return Rejected("rejected.forbidden", reason=reason)


def _missing(answer: GoogleAnswer, method: str) -> GoogleError:
    if method == "gmail.users.history.list":
        return HistoryGone("history_gone", reason=answer.reason)
    if method == "gmail.users.watch" and "pubsub" in answer.message.lower():
        # Gmail sends a test message to the topic before it grants a watch. Nobody but the operator can mend it.
        return TryLater("later.topic", reason=NO_TOPIC)
    if method not in _OF_ONE_THING:
        return Unexplained("rejected.no_mailbox", reason=answer.reason)
    return Gone("gone", reason=answer.reason)


def _server_trouble(answer: GoogleAnswer, method: str) -> GoogleError:
    if method in MAKES_MAIL:
        return send_uncertain(answer.reason)
    return TryLater("later.trouble", reason=answer.reason, retry_at=answer.retry_at)


def _bad_request(answer: GoogleAnswer, method: str) -> GoogleError:
    text = answer.message.lower()
    if "mail service not enabled" in text:
        return NeedsReconnect("reconnect.no_gmail", reason=answer.reason, lost=AccessLost.NO_GMAIL)
    if method == "gmail.users.watch" and "only one user push notification client" in text:
        return OneWatchOnly("rejected.one_watch", reason="oneWatchOnly")
    if method == "gmail.users.messages.modify" and answer.status == 400 and "label" in text:
        return Rejected("rejected.label", reason="unknownLabel")
    if answer.names(_PASSING_400):
        return Unexplained("later.unexplained", reason=answer.reason)
    return Rejected("rejected", reason=answer.reason)


def scope_missing(reason: str) -> NeedsReconnect:
    """Consent is narrower than what we need."""
    return NeedsReconnect("reconnect.scope", reason=reason, lost=AccessLost.SCOPE)


def reconnect(reason: str) -> NeedsReconnect:
    """The grant is dead."""
    return NeedsReconnect("reconnect", reason=reason)


def sealed_shut() -> NeedsReconnect:
    """The grant may be alive, but none of our keys opens the token we keep."""
    return NeedsReconnect("reconnect.sealed", reason="sealed", lost=AccessLost.SEALED)


def send_uncertain(reason: str) -> SendUncertain:
    """A send that may or may not have left."""
    return SendUncertain("send_uncertain", reason=reason)


def _error_object(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    error = data.get("error") if isinstance(data, dict) else None
    return error if isinstance(error, dict) else {}


def _reasons(entries: object) -> list[str]:
    if not isinstance(entries, list):
        return []
    found = [entry.get("reason") for entry in entries[:10] if isinstance(entry, dict)]
    return [reason[:100] for reason in found if isinstance(reason, str) and reason]


def _retry_time(message: str, headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When Google wants to be asked again, by our clock: told in the text, hardly ever in a header."""
    header = headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit() and not _RETRY_AFTER.search(message):
        wait = timedelta(seconds=min(int(header[:9]), 10**8))
        return now + wait if timedelta(0) < wait <= RETRY_HORIZON else None
    at = _stated(message) or _http_date(header)
    ahead = _ahead(headers, now)
    # A time that has passed says nothing: the caller's own back-off is the better guide.
    return at - ahead if at is not None and now + ahead < at <= now + ahead + RETRY_HORIZON else None


def _ahead(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How far the clock of Google, by the Date of its answer, is ahead of this one. Zero if the difference is too small
    for whole seconds to show, or too large to believe."""
    date = _http_date(headers.get("Date", ""))
    ahead = date - now if date is not None else timedelta(0)
    return ahead if SAME_TIME < abs(ahead) < RETRY_HORIZON else timedelta(0)


def _stated(message: str) -> datetime | None:
    match = _RETRY_AFTER.search(message)
    try:
        return _aware(datetime.fromisoformat(match.group(1))) if match else None
    except (ValueError, OverflowError):
        return None


def _http_date(value: str) -> datetime | None:
    try:
        return _aware(parsedate_to_datetime(value))
    except (ValueError, TypeError, OverflowError):
        return None


def _aware(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
