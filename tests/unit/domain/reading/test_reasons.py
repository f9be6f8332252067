"""Shares per term become reasons a person understands."""

from __future__ import annotations

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading import score as reasons_module
from backend.domain.reading.lexicon import lexicon
from backend.domain.reading.score import (
    ORDINARY_WORDS,
    PITCH_WORDS,
    Mark,
    Reason,
    Score,
    illustrate,
    marks,
    reasons,
)
from backend.domain.reading.wording import read
from backend.domain.reading.words import MOST_LETTERS


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
    message = Message(
        from_=(Address("b@x.test", "Bob"),), text="Would you have time for a quick call with us?"
    )
    score = Score(0.9, 2.0, reasons([("t_asks_call", 1.0)]), "m")
    assert "quick call" in illustrate(score, read(message, Owner("a@y.test"))).reasons[0].words


def test_words_are_cut_however_long_they_are_and_still_marked():
    word = "x" * 190_000
    message = Message(from_=(Address("ann@shop.test"),), text=f"{word} free {word} audit for {word}")
    reading = read(message, Owner("o@own.test"))
    assert max(len(w) for w in (*reading.words, *reading.quoted)) == MOST_LETTERS
    shown = illustrate(Score(0.9, 2.0, (Reason("phrase.offers_free", 1.0),)), reading)
    assert all(len(w) <= reasons_module.MOST_LETTERS for r in shown.reasons for w in r.words)
    words = [(f"{reading.words[0]} {reading.words[0]}", 1.0), (reading.words[0], 0.5)]
    (found,) = reasons([], words, 1.5)
    assert all(len(w) <= reasons_module.MOST_LETTERS for w in found.words)
    shorter = word[:20_000]
    assert marks(f"{shorter} {shorter}", Score(0.9, 2.0, (found,))) == (Mark(0, 40_001, 1.5),)
