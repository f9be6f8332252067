"""The search box: what people and programs type into `q`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.mail.search import QueryError, compile_query
from tests.sandbox.models import NOW_MS, letter, mailbox, put

DAY = 86_400_000


@pytest.fixture(scope="module")
def box() -> Mailbox:
    """Six messages, each known by its subject's first word."""
    box = mailbox()
    held = box.labels.create("Pitchgate/Held")
    put(box, "INBOX", "UNREAD", Subject="alpha form", From="Bo Lindqvist <bo@ext.test>", Message_ID="<a@x>")
    put(box, "INBOX", held.id, Subject="beta offer", From="sales@growth.example", text="a great offer")
    put(box, "SENT", Subject="gamma note", From="ana@corp.test", To="bo@ext.test", at=NOW_MS - 3 * DAY)
    put(box, "SPAM", Subject="delta win", text="you have won")
    put(box, "TRASH", Subject="epsilon old", at=NOW_MS - 400 * DAY)
    box.add(
        b'Subject: zeta report\r\nCc: bo@ext.test\r\nContent-Type: application/pdf; name="q3.pdf"\r\n\r\n%PDF',
        ["INBOX", "CATEGORY_PROMOTIONS", "STARRED"],
        NOW_MS - 40 * DAY,
    )
    return box


def found(box: Mailbox, text: str) -> list[str]:
    query = compile_query(text, box.labels)
    messages = box.newest_first(hidden=query.hidden)
    return sorted(message.subject.split()[0] for message in messages if query.matches(message))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from:bo", "alpha"),
        ("from:bo@ext.test", "alpha"),
        ('from:"Bo Lindqvist"', "alpha"),
        ("from:lind", ""),
        ("to:bo@ext.test", "gamma zeta"),
        ("cc:bo@ext.test", "zeta"),
        ("subject:offer", "beta"),
        ("subject:(alpha form)", "alpha"),
        ("subject:{alpha beta}", "alpha beta"),
        ("in:inbox", "alpha beta zeta"),
        ("in:sent", "gamma"),
        ("in:spam", "delta"),
        ("in:trash", "epsilon"),
        ("in:anywhere", "alpha beta delta epsilon gamma zeta"),
        ("label:pitchgate-held", "beta"),
        ("label:Pitchgate/Held", "beta"),
        ("label:nothing", ""),
        ("is:unread", "alpha"),
        ("is:read in:inbox", "beta zeta"),
        ("is:starred", "zeta"),
        ("has:attachment", "zeta"),
        (f"after:{NOW_MS // 1000 - 10}", "alpha beta"),
        ("rfc822msgid:a@x", "alpha"),
        ("rfc822msgid:<a@x>", "alpha"),
        ("great", "beta"),
        ('"great offer"', "beta"),
        ('"offer great"', ""),
        ("-in:inbox", "gamma"),
        ("in:inbox -offer", "alpha zeta"),
        ("alpha OR beta", "alpha beta"),
        ("in:inbox alpha OR beta", "alpha beta"),
        ("{alpha gamma}", "alpha gamma"),
        ("(alpha form) OR (beta great)", "alpha beta"),
        ("-{alpha beta gamma}", "zeta"),
    ],
)
def test_a_query_finds(box: Mailbox, query: str, expected: str) -> None:
    assert found(box, query) == expected.split()


@pytest.mark.parametrize(
    ("query", "known"),
    [
        ("in:sent rfc822msgid:a@x", "a@x"),
        ("-rfc822msgid:a@x", None),
        ("rfc822msgid:a@x OR in:sent", None),
        ("-(rfc822msgid:a@x)", None),
    ],
)
def test_only_a_demanded_message_id_narrows_the_search(query: str, known: str | None) -> None:
    assert compile_query(query, mailbox().labels).rfc822_id == known


def test_a_query_too_long_or_too_deep_is_refused() -> None:
    with pytest.raises(QueryError):
        compile_query("a" * 2001, mailbox().labels)
    with pytest.raises(QueryError):
        compile_query("(" * 30 + "a" + ")" * 30, mailbox().labels)


@given(st.text(alphabet='ab:"(){}-+ OR|inbox<>@/', max_size=60))
def test_nonsense_is_answered_not_broken(text: str) -> None:
    box = mailbox()
    box.add(letter(), ["INBOX"], NOW_MS)
    query = compile_query(text, box.labels)
    for message in box.newest_first():
        assert query.matches(message) in (True, False)
