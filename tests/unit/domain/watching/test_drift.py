"""A mailbox's mail changes, and the test of drift says what changed and since when; else it keeps still."""

from __future__ import annotations

import random
from collections import Counter

from backend.domain.watching.drift import ALARM, REFERENCE, change, classes


def weeks(count: int, polish: float, seed: int, size: int = 140) -> list[Counter[tuple[str, str]]]:
    """Mail of a steady kind, `polish` of it Polish."""
    numbers, found = random.Random(seed), []
    for _ in range(count):
        week: Counter[tuple[str, str]] = Counter()
        for _ in range(size):
            tongue = "pl" if numbers.random() < polish else "en"
            logit = numbers.gauss(2 if numbers.random() < 0.2 else -4, 1)
            week.update(classes(logit, numbers.betavariate(2, 20), tongue).items())
        found.append(week)
    return found


def test_a_year_in_which_nothing_changes_is_quiet() -> None:
    for seed in range(5):
        year = weeks(52, 0.1, seed)
        assert all(change(year[:end]) is None for end in range(1, 53))


def test_another_language_is_named_with_the_week_it_came_in() -> None:
    found = change(weeks(20, 0.1, 1) + weeks(3, 0.6, 2))
    assert found is not None
    assert (found.channel, found.grown, found.week) == ("language", "pl", 20)
    assert found.before < 0.2 < found.since
    assert found.evidence >= ALARM


def test_nothing_is_said_before_there_is_a_reference() -> None:
    assert change(weeks(4, 0.0, 1) + weeks(REFERENCE - 4, 1.0, 2)) is None
    assert change([]) is None


def test_weeks_without_mail_are_no_change() -> None:
    assert change(weeks(12, 0.1, 3) + [Counter()] * 10) is None
    assert change([Counter()] * 30) is None


def test_ten_times_as_much_of_the_same_is_no_change() -> None:
    assert change(weeks(12, 0.1, 4) + weeks(6, 0.1, 5, size=1_400)) is None
