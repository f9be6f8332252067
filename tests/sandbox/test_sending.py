"""Sending and batches, through the real client."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.sandbox.gmail_client import Driver, raw
from tests.sandbox_process import SandboxProcess


def test_a_reply_lands_in_both_peoples_threads(
    google: SandboxProcess, ana: str, bo: str, api: Driver
) -> None:
    request = google.send(bo, ana, subject="Form", text="Please sign.")
    got = google.messages(ana)[0]
    body = {
        "raw": raw(bo, "Re: Form", "Signed.", In_Reply_To=f"<{request['messageId']}>"),
        "threadId": got["threadId"],
    }
    sent = api(api.users.messages().send(userId="me", body=body))
    assert sent["threadId"] == got["threadId"]
    answer = google.messages(bo, label="INBOX")[0]
    assert (answer["subject"], answer["threadId"]) == ("Re: Form", request["threadId"])


def test_missing_one_condition_starts_a_new_thread(
    google: SandboxProcess, ana: str, bo: str, api: Driver
) -> None:
    google.send(bo, ana, subject="Form")
    got = google.messages(ana)[0]
    body = {"raw": raw(bo, "Re: Form"), "threadId": got["threadId"]}
    sent = api(api.users.messages().send(userId="me", body=body))
    assert sent["threadId"] == sent["id"] != got["threadId"]


def test_mail_to_the_outside_is_recorded(google: SandboxProcess, ana: str, api: Driver) -> None:
    api(api.users.messages().send(userId="me", body={"raw": raw("far@away.test", "Out")}))
    last = google.outbox()[-1]
    assert (last["sender"], last["recipients"], last["subject"]) == (ana, ["far@away.test"], "Out")
    google.settings(bounces=True)
    api(api.users.messages().send(userId="me", body={"raw": raw("far@away.test", "Out")}))
    assert google.messages(ana, label="INBOX")[0]["subject"].startswith("Delivery Status Notification")


def test_inserted_mail_is_not_sent(google: SandboxProcess, ana: str, bo: str, api: Driver) -> None:
    before = len(google.outbox())
    api(api.users.messages().insert(userId="me", body={"raw": raw(bo), "labelIds": ["INBOX"]}))
    assert len(google.outbox()) == before
    assert google.messages(bo) == []


def test_a_batch_through_the_client(google: SandboxProcess, ana: str, api: Driver) -> None:
    ids = [google.deliver(ana, "p@x.test", subject=f"s{n}")["id"] for n in range(20)]
    answers: dict[str, Any] = {}
    batch = api.batch(lambda key, answer, error: answers.update({key: error or answer}))
    for message_id in ids:
        batch.add(
            api.users.messages().get(userId="me", id=message_id, format="minimal"), request_id=message_id
        )
    batch.add(api.users.messages().get(userId="me", id="19a3c0ffee000001"), request_id="gone")
    batch.add(
        api.users.messages().modify(userId="me", id=ids[0], body={"addLabelIds": ["STARRED"]}),
        request_id="star",
    )
    batch.execute()
    assert [answers[message_id]["id"] for message_id in ids] == ids
    assert answers["gone"].resp.status == 404
    assert "STARRED" in answers["star"]["labelIds"]
    assert google.meter(ana)["methods"]["gmail.users.messages.get"]["calls"] == 21


def batch_body(count: int) -> bytes:
    part = (
        "--b\r\nContent-Type: application/http\r\nContent-ID: <x + {n}>\r\n\r\n"
        "GET /gmail/v1/users/me/profile HTTP/1.1\r\n\r\n\r\n"
    )
    return ("".join(part.format(n=n) for n in range(count)) + "--b--\r\n").encode()


def post_batch(google: SandboxProcess, ana: str, count: int, path: str = "/batch/gmail/v1") -> httpx.Response:
    head = {
        "Authorization": f"Bearer {google.tokens(ana)['access_token']}",
        "Content-Type": "multipart/mixed; boundary=b",
    }
    return google.http.post(path, content=batch_body(count), headers=head)


@pytest.mark.parametrize("path", ["/batch", "/batch/gmail/v1"])
def test_a_batch_by_hand_borrows_the_outer_token(google: SandboxProcess, ana: str, path: str) -> None:
    answer = post_batch(google, ana, 2, path)
    assert answer.status_code == 200
    assert answer.content.count(b"HTTP/1.1 200 OK\r\n") == 2
    assert b"Content-ID: <response-x + 1>\r\n" in answer.content


def test_a_hundred_calls_and_no_more(google: SandboxProcess, ana: str) -> None:
    assert post_batch(google, ana, 100).status_code == 200
    assert post_batch(google, ana, 101).status_code == 400
    assert post_batch(google, ana, 0).status_code == 400


def test_a_batch_trips_the_concurrency_cap(google: SandboxProcess, ana: str) -> None:
    google.settings(concurrency_cap=10)
    answer = post_batch(google, ana, 25).content
    assert answer.count(b"HTTP/1.1 200 ") == 10
    assert answer.count(b"HTTP/1.1 429 ") == 15
    assert b"Too many concurrent requests for user" in answer
    assert google.meter(ana)["most_in_flight"] == 10


def test_base64url_with_or_without_padding(google: SandboxProcess, ana: str, bo: str, api: Driver) -> None:
    source = f"To: {bo}\r\n\r\nhello?>\r\n".encode()
    for text in (base64.urlsafe_b64encode(source).decode(), base64.b64encode(source).decode().rstrip("=")):
        api(api.users.messages().send(userId="me", body={"raw": text}))
    assert [message["text"] for message in google.messages(bo, full=True)] == ["hello?>\r\n"] * 2
