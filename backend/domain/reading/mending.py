"""Repairs words that were disguised to get past a filter, where the result is a word people use: digits and signs for
letters, signs or spaces within words, accents that no language uses there, words run together without spaces.

A text with only a few such words is left alone: product numbers and hyphens are ordinary. Linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from string import digits
from urllib.parse import unquote

from backend.domain.reading.respelling import is_listed, is_word, respelled, split_words

BROKEN = "broken_words"
"""The finding of a text that was repaired."""

MIN_BROKEN = 4
"""A text is repaired only if at least this many words can be, and they are at least half of its suspicious words."""

MAX_TEXT = 60_000
"""Characters that are read."""

_LETTER = r"[^\W\d_]"
_SIGNS_TEXT = r"@$!|*~^\\+#_/.:=%&;,\"()\[\]{}<>-"
_ANY_SIGN = rf"[\d·•€£¢§“”«»\u2190-\u2bff\U0001f000-\U0001faff{_SIGNS_TEXT}]"
# A sign or digit between letters or at the edge of a word, and the rest of the word. The pattern begins with the sign,
# because signs are rarer than letters and `re` can skip to them.
_SIGNED = re.compile(
    rf"{_ANY_SIGN}(?:(?<={_LETTER}.){_ANY_SIGN}{{0,2}}{_LETTER}|(?<=[\d@$€£|(]){_LETTER}"
    rf"|(?<={_LETTER}{_LETTER}[\d@$€|]))\S*+"
)
# The same in ASCII, where listed characters are found several times faster than classes.
_PLAIN_SIGNED = re.compile(
    rf"[0-9{_SIGNS_TEXT}](?:(?<=[a-zA-Z].)[0-9{_SIGNS_TEXT}]{{0,2}}[a-zA-Z]|(?<=[0-9@$|(])[a-zA-Z]"
    r"|(?<=[a-zA-Z][a-zA-Z][0-9@$|]))\S*+"
)
_LONG = re.compile(rf"{_LETTER}{{18}}")
_ACCENT = re.compile(r"[\u00c0-\u024f\u1e00-\u1eff]")
_CHUNK = re.compile(r"\S+")
_LETTERS = re.compile("[a-zA-Zß-öø-žẞ]{8,600}")
_HUMP = re.compile(r"([a-zß-ÿ.,!?]|(?<![A-Z])[AI])(?=[A-ZÀ-Þ])")
_MANY = 20
_SPACED = 12
"""A text with fewer spaces than one in so many characters counts as written without them."""
_BEFORE_WORDS, _BEHIND_WORDS = "\"'([<>*_.,;:?!-", "\"')]>*_.,;:?!-"
_LINK = re.compile(r"://|www\.|@\w+\.|\.(?:com|net|org|io|de|fr|es|it|pl|co|uk|eu|html?)\b", re.I)
_LINKED_WORD = re.compile(
    rf"\S{{0,9}}?(?:https?://|www\.)[^\s/]{{1,80}}+[/?#](?:[^\s/?#=]{{0,40}}+[/?#=]){{0,8}}+({_LETTER}++)\S*+",
    re.I,
)
_HYPHENATED = re.compile(rf"(?<={_LETTER}{_LETTER})-\n(?={_LETTER}{_LETTER})")
_ESCAPED = re.compile(r"(?:%[0-9a-f]{2})+", re.I)
_DIGITS_FOR_BLANK = re.compile(rf"(?<={_LETTER})[.,;:!?]?\d{{1,3}}(?={_LETTER})")
_DIGITS = re.compile(r"\d+|\D+")
_SIGNS_AND_DIGITS = re.compile(r"[\W\d_]+")
_SIGNS = re.compile(r"[\W_]+")
_LEET = {
    "4": "a", "@": "a", "^": "a", "3": "e", "€": "e", "1": "il", "!": "i", "|": "li", "0": "o", "5": "s", "$": "s",
    "§": "s", "7": "t", "+": "t", "8": "b", "9": "g", "6": "gb", "2": "z", "£": "l", "¢": "c", "(": "c", "<": "c",
}  # fmt: skip
# Letters drawn with strokes.
_DRAWN = re.compile(r"\(\)|/\\|\\/")
_DRAWN_LETTERS = {"()": "o", "/\\": "a", "\\/": "v"}
MIN_RUNS = 120
"""Characters that a text's very long words must have in all to count as words run together."""
MAX_RUN = 3_000
"""Only this many characters of a text are searched for words that run together."""
_MAX_SPELLINGS = 8
_RUN_TOGETHER = 18
"""Letters from which a word may be several, run together."""


def mend(text: str) -> tuple[str, bool]:
    """`text` with its disguised words repaired, and whether there were any."""
    plain = _without_humps(_with_blanks(text))
    mended, broken = _mended(plain)
    read = respelled(mended)
    return read, broken or plain != text or read != mended


def _with_blanks(text: str) -> str:
    """`text` with the words in links instead of the links, if most of it is links; with blanks where escapes or digits
    stand for nearly all of them; and without hyphens at line ends, if there are many."""
    if text.count("-\n") > _MANY:
        text = _HYPHENATED.sub("", text)
    blanks = text.count(" ")
    links = text.count("://") + text.count("www.")
    if 2 * links > blanks + text.count("\n") and links > _MANY:
        text = _LINKED_WORD.sub(r"\1", text[:MAX_TEXT]) + text[MAX_TEXT:]
    if blanks * _SPACED > len(text):
        return text
    head = text[:MAX_TEXT]
    if len(_ESCAPED.findall(head)) > max(_MANY, len(head) // _SPACED):
        head = unquote(head, errors="replace")
    if len(_DIGITS_FOR_BLANK.findall(head)) > max(_MANY, len(head) // _SPACED):
        head = _DIGITS_FOR_BLANK.sub(" ", head)
    return head + text[MAX_TEXT:]


def _without_humps(text: str) -> str:
    """`text` with spaces between words that only capitals separate, or nothing."""
    if text.count(" ") * _SPACED > len(text):
        return text
    words = [word for word in _CHUNK.findall(text[:MAX_TEXT]) if len(_HUMP.findall(word)) > 2]
    humped = {word for word in words if not _LINK.search(word)}
    if 2 * sum(map(len, humped)) < len(text[:MAX_TEXT]):
        return _without_runs(text)
    return _CHUNK.sub(lambda word: _HUMP.sub(r"\1 ", word[0]) if word[0] in humped else word[0], text)


def _without_runs(text: str) -> str:
    """`text` with spaces between words that run together, if most of its words do."""
    head = text[:MAX_RUN]
    runs = {word for word in _CHUNK.findall(head) if _LONG.search(word) and not _LINK.search(word)}
    if sum(map(len, runs)) < max(MIN_RUNS, len(head) // 2):
        return text
    parted = _CHUNK.sub(
        lambda word: (
            _LETTERS.sub(lambda run: f" {split_words(run[0].lower()) or run[0]} ", word[0])
            if word[0] in runs
            else word[0]
        ),
        head,
    )
    return parted + text[MAX_RUN:]


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
    """One word of a text; `disguised`: the text is known to be, so unlisted results are accepted, too."""
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
    pieces = [piece for piece in _SIGNS_AND_DIGITS.split(lower) if piece]
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
    pieces = split_words(stripped) if len(word) >= _RUN_TOGETHER else ""
    return pieces or (stripped if disguised else word)


def _spellings(word: str) -> Iterator[str]:
    """The words that one with digits and signs for letters may stand for."""
    word = _DRAWN.sub(lambda strokes: _DRAWN_LETTERS[strokes.group()], word)
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
