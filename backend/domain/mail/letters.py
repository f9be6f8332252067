"""Undoes disguises of single characters: invisible ones are dropped, look-alikes replaced by the letter they look like,
spaced-out letters joined, and text put into the order in which it appears on screen.

Many such disguises in a text are a finding, because nobody writes so by chance. Never raises; linear in the text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

MIXED, REORDERED, APART = "mixed_scripts", "reordered", "letters_apart"
"""Findings: letters of other alphabets or signs that look like letters; text written backwards; spaced-out letters."""

MIN_UNDONE = 3
"""Disguised words that make a finding: a few Greek letters are ordinary."""

# Characters that programs may show as nothing (Unicode's Default_Ignorable_Code_Point), controls and fillers.
_UNSEEN = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(rf"[{_UNSEEN}]")
_MARKS = r"\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_MARK = re.compile(f"[{_MARKS}]")
_COMPOSABLE = re.compile(rf"[^\W\d_][{_MARKS}]{{1,3}}(?![{_MARKS}])")
_OUT_OF_COMMON = re.compile(r"[^\t-~\xa0-\xac\xae-\u017f\u2013\u2014\u2018-\u201e\u2022\u2026\u20ac]")
"""A character that may be another than it looks. Most texts have none."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_FLAG = "[\U0001f1e6-\U0001f1ff]"
_REGIONAL = re.compile(f"{_FLAG}(?<!{_FLAG}{_FLAG})(?!{_FLAG})")
_FLAGS = frozenset(map(chr, range(0x1F1E6, 0x1F200)))
_MARK_OR_BREAK = re.compile("[\u202a-\u202e\u2066-\u2069\n]")
_DIRECTION_MARKS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BLANK = re.compile(r"[^\S\n ]")
_SPACE = re.compile(r" {2,}")
# Letters of European languages and Vietnamese. Other Latin letters are used only for their looks.
_OF_A_LANGUAGE = re.compile("[\u00c0-\u017f\u0218-\u021b\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9]")
_LAST_LATIN = "\u024f"
_LATIN = re.compile(r"[a-zA-Z\u00c0-\u024f]")
_OTHER = re.compile(r"[^\W\d_a-zA-Z\u00c0-\u024f]")
_FOREIGN_WORD = re.compile(r"[^\W\d_]+")
_RUN = re.compile(r"(?<![^\W_])[^\W_](?:[\W_]{1,8}[^\W_](?![^\W_])){4,}")
_IN_RUN = re.compile(r"[\W_][^\W_](?:[\W_]{1,8}[^\W_](?![^\W_])){3}")
"""Part of each `_RUN`, and faster to search for: it begins with a character that is rarer than letters."""
# The same in ASCII, where listed letters are found several times faster than classes.
_IN_PLAIN_RUN = re.compile(
    r"[^a-zA-Z0-9][a-zA-Z0-9](?:[^a-zA-Z0-9]{1,8}[a-zA-Z0-9](?![a-zA-Z0-9])){3}", re.ASCII
)
_GAP = re.compile(r"[\W_]+")
_SCRIPT_NAMES = """
    LATIN GREEK CYRILLIC ARMENIAN CHEROKEE COPTIC LISU GEORGIAN CANADIAN DESERET OSAGE GOTHIC OLD CARIAN LYCIAN LYDIAN
    WARANG ELBASAN HEBREW TIFINAGH RUNIC ETHIOPIC NKO VAI MIAO BAMUM YI
"""
_SCRIPTS = frozenset(_SCRIPT_NAMES.split())
"""Alphabets whose letters can stand for Latin ones. Left out: scripts that are commonly mixed with Latin."""

_UPSIDE_DOWN = frozenset("ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ")
_UPRIGHT = str.maketrans("ɐqɔpǝɟƃɥᴉɾʞɯuodbɹʇnʌʍʎ", "abcdefghijkmnopqrtuvwy")
# Letters that pass for Latin ones only within a disguised word; lists of look-alikes do not have them.
_PSEUDO_TEXT = """
αa βb γy δd εe ζz ηn θo ιi κk λl μu νv ξe οo πn ρp σo ςc τt υu φo χx ψw ωw άa έe ήn ίi όo ύu ώw
аa бb вb гr дa еe жx зe иn йn кk лn мm нh оo пn рp сc тt уy фo хx цu чy шw щw ъb ыi ьb эe юo яr
єe іi їi ґr ѓr ўy џu ђh ћh љn њn ѕs јj һh ғf ԁd ԛq ԝw қk ңh ҡk ҳx ҫc ҽe ӏl ӓa ӧo ӥn ӱy ѡw ѵv
"""
_PSEUDO = {pair[0]: pair[1] for pair in _PSEUDO_TEXT.split()}


class Deobfuscated(NamedTuple):
    """A text as it looks on screen, and the findings about what had to be undone."""

    text: str
    findings: frozenset[str] = frozenset()


_NOTHING = frozenset[str]()


