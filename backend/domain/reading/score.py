"""What the model says of one message: its score, the reasons for it, and where in the text they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from math import exp
from typing import TYPE_CHECKING

from backend.domain.mail.message import UNSEEN, clean
from backend.domain.mail.quoting import earlier_mail
from backend.domain.reading.words import Placed, commonplace, find, language, leads_on, placed

if TYPE_CHECKING:
    from backend.domain.reading.wording import Reading


# ---- What the model says of one message.


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a score.

    `code` names what was found ("phrase.asks_call"; the catalogues have words for it), `weight` its share of the
    logit (positive speaks for a pitch), `words` the words of the message that weighed, as they stand there; a class of
    words (an amount, a link) is its token in braces, `{n_money}`.
    """

    code: str
    weight: float
    words: tuple[str, ...] = ()

    @property
    def quotes(self) -> tuple[str, ...]:
        """Its words that can be shown, none of them part of one before it."""
        return _distinct(word for word in self.words if "{" not in word)


@dataclass(frozen=True, slots=True)
class Trace:
    """What makes a score repeatable. `made_with` names model file, preparation, runtime and processor: the same give
    the same bits. `text` is the digest of the text that was scored, `shares` that of every term's share; `words`
    counts its different words, of which the model knows `known`. `counts` are the counts of the terms it knows, packed,
    where they are kept. Of mail that is clearly fine there is neither `text` nor `shares`: its score says it all."""

    made_with: str
    text: str
    shares: str
    words: int
    known: int
    counts: str = ""
    again: SecondTrace | None = None


@dataclass(frozen=True, slots=True)
class SecondTrace:
    """What makes a second reading repeatable: the digest of the `numbers` it made of the text, which are there where
    counts are kept, that of the judge of both readings, and the logit of the first."""

    embedding: str
    judge: str
    first: float
    numbers: str = ""


class Part(StrEnum):
    """Which part of a message a score is about. The value is stored; `WHOLE` is all that is shown."""

    WHOLE = ""
    PLAIN = "plain"
    OPENING = "opening"
    BELOW = "below"


CAUTION = 2.0
"""By how much a part's logit counts less than that of a whole message: the surest of several is surer than one. At 2,
parts hold 4 of 1,250 long ordinary emails of the corpus at normal that their whole would not, and 1 at relaxed; at 1,
they hold 5 and 4."""


@dataclass(frozen=True, slots=True)
class Score:
    """`probability` of a pitch (0..1, calibrated), its `logit`, the strongest `reasons` first, the `model` version that
    said so, and the `part` of the message that was read."""

    probability: float
    logit: float
    reasons: tuple[Reason, ...] = ()
    model: str = ""
    trace: Trace | None = field(default=None, compare=False)
    part: Part = Part.WHOLE

    def of_part(self, part: Part) -> Score:
        """A score of some text as the score of that part of a message."""
        if part is Part.WHOLE:
            return self
        logit = self.logit - CAUTION
        probability = 1 / (1 + exp(-logit)) if logit > -700 else 0.0
        told = (*self.reasons, Reason(f"part.{part}", -CAUTION)) if self.reasons else ()
        return replace(self, probability=probability, logit=logit, reasons=told, part=part)

    def read_again(self, probability: float, logit: float, kept: SecondTrace) -> Score:
        """The score of the same text once it has been read a second time: what weighed in the first reading, and which
        way the second one spoke."""
        gain = logit - self.logit
        told = (*self.reasons, Reason("again.pitch" if gain > 0 else "again.ordinary", gain))
        trace = replace(self.trace, again=kept) if self.trace is not None else None
        reasons = told if self.reasons else ()
        return replace(self, probability=probability, logit=logit, reasons=reasons, trace=trace)


def points(share: float) -> int:
    """A probability as every screen writes it: from 1 to 99, for nothing is certain."""
    return min(max(round(share * 100), 1), 99)


LIKENESS: Mapping[str, tuple[int, int]] = {"pitch": (80, 99), "maybe": (40, 79), "unlikely": (1, 39)}
"""The names of the words beside scores: from which to which."""


def likeness(score: int) -> str:
    """The name of the word beside a score of 1 to 99."""
    return next(name for name, (least, _) in LIKENESS.items() if score >= least)


