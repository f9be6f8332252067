"""Gmail's JSON becomes the same message the raw bytes would have given."""

from __future__ import annotations

import base64
import email
import email.policy
import json
from datetime import UTC, datetime
from email.message import EmailMessage
from email.message import Message as StdMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail import mime
from backend.gmail.answers import AnswerUnreadable, history_page, list_page, milliseconds
from backend.gmail.arrivals import BRIEF, arrival, decode_base64, read_briefly, read_message


def gmail_payload(message: StdMessage, part_id: str = "") -> dict[str, Any]:
    """The part tree Gmail would show: decoded from transfer encodings, attachments without data."""
    headers = [{"name": name, "value": str(value)} for name, value in message.raw_items()]
    node: dict[str, Any] = {
        "partId": part_id,
        "mimeType": message.get_content_type(),
        "filename": message.get_filename() or "",
        "headers": headers,
    }
    if message.is_multipart():
        parts = message.get_payload()
        assert isinstance(parts, list)
        node["body"] = {"size": 0}
        node["parts"] = [
            gmail_payload(part, f"{part_id}.{n}".lstrip("."))
            for n, part in enumerate(parts)
            if not isinstance(part, str)
        ]
        return node
    content = message.get_payload(decode=True)
    assert isinstance(content, bytes)
    if node["filename"]:
        node["body"] = {"attachmentId": "ANGjdJ8w", "size": len(content)}
    else:
        node["body"] = {"size": len(content), "data": base64.urlsafe_b64encode(content).decode()}
    return node


def pitch() -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"] = "Bo Öst <bo@ext.test>"
    message["To"] = "ana@corp.test"
    message["Subject"] = "Grüße – 30% off"
    message["Message-ID"] = "<1@ext.test>"
    message["Received"] = "from a by b"
    message["References"] = "<0@ext.test>"
    message.set_content("Hällo Ana,\nwe sell things.\n", charset="iso-8859-1")
    message.add_alternative("<p>Hällo Ana</p>", subtype="html")
    message.add_attachment(b"%PDF" * 500, maintype="application", subtype="pdf", filename="angebot.pdf")
    return message


def get_answer(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": "19A3C0FFEE000001",
        "threadId": "19a3c0ffee000001",
        "labelIds": ["UNREAD", "INBOX"],
        "internalDate": "1796130302000",
        "sizeEstimate": 5312,
        "payload": payload,
        **more,
    }


def test_both_roads_lead_to_the_same_message() -> None:
    raw = pitch().as_bytes()
    parsed = mime.parse(raw)
    fetched = arrival(get_answer(gmail_payload(email.message_from_bytes(raw))))
    assert fetched.message == parsed
    assert fetched.message.text.startswith("Hällo Ana")
    assert fetched.message.attachments[0].size == 2_000
    assert fetched.gmail_id == "19A3C0FFEE000001"
    assert fetched.labels == {"UNREAD", "INBOX"}
    assert fetched.received_at == datetime(2026, 12, 1, 13, 5, 2, tzinfo=UTC)
    assert fetched.size == 5312


def test_headers_only_make_a_message_without_body_and_without_complaint() -> None:
    fetched = arrival(
        get_answer({"mimeType": "text/plain", "headers": [{"name": "From", "value": "a@b.test"}]})
    )
    assert fetched.message.sender.address == "a@b.test"
    assert fetched.message.text == ""
    assert fetched.message.defects == ()


def test_a_text_too_long_to_come_inline_is_told_as_missing() -> None:
    part = {"mimeType": "text/plain", "headers": [], "body": {"attachmentId": "x", "size": 9_000_000}}
    assert "body missing" in arrival(get_answer(part)).message.defects


def test_a_message_without_a_time_counts_as_old() -> None:
    # Old mail may be held but is never answered.
    assert arrival(get_answer({}, internalDate=None)).received_at.year == 1970


def test_a_tree_deeper_than_any_mail_is_cut_and_said_so() -> None:
    part: dict[str, Any] = {"mimeType": "text/plain", "body": {"data": "aGk=", "size": 2}}
    for _ in range(200):
        part = {"mimeType": "multipart/mixed", "parts": [part], "body": {"size": 0}}
    assert "depth limit" in arrival(get_answer(part)).message.defects


def test_a_tree_wider_than_any_mail_is_cut_and_said_so() -> None:
    leaf = {"mimeType": "text/plain", "body": {"data": "aGk=", "size": 2}}
    wide = {"mimeType": "multipart/mixed", "parts": [leaf] * 5_000, "body": {"size": 0}}
    assert "part limit" in arrival(get_answer(wide)).message.defects


@given(st.binary(max_size=80), st.booleans(), st.booleans())
def test_base64_of_either_alphabet_padded_or_not(content: bytes, url_safe: bool, padded: bool) -> None:
    text = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(content).decode()
    assert decode_base64(text if padded else text.rstrip("=")) == content


def test_what_is_no_base64_is_told_apart_from_empty() -> None:
    assert decode_base64("") == b""
    assert decode_base64("a") is None
    assert decode_base64("ü") is None
    assert decode_base64(None) is None


