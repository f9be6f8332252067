"""Who is drawn to be asked about, and what the answers are worth."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.watching.trial import (
    HELD,
    NEAR,
    PASSED,
    STRATA,
    Answer,
    Label,
    drawn,
    narrow,
    quality,
)

KEY = b"k" * 32


def mail(held: int, near: int, passed: int) -> dict[str, list[str]]:
    sizes = zip(STRATA, (held, near, passed), strict=True)
    return {stratum: [f"{stratum}{number}" for number in range(size)] for stratum, size in sizes}


def labels_of(
    stratum: str,
    yes: int,
    no: int,
    weight: float,
    language: str = "en",
    model: str = "m1",
) -> list[Label]:
    one = (
        Label(stratum, weight, model, language, "latin", answer)
        for answer in (Answer.YES,) * yes + (Answer.NO,) * no
    )
    return list(one)


def test_each_stratum_gives_in_turn_and_what_one_lacks_another_gives() -> None:
    picked = drawn(KEY, "w1", mail(1, 40, 80), 5)

    weights = {stratum: [weight for _, of, weight in picked if of == stratum] for stratum in STRATA}
    assert weights == {HELD: [1.0], NEAR: [20.0, 20.0], PASSED: [40.0, 40.0]}


def test_the_draw_is_the_same_everywhere_and_nobody_else_can_foretell_it() -> None:
    week = mail(30, 30, 30)

    first = drawn(KEY, "w1", week, 3)

    turned = {stratum: list(reversed(names)) for stratum, names in week.items()}
    assert drawn(KEY, "w1", turned, 3) == first
    assert drawn(KEY, "w2", week, 3) != first
    assert drawn(b"j" * 32, "w1", week, 3) != first


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.sampled_from([3, 5, 10]))
def test_the_weights_of_a_week_are_its_mail(held: int, near: int, passed: int, budget: int) -> None:
    picked = drawn(KEY, "w", mail(held, near, passed), budget)

    assert len(picked) == min(budget, held + near + passed)
    assert round(sum(weight for _, _, weight in picked)) == held + near + passed


def test_precision_and_recall_weigh_each_answer_by_the_mail_it_stands_for() -> None:
    labels = [*labels_of(HELD, 45, 5, 2.0), *labels_of(NEAR, 10, 40, 2.0), *labels_of(PASSED, 0, 50, 10.0)]

    (every,) = quality(labels)

    assert every.precision is not None
    assert every.precision.value == 0.9
    assert every.recall is not None
    assert round(every.recall.value, 3) == round(90 / 110, 3)
    assert every.recall.low < 90 / 110 < every.recall.high
    assert (every.asked, every.answered) == (150, 150)


def test_who_cannot_say_leaves_the_sample_and_their_mail_stays() -> None:
    sure = [*labels_of(HELD, 9, 1, 2.0), *labels_of(PASSED, 1, 9, 2.0)]
    unsure = [
        Label(PASSED, 2.0, "m1", "en", "latin", Answer.UNSURE),
        Label(PASSED, 2.0, "m1", "en", "latin", ""),
    ] * 5

    (before,), (after,) = quality(sure), quality([*sure, *unsure])

    assert before.recall is not None
    assert after.recall is not None
    assert before.recall.value == 0.9
    assert after.recall.value == 18 / 22  # twice as much passed
    assert (after.asked, after.answered) == (30, 20)


def test_nothing_is_told_of_what_nobody_said_anything_about() -> None:
    (every,) = quality([*labels_of(HELD, 3, 0, 1.0), Label(PASSED, 5.0, "m1", "en", "latin", "")])
    assert every.recall is None
    assert not narrow(every.precision)
    assert quality([])[0].precision is None


def test_languages_and_models_are_told_apart_where_there_are_several() -> None:
    labels = [
        *labels_of(HELD, 30, 0, 1.0, "en"),
        *labels_of(HELD, 0, 30, 1.0, "pl"),
        *labels_of(PASSED, 6, 54, 1.0, "en"),
    ]

    found = {(one.by, one.name): one for one in quality(labels)}

    assert set(found) == {("", ""), ("language", "en"), ("language", "pl")}
    english, polish = found["language", "en"].precision, found["language", "pl"].precision
    assert english is not None
    assert polish is not None
    assert (english.value, polish.value) == (1.0, 0.0)
    assert narrow(english)
    recall = found["language", "en"].recall
    assert recall is not None
    assert round(recall.value, 3) == round(30 / 36, 3)
