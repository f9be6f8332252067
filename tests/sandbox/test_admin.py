"""The admin routes: what tests and the demo lean on."""

from __future__ import annotations

import select
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from backend.sandbox import BadRequest
from backend.sandbox.faults import Knobs, parse_assignment
from tests.sandbox_process import SandboxProcess, SandboxRefused


def test_a_mailbox_is_made_once(google: SandboxProcess) -> None:
    made = google.create_mailbox("Eva@Corp.test", "Eva", sub="77")
    assert (made["email"], made["name"], made["sub"], made["hd"]) == (
        "eva@corp.test",
        "Eva",
        "77",
        "corp.test",
    )
    assert google.http.post("/sandbox/mailboxes", json={"email": "eva@corp.test"}).status_code == 409
    for email in ("eva", "@corp.test", "eva@corp", "a b@corp.test", "a\r\nb@corp.test", ""):
        assert google.http.post("/sandbox/mailboxes", json={"email": email}).status_code == 400


def test_delivery_from_fields(google: SandboxProcess, ana: str) -> None:
    google.deliver(
        [ana, "nobody@corp.test"],
        "Bo <bo@ext.test>",
        subject="Grüße",
        text="Hallo",
        html="<b>Hallo</b>",
        headers=[["X-Mailer", "one"], ["X-Mailer", "two"]],
        reply_to="Bo <reply@ext.test>",
        cc="cc@ext.test",
        mail_from="bounce@mailer.test",
        auth={"dmarc": "fail"},
        category="promotions",
        internal_date=1_700_000_000_000,
    )
    got = google.messages(ana, full=True)[0]
    headers = [tuple(pair) for pair in got["headers"]]
    assert ("X-Mailer", "one") in headers
    assert ("X-Mailer", "two") in headers
    assert ("Return-Path", "<bounce@mailer.test>") in headers
    assert ("Subject", "Grüße") in headers
    assert got["labelIds"] == ["CATEGORY_PROMOTIONS", "INBOX", "UNREAD"]
    assert got["internalDate"] == 1_700_000_000_000
    assert "dmarc=fail" in dict(reversed(headers))["Authentication-Results"]
    assert got["text"].strip() == "Hallo"


def test_a_message_in_full_tells_when_it_came_and_got_its_labels(google: SandboxProcess, ana: str) -> None:
    google.deliver(ana, "Bo <bo@ext.test>", subject="Hello", text="Hello")
    (message,) = google.messages(ana)
    google.move_labels(ana, [message["id"]], add=["STARRED"])
    ((came, starred),) = [message["changes"] for message in google.messages(ana, full=True)]
    assert came["at"] <= starred["at"]
    assert ("STARRED" in came["labels"], "STARRED" in starred["labels"]) == (False, True)


def test_delivery_of_raw_mail_and_of_bytes(google: SandboxProcess, ana: str) -> None:
    google.deliver(ana, raw="From: a@x.test\nSubject: raw\n\nbody\n", authentication_results=None)
    google.deliver(ana, raw_base64="RnJvbTogYUB4LnRlc3QNCg0K/w==", mail_from="")
    second, first = google.messages(ana, full=True)
    assert first["raw"].endswith("From: a@x.test\r\nSubject: raw\r\n\r\nbody\r\n")
    assert "Authentication-Results" not in first["raw"]
    assert ["Return-Path", "<>"] in second["headers"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "no sender"},
        {"from": "a@x.test", "subjct": "x"},
        {"from": "a@x.test", "subject": 5},
        {"from": "a@x.test", "subject": "x\r\nBcc: v@x.test"},
        {"from": "a@x.test", "headers": {"X": "1\r\nBcc: v@x.test"}},
        {"from": "a@x.test", "headers": [["X"]]},
        {"from": "a@x.test", "auth": {"dmarc": "perhaps"}},
        {"from": "a@x.test", "auth": {"dmark": "pass"}},
        {"from": "a@x.test", "category": "gossip"},
        {"from": "a@x.test", "internal_date": "now"},
        {"from": "a@x.test", "mail_from": "a\r\n@x"},
        {"from": "a@x.test", "attachments": [{"filename": "x", "base64": "%"}]},
        {"raw_base64": "%"},
    ],
)
def test_a_letter_that_cannot_be_is_refused(google: SandboxProcess, ana: str, wrong: dict[str, Any]) -> None:
    answer = google.http.post("/sandbox/deliver", json={"to": ana, **wrong})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]
    assert google.messages(ana) == []


def test_delivery_to_nobody_is_told(google: SandboxProcess) -> None:
    answer = google.http.post("/sandbox/deliver", json={"to": "nobody@corp.test", "from": "a@x.test"})
    assert (answer.status_code, answer.json()["unknown"]) == (404, ["nobody@corp.test"])
    assert google.http.post("/sandbox/deliver", content=b"[1]").status_code == 400
    assert google.http.post("/sandbox/deliver", content=b"{").status_code == 400


def test_the_owner_replies_by_hand(google: SandboxProcess, ana: str, bo: str) -> None:
    sent = google.send(bo, ana, subject="Form", text="Please sign.")
    got = google.messages(ana)[0]
    reply = google.send(ana, reply_to_id=got["id"], text="No, thanks.")
    assert reply["threadId"] == got["threadId"]
    back = google.messages(bo, label="INBOX", full=True)[0]
    assert (back["subject"], back["threadId"]) == ("Re: Form", sent["threadId"])
    assert ["In-Reply-To", f"<{sent['messageId']}>"] in back["headers"]


