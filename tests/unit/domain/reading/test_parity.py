"""The lexicon finds in each language what it finds in English: the same twenty pitches, translated."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from backend.domain.mail.message import Address, Message, Owner
from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.model_text import model_input
from backend.domain.reading.words import concepts, tokens

ANNA = Owner("anna.berg@northwind.test", "Anna Berg")
SENDER = Address("bob@corvane.test", "Bob Kern")
OFTEN = 3
"""In so many of the twenty a finding must be in English before its absence elsewhere says anything."""
IN_THE_VERB = {"c_i", "c_we", "c_you", "c_your", "c_want"}
"""Who speaks, to whom and that they wish to is an ending of the verb in half of the languages."""


@cache
def pitches() -> dict[str, list[str]]:
    """By language, in one order."""
    found: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for line in Path(__file__).with_name("twenty_pitches.txt").read_text("utf-8").splitlines():
        if not line.startswith("#"):
            language, _, text = line.partition(": ")
            found[language].append(text)
    return found


def readings(language: str) -> list[tuple[str, set[str]]]:
    """(language told, findings) of each of the twenty."""
    found = []
    for text in pitches()[language]:
        reading = model_input(Message(from_=(SENDER,), text=text), ANNA)
        said = concepts(reading.words[: reading.own], reading.language)
        classes = {name for name in said if name[2:4] in ("n_", "u_", "x_", "o_")}
        found.append((reading.language, {*said, *(f"t_{hit.finding}" for hit in reading.hits)} - classes))
    return found


def fired(language: str) -> Counter[str]:
    """In how many of the twenty each finding is."""
    return Counter(name for _, names in readings(language) for name in names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_of_the_twenty_is_read_in_its_language(language: str):
    assert [told for told, _ in readings(language)] == [language] * 20


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_no_finding_is_half_as_frequent_as_in_english(language: str):
    english, here = fired("en"), fired(language)
    rarer = {
        name: (count, here[name])
        for name, count in english.items()
        if count >= OFTEN and name not in IN_THE_VERB and 2 * here[name] < count
    }
    assert not rarer


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_lexicon_can_be_a_token(language: str):
    """A hyphen ends a word of a mail, so an entry with one never finds anything."""
    entries = (*lexicon(language).concepts, *lexicon(language).phrases)
    words = {word for _, body in entries for word in body.replace("|", " ").replace("/", " ").split()}
    plain = {word.removesuffix("*") for word in words} - {"", "?", ".", "..", "_"}
    assert not {word for word in plain if "_" not in word and tokens(word, {}) != [word]}
