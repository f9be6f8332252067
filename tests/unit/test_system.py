"""The machine's clock, held against Google's; ids, secrets and how many files may be open."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.serving import LimitedConnections
from backend.system import (
    MIN_OPEN_FILES,
    OWN,
    TOLERANCE,
    VALID_SECONDS,
    CorrectedClock,
    SystemClock,
    SystemTokens,
    caller_connections,
    google_connections,
)

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
YEAR = timedelta(days=365)


class Machine:
    """A machine that somebody may set the clock of; `true` is what Google says."""

    def __init__(self, off: timedelta = timedelta(0)) -> None:
        self.passed, self.off = 0.0, off
        self.clock = CorrectedClock(self.wall, lambda: self.passed)

    @property
    def true(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    def wall(self) -> datetime:
        return self.true + self.off

    @property
    def settled(self) -> object:
        return self.clock.settled  # an object: mypy would take it for what it was a line before

    def answers(self, count: int = 1) -> None:
        """Google answers so often, a second apart, and tells whole seconds."""
        for _ in range(count):
            self.passed += 1
            self.clock.observe(self.true.replace(microsecond=0))


def test_a_clock_that_is_right_is_left_alone_and_settled_by_one_answer() -> None:
    machine = Machine(timedelta(seconds=20))
    assert not machine.settled
    machine.answers()
    assert machine.settled
    assert machine.clock.now() == machine.wall()
    assert machine.clock.skew == timedelta(0)


def test_a_clock_that_is_set_while_we_run_does_not_move_ours() -> None:
    machine = Machine()
    machine.answers()
    for off in (YEAR, -YEAR, timedelta(minutes=2)):
        machine.off = off
        assert machine.clock.now() == machine.true
        assert machine.clock.skew == off
        assert not machine.settled, "nobody has said yet which of the two is right"
        machine.answers()
        assert machine.settled
        assert machine.clock.now() == machine.true
    machine.off = timedelta(0)
    machine.answers()
    assert machine.clock.skew == timedelta(0)


def test_a_start_with_a_wrong_clock_is_put_right_by_three_answers_that_agree() -> None:
    for off in (YEAR, -YEAR):
        machine = Machine(off)
        machine.answers(2)
        assert not machine.settled
        assert machine.clock.now() == machine.wall()
        machine.answers()
        assert machine.settled
        assert abs(machine.clock.now() - machine.true) <= timedelta(seconds=1)


def test_a_correction_of_a_wrong_start_is_followed() -> None:
    machine = Machine(-YEAR)  # a flat battery; the network sets the clock later
    machine.answers(3)
    machine.off = timedelta(0)
    assert machine.clock.now() - machine.true <= timedelta(seconds=1)
    machine.answers()
    assert machine.clock.skew == timedelta(0)
    assert machine.settled


def test_one_odd_answer_changes_no_time_and_only_unsettles() -> None:
    machine = Machine()
    machine.answers()
    machine.clock.observe(machine.true + YEAR)
    assert not machine.settled
    assert machine.clock.now() == machine.true
    machine.clock.observe(machine.true - YEAR)
    machine.clock.observe(machine.true + 2 * YEAR)
    assert machine.clock.now() == machine.true
    machine.answers()
    assert machine.settled


def test_an_answer_counts_for_an_hour() -> None:
    machine = Machine()
    machine.answers()
    machine.passed += VALID_SECONDS - 1
    assert machine.settled
    machine.passed += 2
    assert not machine.settled


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("set"), st.integers(-(10**9), 10**9)),
            st.tuples(st.just("wait"), st.integers(0, 100_000)),
            st.tuples(st.just("answers"), st.integers(1, 4)),
            st.tuples(st.just("lie"), st.integers(-(10**9), 10**9)),
        ),
        max_size=30,
    )
)
def test_whatever_happens_to_it_a_settled_clock_is_right(story: list[tuple[str, int]]) -> None:
    machine = Machine()
    for act, amount in story:
        if act == "set":
            machine.off = timedelta(seconds=amount)
        elif act == "wait":
            machine.passed += amount
        elif act == "answers":
            machine.answers(amount)
        else:  # one that is not Google's, between two that are
            machine.clock.observe(machine.true + timedelta(seconds=amount))
            machine.answers()
        if machine.settled:
            assert abs(machine.clock.now() - machine.true) <= 2 * TOLERANCE


# ---- Ids and secrets


def test_ids_never_repeat_and_sort_by_the_time_they_were_made() -> None:
    tokens = SystemTokens()
    made = [tokens.identifier() for _ in range(2_000)]
    assert len(set(made)) == 2_000
    assert all(re.fullmatch(r"[0-9a-z]{26}", one) for one in made)
    by_time = [one[:10] for one in made]
    assert by_time == sorted(by_time)


def test_a_secret_has_the_bytes_asked_for() -> None:
    secret = SystemTokens().token(32)
    assert len(base64.urlsafe_b64decode(secret + "=" * (-len(secret) % 4))) == 32
    assert re.fullmatch(r"[A-Za-z0-9_-]+", secret)


def test_now_is_utc() -> None:
    now = SystemClock().now()
    assert now.tzinfo is not None
    assert now.utcoffset() is not None
    assert now.utcoffset() == timedelta(0)


# ---- Who gets how many of the files that may be open


@given(st.integers(64, 100_000))
def test_those_that_come_in_leave_us_ours(limit: int) -> None:
    assert caller_connections(limit) >= 8
    assert caller_connections(limit) + google_connections(limit) + OWN <= max(limit, 64)
    assert google_connections(MIN_OPEN_FILES) == 200


class Line(asyncio.Protocol):
    """One connection."""

    closed = False

    def close(self) -> None:
        self.closed = True


def test_one_too_many_is_hung_up_on_and_one_that_ends_makes_room() -> None:
    ended = []

    class Talk(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            ended.append(exc)

    callers = LimitedConnections(Talk, 2)
    first, second, third = callers(), callers(), callers()
    assert isinstance(first, Talk)
    assert isinstance(second, Talk)
    line = Line()
    third.connection_made(line)  # type: ignore[arg-type]
    assert line.closed
    third.connection_lost(None)
    assert not isinstance(callers(), Talk)
    first.connection_lost(None)
    assert ended == [None]
    assert isinstance(callers(), Talk)
