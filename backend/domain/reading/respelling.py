"""Reads a text that has few known words because it spells them in another way: letters of other scripts and signs
chosen for their looks, words backwards, words cut in two, letters doubled, added, exchanged or left out, vowels left
out, and apostrophes within words.

The ways are tried in turn: the first by which enough unknown words become known counts as how a person reads it. A text
in plain words, in a language that the lexicon has, is never changed. Bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import islice

from backend.domain.mail.letters import looks_like
from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.vowels import MAX_ENDING, MAX_LETTERS, voweled
from backend.domain.reading.words import COMMONPLACE

MIN_WORDS = 10
SAMPLE = 40
"""Distinct words by which a text is judged."""

MIN_LETTERS, MAX_READ = 3 * MIN_WORDS, 60_000
"""Characters of the shortest text that is read, and those that are read of a long one."""

_WORD = re.compile(r"[^\s0-9.,;:!?()\[\]{}<>\"'’“”„«»/@_=*#+|~-]{4,}")
_CHUNK = re.compile(r"[^\s0-9.,;:!?()\[\]{}<>\"'’“”„«»/@_=*#+|~-]+")
_RUN = re.compile(r"(.)\1+")
_APOSTROPHES = "'’‘`´ʼ′"
_APOSTROPHE = re.compile(rf"(?<=[^\W\d_])[{_APOSTROPHES}](?=[^\W\d_])")
_NO_WORD = dict.fromkeys(map(ord, "0123456789.,;:!?()[]{}<>\"'/@_=*#+|~-"), " ")

Way = Callable[[str], Iterator[str]]
"""From a word in lower case, the words that it may stand for."""


def respelled(text: str) -> str:
    """`text` as a person reads it, or the same text."""
    if len(text) < MIN_LETTERS:
        return text
    head = text[:MAX_READ]
    marks = sum(map(head.count, _APOSTROPHES))
    if 3 * marks > head.count(" ") and marks >= MIN_WORDS:
        plain = _APOSTROPHE.sub("", head)
        if _more_known(plain, head):
            return plain + text[MAX_READ:]
    if _is_cut_small(head) and (joined := _without_gaps(head)) != head:
        return joined + text[MAX_READ:]
    words = _sample(head)
    if len(words) >= MIN_WORDS and _most_are_known(words):
        return text
    if (read := voweled(head)) != head:
        return read + text[MAX_READ:]
    if len(words) < MIN_WORDS:
        return text
    way = _first_way([word for word in words if not is_word(word)])
    if way is None:
        return text
    pattern = _CHUNK if way in _FOR_EVERY_WORD else _WORD
    return pattern.sub(lambda word: _read(word.group(), way), head) + text[MAX_READ:]


def _more_known(text: str, than: str) -> bool:
    words = _sample(text)
    return sum(map(is_word, words)) > sum(map(is_word, _sample(than))) + len(words) / 5


def _sample(text: str) -> list[str]:
    beginning = text[: 12 * SAMPLE].lower()
    if beginning.isascii():  # the same, and faster
        found = [word for word in beginning.translate(_NO_WORD).split() if len(word) > 3]
    else:
        found = _WORD.findall(beginning)
    return list(dict.fromkeys(found))[:SAMPLE]


def _first_way(unknown: list[str]) -> Way | None:
    """The first way in which enough of these words are known."""
    plain = all(map(str.isascii, unknown))
    for way, needed in _WAYS:
        if plain and way in _OF_LOOKS:
            continue
        missing = (word for word in unknown if not _known(word, way))
        if way is _letter_missing and len(unknown) < _ENOUGH:
            continue
        most = int(len(unknown) * (1 - needed) + 1e-9)
        if next(islice(missing, most, None), None) is None:
            return way
    return None


def _read(word: str, way: Way) -> str:
    lower = word.lower()
    if is_word(lower):
        return word
    return _known(lower, way) or (next(way(lower)) if way in _FOR_EVERY_WORD else word)


@lru_cache(maxsize=5_000)
def _known(word: str, way: Way) -> str:
    return next(filter(is_word, way(word)), "") if len(word) <= MAX_LETTERS else ""


def _looks(word: str) -> Iterator[str]:
    for second in (False, True):
        plain = [looks_like(sign, second).lower() for sign in word]
        yield "".join(plain)
        # Many alphabets of this kind have one stroke for both letters.
        yield "".join("i" if same == "l" != sign else same for same, sign in zip(plain, word, strict=True))


def _backwards(word: str) -> Iterator[str]:
    yield word[::-1]


def _looks_backwards(word: str) -> Iterator[str]:
    yield from _looks(word[::-1])


def _twice(word: str) -> Iterator[str]:
    yield word[::2] if word[::2] == word[1::2] else word


_OF_LOOKS = (_looks, _looks_backwards)
_FOR_EVERY_WORD = (*_OF_LOOKS, _backwards, _twice)
"""Ways in which every word is read, known or not."""


def _letter_too_many(word: str) -> Iterator[str]:
    """Letters that were doubled, added or exchanged with their neighbours."""
    yield _RUN.sub(r"\1", word)
    yield _RUN.sub(r"\1\1", word)
    for at in range(1, len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]


def _mixed(word: str) -> Iterator[str]:
    """Letters within the word in another order."""
    yield _by_shape().get(_shape_of(word), "")


def _letter_missing(word: str) -> Iterator[str]:
    """One letter left out, or exchanged for another."""
    yield _by_shape().get(f"{word}-", "")
    for at in range(1, len(word)):
        yield _by_shape().get(f"{word[:at]}{word[at + 1 :]}-", "")


_WAYS = ((_looks, 0.4), (_backwards, 0.5), (_looks_backwards, 0.5), (_twice, 0.5), (_letter_too_many, 0.8),
         (_mixed, 0.35), (_letter_missing, 0.7))  # fmt: skip
"""Beside each way, the share of unknown words that become known by it. Many words are one letter from another."""

_ENOUGH = 20
"""Fewest unknown words for a letter left out or exchanged: of fewer, too many would become known by chance."""


@cache
def _by_shape() -> dict[str, str]:
    """Words by two keys: "~", the first letter, the sorted inner ones and the last; and all letters but one, then "-".
    Of words with the same key, a common one counts."""
    found: dict[str, str] = {}
    for word in (*sorted(COMMONPLACE), *sorted(_vocabulary()[0])):
        if 3 < len(word) <= MAX_LETTERS and word.isalpha():
            found.setdefault(_shape_of(word), word)
            for at in range(1, len(word) if len(word) > 4 else 0):
                found.setdefault(f"{word[:at]}{word[at + 1 :]}-", word)
    return found


def _shape_of(word: str) -> str:
    return f"~{word[0]}{''.join(sorted(word[1:-1]))}{word[-1]}"


# ---- Words cut in two


def _is_cut_small(text: str) -> bool:
    """Whether its words are shorter than any language's, and often no words."""
    beginning = text[: 12 * SAMPLE]
    spaces = beginning.count(" ")
    if spaces < 3 * MIN_WORDS or len(beginning) >= 5.2 * spaces:
        return False
    pieces = beginning.split()
    return 8 * sum(not is_word(_bare(piece)) for piece in pieces) >= len(pieces)


