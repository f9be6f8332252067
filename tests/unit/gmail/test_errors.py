"""Each body Google is known to send, and what becomes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import (
    Cause,
    Gone,
    GoogleError,
    HistoryGone,
    NeedsReconnect,
    Rejected,
    SendUncertain,
    TryLater,
    Unexplained,
    cause_of,
)
from backend.gmail.answers import NameTaken, OneWatchOnly, read_answer, translate
from backend.locale import error_words

NOW = datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
GET, SEND = "gmail.users.messages.get", "gmail.users.messages.send"
HISTORY, MODIFY = "gmail.users.history.list", "gmail.users.messages.modify"
WATCH, CREATE = "gmail.users.watch", "gmail.users.labels.create"
PROFILE = "gmail.users.getProfile"


def body(
    code: int,
    message: str = "",
    reason: str = "",
    status: str = "",
    detail: str = "",
) -> bytes:
    error: dict[str, Any] = {"code": code, "message": message}
    if reason:
        error["errors"] = [{"message": message, "domain": "global", "reason": reason}]
    if status:
        error["status"] = status
    if detail:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": detail, "domain": "googleapis.com"}]
    return json.dumps({"error": error}).encode()


def error_for(
    status: int, content: bytes, method: str = GET, headers: dict[str, str] | None = None
) -> GoogleError:
    return translate(read_answer(status, headers or {}, content, NOW), method, NOW)


QUOTA_TEXT = "Quota exceeded for quota metric 'Total Query Cost' and limit 'Units per minute per user'"
TABLE = [
    (
        400,
        body(400, "Invalid id value", "invalidArgument", "INVALID_ARGUMENT"),
        GET,
        Rejected,
        "invalidArgument",
    ),
    (400, body(400, "Bad Request", "badRequest"), SEND, Rejected, "badRequest"),
    (
        400,
        body(400, "Mail service not enabled", "failedPrecondition"),
        GET,
        NeedsReconnect,
        "failedPrecondition",
    ),
    (400, body(400, "Invalid label: Label_9", "invalidArgument"), MODIFY, Rejected, "unknownLabel"),
    (400, body(400, "Invalid label: Label_9", "invalidArgument"), GET, Rejected, "invalidArgument"),
    (
        403,
        body(403, QUOTA_TEXT, "rateLimitExceeded", "PERMISSION_DENIED"),
        GET,
        TryLater,
        "rateLimitExceeded",
    ),
    (
        403,
        body(403, "User Rate Limit Exceeded", "userRateLimitExceeded"),
        SEND,
        TryLater,
        "userRateLimitExceeded",
    ),
    (403, body(403, QUOTA_TEXT), GET, TryLater, "http403"),
    (403, body(403, "Daily Limit Exceeded", "dailyLimitExceeded"), GET, TryLater, "dailyLimitExceeded"),
    (403, body(403, "Admin says no", "domainPolicy"), GET, NeedsReconnect, "domainPolicy"),
    (
        403,
        body(403, "x", "insufficientPermissions", "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        GET,
        NeedsReconnect,
        "insufficientPermissions",
    ),
    (
        403,
        body(403, "x", status="PERMISSION_DENIED", detail="ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        GET,
        NeedsReconnect,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
    ),
    (403, body(403, "API not used", "accessNotConfigured"), GET, TryLater, "accessNotConfigured"),
    (403, body(403, "API not used", detail="SERVICE_DISABLED"), GET, TryLater, "SERVICE_DISABLED"),
    (403, body(403, "Delegation denied", "forbidden"), GET, Rejected, "forbidden"),
    (403, b"<!DOCTYPE html><title>403</title>", GET, TryLater, "http403"),
    (403, b'{"message": "Forbidden"}', SEND, TryLater, "http403"),
    (403, b"", MODIFY, TryLater, "http403"),
    (403, body(403, "no", status="PERMISSION_DENIED"), GET, TryLater, "PERMISSION_DENIED"),
    *[
        (404, body(404, "Requested entity was not found.", "notFound"), method, Unexplained, "notFound")
        for method in (PROFILE, WATCH, CREATE, "gmail.users.settings.sendAs.list")
    ],
    (404, body(404, "Requested entity was not found.", "notFound", "NOT_FOUND"), GET, Gone, "notFound"),
    (404, body(404, "Requested entity was not found.", "notFound"), HISTORY, HistoryGone, "notFound"),
    (409, body(409, "Label name exists or conflicts", "aborted"), CREATE, NameTaken, "aborted"),
    (409, body(409, "Label name exists or conflicts", "duplicate"), CREATE, NameTaken, "duplicate"),
    (409, body(409, "Aborted", "aborted"), MODIFY, TryLater, "aborted"),
    (429, body(429, "Too many concurrent requests for user", "rateLimitExceeded"), GET, TryLater, None),
    (429, body(429, "Limit", "rateLimitExceeded", "RESOURCE_EXHAUSTED"), SEND, TryLater, "rateLimitExceeded"),
    (500, body(500, "Backend Error", "backendError", "INTERNAL"), GET, TryLater, "backendError"),
    (503, b"<html>overloaded</html>", GET, TryLater, "http503"),
    (502, b"", SEND, SendUncertain, "http502"),
    (408, b"", SEND, SendUncertain, "http408"),
    (408, b"", GET, TryLater, "http408"),
    (413, b"", SEND, Rejected, "http413"),
    (302, b"", GET, TryLater, "http302"),
    (
        400,
        body(400, "Only one user push notification client allowed per developer (call /stop then try again)"),
        WATCH,
        OneWatchOnly,
        "oneWatchOnly",
    ),
]


@pytest.mark.parametrize(("status", "content", "method", "kind", "reason"), TABLE)
def test_each_answer_becomes_the_error_it_means(
    status: int, content: bytes, method: str, kind: type[GoogleError], reason: str | None
) -> None:
    error = error_for(status, content, method)
    assert type(error) is kind
    assert all(error_words("en", error)) or kind in (Gone, HistoryGone), "whoever reads it is told what to do"
    if reason is not None:
        assert error.reason == reason


def test_a_mailbox_that_is_not_found_is_no_message_that_is_gone() -> None:
    error = error_for(404, body(404, "Requested entity was not found.", "notFound"), PROFILE)
    assert error.key == "rejected.no_mailbox"


def test_a_topic_that_is_missing_is_no_mailbox_that_is() -> None:
    """Gmail sends a test message to the topic first, and passes Pub/Sub's answer on."""
    told = "Error sending test message to Cloud PubSub projects/p/topics/t : Resource not found (resource=t)."
    error = error_for(404, body(404, told, "notFound"), "gmail.users.watch")
    assert (type(error), error.key) == (TryLater, "later.topic")
    assert cause_of(error) is Cause.TOPIC
    plain = error_for(404, body(404, "Requested entity was not found.", "notFound"), "gmail.users.watch")
    assert plain.key == "rejected.no_mailbox"


