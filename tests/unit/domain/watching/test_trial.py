"""What a trial finds, from answers about messages on which two models disagree."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import PolicyRow
from backend.domain.reading.score import Thresholds
from backend.domain.watching.trial import (
    CHALLENGER,
    CHAMPION,
    CONFIGURED_MODEL,
    COST,
    HELD,
    NEAR,
    PASSED,
    PROVEN_FROM,
    STRATA,
    Act,
    Answer,
    Finding,
    ModelsInUse,
    StrictnessOffer,
    TrialCounts,
    TrialLabel,
    asked_in_trial,
    better_strictness,
    disagreement,
    draw_sample,
    is_narrow,
    is_reliable,
    payoff,
    quality,
    strata_order,
    trial,
    wealth,
)
from tests.doubles import START

SCORED = st.sampled_from([CHAMPION, CHALLENGER])


def label(stratum: str, answer: str, weight: float = 1.0) -> TrialLabel:
    return TrialLabel(stratum, weight, "m", "en", "latin", answer)


def usual(held: int = 40, of_them: int = 36) -> list[TrialLabel]:
    """Answers about all mail: what was held, nearly held and passed."""
    return [
        *(label(HELD, Answer.YES if one < of_them else Answer.NO) for one in range(held)),
        *(label(NEAR, Answer.YES if one < 4 else Answer.NO) for one in range(40)),
        *(label(PASSED, Answer.NO, 3.0) for _ in range(40)),
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "who"),
    [
        (PolicyRow.QUARANTINE, PolicyRow.BELOW_HOLD, CHAMPION),
        (PolicyRow.BELOW_HOLD, PolicyRow.CHALLENGE, CHALLENGER),
        (PolicyRow.CREDIT, PolicyRow.BELOW_HOLD, None),
        (PolicyRow.QUARANTINE, PolicyRow.CHALLENGE, None),
    ],
)
def test_they_disagree_where_one_alone_holds(ours: PolicyRow, theirs: PolicyRow, who: str | None) -> None:
    assert disagreement(ours, theirs) == who


def test_a_pitch_pays_who_holds_it_and_ordinary_mail_costs_them_twice() -> None:
    assert (payoff(CHALLENGER, Answer.YES), payoff(CHALLENGER, Answer.NO)) == (1 / COST, -1.0)
    assert (payoff(CHAMPION, Answer.YES), payoff(CHAMPION, Answer.NO)) == (-1 / COST, 1.0)


def test_enough_one_way_decides_and_ends_the_path() -> None:
    better = trial([label(CHAMPION, Answer.NO)] * 50, usual())
    assert better.finding is Finding.BETTER
    assert better.answered < 10
    assert better.path[-1].better >= PROVEN_FROM > better.path[-2].better
    assert trial([label(CHAMPION, Answer.YES)] * 50, usual()).finding is Finding.WORSE
    assert trial([label(CHAMPION, Answer.UNSURE)] * 50, usual()).finding is Finding.OPEN
    assert trial([], usual()).path == wealth([])


@given(st.lists(st.tuples(SCORED, st.sampled_from([*Answer, ""])), max_size=40))
def test_the_other_way_round_is_the_other_finding(given_: list[tuple[str, str]]) -> None:
    turned = {CHAMPION: CHALLENGER, CHALLENGER: CHAMPION}
    one = trial([label(stratum, answer) for stratum, answer in given_], usual())
    other = trial([label(turned[stratum], answer) for stratum, answer in given_], usual())
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
    found = trial(labels, usual(), "m", TrialCounts(2_000, 0, 100))
    assert found.finding is Finding.WORSE
    assert found.champion is not None
    assert found.challenger is not None
    assert found.challenger.value > found.champion.value


def test_f1_is_that_of_the_mail_it_was_estimated_from() -> None:
    # Of 200 weighted emails 40 are held, 36 of them pitches; 4 pitches pass.
    found = trial([], usual(), "m", TrialCounts(200, 0, 0))
    assert found.champion is not None
    assert found.challenger is not None
    assert found.champion.value == pytest.approx(2 * 36 / (40 + 40))
    assert found.challenger.value == pytest.approx(found.champion.value)
    assert found.champion.low < found.champion.value < found.champion.high
    caught = trial([label(CHALLENGER, Answer.YES)] * 4, usual(), "m", TrialCounts(200, 0, 4))
    assert caught.challenger is not None
    assert caught.challenger.value == pytest.approx(2 * 40 / (44 + 40))


@pytest.mark.parametrize("known", [[], usual()[:40], [label(NEAR, Answer.NO), label(PASSED, Answer.NO)]])
def test_f1_is_not_told_where_too_little_is_known(known: list[TrialLabel]) -> None:
    assert trial([], known, "m").champion is None
    assert trial([], usual(), "m", TrialCounts(100, 3, 0)).challenger is None


# ---- Whose answers count


def owner(name: str, *answers: tuple[str, str, str]) -> list[TrialLabel]:
    """Answers (stratum, answer, what they did unasked) of one mailbox, many times over."""
    return [
        TrialLabel(stratum, 1.0, "m", "en", "latin", answer, acted, name)
        for stratum, answer, acted in answers * 12
    ]


HONEST = ((HELD, Answer.YES, ""), (PASSED, Answer.NO, ""))


@pytest.mark.parametrize("answer", [Answer.YES, Answer.NO, Answer.UNSURE, ""])
def test_who_always_says_the_same_decides_nothing(answer: str) -> None:
    assert not is_reliable(owner("a", (HELD, answer, ""), (PASSED, answer, ""), (NEAR, answer, "")))
    assert is_reliable(owner("a", *HONEST))


@pytest.mark.parametrize("often", [0.1, 0.5, 0.8])
def test_who_says_yes_as_often_to_anything_is_heard_in_one_case_of_fifty_at_most(often: float) -> None:
    found = 0
    for seed in range(500):
        numbers = random.Random(seed)
        said = [Answer.YES if numbers.random() < often else Answer.NO for _ in range(100)]
        found += is_reliable([label((HELD, PASSED)[at % 2], one) for at, one in enumerate(said)])
    assert found <= 10


def test_four_true_answers_about_either_are_enough_to_be_heard() -> None:
    assert is_reliable([*labels_of(HELD, 4, 0, 1.0), *labels_of(PASSED, 0, 4, 1.0)])
    assert not is_reliable([*labels_of(HELD, 9, 0, 1.0), *labels_of(PASSED, 0, 3, 1.0)])
    assert not is_reliable([*labels_of(HELD, 9, 0, 1.0), *labels_of(NEAR, 0, 9, 1.0)])


def test_who_does_otherwise_than_they_answer_is_not_vouched_for() -> None:
    assert is_reliable(owner("a", *HONEST, (HELD, Answer.YES, Answer.YES)))
    assert not is_reliable(owner("a", *HONEST, (HELD, Answer.YES, Answer.NO)))
    assert not is_reliable(owner("a", *HONEST), owner("a", (CHALLENGER, Answer.YES, Answer.NO)))


def test_only_vouched_owners_answers_count_and_the_others_are_counted() -> None:
    labels = owner("honest", (CHAMPION, Answer.NO, "")) + owner("always no", (CHAMPION, Answer.NO, Answer.NO))
    labels += [TrialLabel(CHAMPION, 1.0, "m", "en", "latin", "", Answer.NO, "honest")]
    same = owner("always no", (HELD, Answer.NO, ""), (PASSED, Answer.NO, ""))

    found = trial(labels, owner("honest", *HONEST) + same)

    assert found.finding is Finding.BETTER
    assert (found.asked, found.silent, found.acted, found.doubted) == (25, 1, 13, 12)
    assert trial(labels, same).finding is Finding.OPEN


def test_an_answer_counts_as_much_as_the_mail_it_stands_for() -> None:
    vouching = owner("large", *HONEST) + [one for at in range(9) for one in owner(f"small {at}", *HONEST)]
    large = [TrialLabel(CHAMPION, 40.0, "m", "en", "latin", Answer.YES, "", "large")] * 20
    small = [
        TrialLabel(CHAMPION, 1.0, "m", "en", "latin", Answer.NO, "", f"small {at}")
        for at in range(9)
        for _ in range(2)
    ]
    assert trial([*small, *large], vouching).finding is Finding.WORSE
    assert trial(small, vouching).finding is Finding.BETTER


@pytest.mark.parametrize(("budget", "asked"), [(0, 0), (3, 1), (5, 3), (10, 8)])
def test_some_questions_of_a_week_are_about_all_mail(budget: int, asked: int) -> None:
    assert asked_in_trial(budget) == asked


def test_strata_that_cannot_all_be_asked_about_take_turns() -> None:
    assert {strata_order(week, 3) for week in range(9)} == {STRATA}
    asked = Counter(stratum for week in range(9) for stratum in strata_order(week, 2)[:2])
    assert asked == dict.fromkeys(STRATA, 6)


# ---- Who is drawn to be asked about, and what the answers are worth


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
) -> list[TrialLabel]:
    one = (
        TrialLabel(stratum, weight, model, language, "latin", answer)
        for answer in (Answer.YES,) * yes + (Answer.NO,) * no
    )
    return list(one)


def test_each_stratum_gives_in_turn_and_what_one_lacks_another_gives() -> None:
    picked = draw_sample(KEY, "w1", mail(1, 40, 80), 5)

    weights = {stratum: [weight for _, of, weight in picked if of == stratum] for stratum in STRATA}
    assert weights == {HELD: [1.0], NEAR: [20.0, 20.0], PASSED: [40.0, 40.0]}


def test_the_draw_is_the_same_everywhere_and_nobody_else_can_foretell_it() -> None:
    week = mail(30, 30, 30)

    first = draw_sample(KEY, "w1", week, 3)

    turned = {stratum: list(reversed(names)) for stratum, names in week.items()}
    assert draw_sample(KEY, "w1", turned, 3) == first
    assert draw_sample(KEY, "w2", week, 3) != first
    assert draw_sample(b"j" * 32, "w1", week, 3) != first


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.sampled_from([3, 5, 10]))
def test_the_weights_of_a_week_are_its_mail(held: int, near: int, passed: int, budget: int) -> None:
    picked = draw_sample(KEY, "w", mail(held, near, passed), budget)

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
        TrialLabel(PASSED, 2.0, "m1", "en", "latin", Answer.UNSURE),
        TrialLabel(PASSED, 2.0, "m1", "en", "latin", ""),
    ] * 5

    (before,), (after,) = quality(sure), quality([*sure, *unsure])

    assert before.recall is not None
    assert after.recall is not None
    assert before.recall.value == 0.9
    assert after.recall.value == 18 / 22  # twice as much passed
    assert (after.asked, after.answered) == (30, 20)


def test_nothing_is_told_of_what_nobody_said_anything_about() -> None:
    (every,) = quality([*labels_of(HELD, 3, 0, 1.0), TrialLabel(PASSED, 5.0, "m1", "en", "latin", "")])
    assert every.recall is None
    assert not is_narrow(every.precision)
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
    assert is_narrow(english)
    recall = found["language", "en"].recall
    assert recall is not None
    assert round(recall.value, 3) == round(30 / 36, 3)


# ---- Which models are at work after what an operator does


VERSIONS = [CONFIGURED_MODEL, "a", "b"]


def test_the_file_of_the_settings_is_the_first_champion() -> None:
    assert ModelsInUse() == ModelsInUse(0, CONFIGURED_MODEL, None, None, None)


def test_over_to_a_model_after_its_trial_and_back() -> None:
    trial = ModelsInUse().after(Act.SHADOW, "a", START)
    assert (trial.champion, trial.challenger, trial.since) == (CONFIGURED_MODEL, "a", START)
    over = trial.after(Act.PROMOTE, "a", START)
    assert over == ModelsInUse(2, "a", CONFIGURED_MODEL, None, None)
    back = over.after(Act.ROLLBACK, CONFIGURED_MODEL, START)
    assert back == ModelsInUse(3, CONFIGURED_MODEL, None, None, None)
    with pytest.raises(Refused):
        back.after(Act.ROLLBACK, "a", START)


@pytest.mark.parametrize(
    ("state", "act", "version"),
    [
        (ModelsInUse(), Act.SHADOW, CONFIGURED_MODEL),
        (ModelsInUse(challenger="a"), Act.SHADOW, "b"),
        (ModelsInUse(), Act.STOP, "a"),
        (ModelsInUse(challenger="a"), Act.STOP, "b"),
        (ModelsInUse(champion="a"), Act.PROMOTE, "a"),
        (ModelsInUse(), Act.ROLLBACK, CONFIGURED_MODEL),
        (ModelsInUse(before="a"), Act.ROLLBACK, "b"),
    ],
)
def test_what_makes_no_sense_is_refused(state: ModelsInUse, act: Act, version: str) -> None:
    with pytest.raises(Refused):
        state.after(act, version, START)


@given(st.lists(st.tuples(st.sampled_from(list(Act)), st.sampled_from(VERSIONS))))
def test_nothing_but_a_person_who_promotes_or_goes_back_changes_who_judges(
    acts: list[tuple[Act, str]],
) -> None:
    state = ModelsInUse()
    for act, version in acts:
        try:
            following = state.after(act, version, START)
        except Refused:
            continue
        assert following.number == state.number + 1
        assert following.challenger != following.champion
        assert (following.challenger is None) == (following.since is None)
        if act is Act.ROLLBACK:
            assert (following.champion, following.before) == (version, None)
        elif act in (Act.PROMOTE, Act.FORCE):
            assert (following.champion, following.before) == (version, state.champion)
        else:
            assert (following.champion, following.before) == (state.champion, state.before)
        state = following


# ---- The next degree of strictness is offered when the answers prove it better, and not before


HOLD = {Strictness.RELAXED: 0.9, Strictness.NORMAL: 0.8, Strictness.STRICT: 0.6}
BETWEEN = {Strictness.STRICT: 0.7, Strictness.RELAXED: 0.85}
"""A probability that this degree and *normal* decide otherwise."""


def thresholds(strictness: Strictness) -> Thresholds:
    """Of a model that holds from `HOLD` on."""
    return Thresholds(0.1, HOLD[strictness], 0.95, HOLD[Strictness.STRICT])


def said(share: float, yes: int, no: int) -> list[tuple[float, Answer]]:
    """Answers about messages of one probability, mixed."""
    mixed = [Answer.YES, Answer.NO] * min(yes, no)
    return [(share, one) for one in (*mixed, *[Answer.YES] * (yes - no), *[Answer.NO] * (no - yes))]


def test_pitches_that_only_the_stricter_degree_holds_speak_for_it() -> None:
    answers = said(BETWEEN[Strictness.STRICT], yes=14, no=0)
    alike = said(0.99, yes=3, no=2)
    assert better_strictness(Strictness.NORMAL, [*alike, *answers], thresholds) == StrictnessOffer(
        Strictness.STRICT, True, 14, 0, all_pitches=17, all_ordinary=2
    )
    assert better_strictness(Strictness.NORMAL, answers[:5], thresholds) is None, "five may be chance"


def test_ordinary_mail_that_only_the_degree_at_work_holds_speaks_for_the_more_relaxed() -> None:
    answers = said(BETWEEN[Strictness.RELAXED], yes=1, no=12)
    assert better_strictness(Strictness.NORMAL, answers, thresholds) == StrictnessOffer(
        Strictness.RELAXED, False, 1, 12, all_pitches=1, all_ordinary=12
    )


def test_an_ordinary_message_held_weighs_as_much_as_two_pitches() -> None:
    assert better_strictness(Strictness.NORMAL, said(0.7, yes=60, no=30), thresholds) is None


@pytest.mark.parametrize(("chosen", "share"), [(Strictness.STRICT, 0.55), (Strictness.RELAXED, 0.95)])
def test_beyond_the_last_degree_there_is_none(chosen: Strictness, share: float) -> None:
    assert better_strictness(chosen, said(share, yes=30, no=0), thresholds) is None


@given(st.lists(st.tuples(st.sampled_from([0.05, 0.3, 0.95, 0.99]), st.sampled_from(list(Answer)))))
def test_messages_on_which_the_degrees_agree_say_nothing(answers: list[tuple[float, Answer]]) -> None:
    assert better_strictness(Strictness.NORMAL, answers, thresholds) is None
