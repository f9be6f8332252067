"""Pub/Sub's envelope in both forms and all its spellings; what is no notice is None, never an error."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.history import PushHeaders, new_messages, read_push

NOTICE = {"emailAddress": "Ana@Corp.test", "historyId": 884250}


def _wrapped(data: bytes, **message: object) -> bytes:
    body = {
        "message": {"data": base64.b64encode(data).decode(), "messageId": "11", **message},
        "subscription": "s",
    }
    return json.dumps(body).encode()


def test_wrapped_notice_with_a_number() -> None:
    envelope = read_push(_wrapped(json.dumps(NOTICE).encode()))[1]
    assert envelope is not None
    assert (envelope.push_id, envelope.email, envelope.history_id, envelope.subscription) == (
        "11", "ana@corp.test", "884250", "s",
    )  # fmt: skip


def test_history_id_as_text_and_snake_case_id() -> None:
    data = json.dumps({**NOTICE, "historyId": "884250"}).encode()
    envelope = read_push(_wrapped(data, messageId=None, message_id="12"))[1]
    assert envelope is not None
    assert (envelope.push_id, envelope.history_id) == ("12", "884250")


def test_url_alphabet_without_padding() -> None:
    raw = json.dumps({"emailAddress": "ana>>>???@corp.test", "historyId": 1}).encode()
    data = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    assert "-" in data or "_" in data
    body = json.dumps({"message": {"data": data, "messageId": "1"}}).encode()
    envelope = read_push(body)[1]
    assert envelope is not None
    assert envelope.email == "ana>>>???@corp.test"


def test_unwrapped_repeats_have_one_id() -> None:
    body = json.dumps(NOTICE).encode()
    first, again = read_push(body)[1], read_push(json.dumps(NOTICE, indent=2).encode())[1]
    assert first is not None
    assert again is not None
    assert first.push_id == again.push_id
    assert read_push(body)[0] is None


def test_an_unwrapped_push_may_tell_its_names_in_headers() -> None:
    body, fields = json.dumps(NOTICE).encode(), PushHeaders("s", "11")
    envelope = read_push(body, fields)[1]
    assert envelope is not None
    assert (envelope.push_id, envelope.subscription) == ("11", "s")
    assert read_push(body, fields)[0] == "s"
    assert read_push(body, PushHeaders("s", "1" * 201))[1] is None


def test_headers_never_speak_for_a_wrapper() -> None:
    fields = PushHeaders("s", "99")
    assert read_push(b'{"message": {}}', fields)[0] == ""
    assert read_push(_wrapped(b""), PushHeaders("other"))[0] == "s"
    envelope = read_push(_wrapped(json.dumps(NOTICE).encode()), fields)[1]
    assert envelope is not None
    assert envelope.push_id == "11"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[]",
        b"{}",
        b'{"message": {}}',
        b'{"message": {"data": "!!!", "messageId": "1"}}',
        b'{"message": {"data": 7, "messageId": "1"}}',
        b"[" * 100_000,
        json.dumps({"emailAddress": "ana", "historyId": 1}).encode(),
        json.dumps({"emailAddress": "a@b.test", "historyId": -1}).encode(),
        json.dumps({"emailAddress": "a@b.test", "historyId": True}).encode(),
        json.dumps({"emailAddress": "a@b.test", "historyId": "1" * 21}).encode(),
        json.dumps({"emailAddress": "a@b.test", "historyId": "１２"}).encode(),
        json.dumps({"emailAddress": "a" * 400 + "@b.test", "historyId": 1}).encode(),
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_no_notice_is_none(body: bytes) -> None:
    assert read_push(body)[1] is None


@given(st.binary(max_size=300))
def test_no_bytes_raise(body: bytes) -> None:
    read_push(body)
    read_push(_wrapped(body))


@pytest.mark.parametrize("broken", ["\ud800", "\0"])
def test_what_no_database_takes_is_no_notice(broken: str) -> None:
    """JSON can name half a character; nothing that stores or hashes text can."""
    assert read_push(json.dumps({"emailAddress": f"a{broken}@corp.test", "historyId": 1}).encode())[1] is None
    assert read_push(_wrapped(json.dumps(NOTICE).encode(), messageId=f"1{broken}"))[1] is None


# ---- A page of history tells each message once, leaves drafts alone


def test_incoming_sent_and_draft() -> None:
    found = new_messages(
        [
            ("1", "t1", frozenset({"INBOX", "UNREAD"})),
            ("2", "t2", frozenset({"SENT"})),
            ("3", "t3", frozenset({"DRAFT"})),
            ("4", "t4", None),
            ("1", "t1", frozenset({"INBOX"})),
        ],
        [],
    )
    assert [(message.gmail_id, message.own) for message in found] == [("1", False), ("2", True), ("4", False)]


def test_a_draft_that_is_sent_is_the_owners_mail() -> None:
    (message,) = new_messages([("3", "t3", frozenset({"DRAFT"}))], [("3", "t3", frozenset({"SENT"}))])
    assert message.own


def test_other_labels_make_no_message() -> None:
    assert new_messages([], [("5", "t5", frozenset({"STARRED"}))]) == ()