def deobfuscate(text: str) -> Deobfuscated:
    """`text` as a person sees it."""
    findings: set[str] = set()
    plain = text.isascii()
    if plain:
        text = _CONTROL.sub("", text) if _CONTROL.search(text) else text
    elif _OUT_OF_COMMON.search(text):
        text = _without_look_alikes(text, findings)
    if (_IN_PLAIN_RUN if plain else _IN_RUN).search(text) and _RUN.search(text):
        joined = _RUN.sub(_join_letters, text)
        if len(text) - len(joined) >= 4 * MIN_UNDONE:
            findings.add(APART)
        text = joined
    if not text.isascii():
        text = _BLANK.sub(" ", text)
        text = _SPACE.sub(" ", text) if "  " in text else text
    return Deobfuscated(text, frozenset(findings) if findings else _NOTHING)


def _without_look_alikes(text: str, findings: set[str]) -> str:
    """A text with characters beyond ASCII: in the order on screen, with composed accents, look-alikes replaced."""
    upside_down = _UPSIDE_DOWN.intersection(text)
    if len(upside_down) > 5 and 8 * sum(map(text.count, upside_down)) >= len(text):
        findings.add(REORDERED)
        text = text.lower().translate(_UPRIGHT)
    if "\u202e" in text or "\u202d" in text:
        ordered = _in_order(text)
        if ordered != _DIRECTION_MARKS.sub("", text):
            findings.add(REORDERED)
        text = ordered
    text = _REGIONAL.sub(lambda sign: _folded(sign.group()), text)
    if _INVISIBLE.search(text):
        text = _INVISIBLE.sub("", text)
    if _MARK.search(text):
        text = _MARK.sub(
            "", _COMPOSABLE.sub(lambda letter: unicodedata.normalize("NFC", letter.group()), text)
        )
    signs = set(text)
    strange = {sign for sign in signs if sign > "\u017f" or "\x7f" <= sign < "\xa0" or sign < "\t"}
    strange -= _FLAGS
    folds = {sign: plain for sign in strange if (plain := _folded(sign)) != sign}
    if folds:
        counts = Counter(text)
        if sum(counts[sign] for sign, plain in folds.items() if plain.isalpha()) >= 4 * MIN_UNDONE:
            findings.add(MIXED)
        text = text.translate({ord(sign): plain for sign, plain in folds.items()})
        signs = set(text)
    others = {sign for sign in signs if sign > _LAST_LATIN}.difference(folds)
    if any(_script(sign) in _SCRIPTS and _script(sign) != "LATIN" for sign in others):
        text = _without_mixtures(text, findings)
    return text


def _in_order(text: str) -> str:
    """The text in its order on screen: parts in a direction override are reversed, and its marks removed."""
    out: list[list[str]] = [[]]
    kinds: list[str] = []
    position = 0

    def close() -> None:
        inner = out.pop()
        if kinds.pop() == "\u202e":
            inner = [piece[::-1] for piece in reversed(inner)]
        out[-1].extend(inner)

    for match in _MARK_OR_BREAK.finditer(text):
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
    """What a person reads a character as; "" if it is invisible."""
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
        # A sign that stands for a word, such as the trade mark sign, is kept.
        if kind[0] in "LN" and kind != "No" and bare.isalnum():
            return bare
        if bare.isascii() and len(bare) == 1 and (bare.isalpha() or sign >= "\uff00"):
            return bare
    name = unicodedata.name(sign, "")
    if kind[0] in "LS" and ("LATIN" in name or kind == "So"):
        if (same := _alike().get(sign)) is not None and kind[0] == "L":
            return same
        words = name.partition(" WITH ")[0].split()
        if "LETTER" in words and len(words[-1]) == 1 and "TURNED" not in words and "REVERSED" not in words:
            return words[-1] if kind == "So" or "SMALL" not in words else words[-1].lower()
    return sign


def _without_mixtures(text: str, findings: set[str]) -> str:
    """Letters of other alphabets replaced by Latin ones: first in words that mix alphabets; then, if the text is mostly
    Latin, in whole words of another alphabet whose letters all look Latin."""
    words = Counter(word for word in _FOREIGN_WORD.findall(text) if not word.isascii())
    mixed: dict[str, str] = {}
    whole: dict[str, str] = {}
    for word in words:
        scripts = set(map(_script, word))
        plain = "".join(map(_latin, word))
        if plain != word and scripts <= _SCRIPTS:
            if len(scripts) > 1:
                mixed[word] = plain
            elif "LATIN" not in scripts and plain.isascii():
                whole[word] = plain
    # A word of one or two letters may be a unit or a variable ("µm"): it counts only in a text that is disguised.
    least = 1 if any(len(word) > 2 for word in mixed) else 3
    known = {word: plain for word, plain in mixed.items() if len(word) >= least}
    text = _exchanged(text, known)
    if whole and len(_LATIN.findall(text)) > 2 * len(_OTHER.findall(text)):
        known |= {word: plain for word, plain in whole.items() if len(word) >= least}
        text = _exchanged(text, known)
    if sum(words[word] for word in known) >= MIN_UNDONE:
        findings.add(MIXED)
    return text


