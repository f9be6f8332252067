"""What is marked and named of a mail, and what it weighs."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading import score as reasons_module
from backend.domain.reading.lexicon import lexicon
from backend.domain.reading.model_text import body, model_input, names_of
from backend.domain.reading.score import (
    MAX_MARKED_TEXT,
    MOST_MARKS,
    ORDINARY_WORDS,
    PITCH_WORDS,
    SCORE_BANDS,
    Mark,
    Reason,
    Score,
    marks,
    percent,
    reasons,
    score_band,
    score_range,
    with_quotes,
)
from backend.domain.reading.words import MAX_LETTERS, placed_tokens, tokens

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
    assert found[-1].end <= MAX_MARKED_TEXT


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
    found = placed_tokens(text, names)
    assert [token.token for token in found] == tokens(text, names)
    assert all(a.end <= b.start for a, b in pairwise(found))


@pytest.mark.parametrize("text", ["", "İstanbul İÇİN", "\ud800", "\x00", "?" * 50])
def test_placed_takes_any_text(text: str):
    for token in placed_tokens(text, {}):
        assert text[token.start : token.end]


# ---- Shares per term become reasons a person understands


def test_the_same_finding_is_added_up():
    found = reasons([("t_asks_call", 0.5), ("t_asks_call t_bump", 0.25)])
    assert found == (Reason("phrase.asks_call", 0.75),)


def test_words_end_in_one_reason_and_are_the_mails_own():
    words = [("quick question", 1.0), ("quick", 0.5), ("s_quest", 0.4), ("c_we", 0.3)]
    (found,) = reasons([], words, 2.0)
    assert found.code == PITCH_WORDS
    assert found.words == ("quick question",)
    assert found.weight == 2.0
    assert reasons([], [("thanks", -1.0)], -1.0)[0].code == ORDINARY_WORDS


def test_a_word_that_tells_nothing_alone_weighs_but_is_not_shown():
    words = [("and", 1.0), ("q_for", 0.9), ("we help", 0.5), ("funnel", 0.4), ("für", 0.3)]
    (found,) = reasons([], words, 3.1)
    assert found.words == ("we help", "funnel")


def test_no_more_words_are_read_than_are_told_and_equal_ones_by_the_alphabet():
    words = iter(
        [
            ("zeal", 1.0),
            ("able", 1.0),
            ("five", 0.5),
            ("four", 0.4),
            ("nine", 0.3),
            ("rest", 0.2),
            ("left", 0.1),
        ]
    )
    (found,) = reasons([], words, 3.5)
    assert found.words == ("able", "zeal", "five", "four", "nine")
    assert next(words) == ("left", 0.1)


def test_class_tokens_stand_in_braces():
    (found,) = reasons([], [("n_number minutes", 1.0), ("g_x_name", 0.5)], 1.5)
    assert found.words == ("{n_number} minutes", "{x_name}")


def test_what_tells_a_person_nothing_stands_last():
    found = reasons([("f_length_3", 1.0), ("t_offers_free", 0.5)])
    assert [reason.code for reason in found] == ["phrase.offers_free", "family.length"]


def test_no_shares_no_reasons_and_never_too_many():
    assert reasons([]) == ()
    assert len(reasons([(f"t_{name}", 1.0) for name, _ in lexicon("en").phrases])) == 6


def test_a_reason_shows_where_it_was_found():
    text = "Would you have time for a Quick\ncall with us?"
    message = Message(from_=(Address("b@x.test", "Bob"),), text=text)
    score = Score(0.9, 2.0, reasons([("t_asks_call", 1.0)]), "m")
    (shown,) = with_quotes(score, model_input(message, Owner("a@y.test")), text).reasons
    assert shown.words == ("Quick call",)


def test_words_are_quoted_as_the_mail_has_them_or_not_at_all():
    text = "Hi, I would GROW-your\u202e pipeline by 40%."
    words = ("hi would", "grow your", "pipeline by {n_percent}", "of course", "row")
    score = Score(0.9, 2.0, (Reason(PITCH_WORDS, 1.0, words),))
    reading = model_input(Message(from_=(Address("b@x.test"),), text=text), Owner("a@y.test"))
    (shown,) = with_quotes(score, reading, text).reasons
    assert shown.words == ("Hi, I would", "GROW-your pipeline", "pipeline by {n_percent}")
    assert shown.quotes == ("Hi, I would", "GROW-your pipeline")
    marked = marks(text, replace(score, reasons=(shown,)))
    assert [text[mark.start : mark.end].replace("\u202e", "") for mark in marked] == [*shown.quotes]


@pytest.mark.parametrize(
    ("text", "words", "quoted"),
    [
        (
            "Are you open to a quick 15-minute call this week?",
            "open to a",
            ("open to a quick 15-minute call",),
        ),
        ("We help companies like\nyours. More soon.", "companies like", ("companies like yours",)),
        ("I can send you a.\n\nProposal follows", "send you a", ("send you",)),
        ("Ideas for your\n\nBest, Bob", "for your", ()),
        ("Are you open to a one two three four five six seven call?", "open to a", ("open",)),
        ("Wären Sie offen für ein kurzes Gespräch mit uns?", "offen für", ("offen für ein kurzes Gespräch",)),
        ("It is time to talk to the", "talk to", ("talk",)),
    ],
)
def test_a_quote_ends_where_its_phrase_ends(text: str, words: str, quoted: tuple[str, ...]) -> None:
    reading = model_input(Message(from_=(Address("b@x.test"),), text=text), Owner("a@y.test"))
    (shown,) = with_quotes(Score(0.9, 2.0, (Reason(PITCH_WORDS, 1.0, (words,)),)), reading, text).reasons
    assert shown.quotes == quoted
    marked = marks(text, Score(0.9, 2.0, (shown,)))
    assert [" ".join(text[mark.start : mark.end].split()) for mark in marked] == [*quoted]


def test_a_quote_is_not_repeated_as_part_of_another() -> None:
    assert Reason("x", 1.0, ("on your website today", "your website", "{n_year}")).quotes == (
        "on your website today",
    )


def test_words_are_cut_however_long_they_are_and_still_marked():
    word = "q" * 190_000
    message = Message(from_=(Address("ann@shop.test"),), text=f"{word} free {word} audit for {word}")
    reading = model_input(message, Owner("o@own.test"))
    assert max(len(w) for w in (*reading.words, *reading.quoted)) == MAX_LETTERS
    shown = with_quotes(Score(0.9, 2.0, (Reason("phrase.offers_free", 1.0),)), reading, message.text)
    assert all(len(w) <= reasons_module.MAX_QUOTE for r in shown.reasons for w in r.words)
    words = [(f"{reading.words[0]} {reading.words[0]}", 1.0), (reading.words[0], 0.5)]
    (found,) = reasons([], words, 1.5)
    assert all(len(w) <= reasons_module.MAX_QUOTE for w in found.words)
    shorter = word[:20_000]
    assert marks(f"{shorter} {shorter}", Score(0.9, 2.0, (found,))) == (Mark(0, 40_001, 1.5),)


# ---- The word beside a score, and the shares that have it


def test_every_share_is_found_by_the_word_beside_its_score() -> None:
    for share in (thousandth / 1_000 for thousandth in range(1_001)):
        words = [name for name in SCORE_BANDS if score_range(name)[0] <= share < score_range(name)[1]]
        assert words == [score_band(percent(share))], share


def test_pitch_begins_at_80_and_maybe_at_40() -> None:
    assert [score_band(score) for score in (1, 39, 40, 79, 80, 99)] == [
        "unlikely", "unlikely", "maybe", "maybe", "pitch", "pitch",
    ]  # fmt: skip
