"""A page of history tells each message once, leaves drafts alone, and ids are numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.history import appeared, later


def test_incoming_sent_and_draft() -> None:
    found = appeared(
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
    (message,) = appeared([("3", "t3", frozenset({"DRAFT"}))], [("3", "t3", frozenset({"SENT"}))])
    assert message.own


def test_other_labels_make_no_message() -> None:
    assert appeared([], [("5", "t5", frozenset({"STARRED"}))]) == ()


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_later_compares_numbers(one: int, other: int) -> None:
    assert later(str(one), str(other)) == str(max(one, other))


def test_no_position_is_before_every_position() -> None:
    assert later("", "7") == "7"
    assert later("9", "10") == "10"
