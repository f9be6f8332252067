"""A mailbox's mail changes, and the test of drift says what changed and since when; else it keeps still."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reading.score import Score, ScoreTrace
from backend.domain.watching import drift
from backend.domain.watching.drift import (
    CLASSES,
    REFERENCE_WEEKS,
    START_WEEKS,
    SURE,
    Drift,
    MailChange,
    State,
    Week,
    WeekCounts,
    bounds,
    class_line,
    drift_of,
    find_change,
    in_classes,
    monday_of,
    score_parts,
    week_counts,
    week_of,
)


def score(logit: float, unknown: float) -> Score:
    return Score(0.5, logit, trace=ScoreTrace("model", "", "", 10_000, round(10_000 * (1 - unknown))))


def weeks(count: int, polish: float, seed: int, size: int = 140) -> list[Week]:
    """Mail of a steady kind, `polish` of it Polish."""
    numbers, found = random.Random(seed), list[Week]()
    for _ in range(count):
        lines: Counter[str] = Counter()
        for _ in range(size):
            tongue = "pl" if numbers.random() < polish else "en"
            logit = numbers.gauss(2 if numbers.random() < 0.2 else -4, 1)
            lines[class_line(score(logit, numbers.betavariate(2, 20)), tongue)] += 1
        found.append(week_counts(0, lines.items()).counts)
    return found


def test_a_year_in_which_nothing_changes_is_quiet() -> None:
    for seed in range(5):
        year = weeks(52, 0.1, seed)
        assert all(find_change(year[:end]) is None for end in range(1, 53))


def test_another_language_is_named_with_the_week_it_came_in() -> None:
    found = find_change(weeks(20, 0.1, 1) + weeks(3, 0.6, 2))
    assert found is not None
    assert (found.channel, found.grown, found.week) == ("language", "pl", 20)
    assert found.before < 0.2 < found.since
    assert found.evidence >= SURE


def test_nothing_is_said_before_there_is_a_reference() -> None:
    assert find_change(weeks(4, 0.0, 1) + weeks(REFERENCE_WEEKS - 4, 1.0, 2)) is None
    assert find_change([]) is None


def test_weeks_without_mail_are_no_change() -> None:
    assert find_change(weeks(12, 0.1, 3) + [Counter()] * 10) is None
    assert find_change([Counter()] * 30) is None


def test_a_change_stays_through_a_week_without_mail_but_such_a_week_makes_none() -> None:
    changed = [*[QUIET] * REFERENCE_WEEKS, LOUD, LOUD]
    before, after = find_change(changed), find_change([*changed, Counter()])
    assert before is not None
    assert before == after
    assert find_change([*[QUIET] * REFERENCE_WEEKS, LOUD, Counter()]) is None


def test_a_slight_change_is_waited_for_until_it_has_lasted() -> None:
    steady, more, most = (
        Counter({**QUIET, "language en": 140 - polish, "language pl": polish}) for polish in (14, 32, 40)
    )
    first = [steady] * REFERENCE_WEEKS
    assert find_change([*first, more, more]) is None
    assert find_change([*first, more, more, steady]) is None
    assert find_change([*first, more, more, Counter()]) is None
    assert find_change([*first, more, more, more]) is not None
    assert find_change([*first, most, most]) is not None


def twice_as_many_pitches() -> list[Week]:
    """Of 56 messages a week."""
    same = {"unknown 1": 56, "language en": 56}
    few, more = (
        Counter({"score -20": 28 - n, "score -9": 28 - n, "score 1": n, "score 9": n} | same) for n in (5, 10)
    )
    return [few] * REFERENCE_WEEKS + [more] * 8


def test_a_small_mailbox_shows_that_pitches_became_twice_as_many() -> None:
    found = find_change(twice_as_many_pitches())
    assert found is not None
    assert (found.cause, found.week) == ("pitches", REFERENCE_WEEKS)


def test_evidence_of_few_messages_counts_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    raised = find_change(twice_as_many_pitches())
    monkeypatch.setattr(drift, "RAISED", 1.0)
    plain = find_change(twice_as_many_pitches())
    assert raised is not None
    assert plain is not None
    assert raised.evidence == pytest.approx(plain.evidence * drift.FEW / 56)


@pytest.mark.parametrize(
    ("first", "begin"),
    [
        ({-9: 97, -3: 3, 1: 10, 7: 10}, [-8, 0, 2]), ({-9: 96, -3: 4, 0: 1}, [-2, 0, 1]), ({-9: 10}, [-8, 0]),
        ({5: 1}, [0, 6]), ({}, [0]),
    ],
)  # fmt: skip
def test_the_score_has_four_parts(first: dict[int, int], begin: list[int]) -> None:
    assert score_parts([{f"score {step}": n for step, n in first.items()}]) == begin


def test_ten_times_as_much_of_the_same_is_no_change() -> None:
    assert find_change(weeks(12, 0.1, 4) + weeks(6, 0.1, 5, size=1_400)) is None


def test_fewer_unknown_words_than_before_are_told_as_that() -> None:
    often, seldom = (
        Counter({"score 0": 140, "language en": 140, **of})
        for of in ({"unknown 9": 70, "unknown 5": 70}, {"unknown 1": 140})
    )
    more, fewer = find_change([seldom] * 12 + [often] * 4), find_change([often] * 12 + [seldom] * 4)
    assert more is not None
    assert fewer is not None
    assert (more.channel, more.cause, fewer.channel, fewer.cause) == (
        "unknown",
        "unknown",
        "unknown",
        "known",
    )


QUIET = Counter({"score -9": 100, "score 7": 20, "unknown 1": 120, "language en": 110, "language pl": 10})
LOUD = Counter({**QUIET, "score -9": 60, "score 7": 60})


@pytest.mark.parametrize(
    ("later", "began", "evidence"),
    [(2, 8, 9.95213e13), (START_WEEKS, 8, 2.97157e46), (START_WEEKS + 2, 10, 2.97157e46)],
)
def test_evidence_grows_with_the_weeks_it_began_in_and_no_further(
    later: int, began: int, evidence: float
) -> None:
    found = find_change([QUIET] * REFERENCE_WEEKS + [LOUD] * later)
    assert found is not None
    assert (found.channel, found.cause, found.week, found.rises) == ("score", "pitches", began, True)
    assert (found.before, found.since) == (pytest.approx(1 / 6), 0.5)
    assert found.evidence == pytest.approx(evidence, rel=1e-4)


def test_one_week_alone_is_no_change() -> None:
    assert find_change([QUIET] * REFERENCE_WEEKS + [LOUD]) is None
    for quiet_since in range(4):
        loud_once = [*[QUIET] * (REFERENCE_WEEKS + 3), LOUD, *[QUIET] * quiet_since]
        assert find_change(loud_once) is None


def test_what_is_written_otherwise_is_the_cause_of_scores_that_change_more() -> None:
    misread = Counter({**LOUD, "unknown 1": 100, "unknown 4": 20})
    found = find_change([QUIET] * REFERENCE_WEEKS + [misread] * 3)
    assert found is not None
    assert (found.channel, found.cause) == ("unknown", "unknown")


def test_restless_first_weeks_excuse_restless_later_ones() -> None:
    first = [
        Counter({"score 1": often, "score 7": 120 - often, "unknown 1": 120, "language en": 120})
        for often in (100, 110, 90, 105, 95, 100, 112, 88)
    ]
    later = Counter({"score 1": 80, "score 7": 40, "unknown 1": 120, "language en": 120})
    assert find_change([first[0]] * REFERENCE_WEEKS + [later] * 5) is not None
    assert find_change(first + [later] * 5) is None


@pytest.mark.parametrize(
    ("logit", "unknown", "classes"),
    [
        (-5.1, 0.0, "-11 0"), (-5.0, 0.0199, "-10 0"), (0.0, 0.02, "0 1"), (0.49, 0.31, "0 15"), (0.5, 1.0, "1 50"),
        (-99.0, 0.9, "-24 45"), (99.0, 0.06, "24 3"),
    ],
)  # fmt: skip
def test_classes_are_steps(logit: float, unknown: float, classes: str) -> None:
    known = round(10_000 * (1 - unknown))
    made = Score(0.5, logit, trace=ScoreTrace("0123456789abcdef 1.27", "", "", 10_000, known))
    assert class_line(made, "en") == f"0123456789abc {classes} en"
    assert class_line(Score(0.5, logit), "en") == ""


@given(st.dictionaries(st.integers(-24, 24), st.integers(1, 60), min_size=1))
def test_no_class_holds_more_of_the_first_weeks_than_its_steps_make_it(counts: dict[int, int]) -> None:
    first = [{f"score {step}": float(n) for step, n in counts.items()}] * REFERENCE_WEEKS
    begin = bounds("score", first)
    assert begin is not None
    assert begin == sorted(set(begin))
    shares = in_classes("score", first[0], begin)
    assert sum(shares.values()) == sum(counts.values())
    # A class goes on at most as long as it is not full, so all but its last step hold less than a tenth.
    for name, n in shares.items():
        last = max(step for step in counts if str(bisect_right(begin, step)) == name)
        assert n - counts[last] < sum(counts.values()) / CLASSES + 1e-9
    assert bounds("language", first) is None


@pytest.mark.parametrize("week", [3, 12])
def test_an_import_is_no_week(week: int) -> None:
    year = weeks(20, 0.1, 6)
    year[week] = {"score 3": 900.0, "unknown 30": 900.0, "language pl": 900.0}
    assert find_change(year) is None
    assert find_change([*weeks(12, 0.1, 6), *[year[week]] * 8]) is not None, "what lasts is a change"


def test_an_unknown_language_is_told_as_words_that_are_unknown() -> None:
    first, later = (
        Counter({"score 0": 140, f"unknown {step}": 140, f"language {tongue}": 140})
        for step, tongue in ((15, "en"), (40, "xx"))
    )
    found = find_change([first] * 12 + [later] * 3)
    assert found is not None
    assert (found.cause, found.before, found.since) == ("unknown", pytest.approx(0.31), pytest.approx(0.81))


def test_a_week_counts_what_one_model_read() -> None:
    week = week_counts(7, [("a 1 0 en", 3), ("b 1 0 en", 2), ("a 2 0 pl", 1), ("b 3 0 en", 1)])
    assert (week.number, week.model, week.messages) == (7, "a", 4)
    assert week.counts == {
        "score 1": 3, "score 2": 1, "unknown 0": 4, "language en": 3, "language pl": 1,
    }  # fmt: skip


def test_weeks_begin_on_monday() -> None:
    assert [week_of(date(1970, 1, day)) for day in (1, 4, 5)] == [0, 0, 1]
    assert monday_of(0) == date(1969, 12, 29)
    assert monday_of(week_of(date(2026, 11, 29))) == date(2026, 11, 23)
    assert monday_of(1) - monday_of(0) == timedelta(days=7)


@pytest.mark.parametrize(
    ("channel", "grown", "before", "since", "rises", "cause"),
    [
        ("language", "", 0.1, 0.2, True, "other_language"), ("language", "pl", 0.1, 0.2, True, "language"),
        ("unknown", "", 0.3, 0.5, True, "unknown"), ("unknown", "", 0.5, 0.3, False, "known"),
        ("score", "", 0.2, 0.4, True, "pitches"), ("score", "", 0.4, 0.2, False, "fewer_pitches"),
        ("score", "", 0.2, 0.21, True, "scores"), ("score", "", 0.4, 0.2, True, "scores"),
        ("score", "", 0.2, 0.4, False, "scores"),
    ],
)  # fmt: skip
def test_what_there_is_more_or_less_of_in_a_word(
    channel: str, grown: str, before: float, since: float, rises: bool, cause: str
) -> None:
    assert MailChange(channel, grown, before, since, 9, 600.0, rises).cause == cause


def test_a_change_goes_on_since_it_was_first_seen() -> None:
    weeks = [
        WeekCounts(100 + at, "m", QUIET if at < REFERENCE_WEEKS else LOUD)
        for at in range(REFERENCE_WEEKS + 2)
    ]
    fresh = drift_of(weeks, None)
    assert fresh.change is not None
    assert (fresh.state, fresh.change.week) == (State.CHANGED, 108)
    for seen, since in ((105, 105), (112, 108)):
        again = drift_of(weeks, MailChange("score", "7", 0.1, 0.2, seen, 600.0)).change
        assert again is not None
        assert again.week == since
    assert [Drift(None, weeks[:end]).state for end in (REFERENCE_WEEKS, REFERENCE_WEEKS + 1)] == [
        State.LEARNING,
        State.STEADY,
    ]
