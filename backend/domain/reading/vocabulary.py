"""The words that the lexicon has in any language."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.words import commonplace


@lru_cache(maxsize=50_000)
def is_word(word: str) -> bool:
    """Whether the lexicon of any language has this word, whatever its ending."""
    words, stems = _vocabulary()
    if word in words or commonplace(word):
        return True
    return any(word[:length] in stems for length in range(max(4, len(word) - 6), len(word) + 1))


@cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    words: set[str] = set()
    stems: set[str] = set()
    for code in LANGUAGES:
        found = lexicon(code)
        texts = [words_ for _, words_ in found.concepts] + [body for _, body in found.phrases]
        for slot in re.findall(r"[^\s|/]+", " ".join(texts)):
            (stems if slot.endswith("*") else words).add(slot.rstrip("*"))
    return frozenset(words), frozenset(stem for stem in stems if len(stem) > 3)
