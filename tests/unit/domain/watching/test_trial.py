"""What a trial finds, from answers about messages on which two models disagree."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mailbox.message import Row
from backend.domain.watching.trial import (
    CHALLENGER,
    CHAMPION,
    COST,
    ENOUGH,
    HELD,
    NEAR,
    PASSED,
    Answer,
    Counted,
    Finding,
    Label,
    disagreement,
    payoff,
    trial,
    wealth,
)

STRATA = st.sampled_from([CHAMPION, CHALLENGER])


def label(stratum: str, answer: str, weight: float = 1.0) -> Label:
    return Label(stratum, weight, "m", "en", "latin", answer)


def usual(held: int = 40, of_them: int = 36) -> list[Label]:
    """Answers about all mail: what was held, nearly held and passed."""
    return [
        *(label(HELD, Answer.YES if one < of_them else Answer.NO) for one in range(held)),
        *(label(NEAR, Answer.YES if one < 4 else Answer.NO) for one in range(40)),
        *(label(PASSED, Answer.NO, 3.0) for _ in range(40)),
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "who"),
    [
        (Row.QUARANTINE, Row.BELOW_HOLD, CHAMPION),
        (Row.BELOW_HOLD, Row.CHALLENGE, CHALLENGER),
        (Row.CREDIT, Row.BELOW_HOLD, None),
        (Row.QUARANTINE, Row.CHALLENGE, None),
    ],
)
def test_they_disagree_where_one_alone_holds(ours: Row, theirs: Row, who: str | None) -> None:
    assert disagreement(ours, theirs) == who


def test_a_pitch_pays_who_holds_it_and_ordinary_mail_costs_them_twice() -> None:
    assert (payoff(CHALLENGER, Answer.YES), payoff(CHALLENGER, Answer.NO)) == (1 / COST, -1.0)
    assert (payoff(CHAMPION, Answer.YES), payoff(CHAMPION, Answer.NO)) == (-1 / COST, 1.0)
    assert payoff(CHAMPION, Answer.UNSURE) is payoff(CHAMPION, "") is None


def test_enough_one_way_decides_and_ends_the_path() -> None:
    better = trial([label(CHAMPION, Answer.NO)] * 50)
    assert better.finding is Finding.BETTER
    assert better.answered < 10
    assert better.path[-1].better >= ENOUGH > better.path[-2].better
    assert trial([label(CHAMPION, Answer.YES)] * 50).finding is Finding.WORSE
    assert trial([label(CHAMPION, Answer.UNSURE)] * 50).finding is Finding.OPEN
    assert trial([]).path == wealth([])


@given(st.lists(st.tuples(STRATA, st.sampled_from([*Answer, ""])), max_size=40))
def test_the_other_way_round_is_the_other_finding(given_: list[tuple[str, str]]) -> None:
    turned = {CHAMPION: CHALLENGER, CHALLENGER: CHAMPION}
    one = trial([label(stratum, answer) for stratum, answer in given_])
    other = trial([label(turned[stratum], answer) for stratum, answer in given_])
    assert [(w.better, w.worse) for w in one.path] == [(w.worse, w.better) for w in other.path]
    assert one.asked == len(given_)


def test_a_fair_pair_is_found_better_or_worse_in_one_trial_of_ten_at_most() -> None:
    numbers, found = random.Random(1), []
    for _ in range(200):
        path = wealth(numbers.choice((-1.0, 1.0)) for _ in range(200))
        found.append(path[-1].finding)
    assert found.count(Finding.BETTER) <= 10
    assert found.count(Finding.WORSE) <= 10


def test_holding_much_more_ordinary_mail_is_worse_although_f1_is_higher() -> None:
    # As many pitches more as ordinary emails: F1 rises, and owners lose.
    answers = [Answer.YES, Answer.NO]
    labels = [label(CHALLENGER, answer) for answer in answers * 100]
    found = trial(labels, Counted(2_000, 0, 100), usual())
    assert found.finding is Finding.WORSE
    assert found.champion is not None
    assert found.challenger is not None
    assert found.challenger.value > found.champion.value


def test_f1_is_that_of_the_mail_it_was_estimated_from() -> None:
    # Of 200 weighted emails 40 are held, 36 of them pitches; 4 pitches pass.
    found = trial([], Counted(200, 0, 0), usual())
    assert found.champion is not None
    assert found.challenger is not None
    assert found.champion.value == pytest.approx(2 * 36 / (40 + 40))
    assert found.challenger.value == pytest.approx(found.champion.value)
    assert found.champion.low < found.champion.value < found.champion.high
    caught = trial([label(CHALLENGER, Answer.YES)] * 4, Counted(200, 0, 4), usual())
    assert caught.challenger is not None
    assert caught.challenger.value == pytest.approx(2 * 40 / (44 + 40))


@pytest.mark.parametrize("known", [[], usual()[:40], [label(NEAR, Answer.NO), label(PASSED, Answer.NO)]])
def test_f1_is_not_told_where_too_little_is_known(known: list[Label]) -> None:
    assert trial([], Counted(), known).champion is None
    assert trial([], Counted(100, 3, 0), usual()).challenger is None
