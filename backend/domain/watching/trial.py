"""Which models are at work, which messages owners are asked about, whether a challenger is better than the champion,
and whether another degree of strictness would serve an owner better."""

from __future__ import annotations

import hmac
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import zip_longest
from math import prod
from typing import NamedTuple

from backend.domain.digest import Digest
from backend.domain.errors import Refused
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import RowName, Shadow, Verdict
from backend.domain.mailbox.review import Share, joined, wilson
from backend.domain.policy.table import STRANGERS, Facts, decide
from backend.domain.reading.score import Thresholds

# ---- Models in use
# The champion decides. A challenger scores what the champion scores, and nothing follows from it. Either is named by
# its version; `FILE` is the model file of the settings, by default the one that ships, and is the first champion.


FILE = ""


class Act(StrEnum):
    """What was done. The value is stored and logged."""

    ADD = "add"
    SHADOW = "shadow"
    STOP = "stop"
    PROMOTE = "promote"
    FORCE = "force"  # promoted without a finding for it
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that was added, kept with its file. `digest` is the file's own, `name` what the file was called."""

    version: str
    digest: str
    name: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class AtWork:
    """The models at work since act `number`. `before`: the champion before this one, if any. A trial
    has a `challenger` and began at `since`."""

    number: int = 0
    champion: str = FILE
    before: str | None = None
    challenger: str | None = None
    since: datetime | None = None

    def after(self, act: Act, version: str, now: datetime) -> AtWork:
        """What is at work after an act about the model `version`. Raises `Refused`."""
        following = replace(self, number=self.number + 1)
        if act is Act.ADD:
            return following
        if act is Act.SHADOW:
            if self.challenger is not None:
                raise Refused("models.in_trial", version=self.challenger)
            if version == self.champion:
                raise Refused("models.is_champion", version=version)
            return replace(following, challenger=version, since=now)
        over = replace(following, challenger=None, since=None)
        if act is Act.STOP:
            if self.challenger != version:
                raise Refused("models.no_trial")
            return over
        if act is Act.ROLLBACK and self.before != version:
            raise Refused("models.nothing_before")
        if version == self.champion:
            raise Refused("models.is_champion", version=version)
        # What was taken back is nothing to go back to.
        return replace(over, champion=version, before=None if act is Act.ROLLBACK else self.champion)


@dataclass(frozen=True, slots=True)
class ModelAct:
    """One act in the log: who did what about which model, and what was at work then."""

    act: Act
    version: str
    by: str
    at: datetime
    at_work: AtWork


# ---- A challenger walks the table beside the champion.


def shadow_of(
    verdict: Verdict, digest: Digest, facts: Facts, guards: tuple[str, ...], now: datetime
) -> Shadow | None:
    """What the challenger would have decided; None without one, and where no score was asked for."""
    score = digest.challenger
    if score is None or verdict.row not in STRANGERS:
        return None
    thresholds = digest.challenger_thresholds[facts.preferences.strictness]
    return Shadow(score.model, decide(facts, score, thresholds, guards, now).row, score.probability)


# ---- Sampled questions
# The mail of a week is divided into strata; of each the messages with the lowest keyed digests are drawn, so that the
# draw is the same wherever it is made, and no sender can aim at it or away from it. Only answers to these questions
# count: what an owner corrects unasked, a drawn message or another, tells of the mistakes they happened to see. A drawn
# message weighs as much as there are messages of its stratum in its week for each one drawn of them. "Can't say" and no
# answer leave the sample; the rest of the stratum stands for them. The formulas stand in docs/explanation/watching.md.


QUALITY = "quality"
"""What questions about all mail are kept under."""

HELD, NEAR, PASSED = STRATA = ("held", "near", "passed")
"""Nearly held is, of what stayed in the inbox on its score, the tenth with the highest: that is where another degree of
strictness decides otherwise."""

HOLDING = frozenset({RowName.HELD_WITH_EARLIER, RowName.OBSERVE, RowName.QUARANTINE, RowName.CHALLENGE})
NARROW = 0.2
"""An interval as wide as this or wider says too little to be shown."""

