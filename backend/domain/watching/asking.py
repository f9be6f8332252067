"""Which messages an owner is asked about, and what their answers say of the verdicts.

The mail of a week is divided into strata; of each the messages with the lowest keyed digests are drawn, so that the
draw is the same wherever it is made, and no sender can aim at it or away from it. Only drawn messages count: what an
owner corrects unasked tells of the mistakes they happened to see.

A drawn message weighs as much as there are messages of its stratum in its week for each one drawn of them. "Can't say"
and no answer leave the sample; the rest of the stratum stands for them. The formulas stand in
docs/explanation/watching.md.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from backend.domain.mailbox.insights import Share, joined, wilson
from backend.domain.mailbox.verdict import Row

QUALITY = "quality"
"""What questions about all mail are kept under."""

HELD, NEAR, PASSED = STRATA = ("held", "near", "passed")
"""Nearly held is, of what stayed in the inbox on its score, the quarter with the highest."""

HOLDING = frozenset({Row.HELD_WITH_EARLIER, Row.OBSERVE, Row.QUARANTINE, Row.CHALLENGE})
NARROW = 0.2
"""An interval as wide as this or wider says too little to be shown."""

BY = ("model", "language", "letters")
"""Attributes of a label that figures are told by."""


class Answer(StrEnum):
    """The owner's answer to "was this a sales pitch?"."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


SAID = (Answer.YES, Answer.NO)


@dataclass(frozen=True, slots=True)
class Label:
    """A drawn message. `answer` is an `Answer`, or "" while there is none; `letters` the script of its sender's name,
    as far as figures tell it apart."""

    stratum: str
    weight: float
    model: str
    language: str
    letters: str
    answer: str


@dataclass(frozen=True, slots=True)
class Quality:
    """What the answers about some messages say: asked, answered with yes or no, and the shares, None where there is too
    little to tell. `by` is "" or one of `BY`, `name` which."""

    by: str
    name: str
    asked: int
    answered: int
    precision: Share | None
    recall: Share | None


def drawn(
    key: bytes, name: str, strata: Mapping[str, Sequence[str]], budget: int
) -> list[tuple[str, str, float]]:
    """At most `budget` messages as (id, stratum, weight). `name` is the draw's own. Each stratum in turn gives its
    next; the questions come in no order that tells a stratum."""
    orders = [
        sorted((hmac.digest(key, f"draw {name} {one}".encode(), "sha256"), one, stratum) for one in members)
        for stratum, members in strata.items()
    ]
    picked = [one for turn in zip_longest(*orders) for one in turn if one is not None][:budget]
    sizes = Counter(stratum for _, _, stratum in picked)
    return [(one, stratum, len(strata[stratum]) / sizes[stratum]) for _, one, stratum in sorted(picked)]


def quality(labels: Sequence[Label]) -> list[Quality]:
    """Of all, then by model, by language and by the letters of the sender's name, where there are several."""
    found = [_quality(labels, "", "", labels)]
    for by in BY:
        names = sorted({getattr(label, by) for label in labels} - {""})
        for name in names if len(names) > 1 else ():
            found.append(_quality(labels, by, name, [one for one in labels if getattr(one, by) == name]))
    return found


def narrow(share: Share | None) -> bool:
    """Whether a share is known well enough to be shown."""
    return share is not None and share.high - share.low < NARROW


def share_of_pitches(labels: Iterable[Label], of: Iterable[Label]) -> Share | None:
    """Of messages of a stratum, of which `of` were drawn, the share of pitches that are among `labels`; None if nothing
    was said about any."""
    weights = [label.weight for label in of if label.answer in SAID]
    if not (weight := sum(weights)):
        return None
    size = weight**2 / sum(one**2 for one in weights)
    pitches = sum(label.weight for label in labels if label.answer == Answer.YES)
    return wilson(min(pitches / weight, 1.0) * size, size)


def _quality(every: Sequence[Label], by: str, name: str, some: Sequence[Label]) -> Quality:
    held = [label for label in some if label.stratum == HELD]
    answered = sum(label.answer in SAID for label in some)
    return Quality(by, name, len(some), answered, share_of_pitches(held, held), _recall(every, some))


def _recall(every: Sequence[Label], some: Sequence[Label]) -> Share | None:
    """Of the pitches among `some`, by the strata of all. None if nobody said anything about a stratum, or there was no
    pitch."""
    sizes, known = dict[str, float](), dict[str, Share]()
    for stratum in STRATA:
        drawn, own = ([label for label in of if label.stratum == stratum] for of in (every, some))
        if drawn:
            sizes[stratum] = sum(label.weight for label in drawn)
        if share := share_of_pitches(own, drawn):
            known[stratum] = share
    pitches = any(share.value for share in known.values())
    if HELD not in known or len(known) < max(2, len(sizes)) or not pitches:
        return None

    def recall(of: Mapping[str, float]) -> float:
        pitches = {stratum: sizes[stratum] * value for stratum, value in of.items()}
        return pitches[HELD] / (sum(pitches.values()) or 1.0)

    return joined(known, recall)
