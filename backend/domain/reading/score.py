"""The score of a message, the reasons for it, and where in the text they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from itertools import groupby
from math import exp
from typing import TYPE_CHECKING

from backend.domain.mail.message import INVISIBLE, clean
from backend.domain.mail.quoting import earlier_mail
from backend.domain.reading.words import (
    COMMONPLACE,
    PlacedToken,
    find_phrases,
    language,
    leads_on,
    placed_tokens,
)

if TYPE_CHECKING:
    from backend.domain.reading.model_text import ModelInput


# ---- Scores and thresholds


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a score.

    `code` names what was found ("phrase.asks_call"; the catalogues have its sentence). `weight` is its share of the
    logit, positive for a pitch. `words` are quotes from the message; a class of words (an amount, a link) is its token
    in braces, `{n_money}`.
    """

    code: str
    weight: float
    words: tuple[str, ...] = ()

    @property
    def quotes(self) -> tuple[str, ...]:
        """Its words that can be shown, none of them part of one before it."""
        return _distinct(word for word in self.words if "{" not in word)


@dataclass(frozen=True, slots=True)
class ScoreTrace:
    """What is needed to check a score by computing it again.

    `made_with` names model file, text preparation, runtime and processor; if all are equal, the score is equal bit by
    bit. `text` is the digest of the scored text, `shares` that of each term's share of the logit; both are "" for mail
    that is clearly fine. `words` counts the text's distinct words, `known` those the model knows. `counts` are the
    packed counts of known terms, where they are kept. `again` belongs to a second reading.
    """

    made_with: str
    text: str
    shares: str
    words: int
    known: int
    counts: str = ""
    again: SecondReadingTrace | None = None


@dataclass(frozen=True, slots=True)
class SecondReadingTrace:
    """The same for a second reading: `embedding` is the digest of the language model's `numbers`, which are kept only
    with counts; `judge` is the digest of the model that weighs both readings; `first` is the logit of the first."""

    embedding: str
    judge: str
    first: float
    numbers: str = ""


class Part(StrEnum):
    """Which part of a message was scored. The value is stored."""

    WHOLE = ""
    PLAIN = "plain"  # the plain text, where it differs from the HTML
    OPENING = "opening"  # the first words of a long message
    BELOW = "below"  # the place further down with the most phrases of pitches
    COLUMN = "column"  # one column of a table in a long message
    SCATTERED = "scattered"  # the few pieces of a long message with the most phrases of pitches


PART_PENALTY = 2.0
"""Subtracted from the logit of a part: the highest of several scores is higher than a single one. Of the corpus's 1,250
long ordinary emails, parts alone hold 4 at normal and 1 at relaxed with a penalty of 2, and 5 and 4 with 1. Scattered
pieces have half of it: they repeat what stands in the whole."""


@dataclass(frozen=True, slots=True)
class Score:
    """The `probability` of a pitch (0..1, calibrated), its `logit`, the `reasons` (strongest first), the `model`
    version, and the `part` of the message that was scored."""

    probability: float
    logit: float
    reasons: tuple[Reason, ...] = ()
    model: str = ""
    trace: ScoreTrace | None = field(default=None, compare=False)
    part: Part = Part.WHOLE

    def of_part(self, part: Part) -> Score:
        """This score of a text, as the score of a part of a message: with the penalty, and a reason that says so."""
        if part is Part.WHOLE:
            return self
        penalty = PART_PENALTY / 2 if part is Part.SCATTERED else PART_PENALTY
        logit = self.logit - penalty
        probability = 1 / (1 + exp(-logit)) if logit > -700 else 0.0
        reasons = (*self.reasons, Reason(f"part.{part}", -penalty)) if self.reasons else ()
        return replace(self, probability=probability, logit=logit, reasons=reasons, part=part)

    def read_again(self, probability: float, logit: float, kept: SecondReadingTrace) -> Score:
        """The score after a second reading, with one more reason: which way the second reading changed it."""
        gain = logit - self.logit
        trace = replace(self.trace, again=kept) if self.trace is not None else None
        more = Reason("again.pitch" if gain > 0 else "again.ordinary", gain)
        reasons = (*self.reasons, more) if self.reasons else ()
        return replace(self, probability=probability, logit=logit, reasons=reasons, trace=trace)


