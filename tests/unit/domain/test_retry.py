"""How long a job waits after an error, and when it stops trying."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import (
    Conflict,
    Gone,
    HistoryGone,
    LeaseLost,
    NeedsReconnect,
    Refused,
    Rejected,
    SendUncertain,
    TryLater,
    wait_after,
)
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
    assert seconds(LeaseLost("lost"), 3, 0.5) == 0.5


@given(
    st.sampled_from([RuntimeError, lambda: TryLater("x"), lambda: SendUncertain("x"), lambda: Rejected("x")]),
    st.integers(-5, 10**9),
    st.floats(0, 1),
    st.integers(1, 50),
)
def test_a_wait_is_never_negative_nor_endless(make_error, attempt, jitter, most):
    wait = wait_after(make_error(), attempt, jitter, NOW, most)
    assert wait is None or timedelta(0) <= wait <= timedelta(seconds=65)
