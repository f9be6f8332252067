"""Text to the tokens a model reads, and where each of them stands: words in lower case, the rest as classes.

Links, addresses, numbers and the names of the two people become class tokens (`u_link`, `n_money`, `o_name`, …).
An underscore never comes from the text itself, so nobody can write a class token into a mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from backend.domain.mail.headers import clean, may_match

_URL = re.compile(r"https?://[^\s<>\"')\]]{1,2000}|\bwww\.[^\s<>\"')\]]{1,500}", re.I)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]{1,64}+(?:\.[\w-]{1,64}+){1,6}")
_ENDING = r"\.(?:com|io|co|dev|net|org|de|fr|es|it|nl|pl|cz|se|pt|ch|at|eu|uk|ai|app)\b"
_HOST = re.compile(rf"\b[\w-]{{1,40}}+(?:\.[\w-]{{1,40}}+){{0,3}}{_ENDING}(?:/\S{{0,300}})?", re.I)
_HOST_ENDS = re.compile(_ENDING, re.I)
_MONEY = re.compile(
    r"(?:[$€£¥]|\b(?:usd|eur|gbp|chf|sek|pln|czk|kč|zł|kr)\b)\s?\d[\d.,' ]{0,15}(?:k|m)?\b"
    r"|\d[\d.,']{0,15}+\s?+(?:k|m|mio|million)?\s?(?:[$€£¥]|\b(?:usd|eur|euros?|dollars?|gbp|chf|sek|pln|czk"
    r"|kč|zł|kr)\b)",
    re.I,
)
_OF_MONEY = ("$", "usd", "eur", "dollar", "gbp", "chf", "sek", "pln", "czk", "kr")
_PERCENT = re.compile(r"\d[\d.,]{0,10}+\s?+(?:%|percent\b|prozent\b|pour cent\b|procent\b|procent\b)", re.I)
_OF_PERCENT = ("%", "cent", "prozent")
_CLOCK = re.compile(r"\b\d{1,2}(?::|h|\.)\d{2}\s?(?:am|pm|uhr|h)?\b|\b\d{1,2}\s?(?:am|pm|uhr)\b", re.I)
_PHONE = re.compile(r"(?<!\w)(?:\+|00)?\d(?:[\s().\-/]{0,2}\d){6,14}(?!\w)")
_YEAR = re.compile(r"\b(?:19|20)\d{2}\b")
_NUMBER = re.compile(r"\d[\d.,']*+")
_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"\w++|\?")
MOST_LETTERS = 64
"""Letters of a word that are read: nothing anybody says is longer, and it ends among the reasons people are shown."""

_CLASSES = (
    (_URL, "u_link"), (_MAIL, "u_mail"), (_HOST, "u_link"), (_MONEY, "n_money"), (_PERCENT, "n_percent"),
    (_CLOCK, "n_clock"), (_PHONE, "n_phone"), (_YEAR, "n_year"), (_NUMBER, "n_number"),
)  # fmt: skip


class Placed(NamedTuple):
    """`token` stands for text[start:end]."""

    token: str
    start: int
    end: int


def tokens(text: str, names: Mapping[str, str]) -> list[str]:
    """Words, classes and "?" of `text`, in order. `names` maps lower-case words to the classes that replace them."""
    if not text:
        return []
    text = clean(text).replace("_", " ")
    # Most texts show by one sign that there is nothing of a class in them.
    if "://" in text or "www." in text.lower():
        text = _URL.sub(" u_link ", text)
    if "@" in text:
        text = _MAIL.sub(" u_mail ", text)
    if _HOST_ENDS.search(text):
        text = _HOST.sub(" u_link ", text)
    digits = len(_DIGIT.findall(text))
    if digits and may_match(text, _OF_MONEY):
        text = _MONEY.sub(" n_money ", text)
    if digits:
        text = _PERCENT.sub(" n_percent ", text) if may_match(text, _OF_PERCENT) else text
        text = _CLOCK.sub(" n_clock ", text)
        text = _PHONE.sub(" n_phone ", text) if digits > 6 else text
        text = _YEAR.sub(" n_year ", text) if "19" in text or "20" in text else text
        text = _NUMBER.sub(" n_number ", text)
    return [names.get(word, word[:MOST_LETTERS]) for word in _WORD.findall(text.lower())]


def placed(text: str, names: Mapping[str, str]) -> list[Placed]:
    """The same tokens with their places. Slower than `tokens`, which scoring uses.

    The two may differ in a letter whose lower case is longer than itself (the Turkish İ).
    """
    # Each step cuts what it recognises out of the raw pieces ("" for a token) that the steps before have left.
    pieces = [(clean(text).replace("_", " "), 0, "")]
    for pattern, token in _CLASSES:
        pieces = [part for piece in pieces for part in _cut(piece, pattern, token)]
    found = []
    for raw, start, token in pieces:
        if token:
            found.append(Placed(token, start, start + len(raw.rstrip(" .,'"))))
            continue
        for match in _WORD.finditer(_lower(raw)):
            word = match.group()
            found.append(
                Placed(names.get(word, word[:MOST_LETTERS]), start + match.start(), start + match.end())
            )
    return found


def _cut(piece: tuple[str, int, str], pattern: re.Pattern[str], token: str) -> Iterator[tuple[str, int, str]]:
    raw, start, taken = piece
    if taken:
        yield piece
        return
    position = 0
    for match in pattern.finditer(raw):
        yield raw[position : match.start()], start + position, ""
        yield match.group(), start + match.start(), token
        position = match.end()
    yield raw[position:], start + position, ""


def _lower(text: str) -> str:
    """Lower case of the same length."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
