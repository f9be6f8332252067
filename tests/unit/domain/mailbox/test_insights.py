"""Figures that say how sure they are."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mailbox.review import (
    WEEKS,
    Week,
    all_weeks,
    first_monday,
    shown_weeks,
    usual_range,
    wilson,
)

TUESDAY = date(2026, 11, 24)


def test_the_weeks_end_with_this_one_and_none_is_left_out() -> None:
    busy = Week(date(2026, 11, 9), held=7, let_in=1)

    weeks = all_weeks([busy], TUESDAY)

    assert len(weeks) == WEEKS
    assert weeks[-1] == Week(date(2026, 11, 23))
    assert weeks[-3] == busy
    assert weeks[0].monday == first_monday(TUESDAY)


@given(st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_every_week_begins_on_a_monday_and_the_last_holds_today(today: date) -> None:
    weeks = all_weeks([], today)

    assert {week.monday.weekday() for week in weeks} == {0}
    assert weeks[-1].monday <= today < weeks[-1].monday + timedelta(weeks=1)


def test_a_usual_week_is_the_middle_half_of_those_before_this_one() -> None:
    def weeks(*counts: int) -> list[Week]:
        return [Week(TUESDAY, held=count) for count in counts]

    assert usual_range(weeks(9, 10, 7, 12, 10, 8, 10, 99)) == (8, 10)
    assert usual_range(weeks(1, 2, 3, 4, 99)) == (2, 3)
    assert usual_range(weeks(1, 2, 3, 99)) is None
    assert usual_range(()) is None


def test_weeks_before_the_first_mail_are_not_drawn_but_four_are_at_least() -> None:
    now = Week(date(2026, 11, 23), held=2)
    weeks = all_weeks([Week(date(2026, 10, 12), held=1), now], TUESDAY)

    assert shown_weeks(weeks)[0].monday == date(2026, 10, 12)
    assert shown_weeks(all_weeks([now], TUESDAY)) == all_weeks([now], TUESDAY)[-4:]


def test_wilsons_interval_is_the_one_of_the_tables() -> None:
    share = wilson(49, 50)

    assert share.value == 0.98
    assert (round(share.low, 3), round(share.high, 3)) == (0.895, 0.996)


def test_none_of_ten_is_not_known_to_be_never() -> None:
    assert wilson(0, 10).low == 0.0
    assert round(wilson(0, 10).high, 3) == 0.278
    assert wilson(10, 10).high == pytest.approx(1.0)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_holds_the_share_and_stays_within_bounds(hits_of: tuple[int, int]) -> None:
    share = wilson(*hits_of)

    assert 0.0 <= share.low <= share.value + 1e-12
    assert share.value - 1e-12 <= share.high <= 1.0


@pytest.mark.parametrize(("hits", "of"), [(0, 0), (-1, 5), (6, 5)])
def test_a_share_of_nothing_is_refused(hits: int, of: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, of)
