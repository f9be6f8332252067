"""The next degree of strictness is offered when the answers prove it better, and not before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Thresholds
from backend.domain.watching.trial import Answer, Offer, better_degree

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
    assert better_degree(Strictness.NORMAL, answers, thresholds) == Offer(Strictness.STRICT, True, 14, 0)
    assert better_degree(Strictness.NORMAL, answers[:5], thresholds) is None, "five may be chance"


def test_ordinary_mail_that_only_the_degree_at_work_holds_speaks_for_the_more_relaxed() -> None:
    answers = said(BETWEEN[Strictness.RELAXED], yes=1, no=12)
    assert better_degree(Strictness.NORMAL, answers, thresholds) == Offer(Strictness.RELAXED, False, 1, 12)


def test_an_ordinary_message_held_weighs_as_much_as_two_pitches() -> None:
    assert better_degree(Strictness.NORMAL, said(0.7, yes=60, no=30), thresholds) is None


@pytest.mark.parametrize(("chosen", "share"), [(Strictness.STRICT, 0.55), (Strictness.RELAXED, 0.95)])
def test_beyond_the_last_degree_there_is_none(chosen: Strictness, share: float) -> None:
    assert better_degree(chosen, said(share, yes=30, no=0), thresholds) is None


@given(st.lists(st.tuples(st.sampled_from([0.05, 0.3, 0.95, 0.99]), st.sampled_from(list(Answer)))))
def test_messages_on_which_the_degrees_agree_say_nothing(answers: list[tuple[float, Answer]]) -> None:
    assert better_degree(Strictness.NORMAL, answers, thresholds) is None
