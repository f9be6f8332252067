"""Google's answers as domain values, and its error answers as domain errors. Imports no HTTP library, so that the
reading process can use it."""

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
    """The answer does not match its headers or the protocol."""


# ---- Gmail's JSON as domain values
# Missing fields are normal. A malformed one is ignored unless it is required.


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def history_page(data: Mapping[str, Any]) -> HistoryPage:
    """A page of history.list. `messages` of each record is not read on purpose: it repeats the other lists."""
    added: list[Added] = []
    relabelled: list[Relabelled] = []
    deleted: list[str] = []
    for record in objects(data.get("history")):
        for entry in objects(record.get("messagesAdded")):
            message = _message(entry)
            added.append(Added(required(message, "id"), required(message, "threadId"), labels(message)))
        for kind in ("labelsAdded", "labelsRemoved"):
            relabelled.extend(_relabelled(entry, kind, record) for entry in objects(record.get(kind)))
        deleted.extend(required(_message(entry), "id") for entry in objects(record.get("messagesDeleted")))
    return HistoryPage(
        tuple(added),
        tuple(relabelled),
        tuple(deleted),
        number_text(data.get("historyId")),
        text(data, "nextPageToken"),
    )


def list_page(data: Mapping[str, Any]) -> ListPage:
    ids = tuple(
        (required(entry, "id"), required(entry, "threadId")) for entry in objects(data.get("messages"))
    )
    estimate = data.get("resultSizeEstimate")
    return ListPage(ids, text(data, "nextPageToken"), estimate if isinstance(estimate, int) else len(ids))


def labels(data: Mapping[str, Any]) -> frozenset[str] | None:
    """The label ids, or None if the answer has none."""
    ids = data.get("labelIds")
    return frozenset(str(label) for label in ids) if isinstance(ids, list) else None


def milliseconds(value: object) -> datetime:
    """The time of `value`, milliseconds since 1970 as text or number. 1970 for anything else: as old mail it is never
    answered."""
    try:
        return _EPOCH + timedelta(milliseconds=int(value))  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return _EPOCH


def number_text(value: object) -> str:
    """A history id as text; Google sends it as text or as a number. Raises `AnswerUnreadable`."""
    digits = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise AnswerUnreadable("a history id is missing")
    return digits


def text(data: Mapping[str, Any], name: str) -> str:
    """The text under `name`, or ""."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def objects(value: object) -> Iterable[dict[str, Any]]:
    """The JSON objects of a list; none if `value` is not a list."""
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
    """The text under `name`. Raises `AnswerUnreadable` if there is none."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerUnreadable(f"{name} is missing")
    return value


# ---- Error answers as domain errors
# The body may be JSON with or without `status` and `details`, or a proxy's HTML. The reason is read from
# `errors[0].reason`, then `details[].reason`, then `status`: an exceeded quota usually has the status
# PERMISSION_DENIED too, and only its reason distinguishes it from a missing permission.


RETRY_HORIZON = timedelta(hours=25)
"""A retry time further away than this is ignored as misread; Google's longest suspension is a day."""
CLOCK_TOLERANCE = timedelta(seconds=2)

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
_API_DISABLED = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
CREATES_MAIL = ("gmail.users.messages.send", "gmail.users.messages.insert")
"""Methods where a retry could create a second email."""

_ABOUT_ONE_MESSAGE = frozenset(
    f"gmail.users.{method}" for method in ("messages.get", "messages.modify", "messages.send", "threads.get")
)
"""Methods about one message or thread. Their 404 means that it is gone; the 404 of others, that the mailbox is."""
_RETRYABLE_STATUS = frozenset({408, 425})
_TEMPORARY_400 = frozenset({"failedPrecondition", "FAILED_PRECONDITION"})
"""Reasons of a 400 that passes by itself, unless its text says that the account has no Gmail."""


class NameTaken(Rejected):
    """409 on labels.create: a label of that name exists."""


class OneWatchOnly(Rejected):
    """400 on watch: a watch on another topic is active."""


@dataclass(frozen=True, slots=True)
class GoogleAnswer:
    """What could be read from an error answer."""

    status: int
    reasons: tuple[str, ...] = ()
    message: str = ""
    retry_at: datetime | None = None

    @property
    def reason(self) -> str:
        """Google's first reason, or the status, such as http403."""
        return self.reasons[0] if self.reasons else f"http{self.status}"

    @property
    def names_a_reason(self) -> bool:
        return not {*self.reasons} <= {"PERMISSION_DENIED"}

    def names(self, words: frozenset[str]) -> bool:
        return not words.isdisjoint(self.reasons)


