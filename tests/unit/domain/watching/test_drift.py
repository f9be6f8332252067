"""A mailbox's mail changes, and the test of drift says what changed and since when; else it keeps still."""

from __future__ import annotations

import random
from collections import Counter

from backend.domain.reading.score import Score, Trace
from backend.domain.watching.drift import ALARM, REFERENCE, Week, change, classed, counted


def score(logit: float, unknown: float) -> Score:
    return Score(0.5, logit, trace=Trace("model", "", "", 10_000, round(10_000 * (1 - unknown))))


def weeks(count: int, polish: float, seed: int, size: int = 140) -> list[Week]:
    """Mail of a steady kind, `polish` of it Polish."""
    numbers, found = random.Random(seed), list[Week]()
    for _ in range(count):
        lines: Counter[str] = Counter()
        for _ in range(size):
            tongue = "pl" if numbers.random() < polish else "en"
            logit = numbers.gauss(2 if numbers.random() < 0.2 else -4, 1)
            lines[classed(score(logit, numbers.betavariate(2, 20)), tongue)] += 1
        found.append(counted(0, lines.items()).counts)
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


def test_fewer_unknown_words_than_before_are_told_as_that() -> None:
    often, seldom = (
        Counter({"score 0": 140, "language en": 140, **of})
        for of in ({"unknown 4": 70, "unknown 2": 70}, {"unknown 0": 140})
    )
    more, fewer = change([seldom] * 12 + [often] * 4), change([often] * 12 + [seldom] * 4)
    assert more is not None
    assert fewer is not None
    assert (more.channel, more.cause, fewer.channel, fewer.cause) == (
        "unknown",
        "unknown",
        "unknown",
        "known",
    )