@pytest.mark.parametrize("status", [403, 429])
def test_the_time_to_come_back_stands_in_the_text(status: int) -> None:
    text = "User-rate limit exceeded.  Retry after 2026-11-24T14:00:05.000Z"
    error = error_for(status, body(status, text, "rateLimitExceeded"))
    assert isinstance(error, TryLater)
    assert error.retry_at == datetime(2026, 11, 24, 14, 0, 5, tzinfo=UTC)


def test_a_header_with_the_time_is_believed_too() -> None:
    error = error_for(429, body(429, "slow down"), headers={"Retry-After": "120"})
    assert isinstance(error, TryLater)
    assert error.retry_at == NOW + timedelta(seconds=120)
    error = error_for(503, b"", headers={"Retry-After": "Tue, 24 Nov 2026 13:30:00 GMT"})
    assert isinstance(error, TryLater)
    assert error.retry_at == NOW + timedelta(minutes=30)


@pytest.mark.parametrize("ahead", [-3_600, -25, 25, 3_600])
def test_the_time_to_come_back_is_by_googles_clock_and_its_answer_tells_how_far_that_is_off(
    ahead: int,
) -> None:
    """A clock of theirs that is fast would keep us waiting, one that is slow would make us come too early."""
    theirs = NOW + timedelta(seconds=ahead)
    text = f"User-rate limit exceeded.  Retry after {theirs + timedelta(seconds=40):%Y-%m-%dT%H:%M:%S.000Z}"
    error = error_for(
        429, body(429, text, "rateLimitExceeded"), headers={"Date": format_datetime(theirs, True)}
    )
    assert isinstance(error, TryLater)
    assert error.retry_at == NOW + timedelta(seconds=40)


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Tue, 24 Nov 2026 13:00:01 GMT", "Fri, 24 Nov 2090 12:00:00 GMT"]
)
def test_an_answer_without_a_date_that_tells_anything_is_taken_by_our_clock(date: str) -> None:
    text = f"Retry after {NOW + timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    error = error_for(429, body(429, text, "rateLimitExceeded"), headers={"Date": date})
    assert isinstance(error, TryLater)
    assert error.retry_at == NOW + timedelta(minutes=5)


def test_a_time_beyond_any_suspension_is_not_believed() -> None:
    error = error_for(429, body(429, "Retry after 2099-01-01T00:00:00Z", "rateLimitExceeded"))
    assert isinstance(error, TryLater)
    assert error.retry_at is None


@pytest.mark.parametrize("value", ["²", "9" * 40, "soon", "Mon, 31 Dec 0001 23:59:59 -1200", "-5"])
def test_a_header_that_names_no_time_is_passed_over(value: str) -> None:
    error = error_for(429, b"", headers={"Retry-After": value})
    assert isinstance(error, TryLater)
    assert error.retry_at is None


def test_a_used_up_day_is_looked_at_again_within_the_hour() -> None:
    error = error_for(403, body(403, "Daily Limit Exceeded", "dailyLimitExceeded"))
    assert isinstance(error, TryLater)
    assert error.retry_at == NOW + timedelta(hours=1)


@given(
    status=st.integers(300, 599).filter(lambda status: status != 401),
    content=st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["error", "errors", "details", "reason", "message", "status", "code"]),
                    inner,
                )
            ),
            max_leaves=15,
        ).map(lambda value: json.dumps(value).encode()),
    ),
    method=st.sampled_from([GET, SEND, HISTORY, MODIFY, WATCH, CREATE]),
    retry=st.text(max_size=40),
)
def test_no_body_however_broken_escapes_the_tree(
    status: int, content: bytes, method: str, retry: str
) -> None:
    error = error_for(status, content, method, {"Retry-After": retry})
    assert isinstance(error, GoogleError)
    if status >= 500 and method == SEND:
        assert isinstance(error, (SendUncertain, TryLater))
