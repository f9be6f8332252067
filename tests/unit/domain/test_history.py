"""A page of history tells each message once, leaves drafts alone."""

from __future__ import annotations

from backend.domain.history import appeared


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