def read_answer(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> GoogleAnswer:
    """Read an error answer of any shape. Never raises."""
    error = _error_object(body)
    message = error.get("message")
    text = message if isinstance(message, str) else ""
    reasons = [*_reasons(error.get("errors")), *_reasons(error.get("details"))]
    status_text = error.get("status")
    if isinstance(status_text, str) and status_text:
        reasons.append(status_text)
    return GoogleAnswer(status, tuple(reasons), text[:2_000], _retry_time(text, headers, now))


def translate(
    answer: GoogleAnswer, method: str, now: datetime, daily_wait: timedelta = timedelta(hours=1)
) -> GoogleError:
    """The domain error for the `answer` to `method`, such as gmail.users.messages.get. The caller handles 401.

    `daily_wait`: how long to wait once the project's daily quota is used up.
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
    if status in _RETRYABLE_STATUS or status >= 500:
        if method in CREATES_MAIL:
            return send_uncertain(reason)
        return TryLater("later.trouble", reason=reason, retry_at=answer.retry_at)
    if 300 <= status < 400:
        return TryLater("later.redirect", reason=reason)
    return _bad_request(answer, method)


def _forbidden(answer: GoogleAnswer, next_day: datetime) -> GoogleError:
    reason = answer.reason
    if "dailyLimitExceeded" in answer.reasons:
        # Google does not say when the quota is renewed. Trying hourly is free and at most an hour late.
        at = answer.retry_at or next_day
        return TryLater("later.daily_quota", reason=reason, retry_at=at)
    if answer.names(_SCOPE):
        return no_scope(reason)
    if "domainPolicy" in answer.reasons:
        return NeedsReconnect("reconnect.policy", reason=reason, lost=AccessLost.POLICY)
    if answer.names(_API_DISABLED):
        # The operator's mistake: retry, so that no job becomes a dead letter before they correct it.
        return TryLater("later.switched_off", reason=reason)
    if not answer.names_a_reason:
        # A proxy's page or a 403 without a reason is not about this request in particular.
        return TryLater("later.unexplained", reason=reason)
    return Rejected("rejected.forbidden", reason=reason)


def _missing(answer: GoogleAnswer, method: str) -> GoogleError:
    if method == "gmail.users.history.list":
        return HistoryGone("history_gone", reason=answer.reason)
    if method == "gmail.users.watch" and "pubsub" in answer.message.lower():
        # Gmail sends a test message to the topic before it grants a watch. Only the operator can correct this.
        return TryLater("later.topic", reason=NO_TOPIC)
    if method not in _ABOUT_ONE_MESSAGE:
        return Unexplained("rejected.no_mailbox", reason=answer.reason)
    return Gone("gone", reason=answer.reason)


def _bad_request(answer: GoogleAnswer, method: str) -> GoogleError:
    text = answer.message.lower()
    if "mail service not enabled" in text:
        return NeedsReconnect("reconnect.no_gmail", reason=answer.reason, lost=AccessLost.NO_GMAIL)
    if method == "gmail.users.watch" and "only one user push notification client" in text:
        return OneWatchOnly("rejected.one_watch", reason="oneWatchOnly")
    if method == "gmail.users.messages.modify" and answer.status == 400 and "label" in text:
        return Rejected("rejected.label", reason="unknownLabel")
    if answer.names(_TEMPORARY_400):
        return Unexplained("later.unexplained", reason=answer.reason)
    return Rejected("rejected", reason=answer.reason)


def no_scope(reason: str) -> NeedsReconnect:
    return NeedsReconnect("reconnect.scope", reason=reason, lost=AccessLost.SCOPE)


def needs_reconnect(reason: str) -> NeedsReconnect:
    return NeedsReconnect("reconnect", reason=reason)


def cannot_decrypt() -> NeedsReconnect:
    """None of our keys decrypts the stored refresh token. The grant itself may still be valid."""
    return NeedsReconnect("reconnect.sealed", reason="sealed", lost=AccessLost.SEALED)


def send_uncertain(reason: str) -> SendUncertain:
    """The email may or may not have been sent."""
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
    """When Google allows a retry, by our clock. It usually says so in the text, rarely in a header."""
    header = headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit() and not _RETRY_AFTER.search(message):
        wait = timedelta(seconds=min(int(header[:9]), 10**8))
        return now + wait if timedelta(0) < wait <= RETRY_HORIZON else None
    at = _time_in_text(message) or _http_date(header)
    ahead = _clock_ahead(headers, now)
    # A time in the past is ignored, in favour of the caller's own back-off.
    return at - ahead if at is not None and now + ahead < at <= now + ahead + RETRY_HORIZON else None


def _clock_ahead(headers: Mapping[str, str], now: datetime) -> timedelta:
    """How far the Date header is ahead of our clock. Zero if that is within the header's precision, or too much to
    believe."""
    date = _http_date(headers.get("Date", ""))
    ahead = date - now if date is not None else timedelta(0)
    return ahead if CLOCK_TOLERANCE < abs(ahead) < RETRY_HORIZON else timedelta(0)


def _time_in_text(message: str) -> datetime | None:
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
