"""Whether a challenger is better than the champion, from what owners said of messages that one held and the other not.

The payoff of such a message is +1 for a pitch that only the challenger holds and −`COST` for an ordinary message that
only it holds, mirrored where the champion holds, and divided by `COST`: within [−1, 1]. Messages on which both agree
pay nothing. The test (Waudby-Smith and Ramdas 2024) bets on the sign of the mean payoff: `BETS` fixed shares of a
wealth that begins at 1, averaged. If the mean is not above 0, that wealth reaches `ENOUGH` in one trial of twenty at
most, however often one looks (Ville); another wealth bets the other way.

F1 is for people to read: it weighs errors otherwise than `COST` does, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from backend.domain.mailbox.insights import Share, joined
from backend.domain.watching.asking import HELD, HOLDING, Answer, Label, share_of_pitches

COST = 2.0
"""How many missed pitches one ordinary message held is worth."""
BETS = tuple(share / 20 for share in range(1, 20))
ENOUGH = 20.0
TRIAL = "trial"
"""What questions about disagreements are kept under."""

CHAMPION, CHALLENGER = "champion", "challenger"
"""Strata of those questions: who alone held the message."""


class Finding(StrEnum):
    """What a trial says of its challenger."""

    BETTER = "better"
    WORSE = "worse"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Wealth:
    """What was won by betting that the challenger is better, and that it is worse."""

    better: float = 1.0
    worse: float = 1.0

    @property
    def finding(self) -> Finding:
        """What it proves."""
        if self.better >= ENOUGH:
            return Finding.BETTER
        return Finding.WORSE if self.worse >= ENOUGH else Finding.OPEN


@dataclass(frozen=True, slots=True)
class Counted:
    """Messages that both models scored, and those that one of them alone would hold."""

    messages: int = 0
    champion: int = 0
    challenger: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """All there is to tell. `path` begins before the first answer; it ends with the one that decided. The F1s are None
    while too little is known of the mail on which both agree."""

    finding: Finding
    asked: int
    path: tuple[Wealth, ...]
    counted: Counted
    champion: Share | None
    challenger: Share | None

    @property
    def answered(self) -> int:
        """Answers that count."""
        return len(self.path) - 1


def disagreement(row: str, other: str) -> str | None:
    """Who alone holds a message, from the champion's row and the challenger's; None if they agree."""
    if (row in HOLDING) == (other in HOLDING):
        return None
    return CHAMPION if row in HOLDING else CHALLENGER


def payoff(stratum: str, answer: str) -> float | None:
    """Of one message; None without an answer that counts."""
    if answer not in (Answer.YES, Answer.NO):
        return None
    gain = 1.0 if answer == Answer.YES else -COST
    return (gain if stratum == CHALLENGER else -gain) / COST


def wealth(payoffs: Iterable[float]) -> tuple[Wealth, ...]:
    """After none, one, two … of them, up to the one that decides."""
    ups, downs = [1.0] * len(BETS), [1.0] * len(BETS)
    path = [Wealth()]
    for paid in payoffs:
        ups = [won * (1 + bet * paid) for won, bet in zip(ups, BETS, strict=True)]
        downs = [won * (1 - bet * paid) for won, bet in zip(downs, BETS, strict=True)]
        path.append(Wealth(sum(ups) / len(BETS), sum(downs) / len(BETS)))
        if path[-1].finding is not Finding.OPEN:
            break
    return tuple(path)


def trial(labels: Sequence[Label], counted: Counted = Counted(), usual: Sequence[Label] = ()) -> Trial:
    """What the answers about disagreements say, in the order in which they were given; `usual` are those about all mail
    of the champion's."""
    paid = [payoff(label.stratum, label.answer) for label in labels]
    path = wealth(one for one in paid if one is not None)
    champion, challenger = _f1(labels, counted, usual)
    return Trial(path[-1].finding, len(labels), path, counted, champion, challenger)


def _f1(
    labels: Sequence[Label], counted: Counted, usual: Sequence[Label]
) -> tuple[Share | None, Share | None]:
    """Of champion and challenger. The champion's from the questions about all mail; the challenger's differs from it by
    the messages that one of them alone holds."""
    strata = sorted({label.stratum for label in usual})
    mail = sum(label.weight for label in usual)
    drawn = {
        name: [label for label in (*usual, *labels) if label.stratum == name]
        for name in (*strata, CHAMPION, CHALLENGER)
    }
    sizes = {name: sum(label.weight for label in drawn[name]) / mail for name in strata}
    shares = {name: share_of_pitches(of, of) for name, of in drawn.items()}
    for name, alone in ((CHAMPION, counted.champion), (CHALLENGER, counted.challenger)):
        sizes[name] = alone / max(counted.messages, 1)
        if not alone:
            shares[name] = Share(0.0, 0.0, 0.0)
    known = {name: share for name, share in shares.items() if share is not None}
    if len(known) < len(shares) or HELD not in strata or len(strata) < 2:
        return None, None

    def f1(of: Mapping[str, float], challenger: bool) -> float:
        pitches = {name: sizes[name] * value for name, value in of.items()}
        every = sum(pitches[name] for name in strata)
        caught, held = pitches[HELD], sizes[HELD]
        if challenger:
            caught += pitches[CHALLENGER] - pitches[CHAMPION]
            held += sizes[CHALLENGER] - sizes[CHAMPION]
        return min(max(2 * caught / (held + every), 0.0), 1.0) if held + every else 0.0

    return joined(known, partial(f1, challenger=False)), joined(known, partial(f1, challenger=True))