@given(st.one_of(st.none(), st.text(), st.floats(), st.integers(), st.lists(st.integers())))
def test_no_time_however_broken_raises(value: object) -> None:
    assert milliseconds(value).tzinfo is UTC


# --- history -------------------------------------------------------------------------------------


def test_a_page_keeps_what_happened_and_leaves_out_the_repetition() -> None:
    page = history_page(
        {
            "history": [
                {
                    "id": "884230",
                    "messages": [{"id": "a1", "threadId": "a1"}],
                    "messagesAdded": [{"message": {"id": "A1", "threadId": "a1", "labelIds": ["INBOX"]}}],
                },
                {"id": "884231", "messagesAdded": [{"message": {"id": "b2", "threadId": "a1"}}]},
                {
                    "id": "884233",
                    "labelsAdded": [{"message": {"id": "a1", "threadId": "a1"}, "labelIds": ["Label_7"]}],
                    "labelsRemoved": [
                        {
                            "message": {"id": "a1", "threadId": "a1", "labelIds": ["Label_7"]},
                            "labelIds": ["INBOX"],
                        }
                    ],
                },
                {"id": "884234", "messagesDeleted": [{"message": {"id": "c3", "threadId": "c3"}}]},
            ],
            "nextPageToken": "0942",
            "historyId": "884250",
        }
    )
    assert [(m.gmail_id, m.labels) for m in page.added] == [("A1", frozenset({"INBOX"})), ("b2", None)]
    on, off = page.relabelled
    assert (on.added, on.removed, on.labels) == (frozenset({"Label_7"}), frozenset(), None)
    assert (off.added, off.removed, off.labels) == (frozenset(), frozenset({"INBOX"}), frozenset({"Label_7"}))
    assert page.deleted == ("c3",)
    assert (page.history_id, page.next_page) == ("884250", "0942")


def test_no_change_and_an_empty_page_in_between_are_normal() -> None:
    assert history_page({"historyId": 884250}).history_id == "884250"
    assert history_page({"historyId": "1", "nextPageToken": "x"}).next_page == "x"


@pytest.mark.parametrize("broken", [{}, {"historyId": "abc"}, {"historyId": None}, {"historyId": True}])
def test_a_page_that_does_not_say_where_the_mailbox_is_moves_no_cursor(broken: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        history_page(broken)


def test_a_record_that_names_no_message_is_not_passed_over_in_silence() -> None:
    with pytest.raises(AnswerUnreadable):
        history_page({"historyId": "1", "history": [{"messagesAdded": [{"message": {"threadId": "x"}}]}]})


def test_a_list_without_results_is_empty() -> None:
    assert list_page({"resultSizeEstimate": 0}).ids == ()
    assert list_page({"messages": [{"id": "B", "threadId": "a"}]}).ids == (("B", "a"),)


def test_ids_are_kept_as_they_are_given() -> None:
    message = {"id": "19A3c0FFee", "threadId": "19A3c0FFee", "payload": {}}
    assert (arrival(message).gmail_id, arrival(message).thread_id) == ("19A3c0FFee", "19A3c0FFee")
    history = history_page({"historyId": "7", "history": [{"messagesAdded": [{"message": message}]}]})
    assert history.added[0].gmail_id == "19A3c0FFee"
    assert list_page({"messages": [message]}).ids == (("19A3c0FFee", "19A3c0FFee"),)


def answer(message: StdMessage, **fields: object) -> bytes:
    data = {"id": "m1", "threadId": "t1", "labelIds": ["INBOX"], "payload": gmail_payload(message), **fields}
    return json.dumps(data).encode()


def test_a_message_read_briefly_is_its_headers_and_the_beginning_of_its_texts() -> None:
    brief = read_briefly(answer(pitch(), snippet="Hällo Ana, we sell things."))
    whole = read_message(answer(pitch()))
    assert (brief.gmail_id, brief.labels) == ("m1", frozenset({"INBOX"}))
    assert brief.message.sender == whole.message.sender
    assert brief.message.subject == "Grüße – 30% off"
    assert (brief.message.text, brief.message.html) == (whole.message.text, whole.message.html)
    assert brief.message.attachments == ()
    long = EmailMessage(policy=email.policy.SMTP)
    long.set_content("we sell things " * 10_000)
    assert 0 < len(read_briefly(answer(long)).message.text) <= BRIEF


def test_where_no_plain_text_is_near_gmails_own_snippet_is_read() -> None:
    deep = EmailMessage()
    deep.set_content("<p>x</p>", subtype="html")
    brief = read_briefly(answer(deep, snippet="Ana &amp; Bo: we sell &#39;things&#39;"))
    assert brief.message.text == "Ana & Bo: we sell 'things'"
    many = {"payload": {"headers": [], "parts": [{"mimeType": "image/png"}] * 100_000}}
    assert read_briefly(answer(deep, snippet="hello", **many)).message.text == "hello"


@pytest.mark.parametrize(
    "payload", [None, 7, [], {"parts": 7}, {"parts": [7, None]}, {"headers": [7]}, {"body": 7}]
)
def test_whatever_stands_for_a_message_is_read_briefly(payload: object) -> None:
    assert read_briefly(answer(pitch(), payload=payload, snippet=7)).message.text == ""
