"""Turns of phrase that give a pitch, or ordinary mail, away: found by token patterns from the lexicon.

A pattern is a row of slots. `a/b` is any of these words, `ab*` any word that begins so, `_` any one word,
`..` up to four words. Patterns are found through their first word, so time grows with the text only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from backend.domain.reading.lexicon import LANGUAGES, lexicon

MAX_HITS = 400
MAX_WORDS = 10_000
"""Words that are looked at, about twenty pages: whoever sells has said so by then."""

_GAP_WORDS = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """`finding` (its name in the lexicon) at words[start:end]."""

    finding: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Slot:
    words: frozenset[str]
    stems: tuple[str, ...]
    least: int = 1
    most: int = 1

    def takes(self, word: str) -> bool:
        return word in self.words or word.startswith(self.stems) or not (self.words or self.stems)


_Tails = dict[str, list[tuple[tuple[_Slot, ...], str]]]


def find(words: Sequence[str], language: str) -> list[Hit]:
    """Every phrase of `language` (English if it has none of its own) in `words`, in order of position.

    `words` are lower-case, with classes for names and numbers and with "?" as a word; at most `MAX_HITS`
    hits of the first `MAX_WORDS` words are returned, and a finding counts once at each position.
    """
    exact, stems, lengths = _index(language if language in LANGUAGES else "en")
    hits: dict[tuple[int, str], Hit] = {}
    for start, word in enumerate(words[:MAX_WORDS]):
        for tail, finding in _candidates(word, exact, stems, lengths):
            if (start, finding) in hits:
                continue
            end = _end(tail, words, start + 1)
            if end:
                hits[start, finding] = Hit(finding, start, end)
        if len(hits) >= MAX_HITS:
            break
    return list(hits.values())


def _candidates(
    word: str, exact: _Tails, stems: _Tails, lengths: tuple[int, ...]
) -> Iterator[tuple[tuple[_Slot, ...], str]]:
    yield from exact.get(word, ())
    for length in lengths:
        if length > len(word):
            return
        yield from stems.get(word[:length], ())


def _end(tail: tuple[_Slot, ...], words: Sequence[str], position: int) -> int:
    """Where the match ends, 0 if there is none. A gap is tried short first."""
    if not tail:
        return position
    slot, rest = tail[0], tail[1:]
    for taken in range(slot.least, slot.most + 1):
        if position + taken > len(words):
            return 0
        if slot.most > 1 or slot.takes(words[position]):
            end = _end(rest, words, position + taken)
            if end:
                return end
    return 0


def _slot(text: str) -> _Slot:
    if text == "..":
        return _Slot(frozenset(), (), 0, _GAP_WORDS)
    if text == "_":
        return _Slot(frozenset(), ())
    choices = text.split("/")
    return _Slot(
        frozenset(c for c in choices if not c.endswith("*")),
        tuple(c[:-1] for c in choices if c.endswith("*")),
    )


@cache
def _index(language: str) -> tuple[_Tails, _Tails, tuple[int, ...]]:
    exact: _Tails = {}
    stems: _Tails = {}
    for finding, body in lexicon(language).phrases:
        for pattern in body.split("|"):
            slots = [_slot(text) for text in pattern.split()]
            if not slots:
                continue
            tail = tuple(slots[1:])
            for word in sorted(slots[0].words):
                exact.setdefault(word, []).append((tail, finding))
            for stem in slots[0].stems:
                stems.setdefault(stem, []).append((tail, finding))
    return exact, stems, tuple(sorted({len(stem) for stem in stems}))