def shares(name: str) -> tuple[float, float]:
    """From which share, and below which, a score has that word."""
    least, most = LIKENESS[name]
    return (least - 0.5) / 100 if least > 1 else 0.0, (most + 0.5) / 100 if most < 99 else 1.01


@dataclass(frozen=True, slots=True)
class Cost:
    """What a strictness does to mail of writers the model has not read: how many of 1,000 ordinary emails from
    strangers are held, and how many of 100 pitches are caught."""

    held: int
    caught: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a message is no longer clearly fine, is held, is answered.

    `strict` is the hold threshold of the strictest setting. 0 <= clear <= hold <= challenge <= 1 and strict <= hold.
    """

    clear: float
    hold: float
    challenge: float
    strict: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.clear <= self.hold <= self.challenge <= 1.0 or not 0.0 <= self.strict <= self.hold:
            raise ValueError(f"thresholds out of order: {self}")


# ---- Reasons from a model's shares


MOST = 6
MOST_WORDS = 5
MOST_LETTERS = 160
"""Letters of one of the `MOST_WORDS` words or turns of phrase beside a reason."""

FINDINGS = ("t_", "f_")
"""How terms begin that name a finding; all others are made of words or concepts."""

PITCH_WORDS = "pitch_words"
ORDINARY_WORDS = "ordinary_words"
"""Codes of the two reasons that are made of plain words."""

CLASSES = frozenset(
    {
        *("u_link", "u_mail", "n_money", "n_percent", "n_clock", "n_phone", "n_year", "n_number"),
        *("x_firm", "x_name", "o_firm", "o_name"),
    }
)
"""Tokens that stand for a kind of word."""

_FAMILIES = ("length", "subject", "language")
"""Of these the reasons say only that they weighed."""
_NO_FAMILY = "subject_lower"
_DULL = frozenset(
    {
        *(f"family.{name}" for name in _FAMILIES),
        *(
            f"form.{name}"
            for name in (
                "bullets",
                "exclaim",
                "signature",
                "signature_long",
                "html",
                "links",
                "mailer_named",
            )
        ),
    }
)


def reasons(
    findings: Iterable[tuple[str, float]],
    words: Iterable[tuple[str, float]] = (),
    net: float = 0.0,
    most: int = MOST,
) -> tuple[Reason, ...]:
    """At most `most` reasons, strongest first, of terms and their shares of the logit.

    `findings` that say the same thing are added up. Plain words and concepts end in one reason: `net` is the sum of
    their shares, `words` are those on its side, the weightiest first. No more of these are read than are shown, and
    those are the mail's own.
    """
    of_words = PITCH_WORDS if net > 0 else ORDINARY_WORDS
    found: dict[str, float] = {}
    for term, share in findings:
        code = finding(term)
        found[code] = found.get(code, 0.0) + share
    # How much a reason tells a person: that a mail is short or signed counts for the model, not for them.
    telling = [(-abs(weight) * (0.2 if code in _DULL else 1.0), code) for code, weight in found.items()]
    if net:
        found[of_words] = net
        telling.append((-abs(net), of_words))
    telling.sort()
    return tuple(
        Reason(code, found[code], _shown(words) if code == of_words else ()) for _, code in telling[:most]
    )


def illustrate(score: Score, reading: Reading, text: str) -> Score:
    """`score` with the words of the message beside each reason, as they stand in its `text`.

    The model sees only that a phrase is there; `reading` of the same message knows where.
    """
    spans: dict[str, list[str]] = {reason.code: [] for reason in score.reasons if not reason.words}
    for hit in reading.hits:
        if (told := spans.get(finding(f"t_{hit.finding}"))) is not None:
            told.append(" ".join(map(spoken, reading.words[hit.start : hit.end])))
    filled = tuple(
        replace(r, words=_as_written(_distinct(spans.get(r.code, ())) or r.words, text, reading.language))
        for r in score.reasons
    )
    return replace(score, reasons=filled)


_WORD = re.compile(r"\w+")
MAX_BETWEEN = 5
"""Signs that may stand between two words of a phrase."""

MAX_FURTHER = 6
"""Words that a quote may go on for to the end of its phrase."""

_GAP = re.compile(r"[^\S\n]*\n?[^\S\n]*|-|[’']")
"""Between two words of one phrase: space, the end of a line, or what joins them to one."""


def _as_written(words: Sequence[str], text: str, tongue: str) -> tuple[str, ...]:
    """Those of a reason's words that stand in the text, as they stand there: the model's own are in lower case and
    without what is between them. Those with a class among them stay, for the marks."""
    within = clean(text[:MAX_SHOWN])
    spans = [found.span() for found in _WORD.finditer(within)]
    written = _Written(within, spans, [within[start:end].lower() for start, end in spans], tongue)
    found = (each if "{" in each else written.quote(each) for each in words)
    return tuple(dict.fromkeys(filter(None, found)))


@dataclass(frozen=True, slots=True)
class _Written:
    """A text with the places of its words, and these in lower case."""

    text: str
    spans: Sequence[tuple[int, int]]
    lower: Sequence[str]
    language: str

    def quote(self, words: str) -> str:
        """The first place where these words follow each other, to the end of the phrase they stand in."""
        wanted = [word.lower() for word in _WORD.findall(words)]
        for first in (at for at, word in enumerate(self.lower) if wanted and word == wanted[0]):
            last = first
            for word in wanted[1:]:
                # A pair is one for the model too when a one-letter word is between.
                skipped = (
                    last + 2 < len(self.lower)
                    and len(self.lower[last + 1]) == 1
                    and self.lower[last + 1] != word
                )
                following = last + 2 if skipped else last + 1
                if (
                    following >= len(self.lower)
                    or self.lower[following] != word
                    or _apart(self.spans, last, following)
                ):
                    break
                last = following
            else:
                last = self._phrase_end(first, last)
                cut = self.text[self.spans[first][0] : self.spans[last][1]] if last >= first else ""
                return " ".join(UNSEEN.sub("", cut).split())
        return ""

    def _phrase_end(self, first: int, last: int) -> int:
        """The last word of a quote: "open to a" goes on to "open to a quick call", where the phrase ends soon enough,
        and is "open" otherwise. Before `first` if nothing is left."""
        if not self._leads_on(last):
            return last
        for end in range(last, min(last + MAX_FURTHER, len(self.lower))):
            if self.spans[end][1] - self.spans[first][0] > MOST_LETTERS:
                break
            goes_on = self._goes_on(end)
            if not self._leads_on(end) and (not goes_on or self._leads_on(end + 1)):
                return end
            if not goes_on:
                break
        while last >= first and self._leads_on(last):
            last -= 1
        return last

    def _goes_on(self, at: int) -> bool:
        """Whether another word of the same phrase may follow this one."""
        if at + 1 == len(self.lower):
            return False
        between = self.text[self.spans[at][1] : self.spans[at + 1][0]]
        return _GAP.fullmatch(UNSEEN.sub("", between)) is not None

    def _leads_on(self, at: int) -> bool:
        return leads_on(self.lower[at], self.language)


def _apart(spans: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    """Whether more than a few signs stand between any two words from the first to the last."""
    return any(spans[at + 1][0] - spans[at][1] > MAX_BETWEEN for at in range(first, last))


@lru_cache(maxsize=5_000)
def finding(term: str) -> str:
    """The code of a finding, or "" if `term` is made of words or concepts."""
    token = term.partition(" ")[0]
    name = token[2:]
    if token.startswith("t_"):
        return f"phrase.{name}"
    if token.startswith("f_"):
        family = name.partition("_")[0]
        return f"family.{family}" if family in _FAMILIES and name != _NO_FAMILY else f"form.{name}"
    return ""


def spoken(token: str) -> str:
    """A token as it stands among the words of a reason: a class in braces."""
    return f"{{{token}}}" if token in CLASSES else token


def _shown(words: Iterable[tuple[str, float]]) -> tuple[str, ...]:
    alike = groupby(words, key=lambda word: abs(word[1]))
    return _distinct(filter(None, (_said(term) for _, same in alike for term, _ in sorted(same))))


@lru_cache(maxsize=5_000)
def _said(term: str) -> str:
    """A term as the mail says it; "" for a concept or a stem, and for a word that would explain nothing by itself: an
    "and" may weigh, but only in a pair, as "we help", does it tell anything."""
    if term.startswith(("c_", "s_")) or commonplace(_bare(term)):
        return ""
    return " ".join(spoken(_bare(token)) for token in term.split(" "))


def _bare(token: str) -> str:
    return token.removeprefix("g_").removeprefix("q_")


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """The first few texts, cut, none of them part of one already taken."""
    taken: list[str] = []
    for whole in texts:
        text = whole[:MOST_LETTERS]
        if not any(text in other or other in text for other in taken):
            taken.append(text)
        if len(taken) == MOST_WORDS:
            break
    return tuple(taken)


# ---- A message as shown to its owner


MAX_SHOWN = 20_000


@dataclass(frozen=True, slots=True)
class Mark:
    """text[start:end] weighed: `weight` is that of the reason it stands for, positive speaks for a pitch."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Shown:
    """`text` is what the reader of the message sees, without controls and direction marks, at most `MAX_SHOWN`
    characters (`truncated`: there was more); `marks` point into it. `offers`: one click unsubscribes, and that can be
    believed. `reasons` are those of a score that came without."""

    text: str
    truncated: bool = False
    marks: tuple[Mark, ...] = ()
    offers: bool = False
    reasons: tuple[Reason, ...] = ()


