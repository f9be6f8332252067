"""Failing jobs: every error has its fixed word, and the owner is told of what keeps their mail waiting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backend.domain import errors
from backend.domain.errors import (
    CLIENT_KEYS,
    LIMIT_WORDS,
    NO_READER,
    REFUSALS,
    TOLD_AFTER,
    Blame,
    Cause,
    Failing,
    NotYet,
    PitchgateError,
    Rejected,
    StoreAway,
    TryLater,
    Unexplained,
    cause_of,
    code_of,
    foremost,
    once_more,
    refusals,
)
from backend.domain.mailbox.message import Stage
from backend.transactions.records import Duty

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONG_AGO = NOW - TOLD_AFTER
KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PitchgateError)
]


@pytest.mark.parametrize("kind", [*KINDS, TimeoutError, KeyError])
def test_every_error_has_one_of_the_fixed_words_but_for_a_wait_of_our_own(kind: type[Exception]) -> None:
    cause = cause_of(kind("what happened"))
    assert (cause is None) is (kind is NotYet)
    if cause is not None:
        assert Failing("sync", cause, NOW).blame in Blame


def test_every_word_is_some_errors() -> None:
    words = {cause_of(kind("x")) for kind in (*KINDS, TimeoutError, KeyError)}
    assert words | {Cause.LIMITS, Cause.CLIENT, Cause.TOPIC} == {*Cause, None}


@pytest.mark.parametrize("key", CLIENT_KEYS)
def test_a_client_that_is_refused_is_the_operators_to_mend(key: str) -> None:
    cause = cause_of(TryLater(key, reason="disabled_client"))
    assert cause is Cause.CLIENT
    assert Failing("screen", cause, NOW).blame is Blame.CLIENT


@pytest.mark.parametrize("reason", sorted(LIMIT_WORDS))
def test_a_limit_is_told_from_an_outage(reason: str) -> None:
    assert cause_of(TryLater("x", reason=reason)) is Cause.LIMITS
    assert cause_of(TryLater("x", reason="backendError", retry_at=NOW)) is Cause.GOOGLE
    assert cause_of(StoreAway("x", reason=reason)) is Cause.STORE


def test_that_nothing_can_be_read_with_is_not_blamed_on_google() -> None:
    assert (
        Failing("screen", cause_of(TryLater("x", reason=NO_READER)) or Cause.GOOGLE, NOW).blame is Blame.OURS
    )


@pytest.mark.parametrize("job", [*Duty, *Stage])
def test_what_keeps_mail_waiting_is_told_after_two_minutes_and_not_before(job: str) -> None:
    late, young = (
        Failing(job, Cause.GOOGLE, LONG_AGO),
        Failing(job, Cause.GOOGLE, LONG_AGO + timedelta(seconds=1)),
    )
    assert foremost([young], NOW, watched=True) is None
    waits = job not in ("retain", "preview", "leave", "watch", "owed")
    assert foremost([late], NOW, watched=True) == (late if waits else None)
    assert foremost([late], NOW, watched=False) == (late if waits or job == "watch" else None)


def test_what_keeps_all_new_mail_waiting_comes_before_one_message_and_the_longest_before_the_rest() -> None:
    message = Failing(Stage.ACT, Cause.FAULT, LONG_AGO - timedelta(hours=1))
    sync, index = (Failing(duty, Cause.GOOGLE, LONG_AGO) for duty in (Duty.SYNC, Duty.INDEX))
    older = Failing(Duty.INDEX, Cause.LIMITS, LONG_AGO - timedelta(seconds=1))
    assert foremost([message, sync], NOW, watched=True) == sync
    assert foremost([sync, older], NOW, watched=True) == older
    assert foremost([index, sync], NOW, watched=True) == index
    assert foremost([], NOW, watched=True) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TryLater("Google has trouble of its own.", reason="backendError"), "google backendError"),
        (NotYet("Not yet.", reason="indexing"), "wait indexing"),
        (Rejected("Google forbids this request."), "rejected Rejected"),
        (KeyError("a subject"), "fault KeyError"),
        (once_more(Unexplained("No.", reason="http403"), "google http403 #1"), "google http403 #2"),
    ],
)
def test_what_is_stored_of_an_error_is_a_code_without_its_message(error: Exception, code: str) -> None:
    assert code_of(error) == code


def test_refusals_in_a_row_are_counted_by_what_was_stored_of_the_last() -> None:
    stored, met = "", 0
    while (again := once_more(Unexplained("No.", reason="a #7 b"), stored)) is not None:
        stored, met = code_of(again), met + 1
        assert refusals(stored) == met
    assert met == REFUSALS - 1
    assert refusals("google a #b") == refusals("fault KeyError") == refusals("") == 0
