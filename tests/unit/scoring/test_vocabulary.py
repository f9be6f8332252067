"""Counts of terms, laid out as a text that is counted the same."""

from __future__ import annotations

from base64 import b85encode
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.reading.model_text import prepare
from backend.scoring.model_file import SEPARATOR, packed_counts, text_with_counts, unpacked_counts
from backend.scoring.session import ModelSession
from backend.settings import MODELS
from model_export.rows import CORPUS, Row, records, row_of

WORDS = st.lists(st.sampled_from(["aa", "bb", "cc", "dd", "ee", "x"]), max_size=40)


def counted(text: str, known: frozenset[str]) -> Counter[str]:
    words = [word for word in text.split(" ") if len(word) > 1]
    return Counter(term for term in [*words, *(f"{a} {b}" for a, b in pairwise(words))] if term in known)


@pytest.fixture(scope="module")
def emails() -> list[Row]:
    """Each file's first, and every ninetieth after it."""
    return [
        row_of(record, path.stem)
        for path in sorted(CORPUS.glob("*.jsonl"))
        for record in list(records(path))[::90]
    ]


@given(
    WORDS,
    st.frozensets(
        st.sampled_from([*["aa", "bb", "cc", "dd"], "aa aa", "aa bb", "bb aa", "bb cc", "cc ee", "ee aa"])
    ),
)
def test_a_laid_out_text_counts_the_same(words: list[str], known: frozenset[str]) -> None:
    counts = counted(" ".join(words), known)
    assert counted(text_with_counts(counts), known) == counts


@given(st.dictionaries(st.integers(0, 200_000), st.integers(1, 900), max_size=60))
def test_counts_come_back_as_they_were_packed(counts: dict[int, int]) -> None:
    terms = sorted(counts)
    assert unpacked_counts(packed_counts(terms, [counts[term] for term in terms])) == counts


def test_counts_kept_by_an_earlier_release_are_read() -> None:
    assert unpacked_counts(b85encode(b"\x03\0\x04").decode()) == {3: 2, 7: 1}


def test_the_graph_counts_what_the_text_holds(emails: list[Row]) -> None:
    session = ModelSession.open(MODELS / "pitchgate.onnx")
    vocabulary = session.facts.vocabulary
    known = frozenset(vocabulary)
    for row in emails:
        text = prepare(row.message, row.owner)
        trace = session.score(text, keep_counts=True).trace
        assert trace is not None
        found = {vocabulary[number]: often for number, often in unpacked_counts(trace.counts).items()}
        assert found == counted(text, known)


def test_half_of_it_is_refused() -> None:
    with pytest.raises(ValueError, match="decode"):
        unpacked_counts(b85encode(b"\xc3").decode())  # a byte that says another follows


def test_the_same_score_to_the_bit_for_written_mail(emails: list[Row]) -> None:
    session = ModelSession.open(MODELS / "pitchgate.onnx")
    assert SEPARATOR not in set(session.facts.vocabulary)
    for row in emails:
        score = session.score(prepare(row.message, row.owner), keep_counts=True)
        assert score.trace is not None
        again = session.score_counts(score.trace.counts)
        assert again.trace is not None
        assert (again.probability, again.logit, again.trace.shares) == (
            score.probability,
            score.logit,
            score.trace.shares,
        )
        assert 0 < score.trace.known <= score.trace.words