def test_the_owners_hand_on_labels(google: SandboxProcess, ana: str) -> None:
    message_id = google.deliver(ana, "p@x.test")["id"]
    google.move_labels(ana, [message_id], add=["Pitchgate/Held"], remove=["INBOX"])
    [held] = google.messages(ana, label="pitchgate/held")
    assert (held["id"], held["labels"]) == (message_id, ["CATEGORY_PERSONAL", "Pitchgate/Held", "UNREAD"])
    with pytest.raises(SandboxRefused, match="does not hold"):
        google.move_labels(ana, ["19a3c0ffee000001"], add=["INBOX"])
    with pytest.raises(SandboxRefused, match="no label"):
        google.move_labels(ana, [message_id], remove=["Never"])
    google.delete_messages(ana, [message_id])
    assert google.messages(ana) == []


def test_seeded_mail_is_quiet_unless_asked(google: SandboxProcess, ana: str) -> None:
    before = google.mailbox(ana)["historyId"]
    google.seed(ana, [{"from": "p@x.test", "labels": ["SENT"]}])
    assert google.mailbox(ana)["historyId"] == before
    google.seed(ana, [{"from": "p@x.test"}], quiet=False)
    assert google.mailbox(ana)["historyId"] != before


def test_the_vacation_responder_by_hand(google: SandboxProcess, ana: str) -> None:
    google.set_vacation(ana, enableAutoReply=True)
    assert google.mailbox(ana)["vacationOn"]
    with pytest.raises(SandboxRefused, match="restrictToDomain"):
        google.set_vacation(ana, restrictToDomain=True)


def test_the_meter_starts_again(google: SandboxProcess, ana: str) -> None:
    head = {"Authorization": f"Bearer {google.tokens(ana)['access_token']}"}
    google.http.get("/gmail/v1/users/me/labels", headers=head)
    assert google.meter(ana)["units"] == 1
    google.settings(quota_prices="old")
    google.reset_meter()
    assert google.meter(ana)["units"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonsense": 1},
        {"quota_per_minute": "many"},
        {"enforce_quota": 1},
        {"quota_prices": "free"},
        {"latency_ms": -1},
    ],
)
def test_knobs_that_do_not_turn(google: SandboxProcess, wrong: dict[str, Any]) -> None:
    before = google.settings()
    assert google.http.put("/sandbox/settings", json={"latency_ms": 0, **wrong}).status_code == 400
    assert google.settings() == before
    with pytest.raises(BadRequest):
        Knobs().update(wrong)


@pytest.mark.parametrize(
    ("text", "read"),
    [("a=true", ("a", True)), ("a=3", ("a", 3)), ("a=0.5", ("a", 0.5)), ("a=old", ("a", "old"))],
)
def test_assignments_on_the_command_line(text: str, read: tuple[str, Any]) -> None:
    assert parse_assignment(text) == read


def test_push_modes_that_do_not_exist(google: SandboxProcess) -> None:
    for wrong in ({"cpies": 2}, {"copies": "2"}, {"paused": 1}, {"bearer_fault": "odd"}, {"delay": 1e9}):
        assert google.http.put("/sandbox/push", json=wrong).status_code == 400


def test_clients(google: SandboxProcess) -> None:
    made = {"client_id": "second", "client_secret": "s", "redirect_uris": ["https://app.corp.test/cb"]}
    assert google.http.post("/sandbox/clients", json=made).json()["project"] == "pitchgate-dev"
    assert google.http.post("/sandbox/clients/nobody/redirect-uris", json={}).status_code == 404
    with pytest.raises(SandboxRefused, match="may not be a redirect"):
        google.allow_redirect("http://app.corp.test/cb")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.test"}, 421),
        ({"Host": "127.0.0.1.evil.test"}, 421),
        ({"Origin": "https://evil.test"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_web_page_elsewhere_cannot_steer_the_sandbox(
    google: SandboxProcess, headers: dict[str, str], status: int
) -> None:
    answer = google.http.post("/sandbox/clock", json={"advance": 1}, headers=headers)
    assert answer.status_code == status


def test_no_answer_before_the_body_is_there(google: SandboxProcess) -> None:
    """Answering early would close the connection under the client's next request."""
    address = urlsplit(google.url)
    head = f"POST /sandbox/meter/reset HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 2\r\n\r\n"
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as line:
        for _ in range(2):
            line.sendall(head.encode())
            assert select.select([line], [], [], 0.2)[0] == []
            line.sendall(b"{}")
            answer = b""
            while not answer.endswith(b"{}\n"):
                answer += line.recv(65536)
            assert answer.startswith(b"HTTP/1.1 200 ")


def test_ten_thousand_messages(google: SandboxProcess, ana: str) -> None:
    """Big mailboxes answer: one page, one search, one walk over everything."""
    raw = "From: p{n}@x.test\r\nSubject: s{n}\r\nMessage-ID: <{n}@x.test>\r\n\r\nbody {n}\r\n"
    for start in range(0, 10_000, 5_000):
        google.seed(ana, [{"raw": raw.format(n=n), "mail_from": ""} for n in range(start, start + 5_000)])
    head = {"Authorization": f"Bearer {google.tokens(ana)['access_token']}"}

    def get(path: str) -> dict[str, Any]:
        answer = google.http.get(f"/gmail/v1/users/me/{path}", headers=head)
        assert answer.elapsed.total_seconds() < 5, path
        return dict(answer.json())

    assert get("profile")["messagesTotal"] == 10_000
    assert len(get("messages?maxResults=500&labelIds=INBOX")["messages"]) == 500
    assert len(get("messages?q=subject:s9999")["messages"]) == 1
    assert len(get("messages?q=rfc822msgid:77@x.test")["messages"]) == 1
