"""Turns of phrase that give a pitch, or ordinary mail, away: found by token patterns from the lexicon.

A pattern is a row of slots. `a/b` is any of these words, `ab*` any word that begins so, `_` any one word,
`..` up to four words. Patterns are found through their first word, so time grows with the text only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TypeVar

from backend.domain.reading.lexicon import LANGUAGES, lexicon

MAX_HITS = 400
MAX_WORDS = 10_000
"""Words that are looked at, about twenty pages: whoever sells has said so by then."""

MAX_KEPT = 5_000
"""Words of a language whose patterns are kept at hand."""

_GAP_WORDS = 4


@dataclass(frozen=True, slots=True)
class Hit:
    """`finding` (its name in the lexicon) at words[start:end]."""

    finding: str
    start: int
    end: int


_T = TypeVar("_T")
_Lists = dict[str, list[_T]]

_ALWAYS, _ANY, _GAP = range(3)
"""Slots by number: one that is nowhere missed, not even behind the last word; any one word; a gap."""
_UNKNOWN = frozenset({_ALWAYS, _ANY})
_BEHIND = frozenset({_ALWAYS})
_NONE = frozenset[int]()

_Tail = tuple[int, ...]
_Candidate = tuple[int, _Tail, str]
"""What must be taken by the word behind the first, the slots behind the first, and the finding."""
_Known = tuple[frozenset[int], frozenset[int], tuple[_Candidate, ...]]
"""The slots that take a word; the patterns whose first slot takes it, and before them what the next word must take for
any of these."""


def find(words: Sequence[str], language: str) -> list[Hit]:
    """Every phrase of `language` (English if it has none of its own) in `words`, in order of position.

    `words` are lower-case, with classes for names and numbers and with "?" as a word; at most `MAX_HITS`
    hits of the first `MAX_WORDS` words are returned, and a finding counts once at each position.
    """
    known = list(map(_patterns(language if language in LANGUAGES else "en"), words))
    taken = [slots for slots, _, _ in known]
    taken.append(_BEHIND)
    hits: dict[tuple[int, str], Hit] = {}
    for start, (_, seconds, candidates) in enumerate(known[:MAX_WORDS]):
        behind = taken[start + 1]
        if seconds.isdisjoint(behind):
            continue
        for tail, finding in [(tail, finding) for second, tail, finding in candidates if second in behind]:
            if (start, finding) not in hits and (end := _end(tail, taken, start + 1)):
                hits[start, finding] = Hit(finding, start, end)
        if len(hits) >= MAX_HITS:
            break
    return list(hits.values())


def _end(tail: _Tail, taken: Sequence[frozenset[int]], position: int) -> int:
    """Where the match ends, 0 if there is none. A gap is tried short first."""
    for place, slot in enumerate(tail):
        if slot == _GAP:
            furthest = min(position + _GAP_WORDS, len(taken) - 1)
            ends = (_end(tail[place + 1 :], taken, behind) for behind in range(position, furthest + 1))
            return next(filter(None, ends), 0)
        if slot not in taken[position]:
            return 0
        position += 1
    return position


@cache
def _patterns(language: str) -> Callable[[str], _Known]:
    """What is known of a word in a language. Words are looked up once: mail says the same ones again and again."""
    numbers: dict[str, int] = {"_": _ANY, "..": _GAP}
    exact: _Lists[int] = {}
    stems: _Lists[int] = {}
    starts: _Lists[_Candidate] = {}
    stem_starts: _Lists[_Candidate] = {}
    for finding, body in lexicon(language).phrases:
        for pattern in body.split("|"):
            slots = pattern.split()
            if not slots:
                continue
            for slot in slots[1:]:
                if slot not in numbers:
                    numbers[slot] = len(numbers) + 1
                    _enter(slot, numbers[slot], exact, stems)
            tail = tuple(numbers[slot] for slot in slots[1:])
            second = tail[0] if tail and tail[0] != _GAP else _ALWAYS
            _enter(slots[0], (second, tail, finding), starts, stem_starts)
    lengths = sorted({len(stem) for stem in (*stems, *stem_starts)})

    @lru_cache(maxsize=MAX_KEPT)
    def known(word: str) -> _Known:
        begun = [word[:length] for length in lengths if length <= len(word)]
        slots = [*exact.get(word, ()), *(slot for stem in begun for slot in stems.get(stem, ()))]
        found = [*starts.get(word, ()), *(one for stem in begun for one in stem_starts.get(stem, ()))]
        seconds = frozenset(second for second, _, _ in found) if found else _NONE
        return _UNKNOWN.union(slots) if slots else _UNKNOWN, seconds, tuple(found)

    return known


def _enter(slot: str, what: _T, exact: _Lists[_T], stems: _Lists[_T]) -> None:
    """Put down `what` under each word and each stem of a slot."""
    choices = set() if slot in ("_", "..") else set(slot.split("/"))
    for choice in sorted(choices):
        table, key = (stems, choice[:-1]) if choice.endswith("*") else (exact, choice)
        table.setdefault(key, []).append(what)
