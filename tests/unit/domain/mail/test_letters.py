"""Characters are read as a person sees them, whatever they are; ordinary letters of any language stay."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.mail.letters import APART, MIXED, REORDERED, deobfuscate

SENTENCE = "we help companies like yours find more clients every month"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("of\u200bfer", "offer"),
        ("An\u00adge\u00adbot", "Angebot"),
        ("c\u034fa\u2060l\ufeffl", "call"),
        ("o\u0336f\u0336f\u0336e\u0336r\u0336", "offer"),
        ("cafe\u0301", "café"),
        ("\U0001d428\U0001d41f\U0001d41f\U0001d41e\U0001d42b", "offer"),
        ("\uff4f\uff46\uff46\uff45\uff52", "offer"),
        ("\u24de\u24d5\u24d5\u24d4\u24e1", "offer"),
        ("\U0001f178\U0001f17d", "IN"),
        ("\u1d0f\u0493\u0493\u1d07\u0280", "offer"),
        ("оffеr", "offer"),
        ("\u202ereffo\u202c", "offer"),
        ("o f f e r s", "offers"),
        ("o.f.f.e.r.s a.r.e h.e.r.e", "offers are here"),
        ("\U0001f1e6\U0001f1f9", "\U0001f1e6\U0001f1f9"),
    ],
)
def test_what_is_read_is_what_is_shown(written: str, read: str):
    assert deobfuscate(written).text == read


@pytest.mark.parametrize(
    "text",
    [
        "Größe, Übung, façade, señor, příliš, żółć, smørrebrød, İstanbul, Đà Nẵng",
        "Москва и Санкт-Петербург",
        "Η Αθήνα είναι μεγάλη",
        "東京に行きます。 안녕하세요",
        "שלום עולם, مرحبا بالعالم",
        "5 µm, Δt, 10 Ω, Acme™, § 4 – “x” … 1ª nº 5²",
        "I. J. Smith, U.S.A., a b c, 1 2 3",
    ],
)
def test_ordinary_writing_stays_and_is_no_finding(text: str):
    assert deobfuscate(text) == (text, frozenset())


@pytest.mark.parametrize(
    ("written", "finding"),
    [
        (SENTENCE.replace("e", "е").replace("o", "о"), MIXED),
        ("".join(chr(0x1D41A + ord(x) - 97) if x.isalpha() else x for x in SENTENCE), MIXED),
        (f"\u202e{SENTENCE[::-1]}\u202c", REORDERED),
        ("   ".join(" ".join(word) for word in SENTENCE.split()), APART),
    ],
)
def test_what_had_to_be_undone_is_a_finding(written: str, finding: str):
    text, findings = deobfuscate(written)
    assert " ".join(text.split()) == SENTENCE
    assert findings == {finding}


@given(st.text(max_size=400))
def test_reading_is_total_and_never_longer_by_much(text: str):
    assert len(deobfuscate(text).text) <= 4 * len(text) + 4


@given(st.text(alphabet="ab \u202e\u202c\u202d\u2067\u2069\n", max_size=80))
def test_turning_round_loses_no_letter(text: str):
    # A line break may go: letters set apart are put together across lines.
    assert Counter(filter(str.isalpha, deobfuscate(text).text)) == Counter(filter(str.isalpha, text))
