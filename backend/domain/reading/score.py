"""What the model says of one message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a score.

    `code` names what was found ("phrase.asks_call"; the catalogues have words for it), `weight` its share of the
    logit (positive speaks for a pitch), `words` the words of the message that weighed; a class of words (an amount, a
    link) is its token in braces, `{n_money}`.
    """

    code: str
    weight: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """What makes a score repeatable. `made_with` names model file, preparation, runtime and processor: the same give
    the same bits. `text` is the digest of the text that was scored, `shares` that of every term's share; `words`
    counts its different words, of which the model knows `known`. `counts` are the counts of the terms it knows, packed,
    where they are kept."""

    made_with: str
    text: str
    shares: str
    words: int
    known: int
    counts: str = ""


@dataclass(frozen=True, slots=True)
class Score:
    """`probability` of a pitch (0..1, calibrated), its `logit`, the strongest `reasons` first, and the
    `model` version that said so."""

    probability: float
    logit: float
    reasons: tuple[Reason, ...] = ()
    model: str = ""
    trace: Trace | None = field(default=None, compare=False)


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

    `strict` is the hold threshold of the strictest setting: from there on, mail of a sender whose mail waits is
    held with it. 0 <= clear <= hold <= challenge <= 1 and strict <= hold.
    """

    clear: float
    hold: float
    challenge: float
    strict: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.clear <= self.hold <= self.challenge <= 1.0 or not 0.0 <= self.strict <= self.hold:
            raise ValueError(f"thresholds out of order: {self}")
