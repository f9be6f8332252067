"""Words that were broken so that no program finds them, put together where that gives words people use: digits and
signs for letters, signs and blanks in words, accents no language has there, words without blanks between them.

Nothing is done to a text in which this would mend a word or two: product numbers and hyphens are ordinary. Linear.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import product

from backend.domain.reading.lexicon import LANGUAGES, lexicon
from backend.domain.reading.words import commonplace

BROKEN = "broken_words"
"""The finding."""

LEAST = 4
"""Words to mend before any is, and of the words of that making they must be the greater part."""

MOST = 60_000
"""Characters that are looked at."""

_LETTER = r"[^\W\d_]"
_SIGNED_TEXT = r"[\d@$!|*~^\\·•+#_/.€£¢§:=%&;,\"“”«»()\[\]{}<>-]"
# A sign or a digit between letters, or at the edge of some, and the rest of what stands between blanks. It begins with
# what is rare, which a search runs to.
_SIGNED = re.compile(
    rf"{_SIGNED_TEXT}(?:(?<={_LETTER}.){_SIGNED_TEXT}{{0,2}}{_LETTER}|(?<=[\d@$€£|(]){_LETTER}"
    rf"|(?<={_LETTER}{_LETTER}[\d@$€|]))\S*+"
)
_LONG = re.compile(rf"{_LETTER}{{18}}")
_ACCENT = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
_CHUNK = re.compile(r"\S+")
_EDGE = re.compile(r"^[\"'(\[<>*_.,;:?!-]+|[\"')\]>*_.,;:?!-]+$")
_LINK = re.compile(r"://|www\.|@\w+\.|\.(?:com|net|org|io|de|fr|es|it|pl|co|uk|eu|html?)\b", re.I)
_DIGITS = re.compile(r"\d+|\D+")
_SIGN = re.compile(r"[\W\d_]+")
_SIGNS = re.compile(r"[\W_]+")
_LEET = {
    "4": "a", "@": "a", "^": "a", "3": "e", "€": "e", "1": "il", "!": "i", "|": "li", "0": "o", "5": "s", "$": "s",
    "§": "s", "7": "t", "+": "t", "8": "b", "9": "g", "6": "gb", "2": "z", "£": "l", "¢": "c", "(": "c", "<": "c",
}  # fmt: skip
_MOST_WAYS = 8
_LONGEST = 16
_RUN_TOGETHER = 18


def mended(text: str) -> tuple[str, bool]:
    """`text` with its broken words whole, and whether there were some."""
    head = text[:MOST]
    suspects = _suspects(head)
    if len(suspects) < LEAST:
        return text, False
    whole: dict[str, str] = {}
    least = max(LEAST, (len(suspects) + 1) // 2)
    for left, chunk in zip(range(len(suspects) - 1, -1, -1), suspects, strict=True):
        if (mend := _mend(chunk, False)) != chunk:
            whole[chunk] = mend
        elif len(whole) + left < least:
            return text, False
    # In a text of that making, what is no word anybody lists was broken in the same way.
    for chunk in suspects:
        whole.setdefault(chunk, _mend(chunk, True))
    return _CHUNK.sub(lambda chunk: whole.get(chunk.group(), chunk.group()), head) + text[MOST:], True


def _suspects(text: str) -> set[str]:
    """What stands between blanks and may be a broken word: with signs, with accents, or very long."""
    chunks = text.split()
    found = {chunk for chunk in chunks if len(chunk) >= _RUN_TOGETHER and _LONG.search(chunk)}
    plain = text.isascii()
    if plain and len(found) + len(_SIGNED.findall(text)) < LEAST:
        return found
    # Each chunk once, in one text: a search in each costs more than what it finds.
    listed = "\n".join(set(chunks))
    for match in _SIGNED.finditer(listed):
        found.add(listed[listed.rfind("\n", 0, match.start()) + 1 : match.end()])
    if not plain:
        found.update(chunk for chunk in chunks if not chunk.isascii() and _ACCENT.search(chunk))
    return {chunk for chunk in found if not _LINK.search(chunk)}


@lru_cache(maxsize=5_000)
def _mend(chunk: str, surely: bool) -> str:
    bare = _EDGE.sub("", chunk)
    if not bare or len(bare) > 600:
        return chunk
    begin = chunk.find(bare)
    return f"{chunk[:begin]}{_whole(bare, surely)}{chunk[begin + len(bare) :]}"


def _whole(word: str, surely: bool) -> str:
    lower = word.lower()
    if lower.isalpha():
        return _read_plainly(word, lower, surely)
    if len(word) >= _RUN_TOGETHER and not _SIGNS.search(word):
        return " ".join(_read_plainly(piece, piece, surely) for piece in _DIGITS.findall(lower))
    ways = [way for way in _ways(lower) if surely or len(way) > 2]
    if found := next(filter(known, ways), ""):
        return found
    joined = _SIGNS.sub("", lower)
    pieces = [piece for piece in _SIGN.split(lower) if piece]
    if joined.isalpha() and len(joined) > 3 and known(joined) and (surely or not all(map(known, pieces))):
        return joined
    if surely and ways:
        return ways[0]
    return joined if surely and joined.isalpha() and not set("-'’").intersection(word) else word


def _read_plainly(word: str, lower: str, surely: bool) -> str:
    """Letters only: without odd accents, or with blanks between words."""
    if known(lower):
        return word
    stripped = _stripped(lower)
    if stripped != lower and known(stripped):
        return stripped
    pieces = _apart(stripped) if len(word) >= _RUN_TOGETHER else ""
    return pieces or (stripped if surely else word)


def _ways(word: str) -> Iterator[str]:
    """The words that one with digits and signs for letters may stand for."""
    signs = [sign for sign in word if not sign.isalpha()]
    if len(signs) >= len(word) or not all(sign in _LEET for sign in signs):
        return
    choices = (_LEET.get(letter, letter) for letter in word)
    for number, letters in enumerate(product(*choices)):
        if number >= _MOST_WAYS:
            return
        yield "".join(letters)


def _stripped(word: str) -> str:
    """Without accents."""
    return "".join(
        letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter)
    )


def _apart(letters: str) -> str:
    """The words that were run together without spaces; "" if most of the letters make no words."""
    best = [0.0] + [1e9] * len(letters)
    start = [0] * (len(letters) + 1)
    for end in range(1, len(letters) + 1):
        for begin in range(max(0, end - _LONGEST), end):
            piece = letters[begin:end]
            if end - begin > 1 and known(piece):
                cost = 1.0 + 1.0 / (end - begin)
            elif end - begin == 1:
                cost = 1.6
            else:
                continue
            if best[begin] + cost < best[end]:
                best[end], start[end] = best[begin] + cost, begin
    pieces: list[str] = []
    end, told = len(letters), 0
    while end:
        begin = start[end]
        if end - begin == 1 and pieces and not known(pieces[-1]):
            pieces[-1] = letters[begin] + pieces[-1]
        else:
            pieces.append(letters[begin:end])
        told += end - begin if end - begin > 2 else 0
        end = begin
    return " ".join(reversed(pieces)) if 2 * told >= len(letters) else ""


@lru_cache(maxsize=50_000)
def known(word: str) -> bool:
    """Whether it is a word of any language here, in any of its endings."""
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
