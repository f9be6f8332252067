"""The reasons for a score, found again in the text: what a page may mark."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading.score import (
    MOST_MARKS,
    MOST_TEXT,
    ORDINARY_WORDS,
    PITCH_WORDS,
    Mark,
    Reason,
    Score,
    marks,
)
from backend.domain.reading.wording import body, names_of
from backend.domain.reading.words import placed, tokens

ASKS = "phrase.asks_call"
TEXT = "Hi Anna,\n\nWould you have time for a quick call next week? It costs $99 only.\n\nBest,\nBob"


def score(*reasons: Reason) -> Score:
    return Score(0.9, 2.0, reasons, "m")


def shown(text: str, found: tuple[Mark, ...]) -> list[str]:
    return [text[mark.start : mark.end] for mark in found]


class TestPhrases:
    def test_a_turn_of_phrase_is_marked_where_it_stands(self):
        found = marks(TEXT, score(Reason(ASKS, 1.5)))
        assert any("quick call" in words for words in shown(TEXT, found))
        assert {mark.weight for mark in found} == {1.5}

    def test_a_phrase_the_score_does_not_speak_of_is_not_marked(self):
        assert marks(TEXT, score(Reason("phrase.states_price", 1.0), Reason("form.links", 2.0))) == ()

    def test_phrases_with_names_are_found_when_the_names_are_known(self):
        text = "Jag är Bob och vi är ett litet team som säljer maskiner och det är bra för er."
        message = Message(from_=(Address("bob@maskiner.test", "Bob"),), text=text)
        reason = Reason("phrase.introduces_self", 1.0)
        named = marks(body(message), score(reason), names_of(message, Owner("a@firm.test")))
        assert "Jag är Bob" in shown(text, named)
        assert "Jag är Bob" not in shown(text, marks(text, score(reason)))

    def test_earlier_mail_below_is_left_alone(self):
        text = "Fine with me.\n\nOn Mon, 2 Mar 2026 Bob wrote:\n> Would you have time for a quick call?"
        assert marks(text, score(Reason(ASKS, 1.0))) == ()


class TestWords:
    def test_words_and_pairs_stand_where_the_mail_has_them(self):
        found = marks(
            TEXT,
            score(Reason(PITCH_WORDS, 2.0, ("quick call", "week")), Reason(ORDINARY_WORDS, -1.0, ("best",))),
        )
        assert shown(TEXT, found) == ["quick call", "week", "Best"]
        assert [mark.weight for mark in found] == [2.0, 2.0, -1.0]

    def test_a_class_is_marked_as_the_mail_wrote_it(self):
        found = marks(TEXT, score(Reason(PITCH_WORDS, 2.0, ("costs {n_money}",))))
        assert shown(TEXT, found) == ["costs $99"]
        text = "Call +49 30 1234567 today"
        assert shown(text, marks(text, score(Reason(PITCH_WORDS, 1.0, ("{n_phone} today",))))) == [
            "+49 30 1234567 today"
        ]

    def test_a_pair_reaches_over_a_word_of_one_letter_as_it_does_for_the_model(self):
        text = "We have a look"
        assert shown(text, marks(text, score(Reason(PITCH_WORDS, 1.0, ("have look",))))) == ["have a look"]

    def test_words_of_other_reasons_are_no_words_of_the_model(self):
        assert marks(TEXT, score(Reason("phrase.states_price", 1.0, ("quick call",)))) == ()


def test_the_weightier_reason_keeps_its_place():
    found = marks(TEXT, score(Reason(ASKS, 3.0), Reason(PITCH_WORDS, 1.0, ("quick call", "costs"))))
    assert {mark.weight for mark in found if "call" in TEXT[mark.start : mark.end]} == {3.0}
    assert "costs" in shown(TEXT, found)


def test_there_is_an_end_to_it():
    text = "free offer " * 20_000
    found = marks(text, score(Reason(PITCH_WORDS, 1.0, ("free", "offer"))))
    assert len(found) == MOST_MARKS
    assert found[-1].end <= MOST_TEXT


ODD_WORDS = [*TEXT.split(" "), "\n", "> x", "free", "\ud800", "İ", "ß", "100 %", "a@b.test", "_"]
REASONS = st.tuples(
    st.sampled_from([ASKS, PITCH_WORDS, ORDINARY_WORDS, "", "unheard of"]),
    st.floats(-5, 5),
    st.lists(st.sampled_from(["free", "quick call", "(amount)", "", "ß"])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(ODD_WORDS)).map(" ".join), st.lists(REASONS))
def test_marks_of_any_text_are_in_it_in_order_and_apart(
    text: str, reasons: list[tuple[str, float, list[str]]]
):
    found = marks(text, score(*(Reason(code, weight, tuple(words)) for code, weight, words in reasons)))
    edges = [edge for mark in found for edge in (mark.start, mark.end)]
    assert edges == sorted(edges)
    assert all(0 <= mark.start < mark.end <= len(text) for mark in found)


PIECES = [
    "Hi Anna", "https://a.test/x?y=1", "a.b@c.test", "acme.com/x", "$ 1,200k", "20 %", "10:30", "+49 (0)30 123-4567",
    "in 2026", "3.5", "it's", "snake_case", "?", "9 am", "5 euros", "www.x.test", "€", "don’t", "grün", "7", "..",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from([" ", "\n", "", ", ", "-"]))))
def test_placed_tokens_are_the_tokens_of_the_model(pieces: list[tuple[str, str]]):
    text = "".join(piece + gap for piece, gap in pieces)
    names = {"anna": "o_name"}
    found = placed(text, names)
    assert [token.token for token in found] == tokens(text, names)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize("text", ["", "İstanbul İÇİN", "\ud800", "\x00", "?" * 50])
def test_placed_takes_any_text(text: str):
    for token in placed(text, {}):
        assert text[token.start : token.end]