BY = ("model", "language", "letters")
"""Attributes of a label that figures are split by."""


class Answer(StrEnum):
    """The owner's answer to "was this a sales pitch?"."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


SAID = (Answer.YES, Answer.NO)


@dataclass(frozen=True, slots=True)
class TrialLabel:
    """A drawn message. `answer` is an `Answer`, or "" while there is none; `acted` the answer that lies in what its
    owner did with it unasked, "" if they did nothing; `letters` the script of its sender's name, as far as figures tell
    it apart; `mailbox` its owner's."""

    stratum: str
    weight: float
    model: str
    language: str
    letters: str
    answer: str
    acted: str = ""
    mailbox: str = ""


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


def in_turn(week: int, budget: int) -> tuple[str, ...]:
    """`STRATA`; where there are fewer questions than strata, each is the first, the second and left out in turn."""
    turn = week % len(STRATA) if budget < len(STRATA) else 0
    return STRATA[turn:] + STRATA[:turn]


def quality(labels: Sequence[TrialLabel]) -> list[Quality]:
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


def share_of_pitches(labels: Iterable[TrialLabel], of: Iterable[TrialLabel]) -> Share | None:
    """Of messages of a stratum, of which `of` were drawn, the share of pitches that are among `labels`; None if nothing
    was said about any."""
    weights = [label.weight for label in of if label.answer in SAID]
    if not (weight := sum(weights)):
        return None
    size = weight**2 / sum(one**2 for one in weights)
    pitches = sum(label.weight for label in labels if label.answer == Answer.YES)
    return wilson(min(pitches / weight, 1.0) * size, size)


def _quality(every: Sequence[TrialLabel], by: str, name: str, some: Sequence[TrialLabel]) -> Quality:
    held = [label for label in some if label.stratum == HELD]
    answered = sum(label.answer in SAID for label in some)
    return Quality(by, name, len(some), answered, share_of_pitches(held, held), _recall(every, some))


def _recall(every: Sequence[TrialLabel], some: Sequence[TrialLabel]) -> Share | None:
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


# ---- Is the challenger better?
# The payoff of such a message is +1 for a pitch that only the challenger holds and −`COST` for an ordinary message
# that only it holds, mirrored where the champion holds, and divided by `COST`: within [−1, 1]. Messages on which both
# agree pay nothing. The test (Waudby-Smith and Ramdas 2024) bets on the sign of the mean payoff: `BETS` fixed shares
# of a wealth that begins at 1, averaged. If the mean is not above 0, that wealth reaches `ENOUGH` in one trial of
# twenty at most, however often one looks (Ville); another wealth bets the other way. F1 is for people to read: it
# weighs errors otherwise than `COST` does, and decides nothing.


COST = 2.0
"""How many missed pitches one ordinary message held is worth."""
BETS = tuple(share / 20 for share in range(1, 20))
ENOUGH = 20.0
TRIAL = "trial"
"""What questions about disagreements are kept under."""


SAYS_YES = ((0.8, 0.05), (0.4, 0.05))
"""How often an owner who looks says yes about mail that was held, and about mail that passed: with a good model, and
with a bad one."""
HEARD = 50.0
"""The evidence from which an owner's answers count."""


def asked_in_trial(budget: int) -> int:
    """Of a week's questions, how many may be about disagreements. The others are about all mail: they go on saying how
    good the champion is, and show whether an owner's answers tell pitches from ordinary mail (`vouched`)."""
    return max(1, budget - 2) if budget else 0


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
class TrialCounts:
    """Messages that both models scored, and those that one of them alone would hold."""

    messages: int = 0
    champion: int = 0
    challenger: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """All there is to tell. `path` begins before the first answer and ends with the one that decided. `silent`
    questions have no answer, `acted` messages were decided on unasked, and `doubted` answers are of owners not
    vouched for. The F1s are None while too little is known of the mail on which both agree."""

    finding: Finding
    asked: int
    silent: int
    acted: int
    doubted: int
    path: tuple[Wealth, ...]
    counted: TrialCounts
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


def payoff(stratum: str, answer: str) -> float:
    """Of one message with a yes or no."""
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