def percent(share: float) -> int:
    """A probability as every screen writes it: from 1 to 99, because nothing is certain."""
    return min(max(round(share * 100), 1), 99)


SCORE_BANDS: Mapping[str, tuple[int, int]] = {"pitch": (80, 99), "maybe": (40, 79), "unlikely": (1, 39)}
"""The names of the words shown beside scores, and the scores (1 to 99) each stands for."""


def score_band(score: int) -> str:
    return next(name for name, (least, _) in SCORE_BANDS.items() if score >= least)


def score_range(name: str) -> tuple[float, float]:
    """The probabilities (from, below) of the scores with that word."""
    least, most = SCORE_BANDS[name]
    return (least - 0.5) / 100 if least > 1 else 0.0, (most + 0.5) / 100 if most < 99 else 1.01


@dataclass(frozen=True, slots=True)
class StrictnessCost:
    """What a strictness does to mail of writers the model was not trained on: how many of 1,000 ordinary emails from
    strangers it holds, and how many of 100 pitches it catches."""

    held: int
    caught: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Probabilities from which a message is no longer clearly fine (`clear`), is held, and is challenged.

    `strict` is the hold threshold of the strictest setting. 0 <= clear <= hold <= challenge <= 1 and strict <= hold.
    """

    clear: float
    hold: float
    challenge: float
    strict: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.clear <= self.hold <= self.challenge <= 1.0 or not 0.0 <= self.strict <= self.hold:
            raise ValueError(f"thresholds out of order: {self}")


# ---- Reasons from the terms' shares of the logit


MOST_REASONS = 6
MOST_QUOTES = 5
MAX_QUOTE = 160
"""Characters of one of the `MOST_QUOTES` quotes beside a reason."""

FINDING_PREFIXES = ("t_", "f_")
"""Terms with these prefixes are findings; all others are words or concepts."""

PITCH_WORDS = "pitch_words"
ORDINARY_WORDS = "ordinary_words"
"""Codes of the two reasons that sum up plain words."""

WORD_CLASSES = frozenset(
    {
        *("u_link", "u_mail", "n_money", "n_percent", "n_clock", "n_phone", "n_year", "n_number"),
        *("x_firm", "x_name", "o_firm", "o_name"),
    }
)
"""Tokens that stand for a kind of word."""

_FAMILIES = ("length", "subject", "language")
"""Findings with these prefixes share one reason each, which says only that they counted."""
_NO_FAMILY = "subject_lower"
"""A finding with such a prefix that has a reason of its own."""
_DULL = frozenset(
    {
        *(f"family.{name}" for name in _FAMILIES),
        *(
            f"form.{name}"
            for name in ("bullets", "exclaim", "signature", "signature_long", "html", "links", "mailer_named")
        ),
    }
)


def reasons(
    findings: Iterable[tuple[str, float]],
    words: Iterable[tuple[str, float]] = (),
    net: float = 0.0,
    most: int = MOST_REASONS,
) -> tuple[Reason, ...]:
    """At most `most` reasons, strongest first, from terms and their shares of the logit.

    `findings` with the same reason code are added up. All plain words and concepts make one reason: `net` is the sum of
    their shares, and `words` are those with the same sign, the weightiest first; they are read only as far as quotes
    are needed.
    """
    words_code = PITCH_WORDS if net > 0 else ORDINARY_WORDS
    found: dict[str, float] = {}
    for term, share in findings:
        code = reason_code(term)
        found[code] = found.get(code, 0.0) + share
    # That a mail is short or signed counts for the model, but explains little to a person.
    ranked = [(-abs(weight) * (0.2 if code in _DULL else 1.0), code) for code, weight in found.items()]
    if net:
        found[words_code] = net
        ranked.append((-abs(net), words_code))
    ranked.sort()
    return tuple(
        Reason(code, found[code], _quotes(words) if code == words_code else ()) for _, code in ranked[:most]
    )


def with_quotes(score: Score, reading: ModelInput, text: str) -> Score:
    """`score` with quotes from the message beside each reason, as written in its `text`.

    The model knows only that a phrase occurs; `reading`, of the same message, knows where.
    """
    spans: dict[str, list[str]] = {reason.code: [] for reason in score.reasons if not reason.words}
    for hit in reading.hits:
        if (quotes := spans.get(reason_code(f"t_{hit.finding}"))) is not None:
            quotes.append(" ".join(map(in_braces, reading.words[hit.start : hit.end])))
    quoted = [_distinct(spans.get(reason.code, ())) or reason.words for reason in score.reasons]
    if not any(quoted):
        return score
    written = _Written.of(text, reading.language)
    filled = (
        replace(reason, words=_as_written(quotes[:MOST_QUOTES], written))
        for reason, quotes in zip(score.reasons, quoted, strict=True)
    )
    return replace(score, reasons=tuple(filled))


_WORD = re.compile(r"\w+")
MAX_BETWEEN = 5
"""Characters that may stand between two words of a phrase."""

MAX_FURTHER = 6
"""Words by which a quote may be extended to the end of its phrase."""

_GAP = re.compile(r"[^\S\n]*+(?:\n[^\S\n]*+)?|-|[’']")
"""What may stand between two words of a phrase: space, a line break, a hyphen or an apostrophe."""


def _as_written(words: Sequence[str], written: _Written) -> tuple[str, ...]:
    """A reason's quotes as they are written in the text: the model's are in lower case and without punctuation. Quotes
    that are not found are left out; those with a class of words in braces stay as they are."""
    found = (each if "{" in each else written.quote(each) for each in words)
    return tuple(dict.fromkeys(filter(None, found)))


@dataclass(frozen=True, slots=True)
class _Written:
    """A text with the places of its words (`spans`), and the words in lower case."""

    text: str
    spans: Sequence[tuple[int, int]]
    lower: Sequence[str]
    language: str

    @classmethod
    def of(cls, text: str, language_code: str) -> _Written:
        within = clean(text[:MAX_SHOWN])
        spans = [found.span() for found in _WORD.finditer(within)]
        return cls(within, spans, [within[start:end].lower() for start, end in spans], language_code)

    def quote(self, words: str) -> str:
        """The text's spelling at the first place where these words follow each other, to the end of their phrase; "" if
        there is none."""
        wanted = [word.lower() for word in _WORD.findall(words)]
        for first in (at for at, word in enumerate(self.lower) if wanted and word == wanted[0]):
            last = first
            for word in wanted[1:]:
                # To the model, two words are a pair even with a one-letter word between them.
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
                return " ".join(INVISIBLE.sub("", cut).split())
        return ""

    def _phrase_end(self, first: int, last: int) -> int:
        """The index of a quote's last word. "open to a" is extended to "open to a quick call" if its phrase ends within
        a few words, otherwise shortened to "open". Less than `first` if no word is left."""
        if not self._leads_on(last):
            return last
        for end in range(last, min(last + MAX_FURTHER, len(self.lower))):
            if self.spans[end][1] - self.spans[first][0] > MAX_QUOTE:
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
        """Whether the next word may belong to the same phrase."""
        if at + 1 == len(self.lower):
            return False
        between = self.text[self.spans[at][1] : self.spans[at + 1][0]]
        return _GAP.fullmatch(INVISIBLE.sub("", between)) is not None

    def _leads_on(self, at: int) -> bool:
        return leads_on(self.lower[at], self.language)


def _apart(spans: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    """Whether any two neighbouring words from the first to the last are more than `MAX_BETWEEN` characters apart."""
    return any(spans[at + 1][0] - spans[at][1] > MAX_BETWEEN for at in range(first, last))


@lru_cache(maxsize=5_000)
def reason_code(term: str) -> str:
    """The reason code of a finding, or "" if `term` is made of words or concepts."""
    token = term.partition(" ")[0]
    name = token[2:]
    if token.startswith("t_"):
        return f"phrase.{name}"
    if token.startswith("f_"):
        family = name.partition("_")[0]
        return f"family.{family}" if family in _FAMILIES and name != _NO_FAMILY else f"form.{name}"
    return ""


def in_braces(token: str) -> str:
    """A token as it stands in a reason's quotes: a class in braces."""
    return f"{{{token}}}" if token in WORD_CLASSES else token