# ---- Reasons marked in the text
# Where in a mail's text the reasons for its score stand, for a page that shows text and reasons side by side.


MOST_MARKS = 100
MOST_TEXT = 50_000
_TOKENS = {spoken(token): token for token in CLASSES}


def marks(text: str, score: Score, names: Mapping[str, str] | None = None) -> tuple[Mark, ...]:
    """The places of `text` that `score.reasons` speak of: not overlapping, in order of position, at most `MOST_MARKS`.

    `text` is what the reader sees (`wording.body`), `score` that of the same message, fresh or rebuilt from
    stored reasons. `names` (`wording.names_of`) finds phrases that hold somebody's name as well. Reasons about
    headers, form or earlier mail have no place and get no mark. Total and pure: a text that has nothing to do with
    the score gets few marks or none. Where two places overlap the weightier reason keeps its own.
    """
    shown = text[: min(MOST_TEXT, earlier_mail(text[:MOST_TEXT]))]
    tokens = placed(shown, names or {})
    found = [*_phrases(shown, tokens, score.reasons), *_words(tokens, score.reasons, names or {})]
    taken: list[Mark] = []
    used = bytearray(len(shown))
    for mark in sorted(found, key=lambda m: (-abs(m.weight), m.start, -m.end)):
        if len(taken) < MOST_MARKS and not any(used[mark.start : mark.end]):
            used[mark.start : mark.end] = b"\x01" * (mark.end - mark.start)
            taken.append(mark)
    return tuple(sorted(taken, key=lambda m: m.start))


