"""Every way a Gmail call is refused, in Google's own words."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from googleapiclient.errors import HttpError
from jsonschema import Draft202012Validator

from backend.sandbox.faults import ERROR_KINDS
from tests.sandbox.gmail_client import Driver, raw
from tests.sandbox_process import MODIFY, TOPIC, SandboxProcess

AUTH = "https://www.googleapis.com/auth/"
ERROR = Draft202012Validator(
    {
        "type": "object",
        "required": ["error"],
        "additionalProperties": False,
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "errors", "status"],
                "additionalProperties": False,
                "properties": {
                    "code": {"type": "integer"},
                    "message": {"type": "string", "minLength": 1},
                    "status": {"type": "string", "pattern": "^[A-Z_]+$"},
                    "details": {"type": "array", "minItems": 1},
                    "errors": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "required": ["message", "domain", "reason"],
                            "properties": {"domain": {"enum": ["global", "usageLimits"]}},
                        },
                    },
                },
            }
        },
    }
)


def refused(request: Any) -> tuple[int, str, str]:
    """(status, reason, message) of a call that must fail."""
    with pytest.raises(HttpError) as caught:
        request.execute(num_retries=0)
    return read(caught.value.resp.status, caught.value.content)


def read(status: int, content: bytes) -> tuple[int, str, str]:
    body = json.loads(content)
    ERROR.validate(body)
    assert body["error"]["code"] == status
    return status, body["error"]["errors"][0]["reason"], body["error"]["message"]


def get(google: SandboxProcess, path: str, token: str | None) -> httpx.Response:
    head = {"Authorization": f"Bearer {token}"} if token else {}
    return google.http.get(f"/gmail/v1/users/{path}", headers=head)


@pytest.mark.parametrize("token", [None, "ya29.nonsense"])
def test_no_living_token(google: SandboxProcess, token: str | None) -> None:
    answer = get(google, "me/profile", token)
    assert read(answer.status_code, answer.content)[:2] == (401, "authError")
    assert answer.json()["error"]["status"] == "UNAUTHENTICATED"


def test_another_accounts_mailbox(google: SandboxProcess, ana: str, bo: str) -> None:
    token = google.tokens(ana, MODIFY)["access_token"]
    assert get(google, f"{ana}/profile", token).status_code == 200
    answer = get(google, f"{bo}/profile", token)
    assert read(answer.status_code, answer.content) == (403, "forbidden", f"Delegation denied for {bo}")


def test_a_deleted_account_has_no_tokens(google: SandboxProcess, ana: str) -> None:
    token = google.tokens(ana, MODIFY)["access_token"]
    google.http.delete(f"/sandbox/mailboxes/{ana}")
    assert get(google, "me/profile", token).status_code == 401


@pytest.mark.parametrize(
    ("scope", "allowed", "denied"),
    [
        ("gmail.readonly", "profile", "messages/send"),
        ("gmail.send", "messages/send", "profile"),
        ("gmail.labels", "labels", "messages"),
        ("gmail.metadata", "messages", "settings/sendAs"),
        ("userinfo.email", "", "profile"),
    ],
)
def test_scopes_open_what_google_says(
    google: SandboxProcess, ana: str, bo: str, scope: str, allowed: str, denied: str
) -> None:
    token = google.tokens(ana, AUTH + scope)["access_token"]

    def call(path: str) -> httpx.Response:
        if path != "messages/send":
            return get(google, f"me/{path}", token)
        head = {"Authorization": f"Bearer {token}"}
        return google.http.post("/gmail/v1/users/me/messages/send", json={"raw": raw(bo)}, headers=head)

    if allowed:
        assert call(allowed).status_code == 200
    answer = call(denied)
    assert read(answer.status_code, answer.content)[:2] == (403, "insufficientPermissions")
    assert answer.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_the_metadata_scope_shows_headers_only(google: SandboxProcess, ana: str) -> None:
    message_id = google.deliver(ana, "bo@ext.test", text="secret")["id"]
    token = google.tokens(ana, AUTH + "gmail.metadata")["access_token"]
    with Driver(google.url, token) as drive:
        messages = drive.users.messages()
        drive(messages.get(userId="me", id=message_id, format="metadata"))
        for form in ("full", "raw"):
            assert refused(messages.get(userId="me", id=message_id, format=form))[0] == 403
        assert refused(messages.list(userId="me", q="secret"))[0] == 403


CASES: list[tuple[str, Any, int, str]] = [
    ("unknown message", lambda u: u.messages().get(userId="me", id="19a3c0ffee000001"), 404, "notFound"),
    ("bad message id", lambda u: u.messages().get(userId="me", id="msg-f:1"), 400, "invalidArgument"),
    ("unknown thread", lambda u: u.threads().get(userId="me", id="19a3c0ffee000001"), 404, "notFound"),
    ("list by unknown label", lambda u: u.messages().list(userId="me", labelIds="x"), 400, "invalidArgument"),
    ("bad page token", lambda u: u.messages().list(userId="me", pageToken="!"), 400, "invalidArgument"),
    (
        "reserved label",
        lambda u: u.labels().create(userId="me", body={"name": "Inbox"}),
        400,
        "invalidArgument",
    ),
    ("label without a name", lambda u: u.labels().create(userId="me", body={}), 400, "invalidArgument"),
    (
        "label shown nowhere Gmail knows",
        lambda u: u.labels().create(userId="me", body={"name": "c", "labelListVisibility": "never"}),
        400,
        "invalidArgument",
    ),
    (
        "a method that is not here",
        lambda u: u.settings().sendAs().get(userId="me", sendAsEmail="x"),
        404,
        "notFound",
    ),
    ("empty send", lambda u: u.messages().send(userId="me", body={}), 400, "invalidArgument"),
    ("raw no base64", lambda u: u.messages().send(userId="me", body={"raw": "%"}), 400, "invalidArgument"),
    ("no recipient", lambda u: u.messages().send(userId="me", body={"raw": raw("")}), 400, "invalidArgument"),
    (
        "unknown thread to send in",
        lambda u: u.messages().send(userId="me", body={"raw": raw(), "threadId": "19a3c0ffee000001"}),
        404,
        "notFound",
    ),
    (
        "history without start",
        lambda u: u.history().list(userId="me", startHistoryId=""),
        400,
        "invalidArgument",
    ),
    (
        "history from garbage",
        lambda u: u.history().list(userId="me", startHistoryId="x1"),
        400,
        "invalidArgument",
    ),
    ("history too old", lambda u: u.history().list(userId="me", startHistoryId="1"), 404, "notFound"),
    ("watch without topic", lambda u: u.watch(userId="me", body={}), 400, "invalidArgument"),
    (
        "watch in another project",
        lambda u: u.watch(userId="me", body={"topicName": "projects/other/topics/gmail"}),
        400,
        "invalidArgument",
    ),
    (
        "watch on a missing topic",
        lambda u: u.watch(userId="me", body={"topicName": TOPIC + "-missing"}),
        404,
        "notFound",
    ),
    ("a field nobody knows", lambda u: u.messages().send(userId="me", body={"rwa": "x"}), 400, "badRequest"),
]


@pytest.mark.parametrize(("build", "status", "reason"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_calls(api: Driver, build: Any, status: int, reason: str) -> None:
    assert refused(build(api.users))[:2] == (status, reason)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "No label add or removes specified"),
        ({"addLabelIds": ["Label_99"]}, "Invalid label: Label_99"),
        ({"removeLabelIds": ["SENT"]}, "Cannot modify label: SENT"),
        ({"addLabelIds": ["STARRED"], "removeLabelIds": ["STARRED"]}, "Cannot both add and remove"),
        ({"addLabelIds": ["INBOX"] * 101}, "At most 100"),
        ({"addLabelIds": "INBOX"}, "Invalid value at 'addLabelIds'"),
    ],
)
def test_bad_label_changes(google: SandboxProcess, ana: str, api: Driver, body: Any, expected: str) -> None:
    message_id = google.deliver(ana, "bo@ext.test")["id"]
    status, reason, message = refused(api.users.messages().modify(userId="me", id=message_id, body=body))
    assert (status, reason) == (400, "invalidArgument")
    assert expected in message


@pytest.mark.parametrize("place", ["SPAM", "TRASH"])
def test_a_message_is_in_one_place(google: SandboxProcess, ana: str, api: Driver, place: str) -> None:
    got = google.deliver(ana, "p@x.test")
    messages, one = api.users.messages(), {"userId": "me", "id": got["id"]}

    def is_refused(request: Any) -> None:
        status, reason, message = refused(request)
        assert (status, reason) == (400, "invalidArgument")
        assert message.startswith("A message cannot carry both")

    is_refused(messages.modify(**one, body={"addLabelIds": [place]}))
    is_refused(messages.modify(**one, body={"addLabelIds": ["INBOX", place]}))
    messages.modify(**one, body={"addLabelIds": [place], "removeLabelIds": ["INBOX"]}).execute()
    is_refused(messages.modify(**one, body={"addLabelIds": ["INBOX", "UNREAD"]}))
    assert set(google.message(ana, got["id"])["labelIds"]) & {"INBOX", "SPAM", "TRASH"} == {place}
    messages.modify(**one, body={"removeLabelIds": ["UNREAD"]}).execute()


def test_a_label_name_taken_in_any_case(api: Driver) -> None:
    api(api.users.labels().create(userId="me", body={"name": "Pitchgate/Held"}))
    again = refused(api.users.labels().create(userId="me", body={"name": "pitchgate/HELD"}))
    assert again == (409, "aborted", "Label name exists or conflicts")


def test_a_second_topic_while_one_is_watched(google: SandboxProcess, api: Driver) -> None:
    google.create_topic(TOPIC + "-second")
    api(api.users.watch(userId="me", body={"topicName": TOPIC}))
    api(api.users.watch(userId="me", body={"topicName": TOPIC}))
    status, _, message = refused(api.users.watch(userId="me", body={"topicName": TOPIC + "-second"}))
    assert status == 400
    assert message.startswith("Only one user push notification client allowed per developer")
    api(api.users.stop(userId="me"))
    api(api.users.watch(userId="me", body={"topicName": TOPIC + "-second"}))


def test_a_topic_gmail_may_not_publish_to(google: SandboxProcess, api: Driver) -> None:
    closed = {"name": TOPIC + "-closed", "gmail_may_publish": False}
    google.http.put("/sandbox/topics", json=closed)
    assert refused(api.users.watch(userId="me", body={"topicName": TOPIC + "-closed"}))[0] == 403


def test_an_unknown_parameter_is_named(google: SandboxProcess, ana: str) -> None:
    answer = get(google, "me/messages?maxresults=5", google.tokens(ana)["access_token"])
    assert "maxresults" in read(answer.status_code, answer.content)[2]


def test_the_quota_of_a_minute(google: SandboxProcess, ana: str, api: Driver) -> None:
    google.settings(enforce_quota=True)
    google.act("exhaust_quota", ana, units=5_998)
    api(api.users.getProfile(userId="me"))
    status, reason, message = refused(api.users.messages().list(userId="me"))
    assert (status, reason) == (403, "rateLimitExceeded")
    assert "Units per minute per user" in message
    api(api.users.getProfile(userId="me"))
    google.advance_clock(61)
    api(api.users.messages().list(userId="me"))
    report = google.meter(ana)
    assert (report["high_water"], report["refused"]) == (6_000, 1)


@pytest.mark.parametrize("kind", [k for k in ERROR_KINDS if k not in ("bad_gateway", "forbidden_page")])
def test_every_error_on_demand(google: SandboxProcess, ana: str, api: Driver, kind: str) -> None:
    expected = {
        "unauthenticated": (401, "authError"),
        "rate_limit": (403, "rateLimitExceeded"),
        "user_rate_limit": (403, "userRateLimitExceeded"),
        "daily_limit": (403, "dailyLimitExceeded"),
        "domain_policy": (403, "domainPolicy"),
        "insufficient_scope": (403, "insufficientPermissions"),
        "access_not_configured": (403, "accessNotConfigured"),
        "too_many_requests": (429, "rateLimitExceeded"),
        "too_many_concurrent": (429, "rateLimitExceeded"),
        "failed_precondition": (400, "failedPrecondition"),
        "invalid_argument": (400, "invalidArgument"),
        "not_found": (404, "notFound"),
        "missing_topic": (404, "notFound"),
        "label_conflict": (409, "aborted"),
        "backend_500": (500, "backendError"),
        "unavailable": (503, "backendError"),
        "gateway_timeout": (504, "backendError"),
    }
    google.fault(kind, mailbox=ana, method="getProfile", seconds=30)
    token = google.tokens(ana)["access_token"]
    answer = get(google, "me/profile", token)
    assert read(answer.status_code, answer.content)[:2] == expected[kind]
    assert get(google, "me/profile", token).status_code == 200, "once was asked for"


def test_the_time_to_wait_is_in_the_text(google: SandboxProcess, ana: str) -> None:
    google.fault("too_many_requests", mailbox=ana, seconds=90)
    answer = get(google, "me/profile", google.tokens(ana)["access_token"])
    assert "Retry-After" not in answer.headers
    assert "Retry after 20" in answer.json()["error"]["message"]
