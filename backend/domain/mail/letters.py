"""Characters as a person sees them: what has no shape is dropped, what looks like a letter is that letter, letters set
apart are put together, and all of it is read in the order on the screen. Total functions, linear in their text.

What had to be undone is a finding: nobody writes so by chance.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

MIXED, REORDERED, APART = "mixed_scripts", "reordered", "letters_apart"
"""Findings: letters of other alphabets, or signs that look like letters; text written backwards; letters set apart."""

MANY = 3
"""Words that had to be undone before it is a finding: a Greek letter or two stand in many a mail."""

# What Unicode lets a program show nothing for (Default_Ignorable_Code_Point), controls, and what stands for nothing.
_UNSEEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NO_SHAPE = re.compile(rf"[{_UNSEEN}]")
_MARKS = r"\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARK = re.compile(f"[{_MARKS}]")
_COMPOSABLE = re.compile(rf"[^\W\d_][{_MARKS}]{{1,3}}(?![{_MARKS}])")
_OUT_OF_COMMON = re.compile(r"[^\t-~\xa0-\xac\xae-\u017f\u2013\u2014\u2018-\u201e\u2022\u2026\u20ac]")
"""A character that may be other than it looks: most texts have none."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_FLAG = "[\U0001f1e6-\U0001f1ff]"
_REGIONAL = re.compile(f"{_FLAG}(?<!{_FLAG}{_FLAG})(?!{_FLAG})")
_FLAGS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069\n]")
_MARKS_OF_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BLANK = re.compile(r"[^\S\n ]")
_SPACE = re.compile(r" {2,}")
# Letters of the languages of Europe and of Vietnam; others that are Latin are there for their looks.
_OF_A_LANGUAGE = re.compile("[\u00c0-\u017f\u0218-\u021b\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")
_LAST_LATIN = "\u024f"
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")
_OTHER = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]")
_FOREIGN_WORD = re.compile(r"[^\W\d_]+")
_RUN = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]{1,8}[^\W_](?![^\W_])){4,}")
_IN_RUN = re.compile(r"[\W_][^\W_](?:[\W_]{1,8}[^\W_](?![^\W_])){3}")
"""What each `_RUN` has in it; it begins with what is rarer than a letter."""
_IN_PLAIN_RUN = re.compile(_IN_RUN.pattern, re.ASCII)
_GAP = re.compile(r"[\W_]+")
_SCRIPTS = frozenset(
    {
        *(
            "LATIN",
            "GREEK",
            "CYRILLIC",
            "ARMENIAN",
            "CHEROKEE",
            "COPTIC",
            "LISU",
            "GEORGIAN",
            "CANADIAN",
            "DESERET",
        ),
        *(
            "OSAGE",
            "GOTHIC",
            "OLD",
            "CARIAN",
            "LYCIAN",
            "LYDIAN",
            "WARANG",
            "ELBASAN",
            "HEBREW",
            "TIFINAGH",
            "RUNIC",
        ),
        *("ETHIOPIC", "NKO", "VAI", "MIAO", "BAMUM", "YI"),
    }
)
"""Alphabets whose letters stand for Latin ones. Left out: scripts that are mixed with Latin as a matter of course."""

# Letters that are read for Latin ones only in a word with others: programs that list look-alikes leave them out.
_PSEUDO_TEXT = """
αa βb γy δd εe ζz ηn θo ιi κk λl μu νv ξe οo πn ρp σo ςc τt υu φo χx ψw ωw άa έe ήn ίi όo ύu ώw
аa бb вb гr дa еe жx зe иn йn кk лn мm нh оo пn рp сc тt уy фo хx цu чy шw щw ъb ыi ьb эe юo яr
єe іi їi ґr ѓr ўy џu ђh ћh љn њn ѕs јj һh ғf ԁd ԛq ԝw қk ңh ҡk ҳx ҫc ҽe ӏl ӓa ӧo ӥn ӱy ѡw ѵv
"""
_PSEUDO = {pair[0]: pair[1] for pair in _PSEUDO_TEXT.split()}


class Seen(NamedTuple):
    """A text as it is seen, and what had to be undone."""

    text: str
    findings: frozenset[str] = frozenset()


_NOTHING = frozenset[str]()


def seen(text: str) -> Seen:
    """`text` as a person sees it."""
    found: set[str] = set()
    plain = text.isascii()
    if plain:
        text = _CONTROL.sub("", text) if _CONTROL.search(text) else text
    elif _OUT_OF_COMMON.search(text):
        text = _whole(text, found)
    if (_IN_PLAIN_RUN if plain else _IN_RUN).search(text) and _RUN.search(text):
        joined = _RUN.sub(_together, text)
        if len(text) - len(joined) >= 4 * MANY:
            found.add(APART)
        text = joined
    if not text.isascii():
        text = _BLANK.sub(" ", text)
        text = _SPACE.sub(" ", text) if "  " in text else text
    return Seen(text, frozenset(found) if found else _NOTHING)