def _quotes(words: Iterable[tuple[str, float]]) -> tuple[str, ...]:
    alike = groupby(words, key=lambda word: abs(word[1]))
    return _distinct(filter(None, (_quote(term) for _, same in alike for term, _ in sorted(same))))


@lru_cache(maxsize=5_000)
def _quote(term: str) -> str:
    """A term as it is written in mail; "" for a concept or a stem, and for a common word such as "and", which explains
    something only in a pair ("we help")."""
    if term.startswith(("c_", "s_")) or _bare(term) in COMMONPLACE:
        return ""
    return " ".join(in_braces(_bare(token)) for token in term.split(" "))


def _bare(token: str) -> str:
    return token.removeprefix("g_").removeprefix("q_")


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """The first few texts, cut, none of them part of one already taken."""
    taken: list[str] = []
    for whole in texts:
        text = whole[:MAX_QUOTE]
        if not any(text in other or other in text for other in taken):
            taken.append(text)
        if len(taken) == MOST_QUOTES:
            break
    return tuple(taken)


# ---- A message as shown to its owner


MAX_SHOWN = 20_000


@dataclass(frozen=True, slots=True)
class Mark:
    """text[start:end] is a reason's quote; `weight` is the reason's, positive for a pitch."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """`text` is what a reader of the message sees, without control characters and direction marks, at most `MAX_SHOWN`
    characters (`truncated`: there was more); `marks` point into it. `offers`: the mail offers to unsubscribe with one
    click, and the offer is genuine. `reasons` are given if the stored score has none."""

    text: str
    truncated: bool = False
    marks: tuple[Mark, ...] = ()
    offers: bool = False
    reasons: tuple[Reason, ...] = ()


# ---- Reasons marked in the text
# For a page that shows text and reasons side by side.


MOST_MARKS = 100
MAX_MARKED_TEXT = 50_000
_TOKENS = {in_braces(token): token for token in WORD_CLASSES}


def marks(text: str, score: Score, names: Mapping[str, str] | None = None) -> tuple[Mark, ...]:
    """Where the reasons of `score` stand in `text`: at most `MOST_MARKS` places in order, without overlaps.

    `text` is what a reader of the message sees (`model_text.body`). With `names` (`model_text.names_of`), phrases that
    contain somebody's name are found too. Reasons about headers, form or earlier mail get no mark. Where two places
    overlap, the reason with more weight keeps its own. Never raises, even if the text is not that of the score.
    """
    shown = text[: min(MAX_MARKED_TEXT, earlier_mail(text[:MAX_MARKED_TEXT]))]
    tokens = placed_tokens(shown, names or {})
    found = [*_phrases(shown, tokens, score.reasons), *_words(tokens, score.reasons, names or {})]
    taken: list[Mark] = []
    used = bytearray(len(shown))
    for mark in sorted(found, key=lambda m: (-abs(m.weight), m.start, -m.end)):
        if len(taken) < MOST_MARKS and not any(used[mark.start : mark.end]):
            used[mark.start : mark.end] = b"\x01" * (mark.end - mark.start)
            taken.append(mark)
    return tuple(sorted(taken, key=lambda m: m.start))


def _phrases(text: str, tokens: Sequence[PlacedToken], reasons: Sequence[Reason]) -> Iterator[Mark]:
    weights = {reason.code: reason.weight for reason in reasons}
    for hit in find_phrases([token.token for token in tokens], language(text)):
        weight = weights.get(reason_code(f"t_{hit.finding}"))
        if weight:
            yield Mark(tokens[hit.start].start, tokens[hit.end - 1].end, weight)


def _words(
    tokens: Sequence[PlacedToken], reasons: Sequence[Reason], names: Mapping[str, str]
) -> Iterator[Mark]:
    """Single words, word pairs and longer quotes; to the model, two words are a pair even with a one-letter word or "?"
    between."""
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
    """The tokens of one of a reason's quotes."""
    if "{" in shown:
        return tuple(_TOKENS.get(piece, piece) for piece in shown.split())
    return tuple(token.token for token in placed_tokens(shown, names) if len(token.token) > 1)
