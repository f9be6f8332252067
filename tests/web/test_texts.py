"""Five languages that say the same things."""

from __future__ import annotations

import re
import string

import pytest

from backend.domain.entry.challenge_wording import TAGS
from backend.settings import Settings
from backend.web.connect_routes import SCOPES
from backend.web.texts import TEXTS

OTHERS = [language for language in TEXTS if language != "en"]


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_a_language_has_every_text_with_the_same_blanks(language: str) -> None:
    english, other = TEXTS["en"], TEXTS[language]

    assert other.keys() == english.keys()
    assert other["language"] == TAGS[language]
    for key, text in english.items():
        assert placeholders(other[key]) == placeholders(text), key
        assert other[key].strip(), key


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_was_left_in_english(language: str) -> None:
    same = {key for key, text in TEXTS["en"].items() if TEXTS[language][key] == text}

    assert same == set()


@pytest.mark.parametrize("language", list(TEXTS))
def test_no_text_holds_markup(language: str) -> None:
    assert not [key for key, text in TEXTS[language].items() if re.search(r"[<>&]", text)]


def test_an_owner_is_told_of_every_permission() -> None:
    assert set(SCOPES) == set(Settings().scopes)