def _phrases(text: str, tokens: Sequence[Placed], reasons: Sequence[Reason]) -> Iterator[Mark]:
    weights = {reason.code: reason.weight for reason in reasons}
    for hit in find([token.token for token in tokens], language(text)):
        weight = weights.get(finding(f"t_{hit.finding}"))
        if weight:
            yield Mark(tokens[hit.start].start, tokens[hit.end - 1].end, weight)


def _words(tokens: Sequence[Placed], reasons: Sequence[Reason], names: Mapping[str, str]) -> Iterator[Mark]:
    """Single words, word pairs, and what pairs are quoted with; a pair is one for the model too when a one-letter word
    or "?" is between."""
    longer = [token for token in tokens if len(token.token) > 1]
    wanted = {
        pieces: reason.weight
        for reason in reasons
        if reason.code in (PITCH_WORDS, ORDINARY_WORDS)
        for shown in reason.words
        if (pieces := _tokens_of(shown, names))
    }
    longest = sorted({len(words) for words in wanted}, reverse=True)
    for start in range(len(longer)):
        for length in longest:
            words = tuple(token.token for token in longer[start : start + length])
            if words in wanted:
                last = longer[start + len(words) - 1]
                yield Mark(longer[start].start, last.end, wanted[words])
                break


def _tokens_of(shown: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """The tokens of one of a reason's words."""
    if "{" in shown:
        return tuple(_TOKENS.get(piece, piece) for piece in shown.split())
    return tuple(token.token for token in placed(shown, names) if len(token.token) > 1)
