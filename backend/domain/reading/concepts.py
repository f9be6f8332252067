"""Words by what they are about, whatever the language: "Angebot", "offre" and "oferta" are all `c_offer`.

The stream of concepts is what lets a model trained mostly on English judge a Czech mail.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache

from backend.domain.reading.lexicon import LANGUAGES, lexicon

_CLASSES = ("n_", "u_", "x_", "o_")
_LONGEST_ENDING = 14


def concepts(words: Iterable[str], language: str) -> list[str]:
    """`c_…` tokens in the order of `words`, which are lower-case; words that mean nothing here are left out.

    Class tokens (`n_money`, `o_name`, …) and question marks are concepts of their own. Words unknown in
    `language` are looked up in English, because business mail mixes the two.
    """
    return [token for word in words if (token := _concept(word, language))]


@lru_cache(maxsize=20_000)
def _concept(word: str, language: str) -> str:
    """Its token, "" where it means nothing here."""
    if word == "?":
        return "c_ask"
    if word.startswith(_CLASSES):
        return f"c_{word}"
    found = _look_up(word, language if language in LANGUAGES else "en")
    if not found and language != "en" and len(word) > 3:
        found = _look_up(word, "en")
    return found and f"c_{found}"


def _look_up(word: str, language: str) -> str:
    exact, stems = _tables(language)
    if word in exact:
        return exact[word]
    for end in range(len(word), max(1, len(word) - _LONGEST_ENDING), -1):
        if word[:end] in stems:
            return stems[word[:end]]
    return ""


@cache
def _tables(language: str) -> tuple[dict[str, str], dict[str, str]]:
    """(whole words, stems) to concepts. The first concept that claims a word keeps it."""
    exact: dict[str, str] = {}
    stems: dict[str, str] = {}
    for name, words in lexicon(language).concepts:
        for word in words.split():
            table, key = (stems, word[:-1]) if word.endswith("*") else (exact, word)
            table.setdefault(key, name)
    return exact, stems
