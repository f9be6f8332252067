"""Whether an owner would be served better by the next degree of strictness, from their answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import Thresholds
from backend.domain.watching.trial import CHALLENGER, CHAMPION, Answer, Finding, payoff, wealth


class Scored(NamedTuple):
    """A drawn message's probability, and the owner's yes or no on it."""

    score: float
    answer: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A degree that is better, and of how many pitches and ordinary messages asked about it decides otherwise: holds
    them if it is `stricter`, else lets them in."""

    strictness: Strictness
    stricter: bool
    pitches: int
    ordinary: int


def better_degree(
    chosen: Strictness,
    answered: Sequence[Scored],
    thresholds: Callable[[Strictness], Thresholds],
) -> Offer | None:
    """The neighbour of `chosen` that is better; None while that is not proven of one. `answered` are probabilities with
    the owner's word on them, in the order in which it was given."""
    degrees, place = tuple(Strictness), tuple(Strictness).index(chosen)
    hold = thresholds(chosen).hold
    for other in degrees[max(place - 1, 0) : place] + degrees[place + 1 : place + 2]:
        theirs = thresholds(other).hold
        alone = CHALLENGER if theirs < hold else CHAMPION
        differ = [word for share, word in answered if (share >= hold) != (share >= theirs)]
        paid = [payoff(alone, word) for word in differ]
        if wealth(one for one in paid if one is not None)[-1].finding is Finding.BETTER:
            return Offer(other, theirs < hold, differ.count(Answer.YES), differ.count(Answer.NO))
    return None
