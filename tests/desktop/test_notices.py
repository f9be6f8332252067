"""Notices: grouped, rare, and about nothing but sender and subject."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tray_app import menu
from tray_app.menu import BURST_WAIT, MAX_DELAY, NOTICE_INTERVAL, Batch
from tray_app.state import Message

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def message(number: int, sender: str = "") -> Message:
    return Message(
        f"m{number}", sender or f"s{number}@x.example", f"Name {number}", subject=f"Subject {number}"
    )


def test_one_message_is_told_with_sender_and_subject_after_it_settled() -> None:
    batch = menu.with_message(Batch(), message(1), NOW)
    assert menu.take_due_notice(batch, NOW)[1] is None
    batch, notice = menu.take_due_notice(batch, NOW + BURST_WAIT)
    assert notice == menu.Notice("Held: Name 1", "Subject 1")
    assert menu.due_at(batch) is None


def test_a_burst_is_one_notice() -> None:
    batch = Batch()
    for number in range(6):
        batch = menu.with_message(batch, message(number), NOW + timedelta(seconds=number / 2))
    _, notice = menu.take_due_notice(batch, NOW + timedelta(seconds=10))
    assert notice is not None
    assert notice.title == "6 messages held"
    assert notice.body == "Name 5, Name 4, Name 3, Name 2 and 2 more"


def test_many_from_one_sender_are_counted() -> None:
    batch = menu.with_message(
        menu.with_message(Batch(), message(1, "a@x.example"), NOW), message(2, "a@x.example"), NOW
    )
    _, notice = menu.take_due_notice(batch, NOW + BURST_WAIT)
    assert notice is not None
    assert notice.body == "Name 2 (2)"


def test_what_was_decided_meanwhile_is_not_told() -> None:
    batch = menu.without_messages(menu.with_message(Batch(), message(1), NOW), {"m1"})
    assert menu.due_at(batch) is None


@given(st.lists(st.floats(0.1, 40), min_size=1, max_size=60))
def test_never_sooner_than_agreed_and_nothing_left_untold(gaps: list[float]) -> None:
    """Whatever the pace of mail: notices keep their distance, a first one is not put off for ever, and none is lost."""
    batch, at, notified_at, found = Batch(), NOW, [], 0
    for number, gap in enumerate(gaps):
        at += timedelta(seconds=gap)
        due = menu.due_at(batch)
        if due is not None and due <= at:
            found += len(batch.pending)
            assert due >= (batch.last_at or due) + BURST_WAIT or due - (batch.first_at or due) >= MAX_DELAY
            batch, notice = menu.take_due_notice(batch, due)
            assert notice is not None
            notified_at.append(due)
        batch = menu.with_message(batch, message(number), at)
    due = menu.due_at(batch)
    assert due is not None
    found += len(batch.pending)
    _, notice = menu.take_due_notice(batch, due)
    assert notice is not None
    notified_at.append(due)
    assert found == len(gaps)
    assert all(later - earlier >= NOTICE_INTERVAL for earlier, later in itertools.pairwise(notified_at))


@given(st.text(max_size=2000), st.text(max_size=2000))
def test_texts_fit_the_platforms(name: str, subject: str) -> None:
    notice = menu.notice_for([Message("m", "a@x.example", name, subject=subject)])
    assert len(notice.title.encode("utf-16-le")) // 2 <= menu.NOTICE_TITLE_LIMIT
    assert len(notice.body.encode("utf-16-le")) // 2 <= menu.BODY_LIMIT