def _exchanged(text: str, known: Mapping[str, str]) -> str:
    return _FOREIGN_WORD.sub(lambda word: known.get(word[0], word[0]), text) if known else text


def _latin(letter: str) -> str:
    if letter <= _LAST_LATIN:
        return letter
    return _alike().get(letter) or _PSEUDO.get(letter.lower(), letter)


@lru_cache(maxsize=20_000)
def _script(letter: str) -> str:
    """A letter's script: the first word of its Unicode name."""
    if letter <= _LAST_LATIN:
        return "LATIN"
    return unicodedata.name(letter, "NONE").partition(" ")[0] if letter.isalpha() else "NONE"


@cache
def _alike() -> dict[str, str]:
    """Characters → the ASCII letters they look like (UTS 39, from the data of `confusable_homoglyphs`)."""
    listed = json.loads(
        files("confusable_homoglyphs").joinpath("confusables.json").read_text(encoding="utf-8")
    )
    return {
        sign: same
        for sign, others in listed.items()
        if len(sign) == 1 and not sign.isascii() and sign.isalpha()
        for found in [(other["c"] for other in others)]
        for same in [next((one for one in found if len(one) == 1 and one.isascii() and one.isalpha()), "")]
        if same
    }


# Signs used for their looks, each with the one or two letters it stands for. They may also be ordinary writing:
# `respelling` decides by the other words of the text.
_FANCY_TEXT = """
卂a 乃b 匚c 刀dn 乇e 下f 厶g 卄h 工i 丁j 长k 乚l 从m 几n 口o 尸p 甲q 尺r 丂s 丅t 凵u リvy 山w 乂x 丫y 乙z 千f 爪m ㄖo
廾h คa ๒b ςcs ๔d єe Ŧft ﻮg وg ђh เi ןj кk ɭl ๓m ภn ๏o קp ợq гr รs Շt ยu שv ฬw אx ץy չz ₳a
฿b ₵c ₫d ₣f ₲g Ⱨh łil ₭k Ⱡl ₥m ₦n ₱p ₴s ₮t Ʉu ₩w Ӿx Ɏy Ⱬz ᗩa ᗷb ᑕc ᗪd ᕮe ᖴf ᕼh ᒍj ᒪl ᗰm
ᑎn ᑭp ᑫq ᖇr ᔕs ᑌu ᐯv ᗯw ᙭x Ꭺa Ᏼb Ꮯc Ꭰd Ꭼe Ꮀf Ꮐg Ꮋh Ꮖi Ꭻj Ꮶk Ꮮl Ꮇm Ꮎo Ꮲp Ꭱr Ꮪs Ꭲt Ꮩv Ꮃw
Ꮍy Ꮓz եet ժd ցg յj ոn օo քp զq րr սu էt մu աw վy հh ӏl ƒf ɑa ცb ƈc ཞr ʂs ɬt ųu ۷v ῳw ყy
ʑz ᵽp ℓl ŋn ρp ɱm ムa キf んh ノi フj ズk レl ᄊm アp イt メx 乙z คa ८c ძd ૯e Բf ૭g Һh ɿi ʆj Նl Ոn ૦o
ƿp ҩq Րr ੮t ౮v ωw ૪x ઽz עy ղn ʍm Ճx ⲁa ⲃb ⲥc ⲇd ⲉe ⲋf ⲅg ⲏh ⲓi ⲕk ⲗl ⲙm ⲛn ⲟo ⲣp ⲧt ⲩyu ⲱw
ⲭx ⲍz ꙅsd
"""


@lru_cache(maxsize=5_000)
def looks_like(sign: str, second: bool = False) -> str:
    """The Latin letter that a person reads a sign as in a disguised text, or the sign; "" if it is invisible.
    `second`: the second letter, for a sign that stands for two."""
    if sign.isascii():
        return sign
    if fancy := _fancy().get(sign) or _fancy().get(sign.upper()):
        return fancy[-1 if second else 0]
    if same := _alike().get(sign) or _PSEUDO.get(sign.lower()):
        return same
    folded = _folded(sign)
    if folded.isascii():
        return folded
    named = [word for word in unicodedata.name(sign, "").split() if len(word) == 1]
    return named[0].lower() if named and named[0].isascii() else sign


@cache
def _fancy() -> dict[str, str]:
    regional = {chr(0x1F1E6 + at): chr(97 + at) for at in range(26)}
    return {pair[0]: pair[1:] for pair in _FANCY_TEXT.split()} | regional


def _join_letters(run: re.Match[str]) -> str:
    """Spaced-out letters as words: the most frequent separator is dropped, the others separate words."""
    letters = run.group()
    separators = Counter(_GAP.findall(letters))
    usual = min(separators, key=lambda gap: (-separators[gap], len(gap)))
    if 5 * separators[usual] < 3 * separators.total():
        return letters
    return _GAP.sub(
        lambda gap: "" if gap.group() == usual else f" {gap.group().strip()} ".replace("  ", " "), letters
    )