def _whole(text: str, found: set[str]) -> str:
    """A text beyond ASCII: in order, composed, letters for what looks like them."""
    if "\u202e" in text or "\u202d" in text:
        turned = _in_order(text)
        if turned != _MARKS_OF_TURNS.sub("", text):
            found.add(REORDERED)
        text = turned
    text = _REGIONAL.sub(lambda sign: _folded(sign.group()), text)
    if _NO_SHAPE.search(text):
        text = _NO_SHAPE.sub("", text)
    if _MARK.search(text):
        text = _MARK.sub(
            "", _COMPOSABLE.sub(lambda letter: unicodedata.normalize("NFC", letter.group()), text)
        )
    signs = set(text)
    strange = {sign for sign in signs if sign > "\u017f" or "\x7f" <= sign < "\xa0" or sign < "\t"}
    strange -= _FLAGS
    folds = {sign: as_read for sign in strange if (as_read := _folded(sign)) != sign}
    if folds:
        counts = Counter(text)
        if sum(counts[sign] for sign, as_read in folds.items() if as_read.isalpha()) >= 4 * MANY:
            found.add(MIXED)
        text = text.translate({ord(sign): as_read for sign, as_read in folds.items()})
        signs = set(text)
    others = {sign for sign in signs if sign > _LAST_LATIN}.difference(folds)
    if any(_script(sign) in _SCRIPTS and _script(sign) != "LATIN" for sign in others):
        text = _without_mixtures(text, found)
    return text


def _in_order(text: str) -> str:
    """With what is written backwards turned round: by the marks of Unicode that force a direction."""
    out: list[list[str]] = [[]]
    kinds: list[str] = []
    position = 0

    def close() -> None:
        inner = out.pop()
        if kinds.pop() == "\u202e":
            inner = [piece[::-1] for piece in reversed(inner)]
        out[-1].extend(inner)

    for match in _TURNS.finditer(text):
        out[-1].append(text[position : match.start()])
        position, sign = match.end(), match.group()
        if sign == "\n":
            while kinds:
                close()
            out[-1].append("\n")
        elif sign in "\u202c\u2069":
            if kinds:
                close()
        elif len(kinds) < 20:
            kinds.append(sign)
            out.append([])
    out[-1].append(text[position:])
    while kinds:
        close()
    return "".join(out[0])


@lru_cache(maxsize=20_000)
def _folded(sign: str) -> str:
    """What a person reads for a character, "" where it has no shape."""
    kind = unicodedata.category(sign)
    if kind[0] == "C":
        return "\n" if sign in "\u2028\u2029" else ""
    if kind[0] == "Z":
        return "\n" if kind in ("Zl", "Zp") else sign
    if _OF_A_LANGUAGE.match(sign):
        return sign
    plain = unicodedata.normalize("NFKC", sign)
    if plain != sign:
        bare = plain.strip("()[]. ")
        # A sign for a word, as that of a trade mark, stays what it is.
        if kind[0] in "LN" and kind != "No" and bare.isalnum():
            return bare
        if bare.isascii() and len(bare) == 1 and (bare.isalpha() or sign >= "\uff00"):
            return bare
    name = unicodedata.name(sign, "")
    if kind[0] in "LS" and ("LATIN" in name or kind == "So"):
        if (same := _alike().get(sign)) is not None and kind[0] == "L":
            return same
        words = name.partition(" WITH ")[0].split()
        if "LETTER" in words and len(words[-1]) == 1:
            return words[-1] if kind == "So" or "SMALL" not in words else words[-1].lower()
    return sign


def _without_mixtures(text: str, found: set[str]) -> str:
    """Letters of other alphabets as Latin ones: first in words that mix alphabets, then in those that stand alone in
    what has turned out to be Latin text, where each of their letters passes for a Latin one."""
    undone = 0
    alone = False
    least = 3

    def read(word: re.Match[str]) -> str:
        nonlocal undone
        said = word.group()
        if said.isascii() or len(said) < least:
            return said
        scripts = {_script(letter) for letter in said}
        if not scripts <= _SCRIPTS or (len(scripts) == 1 and (not alone or "LATIN" in scripts)):
            return said
        plain = "".join(map(_latin, said))
        if alone and not plain.isascii():
            return said
        undone += plain != said
        return plain

    text = _FOREIGN_WORD.sub(read, text)
    # Two letters of two alphabets are as often a unit or a variable.
    least = 1 if undone else least
    text = _FOREIGN_WORD.sub(read, text) if undone else text
    alone = len(_LATIN.findall(text)) > 2 * len(_OTHER.findall(text))
    if alone:
        text = _FOREIGN_WORD.sub(read, text)
    if undone >= MANY:
        found.add(MIXED)
    return text


def _latin(letter: str) -> str:
    if letter <= _LAST_LATIN:
        return letter
    return _alike().get(letter) or _PSEUDO.get(letter.lower(), letter)


@lru_cache(maxsize=20_000)
def _script(letter: str) -> str:
    """The first word of a letter's name is its script."""
    if letter <= _LAST_LATIN:
        return "LATIN"
    return unicodedata.name(letter, "NONE").partition(" ")[0] if letter.isalpha() else "NONE"


@cache
def _alike() -> dict[str, str]:
    """Characters to the ASCII letters they are mistaken for (UTS 39, as `confusable_homoglyphs` has it)."""
    listed = json.loads(
        files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8")
    )
    return {
        sign: same
        for sign, others in listed.items()
        if len(sign) == 1 and not sign.isascii() and sign.isalpha()
        for same in [next(_ascii(other["c"] for other in others), "")]
        if same
    }


def _ascii(others: Iterable[str]) -> Iterator[str]:
    return (other for other in others if len(other) == 1 and other.isascii() and other.isalpha())


def _together(run: re.Match[str]) -> str:
    """Letters set apart as words: what stands most often between them is nothing, and the rest are gaps."""
    said = run.group()
    between = Counter(_GAP.findall(said))
    usual = min(between, key=lambda gap: (-between[gap], len(gap)))
    if 5 * between[usual] < 3 * between.total():
        return said
    return _GAP.sub(
        lambda gap: "" if gap.group() == usual else f" {gap.group().strip()} ".replace("  ", " "), said
    )
