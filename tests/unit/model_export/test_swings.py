"""Habits of writers that say nothing of a message must not move its score: where from, with which digits."""

from __future__ import annotations

import pytest

from backend.scoring import SHIPPED
from backend.scoring.session import ModelSession
from model_export.rows import CORPUS, records
from model_export.swings import HABITS, LANGUAGE, Swing, swings


def measured(pattern: str, step: int) -> dict[str, Swing]:
    """Over every so many messages of these files."""
    given = [(path.stem, r) for path in sorted(CORPUS.glob(pattern)) for r in list(records(path))[::step]]
    return {swing.habit: swing for swing in swings(ModelSession.open(SHIPPED), given)}


@pytest.fixture(scope="module")
def found() -> dict[str, Swing]:
    """Over every twentieth message of the corpus."""
    return measured("*.jsonl", 20)


def test_every_habit_is_measured():
    few = measured("train_1.jsonl", 10)
    assert set(few) == {*HABITS, LANGUAGE}
    assert few["a signature that only names its sender"].count > 10


@pytest.mark.reproduce
@pytest.mark.parametrize("habit", [*HABITS])
def test_no_habit_moves_a_score_by_much(found: dict[str, Swing], habit: str):
    assert found[habit].mean <= 0.05


@pytest.mark.reproduce
def test_digits_in_an_address_push_nothing_over_a_threshold(found: dict[str, Swing]):
    assert found["digits in the address"].crossed == 0


@pytest.mark.reproduce
def test_a_language_that_is_not_told_only_makes_the_model_more_careful(found: dict[str, Swing]):
    assert -0.1 <= found[LANGUAGE].drift <= 0.0


def test_a_comma_in_a_name_is_part_of_the_name():
    sender = {"from": "Kevin Strahan, CFP <kevin7@strahan.example>", "headers": {}}
    with_digits, without = HABITS["digits in the address"]
    assert with_digits(sender)["from"] == '"Kevin Strahan, CFP" <kevin84@strahan.example>'
    assert without(sender)["from"] == '"Kevin Strahan, CFP" <kevin@strahan.example>'


def test_words_of_a_trade_are_exchanged_both_ways_and_leave_the_rest():
    of_another, same = HABITS["words of one trade for another's"]
    record = {"subject": "Solar panels", "text": "Fleet vans for your roof", "html": None}
    assert of_another(record) == {
        "subject": "Fleet vans",
        "text": "Solar panels for your depot",
        "html": None,
    }
    assert same(record) == record
