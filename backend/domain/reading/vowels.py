"""Reads a text most of whose vowels were left out, or are all one sign.

Each language's words are known by their consonants. The language in which most of the text's words are found is the
text's own, and of words with the same consonants the one that the lexicon has most often counts. Bounded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import NamedTuple

from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.words import VOTES

FEW_VOWELS = 0.3
"""Share of vowels among letters below which they may have been left out. Languages in Latin letters have more."""

ONE_SIGN = 0.2
"""Share of letters from which one sign stands for vowels. No consonant is so common."""

MIN_WORDS = 12
"""Fewest words of a text that is read."""

SAMPLE = 60
"""Distinct words by which a text is judged."""

MOST_LISTED, LEAST_READ = 0.35, 0.5
"""The largest share of longer words that are words as they stand, and the least share of all others that become one."""

MAX_LETTERS = 20
MAX_ENDING = 6
"""Letters that may follow a word's stem."""

_BEGINNING = 600
_OF_COMMON_WORDS = 20
"""Occurrences in the lexicon that each of a language's commonest words counts for."""

_VOWELS = "aeiouà-æè-ïò-öø-üāăąēĕėęěīĭįōŏőœūŭůűų"
_VOWEL = re.compile(f"[{_VOWELS}]")
_VOWEL_OR_Y = re.compile(f"[{_VOWELS}yý]")
_LATIN = re.compile(r"[a-zß-öø-ž]")
_RUN = re.compile(r"\s+|(.)\1+")
_SIGNS = re.compile(r"(?<=[^\W\d_])\0++|(?<!\0)\0++(?=[^\W\d_])")
"""Signs for vowels, each written as a null."""
_WORD_OR_STEM = re.compile(r"[^\W\d_]{2,}\*?")
_WORD = re.compile(r"(?<![^\W_])[a-zA-ZÀ-ÖØ-öø-ž]+(?![\w@]|\.\w)")


def voweled(text: str) -> str:
    """`text` with its vowels put back, or the same text."""
    beginning = text[:_BEGINNING].lower()
    if len(beginning.split()) < MIN_WORDS:
        return text
    if sum(map(beginning.count, "aeiou")) >= FEW_VOWELS * (len(beginning) - beginning.count(" ")):
        return text  # what the next lines would find, and faster
    letters = len(_LATIN.findall(beginning))
    if len(_VOWEL.findall(beginning)) >= FEW_VOWELS * letters or 3 * letters < len(beginning):
        return text
    plain = text
    sign, often = Counter(_RUN.sub(r"\1", beginning)).most_common(1)[0]
    if often >= ONE_SIGN * letters and _VOWEL.match(sign) is None:
        marked = text.replace(sign, "\0").replace(sign.upper(), "\0")
        plain = _SIGNS.sub("", marked).replace("\0", sign)
    found = [word for word in _WORD.findall(plain[:_BEGINNING].lower()) if len(word) > 1]
    words = list(dict.fromkeys(found))[:SAMPLE]
    longer = [word for word in words if len(word) > 3]
    if sum(map(_listed().__contains__, longer)) > MOST_LISTED * len(longer):
        return text
    strange = [word for word in words if word not in _listed()]
    keeps_first = 20 * sum(len(word) > 2 and _VOWEL.match(word) is not None for word in words) >= len(words)
    readings = [partial(_read, code=code, keeps_first=keeps_first) for code in LANGUAGES]
    read = max(readings, key=lambda way: sum(len(word) for word in strange if way(word) != word))
    if sum(read(word) != word for word in strange) < max(MIN_WORDS, LEAST_READ * len(strange)):
        return text
    return _WORD.sub(lambda word: _as_written(word[0], read), plain)


def _as_written(word: str, read: Callable[[str], str]) -> str:
    found = read(lower := word.lower())
    return found if found != lower else word


@lru_cache(maxsize=20_000)
def _read(word: str, *, code: str, keeps_first: bool) -> str:
    """The language's word with the consonants of `word`, or `word`. `keeps_first`: first letters were not left out."""
    known = _known(code, keeps_first)
    if word in known.words or len(word) > MAX_LETTERS:
        return word
    found = known.by_consonants.get(_consonants(word, keeps_first), "")
    if _is_within(word, found):
        return found
    for end in range(len(word) - 1, max(2, len(word) - MAX_ENDING - 1), -1):
        stem = known.stems.get(_consonants(word[:end], keeps_first), "")
        if len(stem) > 3 and _is_within(word[:end], stem):
            return f"{stem}{word[end:]}"
    return word


def _is_within(word: str, longer: str) -> bool:
    """Whether `longer` has the letters of `word` in their order."""
    letters = iter(longer)
    return all(letter in letters for letter in word)


def _consonants(word: str, keeps_first: bool) -> str:
    return word[0] + _VOWEL_OR_Y.sub("", word[1:]) if keeps_first else _VOWEL_OR_Y.sub("", word)


class _Known(NamedTuple):
    """Of a language: its words, and words and stems by their consonants."""

    words: frozenset[str]
    by_consonants: dict[str, str]
    stems: dict[str, str]


@cache
def _known(code: str, keeps_first: bool) -> _Known:
    words: dict[str, str] = {}
    stems: dict[str, str] = {}
    for written, _ in _often(code).most_common():
        word = written.rstrip("*")
        consonants = _consonants(word, keeps_first)
        words.setdefault(consonants, word)
        if written != word:
            stems.setdefault(consonants, word)
    return _Known(_words(code), words, stems)


@cache
def _often(code: str) -> Counter[str]:
    """The words and stems of a language, and how often the lexicon has each."""
    found = lexicon(code)
    texts = [body for _, body in (*found.concepts, *found.phrases)]
    often = Counter(_WORD_OR_STEM.findall(" ".join(texts)))
    often.update({word: _OF_COMMON_WORDS for word, shares in VOTES.items() if code in dict(shares)})
    return often


@cache
def _words(code: str) -> frozenset[str]:
    return frozenset(word for word in _often(code) if word[-1] != "*")


@cache
def _listed() -> frozenset[str]:
    """The words of all languages."""
    return frozenset[str]().union(*map(_words, LANGUAGES))
