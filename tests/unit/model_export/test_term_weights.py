"""Which terms a margin is learned from first."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from model_export.learner import Flags, Floats, term_weights

PITCH, ORDINARY = True, False


def weights(*terms: tuple[int, int], mail: int = 100) -> Floats:
    """Of terms that so many of `mail` pitches and of as many ordinary messages have."""
    columns = [np.arange(2 * mail) % mail < np.repeat(term, mail) for term in terms]
    return term_weights(csr_matrix(np.column_stack(columns).astype(float)), sides(mail))


def sides(mail: int) -> Flags:
    return np.repeat([PITCH, ORDINARY], mail)


def test_what_one_side_alone_says_weighs_more_than_what_both_say() -> None:
    alone, mostly, alike = weights((40, 0), (40, 10), (40, 40))
    assert alone > mostly > alike > 0


def test_what_few_messages_say_weighs_less() -> None:
    often, seldom = weights((40, 0), (1, 0))
    assert often > seldom


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=8))
def test_the_sides_may_change_places(terms: list[tuple[int, int]]) -> None:
    swapped = [(ordinary, pitches) for pitches, ordinary in terms]
    there, back = weights(*terms, mail=20), weights(*swapped, mail=20)
    assert np.allclose(there, back)
    assert np.isfinite(there).all()
    assert (there > 0).all()