def vouched(usual: Sequence[TrialLabel], every: Sequence[TrialLabel] = ()) -> bool:
    """Whether an owner's answers tell pitches from ordinary mail. `usual`: theirs about all mail, in their order;
    `every`: all of theirs.

    The nth answer about held mail is paired with the nth about mail that passed, and the likelihood of both if the
    owner says truly (`SAYS_YES`) divided by that if they say yes as often to either. Who always says the same, or
    anything, gets to `HEARD` by chance once in so many times. Who did otherwise with most of the messages than they
    answered is not vouched for either.
    """
    both = [one.answer == one.acted for one in (*usual, *every) if one.answer in SAID and one.acted in SAID]
    if both.count(False) > both.count(True):
        return False
    held, passed = (
        [one.answer == Answer.YES for one in usual if one.stratum == stratum and one.answer in SAID]
        for stratum in (HELD, PASSED)
    )
    evidence = [1.0] * len(SAYS_YES)
    for pair in zip(held, passed, strict=False):
        evidence = [
            so_far
            * prod(_likelier(yes, often, sum(truly) / 2) for yes, often in zip(pair, truly, strict=True))
            for so_far, truly in zip(evidence, SAYS_YES, strict=True)
        ]
        if sum(evidence) / len(evidence) >= HEARD:
            return True
    return False


def _likelier(yes: bool, often: float, alike: float) -> float:
    return often / alike if yes else (1 - often) / (1 - alike)


def trial(
    labels: Sequence[TrialLabel],
    usual: Sequence[TrialLabel],
    champion: str = "",
    counted: TrialCounts = TrialCounts(),
) -> Trial:
    """What the answers about disagreements say, in the order in which they were given; `usual` are those of the same
    owners about all mail, whichever model decided it. An answer counts as much as the messages it stands for, so that
    many small mailboxes do not outvote a large one. `champion` is a version, for its F1."""
    own, theirs = defaultdict[str, list[TrialLabel]](list), defaultdict[str, list[TrialLabel]](list)
    for label in usual:
        own[label.mailbox].append(label)
    for label in labels:
        theirs[label.mailbox].append(label)
    heard = {name for name in {**own, **theirs} if vouched(own[name], theirs[name])}
    said = [label for label in labels if label.answer in SAID]
    counting = [label for label in said if label.mailbox in heard]
    most = max((label.weight for label in counting), default=1.0)
    path = wealth(payoff(label.stratum, label.answer) * label.weight / most for label in counting)
    decided = [label for label in usual if label.mailbox in heard and label.model == champion]
    shares = _f1(counting, counted, decided)
    return Trial(
        finding=path[-1].finding,
        asked=len(labels),
        silent=sum(label.answer == "" for label in labels),
        acted=sum(label.acted != "" for label in labels),
        doubted=len(said) - len(counting),
        path=path,
        counted=counted,
        champion=shares[0],
        challenger=shares[1],
    )


def _f1(
    labels: Sequence[TrialLabel], counted: TrialCounts, usual: Sequence[TrialLabel]
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


# ---- Would the next degree of strictness serve the owner better?


class Scored(NamedTuple):
    """A drawn message's probability, and the owner's yes or no on it."""

    score: float
    answer: str


@dataclass(frozen=True, slots=True)
class StrictnessOffer:
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
) -> StrictnessOffer | None:
    """The neighbour of `chosen` that is better; None while that is not proven of one. `answered` are probabilities with
    the owner's word on them, in the order in which it was given."""
    degrees, place = tuple(Strictness), tuple(Strictness).index(chosen)
    hold = thresholds(chosen).hold
    for other in degrees[max(place - 1, 0) : place] + degrees[place + 1 : place + 2]:
        theirs = thresholds(other).hold
        alone = CHALLENGER if theirs < hold else CHAMPION
        differ = [word for share, word in answered if (share >= hold) != (share >= theirs)]
        if wealth(payoff(alone, word) for word in differ)[-1].finding is Finding.BETTER:
            return StrictnessOffer(other, theirs < hold, differ.count(Answer.YES), differ.count(Answer.NO))
    return None
