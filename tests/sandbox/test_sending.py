"""Sending, through the real client."""

from __future__ import annotations

import base64

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


def test_base64url_with_or_without_padding(google: SandboxProcess, ana: str, bo: str, api: Driver) -> None:
    source = f"To: {bo}\r\n\r\nhello?>\r\n".encode()
    for text in (base64.urlsafe_b64encode(source).decode(), base64.b64encode(source).decode().rstrip("=")):
        api(api.users.messages().send(userId="me", body={"raw": text}))
    assert [message["text"] for message in google.messages(bo, full=True)] == ["hello?>\r\n"] * 2
