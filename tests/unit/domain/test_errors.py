"""What went wrong, who can do something about it, and when it is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain import errors
from backend.domain.errors import (
    CLIENT_KEYS,
    FINAL_REFUSALS,
    LIMIT_REASONS,
    NO_READER,
    SHOWN_AFTER,
    Blame,
    Cause,
    Conflict,
    FailingJob,
    Gone,
    HistoryGone,
    LaneLost,
    NeedsReconnect,
    NotYet,
    PitchgateError,
    Refused,
    Rejected,
    SendUncertain,
    StoreAway,
    TryLater,
    Unexplained,
    cause_of,
    code_of,
    failure_to_show,
    refusal_count,
    retry_of_refusal,
    wait_after,
)
from backend.domain.mailbox.message import Stage
from backend.transactions.records import Duty
from tests.unit.domain.rules import NOW

MOST = 8


def seconds(error: Exception, attempt: int, jitter: float = 0.0) -> float | None:
    wait = wait_after(error, attempt, jitter, NOW, MOST)
    return None if wait is None else wait.total_seconds()


def test_the_wait_doubles_up_to_64_seconds():
    waits = [seconds(TryLater("busy"), attempt) for attempt in range(1, 10)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]


def test_jitter_adds_up_to_a_second():
    assert seconds(TryLater("busy"), 3, 0.5) == 4.5
    assert seconds(TryLater("busy"), 3, 7.0) == 5
    assert seconds(TryLater("busy"), 3, -1.0) == 4


def test_a_time_google_named_is_waited_for():
    assert seconds(TryLater("busy", retry_at=NOW + timedelta(minutes=30)), 1, 0.25) == 1800.25


def test_a_time_that_has_passed_is_no_reason_to_come_back_at_once():
    assert seconds(TryLater("busy", retry_at=NOW - timedelta(minutes=5)), 4) == 8


def test_a_time_beyond_a_day_is_not_believed():
    assert seconds(TryLater("busy", retry_at=NOW + timedelta(days=400)), 1) == 86_400


def test_googles_limits_are_waited_out_however_long_they_last():
    assert seconds(TryLater("busy"), 100_000) == 64


@pytest.mark.parametrize("error", [Rejected("bad"), Gone("gone"), NeedsReconnect("revoked"), Refused("no")])
def test_what_another_try_cannot_change_is_given_up_at_once(error: Exception):
    assert seconds(error, 1) is None


@pytest.mark.parametrize(
    "error", [RuntimeError("bug"), TimeoutError(), OSError(), Conflict("moved"), HistoryGone("old")]
)  # fmt: skip
def test_anything_else_is_tried_a_number_of_times(error: Exception):
    assert seconds(error, MOST - 1) is not None
    assert seconds(error, MOST) is None
    assert seconds(error, MOST + 5) is None


def test_a_send_of_unknown_fate_is_looked_for_only_when_search_can_find_it():
    assert seconds(SendUncertain("cut off"), 1, 0.5) == 10.5
    assert seconds(SendUncertain("cut off"), 6) == 32
    # Outages before it used tries up: it is looked for and tried for longer, but not for ever.
    assert seconds(SendUncertain("cut off"), MOST) == 64
    assert seconds(SendUncertain("cut off"), 3 * MOST) is None


def test_a_send_of_unknown_fate_gets_three_times_as_many_tries():
    assert seconds(SendUncertain("cut off"), 3 * MOST - 1) == 64
    assert seconds(SendUncertain("cut off"), 3 * MOST) is None


def test_a_state_that_moved_is_read_again_at_once():
    assert seconds(Conflict("moved"), 3, 0.5) == 0.5
    assert seconds(LaneLost("lost"), 3, 0.5) == 0.5


@given(
    st.sampled_from([RuntimeError, lambda: TryLater("x"), lambda: SendUncertain("x"), lambda: Rejected("x")]),
    st.integers(-5, 10**9),
    st.floats(0, 1),
    st.integers(1, 50),
)
def test_a_wait_is_never_negative_nor_endless(make_error, attempt, jitter, most):
    wait = wait_after(make_error(), attempt, jitter, NOW, most)
    assert wait is None or timedelta(0) <= wait <= timedelta(seconds=65)


# ---- FailingJob jobs: every error has its fixed word, and the owner sees what keeps their mail waiting


LONG_AGO = NOW - SHOWN_AFTER
KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PitchgateError)
]


@pytest.mark.parametrize("kind", [*KINDS, TimeoutError, KeyError])
def test_every_error_has_one_of_the_fixed_words_but_for_a_wait_of_our_own(kind: type[Exception]) -> None:
    cause = cause_of(kind("what happened"))
    assert (cause is None) is (kind is NotYet)
    if cause is not None:
        assert FailingJob("sync", cause, NOW).blame in Blame


def test_every_word_is_some_errors() -> None:
    words = {cause_of(kind("x")) for kind in (*KINDS, TimeoutError, KeyError)}
    assert words | {Cause.LIMITS, Cause.CLIENT, Cause.TOPIC} == {*Cause, None}


@pytest.mark.parametrize("key", CLIENT_KEYS)
def test_a_client_that_is_refused_is_the_operators_to_mend(key: str) -> None:
    cause = cause_of(TryLater(key, reason="disabled_client"))
    assert cause is Cause.CLIENT
    assert FailingJob("screen", cause, NOW).blame is Blame.CLIENT


@pytest.mark.parametrize("reason", sorted(LIMIT_REASONS))
def test_a_limit_is_told_from_an_outage(reason: str) -> None:
    assert cause_of(TryLater("x", reason=reason)) is Cause.LIMITS
    assert cause_of(TryLater("x", reason="backendError", retry_at=NOW)) is Cause.GOOGLE
    assert cause_of(StoreAway("x", reason=reason)) is Cause.STORE


def test_that_nothing_can_be_read_with_is_not_blamed_on_google() -> None:
    assert (
        FailingJob("screen", cause_of(TryLater("x", reason=NO_READER)) or Cause.GOOGLE, NOW).blame
        is Blame.OURS
    )


@pytest.mark.parametrize("job", [*Duty, *Stage])
def test_what_keeps_mail_waiting_is_told_after_two_minutes_and_not_before(job: str) -> None:
    late, young = (
        FailingJob(job, Cause.GOOGLE, LONG_AGO),
        FailingJob(job, Cause.GOOGLE, LONG_AGO + timedelta(seconds=1)),
    )
    assert failure_to_show([young], NOW, watched=True) is None
    waits = job not in ("retain", "preview", "leave", "watch", "owed")
    assert failure_to_show([late], NOW, watched=True) == (late if waits else None)
    assert failure_to_show([late], NOW, watched=False) == (late if waits or job == "watch" else None)


def test_what_keeps_all_new_mail_waiting_comes_before_one_message_and_the_longest_before_the_rest() -> None:
    message = FailingJob(Stage.ACT, Cause.FAULT, LONG_AGO - timedelta(hours=1))
    sync, index = (FailingJob(duty, Cause.GOOGLE, LONG_AGO) for duty in (Duty.SYNC, Duty.INDEX))
    older = FailingJob(Duty.INDEX, Cause.LIMITS, LONG_AGO - timedelta(seconds=1))
    assert failure_to_show([message, sync], NOW, watched=True) == sync
    assert failure_to_show([sync, older], NOW, watched=True) == older
    assert failure_to_show([index, sync], NOW, watched=True) == index
    assert failure_to_show([], NOW, watched=True) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TryLater("Google is having problems.", reason="backendError"), "google backendError"),
        (NotYet("Not yet.", reason="indexing"), "wait indexing"),
        (Rejected("Google forbids this request."), "rejected Rejected"),
        (KeyError("a subject"), "fault KeyError"),
        (retry_of_refusal(Unexplained("No.", reason="http403"), "google http403 #1"), "google http403 #2"),
    ],
)
def test_what_is_stored_of_an_error_is_a_code_without_its_message(error: Exception, code: str) -> None:
    assert code_of(error) == code


def test_refusals_in_a_row_are_counted_by_what_was_stored_of_the_last() -> None:
    stored, met = "", 0
    while (again := retry_of_refusal(Unexplained("No.", reason="a #7 b"), stored)) is not None:
        stored, met = code_of(again), met + 1
        assert refusal_count(stored) == met
    assert met == FINAL_REFUSALS - 1
    assert refusal_count("google a #b") == refusal_count("fault KeyError") == refusal_count("") == 0
