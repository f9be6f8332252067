"""Which models are at work after what an operator does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.errors import Refused
from backend.domain.watching.trial import FILE, Act, AtWork
from tests.doubles import START

VERSIONS = [FILE, "a", "b"]


def test_the_file_of_the_settings_is_the_first_champion() -> None:
    assert AtWork() == AtWork(0, FILE, None, None, None)


def test_over_to_a_model_after_its_trial_and_back() -> None:
    trial = AtWork().after(Act.SHADOW, "a", START)
    assert (trial.champion, trial.challenger, trial.since) == (FILE, "a", START)
    over = trial.after(Act.PROMOTE, "a", START)
    assert over == AtWork(2, "a", FILE, None, None)
    assert over.after(Act.ROLLBACK, FILE, START) == AtWork(3, FILE, "a", None, None)


@pytest.mark.parametrize(
    ("state", "act", "version"),
    [
        (AtWork(), Act.SHADOW, FILE),
        (AtWork(challenger="a"), Act.SHADOW, "b"),
        (AtWork(), Act.STOP, "a"),
        (AtWork(challenger="a"), Act.STOP, "b"),
        (AtWork(champion="a"), Act.PROMOTE, "a"),
        (AtWork(), Act.ROLLBACK, FILE),
        (AtWork(before="a"), Act.ROLLBACK, "b"),
    ],
)
def test_what_makes_no_sense_is_refused(state: AtWork, act: Act, version: str) -> None:
    with pytest.raises(Refused):
        state.after(act, version, START)


@given(st.lists(st.tuples(st.sampled_from(list(Act)), st.sampled_from(VERSIONS))))
def test_nothing_but_a_person_who_promotes_or_goes_back_changes_who_judges(
    acts: list[tuple[Act, str]],
) -> None:
    state = AtWork()
    for act, version in acts:
        try:
            following = state.after(act, version, START)
        except Refused:
            continue
        assert following.number == state.number + 1
        assert following.challenger != following.champion
        assert (following.challenger is None) == (following.since is None)
        if act not in (Act.PROMOTE, Act.ROLLBACK):
            assert (following.champion, following.before) == (state.champion, state.before)
        else:
            assert (following.champion, following.before) == (version, state.champion)
        state = following
