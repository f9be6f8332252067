"""What is kept of a message that was read: cut to length, and no shorter than a person needs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backend.domain.digest import digest
from backend.domain.entry.challenge_mail import reply_subject
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Score, Thresholds

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIMITS = dict.fromkeys(Strictness, Thresholds(0.1, 0.7, 0.95, 0.5))


def subject_of(written: str) -> str:
    """The subject that is kept of a message with this one."""
    message = Message(from_=(Address("bo@pitch.test", "Bo"),), subject=written, text="Hello")
    arrival = Arrival("m1", "t1", frozenset({"INBOX"}), NOW, message)
    read = digest(arrival, Owner("ana@corp.test", "Ana"), lambda _: Score(0.5, 0.0, (), "none"), LIMITS)
    return read.arrival.message.subject


@pytest.mark.parametrize("length", [31, 78, 899, 900])
def test_a_subject_is_kept_and_answered_whole(length: int) -> None:
    written = "".join(chr(ord("a") + number % 26) for number in range(length))
    assert subject_of(written) == written
    assert reply_subject(written) == f"Re: {written}"


def test_no_subject_is_kept_without_end() -> None:
    assert subject_of("x" * 901) == "x" * 900
    assert reply_subject("x" * 5_000) == "Re: " + "x" * 900