def _without_gaps(text: str) -> str:
    """The text with neighbours joined that only together are a word, if there are many."""
    lines = [line.split(" ") for line in text.split("\n")]
    joined = [_joined(line) for line in lines]
    fewer = sum(map(len, lines)) - sum(map(len, joined))
    return "\n".join(map(" ".join, joined)) if 8 * fewer >= sum(map(len, lines)) else text


def _joined(pieces: list[str]) -> list[str]:
    """The pieces with pairs joined that only together are a word."""
    found: list[str] = []
    may_join = False
    for piece in pieces:
        both = f"{found[-1]}{piece}" if may_join else ""
        known = len(both) > 2 and _bare(both).isalpha() and is_word(_bare(both))
        if known and not (is_word(_bare(found[-1])) and is_word(_bare(piece))):
            found[-1] = both
            may_join = False
        else:
            found.append(piece)
            may_join = True
    return found


def _bare(piece: str) -> str:
    return piece.lower().strip(".,;:!?()\"'")


# ---- Words run together


_MAX_WORD = 16
"""Letters of the longest word that is looked for."""


def split_words(letters: str) -> str:
    """The words that were run together without spaces; "" if most of the letters make no words.

    The split of lowest cost: few long words are cheaper than many short ones, and a letter outside any word costs most.
    """
    words, stems = _vocabulary()
    best = [0.0] + [1e9] * len(letters)
    start = [0] * (len(letters) + 1)
    for begin in range(len(letters)):
        stem = -MAX_ENDING - 1
        for end in range(begin + 1, min(begin + _MAX_WORD, len(letters)) + 1):
            piece, length = letters[begin:end], end - begin
            stem = length if piece in stems else stem
            if length > 1 and piece in words:
                cost = 1.0 + 1.0 / length
            elif length - stem <= MAX_ENDING:
                cost = 1.2 + 1.0 / length
            elif length == 1:
                cost = 1.6
            else:
                continue
            if best[begin] + cost < best[end]:
                best[end], start[end] = best[begin] + cost, begin
    return _pieces(letters, start)


def _pieces(letters: str, start: list[int]) -> str:
    """The split in `start` (for each end of a word, where it begins), with letters outside words joined."""
    pieces: list[str] = []
    end, covered = len(letters), 0
    while end:
        begin = start[end]
        if end - begin == 1 and pieces and not is_word(pieces[-1]):
            pieces[-1] = letters[begin] + pieces[-1]
        else:
            pieces.append(letters[begin:end])
        covered += end - begin if end - begin > 2 else 0
        end = begin
    return " ".join(reversed(pieces)) if 2 * covered >= len(letters) else ""


# ---- The words that the lexicon has in any language


def is_listed(word: str) -> bool:
    """Whether the lexicon has exactly this word: a quick check before `is_word`."""
    return word in _vocabulary()[0]


def _most_are_known(words: list[str]) -> bool:
    """Whether more than half of `words` are. Most texts show it by those that are listed as they stand."""
    unlisted = [word for word in words if not is_listed(word)]
    missing = len(words) // 2 + 1 - (len(words) - len(unlisted))
    return missing <= 0 or next(islice(filter(is_word, unlisted), missing - 1, None), None) is not None


@lru_cache(maxsize=50_000)
def is_word(word: str) -> bool:
    """Whether the lexicon of any language has this word, whatever its ending."""
    words, stems = _vocabulary()
    if word in words:
        return True
    return not stems.isdisjoint(
        [word[:length] for length in range(max(4, len(word) - MAX_ENDING), len(word) + 1)]
    )


@cache
def _vocabulary() -> tuple[frozenset[str], frozenset[str]]:
    words: set[str] = set(COMMONPLACE)
    stems: set[str] = set()
    for code in LANGUAGES:
        found = lexicon(code)
        texts = [body for _, body in (*found.concepts, *found.phrases)]
        for slot in re.findall(r"[^\s|/]+", " ".join(texts)):
            (stems if slot.endswith("*") else words).add(slot.rstrip("*"))
    return frozenset(words), frozenset(stem for stem in stems if len(stem) > 3)
