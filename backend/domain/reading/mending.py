"""Repairs words that were disguised to get past a filter, where the result is a word people use: digits and signs for
letters, signs or spaces within words, accents that no language uses there, words run together without spaces.

A text with only one or two such words is left alone: product numbers and hyphens are ordinary. Linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from string import digits

from backend.domain.reading.respelling import is_listed, is_word, respelled

BROKEN = "broken_words"
"""Name of the finding."""

MIN_BROKEN = 4
"""A text is repaired only if so many words can be, and they are more than half of its suspicious words."""

MAX_TEXT = 60_000
"""Characters that are read."""

_LETTER = r"[^\W\d_]"
_SIGNS_TEXT = r"@$!|*~^\\+#_/.:=%&;,\"()\[\]{}<>-"


def _signed(letter: str, signs: str, digit: str) -> re.Pattern[str]:
    """A sign or digit between letters or at the edge of a word, and the rest of the word. The pattern begins with the
    sign, because signs are rarer than letters and `re` can skip to them."""
    return re.compile(
        rf"[{signs}](?:(?<={letter}.)[{signs}]{{0,2}}{letter}|(?<=[{digit}@$€£|(]){letter}"
        rf"|(?<={letter}{letter}[{digit}@$€|]))\S*+"
    )


_SIGNED = _signed(_LETTER, rf"\d·•€£¢§“”«»\u2190-\u2bff\U0001f000-\U0001faff{_SIGNS_TEXT}", r"\d")
# The same in ASCII, where listed characters are found several times faster than classes.
_PLAIN_SIGNED = _signed("[a-zA-Z]", f"0-9{_SIGNS_TEXT}", "0-9")
_LONG = re.compile(rf"{_LETTER}{{18}}")
_ACCENT = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
_CHUNK = re.compile(r"\S+")
_HUMP = re.compile(r"([a-zß-ÿ.,!?]|(?<![A-Z])[AI])(?=[A-ZÀ-Þ])")
_SPACED = 12
"""Characters to a space, at most, of a text whose words are parted by spaces."""
_BEFORE_WORDS, _BEHIND_WORDS = "\"'([<>*_.,;:?!-", "\"')]>*_.,;:?!-"
_LINK = re.compile(r"://|www\.|@\w+\.|\.(?:com|net|org|io|de|fr|es|it|pl|co|uk|eu|html?)\b", re.I)
_DIGITS = re.compile(r"\d+|\D+")
_SIGN = re.compile(r"[\W\d_]+")
_SIGNS = re.compile(r"[\W_]+")
_LEET = {
    "4": "a", "@": "a", "^": "a", "3": "e", "€": "e", "1": "il", "!": "i", "|": "li", "0": "o", "5": "s", "$": "s",
    "§": "s", "7": "t", "+": "t", "8": "b", "9": "g", "6": "gb", "2": "z", "£": "l", "¢": "c", "(": "c", "<": "c",
}  # fmt: skip
_MAX_SPELLINGS = 8
_MAX_WORD = 16
_RUN_TOGETHER = 18
"""Letters from which a word may be several, run together."""


def mend(text: str) -> tuple[str, bool]:
    """`text` with its disguised words repaired, and whether there were any."""
    plain = _without_humps(text)
    mended, broken = _mended(plain)
    read = respelled(mended)
    return read, broken or plain != text or read != mended


def _without_humps(text: str) -> str:
    """`text` with spaces where only capitals show where a word begins."""
    if text.count(" ") * _SPACED > len(text):
        return text
    words = [word for word in _CHUNK.findall(text[:MAX_TEXT]) if len(_HUMP.findall(word)) > 2]
    humped = {word for word in words if not _LINK.search(word)}
    if 2 * sum(map(len, humped)) < len(text[:MAX_TEXT]):
        return text
    return _CHUNK.sub(lambda word: _HUMP.sub(r"\1 ", word[0]) if word[0] in humped else word[0], text)


def _mended(text: str) -> tuple[str, bool]:
    head = text[:MAX_TEXT]
    suspects = _suspects(head)
    if len(suspects) < MIN_BROKEN:
        return text, False
    repaired: dict[str, str] = {}
    needed = max(MIN_BROKEN, (len(suspects) + 1) // 2)
    unlisted = [
        chunk for chunk in suspects if not ((bare := _bare(chunk)).isalpha() and is_listed(bare.lower()))
    ]
    if len(unlisted) < needed:
        return text, False
    for left, chunk in zip(range(len(unlisted) - 1, -1, -1), unlisted, strict=True):
        if (better := _repair(chunk, False)) != chunk:
            repaired[chunk] = better
        elif len(repaired) + left < needed:
            return text, False
    # Now the text is known to be disguised, so suspicious words that the lexicon does not list are repaired too.
    for chunk in suspects:
        repaired.setdefault(chunk, _repair(chunk, True))
    head = _CHUNK.sub(lambda chunk: repaired.get(chunk.group(), chunk.group()), head)
    return head + text[MAX_TEXT:], True


def _suspects(text: str) -> set[str]:
    """The words that may be disguised: those with signs, with accents, or very long."""
    chunks = text.split()
    found: set[str] = set()
    if max(map(len, chunks), default=0) >= _RUN_TOGETHER:
        found.update(chunk for chunk in chunks if len(chunk) >= _RUN_TOGETHER and _LONG.search(chunk))
    plain = text.isascii()
    signed = _PLAIN_SIGNED if plain else _SIGNED
    if plain and len(found) + len(signed.findall(text)) < MIN_BROKEN:
        return found
    # One search over all distinct words joined by line breaks is faster than a search in each word.
    listed = "\n".join(set(chunks))
    for match in signed.finditer(listed):
        found.add(listed[listed.rfind("\n", 0, match.start()) + 1 : match.end()])
    if not plain:
        found.update(chunk for chunk in chunks if not chunk.isascii() and _ACCENT.search(chunk))
    if not _LINK.search("\n".join(found)):
        return found
    return {chunk for chunk in found if not _LINK.search(chunk)}


@lru_cache(maxsize=5_000)
def _repair(chunk: str, disguised: bool) -> str:
    """One word of a text; `disguised`: the text is known to be, so an unlisted result is accepted too."""
    bare = _bare(chunk)
    if not bare or len(bare) > 600:
        return chunk
    begin = chunk.find(bare)
    return f"{chunk[:begin]}{_repair_bare(bare, disguised)}{chunk[begin + len(bare) :]}"


def _bare(chunk: str) -> str:
    return chunk.lstrip(_BEFORE_WORDS).rstrip(_BEHIND_WORDS)


def _repair_bare(word: str, disguised: bool) -> str:
    lower = word.lower()
    if lower.isalpha():
        return _repair_letters(word, lower, disguised)
    if len(word) >= _RUN_TOGETHER and not _SIGNS.search(word):
        return " ".join(_repair_letters(piece, piece, disguised) for piece in _DIGITS.findall(lower))
    spellings = [spelling for spelling in _spellings(lower) if disguised or len(spelling) > 2]
    if found := next(filter(is_word, spellings), ""):
        return found
    if len(inner := lower.strip(digits)) > 3 and inner.isalpha() and is_word(inner):
        return inner
    joined = _SIGNS.sub("", lower)
    pieces = [piece for piece in _SIGN.split(lower) if piece]
    if (
        joined.isalpha()
        and len(joined) > 3
        and is_word(joined)
        and (disguised or not all(map(is_word, pieces)))
    ):
        return joined
    if disguised and spellings:
        return spellings[0]
    return joined if disguised and joined.isalpha() and not set("-'’").intersection(word) else word


def _repair_letters(word: str, lower: str, disguised: bool) -> str:
    """A word of letters only: without odd accents, or split into several words."""
    if is_word(lower):
        return word
    stripped = _without_accents(lower)
    if stripped != lower and is_word(stripped):
        return stripped
    pieces = _split_words(stripped) if len(word) >= _RUN_TOGETHER else ""
    return pieces or (stripped if disguised else word)


def _spellings(word: str) -> Iterator[str]:
    """The words that one with digits and signs for letters may stand for."""
    signs = [sign for sign in word if not sign.isalpha()]
    if len(signs) >= len(word) or not all(sign in _LEET for sign in signs):
        return
    choices = (_LEET.get(letter, letter) for letter in word)
    for number, letters in enumerate(product(*choices)):
        if number >= _MAX_SPELLINGS:
            return
        yield "".join(letters)


def _without_accents(word: str) -> str:
    return "".join(
        letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter)
    )


def _split_words(letters: str) -> str:
    """The words that were run together without spaces; "" if most of the letters make no words.

    The split of lowest cost: few long words are cheaper than many short ones, and a letter outside any word costs most.
    """
    best = [0.0] + [1e9] * len(letters)
    start = [0] * (len(letters) + 1)
    for end in range(1, len(letters) + 1):
        for begin in range(max(0, end - _MAX_WORD), end):
            piece = letters[begin:end]
            if end - begin > 1 and is_word(piece):
                cost = 1.0 + 1.0 / (end - begin)
            elif end - begin == 1:
                cost = 1.6
            else:
                continue
            if best[begin] + cost < best[end]:
                best[end], start[end] = best[begin] + cost, begin
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
