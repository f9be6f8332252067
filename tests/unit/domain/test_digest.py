"""What is kept of a message that was read: cut to length, and no shorter than a person needs. And it is asked only what
may matter for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backend.domain.challenge_mail import reply_subject
from backend.domain.digest import Digest
from backend.domain.digesting import read_and_score
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mail.mime import parse
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.policy.evidence import CLEARLY_ORDINARY
from backend.domain.reading.score import Score, Thresholds

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIMITS = dict.fromkeys(Strictness, Thresholds(0.1, 0.7, 0.95, 0.5))


def subject_of(written: str) -> str:
    """The subject that is kept of a message with this one."""
    message = Message(from_=(Address("bo@pitch.test", "Bo"),), subject=written, text="Hello")
    arrival = Arrival("m1", "t1", frozenset({"INBOX"}), NOW, message)
    read = read_and_score(
        arrival, Owner("ana@corp.test", "Ana"), lambda _: Score(0.5, 0.0, (), "none"), LIMITS
    )
    return read.arrival.message.subject


@pytest.mark.parametrize("length", [31, 78, 899, 900])
def test_a_subject_is_kept_and_answered_whole(length: int) -> None:
    written = "".join(chr(ord("a") + number % 26) for number in range(length))
    assert subject_of(written) == written
    assert reply_subject(written) == f"Re: {written}"


def test_no_subject_is_kept_without_end() -> None:
    assert subject_of("x" * 901) == "x" * 900
    assert reply_subject("x" * 5_000) == "Re: " + "x" * 900


def scored(probability: float) -> Digest:
    """News to a mailing list, with this score."""
    raw = b"From: a@list.example\nTo: ana@corp.test\nList-Id: <news.list.example>\nSubject: News\n\nHello"
    arrival = Arrival("m1", "t1", frozenset({"INBOX"}), NOW, parse(raw), len(raw))
    return read_and_score(arrival, Owner("ana@corp.test", "Ana"), lambda _: Score(probability, 0.0), LIMITS)


def test_objections_to_an_answer_are_looked_for_from_the_lowest_score_that_may_be_answered() -> None:
    assert scored(CLEARLY_ORDINARY * 0.99).guards == ()
    assert scored(CLEARLY_ORDINARY).guards == scored(0.99).guards != ()


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_the_language_is_that_of_what_a_reader_sees_of_the_sender_s_own_words(kind: str) -> None:
    raw = (
        "From: a@b.example\nTo: ana@corp.test\nSubject: Frage zum Termin\n"
        f"Content-Type: text/{kind}; charset=utf-8\n\nHallo Ana, wann passt es dir in der nächsten Woche?\n"
    ).encode()
    arrival = Arrival("m1", "t1", frozenset({"INBOX"}), NOW, parse(raw), len(raw))
    read = read_and_score(arrival, Owner("ana@corp.test", "Ana"), lambda _: Score(0.5, 0.0), LIMITS)
    assert read.language == "de"
