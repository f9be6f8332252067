"""Which models are in use, which messages owners are asked about, whether a new model (the challenger) is better than
the one in use (the champion), and whether another strictness would be better for an owner."""

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
from backend.domain.mailbox.message import PolicyRow, Shadow, Verdict
from backend.domain.mailbox.review import Share, combined_share, wilson
from backend.domain.policy.table import STRANGERS, Facts, decide
from backend.domain.reading.score import Thresholds

# ---- Models in use
# The champion decides. A challenger's scores are only recorded. Models are named by their version.


CONFIGURED_MODEL = ""
"""Stands for the model file in the settings, by default the shipped one. It is the first champion."""


class Act(StrEnum):
    """What an operator did with a model. The value is stored and logged."""

    ADD = "add"
    SHADOW = "shadow"
    STOP = "stop"
    PROMOTE = "promote"
    FORCE = "force"  # promoted although the trial has not shown it to be better
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that was added and is stored with its file. `digest` is that of the file, `name` the file's name."""

    version: str
    digest: str
    name: str
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True)
class ModelsInUse:
    """The models in use since act `number`. `before` is the previous champion, if any. During a trial there is a
    `challenger`, and `since` is when the trial began."""

    number: int = 0
    champion: str = CONFIGURED_MODEL
    before: str | None = None
    challenger: str | None = None
    since: datetime | None = None

    def after(self, act: Act, version: str, now: datetime) -> ModelsInUse:
        """The models in use after an act about model `version`. Raises `Refused` if the act is not possible."""
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
        # After a rollback there is no previous champion: one cannot return to the model that was rolled back.
        return replace(over, champion=version, before=None if act is Act.ROLLBACK else self.champion)


@dataclass(frozen=True, slots=True)
class ModelAct:
    """One act in the log: who did what with which model, and the models in use after it."""

    act: Act
    version: str
    by: str
    at: datetime
    in_use: ModelsInUse


# ---- The challenger's verdict


def shadow_of(
    verdict: Verdict, digest: Digest, facts: Facts, guards: tuple[str, ...], now: datetime
) -> Shadow | None:
    """What the challenger would have decided; None without a challenger, or if the verdict did not need a score."""
    score = digest.challenger
    if score is None or verdict.row not in STRANGERS:
        return None
    thresholds = digest.challenger_thresholds[facts.preferences.strictness]
    return Shadow(score.model, decide(facts, score, thresholds, guards, now).row, score.probability)


# ---- Sampled questions
# A week's mail is divided into strata. From each stratum, the messages with the lowest keyed digests are drawn, so that
# every server draws the same ones and no sender can influence the draw. Only answers to these questions count, because
# corrections that an owner makes unasked show only the mistakes they happened to see. The weight of a drawn message is
# the number of messages in its stratum and week, divided by the number drawn. Messages answered with "can't say", or
# not at all, leave the sample; the rest of the stratum stands for them. Formulas: docs/explanation/watching.md.


QUALITY = "quality"
"""The stored kind of questions about all mail."""

HELD, NEAR, PASSED = STRATA = ("held", "near", "passed")
"""NEAR (nearly held) is the tenth with the highest scores among mail that its score let into the inbox: another
strictness would decide differently there."""

WOULD_HOLD = frozenset(
    {PolicyRow.HELD_WITH_EARLIER, PolicyRow.OBSERVE, PolicyRow.QUARANTINE, PolicyRow.CHALLENGE}
)
MAX_WIDTH = 0.2
"""A confidence interval this wide or wider is not shown."""

BY = ("model", "language", "letters")
"""Fields of `TrialLabel` by which figures are split."""


class Answer(StrEnum):
    """The owner's answer to "was this a sales pitch?"."""

    YES = "yes"
    NO = "no"
    UNSURE = "unsure"


CLEAR_ANSWERS = (Answer.YES, Answer.NO)


@dataclass(frozen=True, slots=True)
class TrialLabel:
    """A drawn message. `answer` is an `Answer`, "" while there is none; `acted` is the answer implied by what the owner
    did with the message unasked, "" if they did nothing; `letters` is the script of the sender's name; `mailbox` is
    its mailbox's id."""

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
    """Precision and recall from the answers about some messages (None if there are too few), and how many were asked
    and answered with yes or no. `by` is "" or one of `BY`, and `name` is its value."""

    by: str
    name: str
    asked: int
    answered: int
    precision: Share | None
    recall: Share | None


def draw_sample(
    key: bytes, name: str, strata: Mapping[str, Sequence[str]], budget: int
) -> list[tuple[str, str, float]]:
    """Draw at most `budget` messages: (id, stratum, weight). `name` makes draws differ. The strata take turns. The
    result is ordered so that it does not reveal the strata."""
    orders = [
        sorted((hmac.digest(key, f"draw {name} {one}".encode(), "sha256"), one, stratum) for one in members)
        for stratum, members in strata.items()
    ]
    picked = [one for turn in zip_longest(*orders) for one in turn if one is not None][:budget]
    sizes = Counter(stratum for _, _, stratum in picked)
    return [(one, stratum, len(strata[stratum]) / sizes[stratum]) for _, one, stratum in sorted(picked)]


def strata_order(week: int, budget: int) -> tuple[str, ...]:
    """The order of the strata in a week. With fewer questions than strata, each week omits a different one."""
    turn = week % len(STRATA) if budget < len(STRATA) else 0
    return STRATA[turn:] + STRATA[:turn]


def quality(labels: Sequence[TrialLabel]) -> list[Quality]:
    """The quality over all labels, then for each model, language and script of the sender's name."""
    found = [_quality(labels, "", "", labels)]
    for by in BY:
        names = sorted({getattr(label, by) for label in labels} - {""})
        for name in names if len(names) > 1 else ():
            found.append(_quality(labels, by, name, [one for one in labels if getattr(one, by) == name]))
    return found


def is_narrow(share: Share | None) -> bool:
    return share is not None and share.high - share.low < MAX_WIDTH


def share_of_pitches(labels: Iterable[TrialLabel], drawn: Iterable[TrialLabel]) -> Share | None:
    """The pitches among `labels`, all or some of `drawn`, as a share of the whole stratum; None without answers."""
    weights = [label.weight for label in drawn if label.answer in CLEAR_ANSWERS]
    if not (weight := sum(weights)):
        return None
    size = weight**2 / sum(one**2 for one in weights)
    pitches = sum(label.weight for label in labels if label.answer == Answer.YES)
    return wilson(min(pitches / weight, 1.0) * size, size)


def _quality(every: Sequence[TrialLabel], by: str, name: str, some: Sequence[TrialLabel]) -> Quality:
    held = [label for label in some if label.stratum == HELD]
    answered = sum(label.answer in CLEAR_ANSWERS for label in some)
    return Quality(by, name, len(some), answered, share_of_pitches(held, held), _recall(every, some))


def _recall(every: Sequence[TrialLabel], some: Sequence[TrialLabel]) -> Share | None:
    """The share of the pitches among `some` that were held, with the strata's sizes from `every`. None if a stratum has
    no answers, or without pitches."""
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

    return combined_share(known, recall)


# ---- Is the challenger better?
# Owners are asked about messages that only one of the two models would hold. Such a message pays +1 for a pitch that
# only the challenger holds and −`COST` for an ordinary message that only it holds, the opposite if only the champion
# holds, all divided by `COST`, so it is within [−1, 1]. The test (Waudby-Smith and Ramdas 2024) bets on the sign of the
# mean payoff, with fixed shares (`BETS`) of a wealth that begins at 1, averaged. If the mean is not above 0, this
# wealth reaches `PROVEN_FROM` in at most one of twenty trials, however often one looks (Ville's inequality). Another
# wealth bets the other way. F1 is for people to read: it weighs errors differently from `COST` and decides nothing.


COST = 2.0
"""How many missed pitches are as bad as one held ordinary message."""
BETS = tuple(share / 20 for share in range(1, 20))
PROVEN_FROM = 20.0
TRIAL = "trial"
"""The stored kind of questions about disagreements."""

SAYS_YES = ((0.8, 0.05), (0.4, 0.05))
"""How often a careful owner says yes about held and about passed mail: with a good model, and with a bad one."""
RELIABLE_FROM = 50.0
"""The evidence from which an owner's answers count."""


def asked_in_trial(budget: int) -> int:
    """How many of a week's questions may be about disagreements. The rest measure champion and owner."""
    return max(1, budget - 2) if budget else 0


CHAMPION, CHALLENGER = "champion", "challenger"
"""Strata of trial questions: the only model that would hold the message."""


class Finding(StrEnum):
    """The result of a trial: the challenger is better, is worse, or neither is proven."""

    BETTER = "better"
    WORSE = "worse"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Wealth:
    """The wealth from betting that the challenger is better, and that from betting that it is worse."""

    better: float = 1.0
    worse: float = 1.0

    @property
    def finding(self) -> Finding:
        """What the wealth proves."""
        if self.better >= PROVEN_FROM:
            return Finding.BETTER
        return Finding.WORSE if self.worse >= PROVEN_FROM else Finding.OPEN


@dataclass(frozen=True, slots=True)
class TrialCounts:
    """How many messages both models scored, and how many only one of them would hold."""

    messages: int = 0
    champion: int = 0
    challenger: int = 0


@dataclass(frozen=True, slots=True)
class Trial:
    """The state of a trial. `path` is the wealth before the first answer and after each one, up to the answer that
    decided. `silent` counts questions without an answer, `acted` messages that owners decided about unasked, and
    `doubted` answers of owners who are not reliable. The F1 values of both models are None while too little is known
    about mail on which they agree."""

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
        return len(self.path) - 1


def disagreement(row: str, other: str) -> str | None:
    """The only model that holds a message, from the champion's policy row and the challenger's; None if they agree."""
    if (row in WOULD_HOLD) == (other in WOULD_HOLD):
        return None
    return CHAMPION if row in WOULD_HOLD else CHALLENGER


def payoff(stratum: str, answer: str) -> float:
    gain = 1.0 if answer == Answer.YES else -COST
    return (gain if stratum == CHALLENGER else -gain) / COST


def wealth(payoffs: Iterable[float]) -> tuple[Wealth, ...]:
    """The wealth after no, one, two … payoffs, up to the one that decides."""
    ups, downs = [1.0] * len(BETS), [1.0] * len(BETS)
    path = [Wealth()]
    for paid in payoffs:
        ups = [won * (1 + bet * paid) for won, bet in zip(ups, BETS, strict=True)]
        downs = [won * (1 - bet * paid) for won, bet in zip(downs, BETS, strict=True)]
        path.append(Wealth(sum(ups) / len(BETS), sum(downs) / len(BETS)))
        if path[-1].finding is not Finding.OPEN:
            break
    return tuple(path)


def is_reliable(usual: Sequence[TrialLabel], disputed: Sequence[TrialLabel] = ()) -> bool:
    """Whether an owner's answers tell pitches from ordinary mail. `usual` ones are about all mail, in order.

    The nth answer about held mail is paired with the nth about mail that passed. The likelihood of both answers for a
    careful owner (`SAYS_YES`) is divided by that for an owner who says yes equally often to both. Somebody who always
    gives the same answer, or random ones, reaches `RELIABLE_FROM` with a probability of 1 in `RELIABLE_FROM`. An owner
    who treated most messages differently from their answers is not reliable either.
    """
    both = [
        one.answer == one.acted for one in (*usual, *disputed) if {one.answer, one.acted} <= {*CLEAR_ANSWERS}
    ]
    if both.count(False) > both.count(True):
        return False
    held, passed = (
        [one.answer == Answer.YES for one in usual if one.stratum == stratum and one.answer in CLEAR_ANSWERS]
        for stratum in (HELD, PASSED)
    )
    evidence = [1.0] * len(SAYS_YES)
    for pair in zip(held, passed, strict=False):
        evidence = [
            so_far * prod(_ratio(yes, rate, sum(rates) / 2) for yes, rate in zip(pair, rates, strict=True))
            for so_far, rates in zip(evidence, SAYS_YES, strict=True)
        ]
        if sum(evidence) / len(evidence) >= RELIABLE_FROM:
            return True
    return False


def _ratio(yes: bool, rate: float, other: float) -> float:
    return rate / other if yes else (1 - rate) / (1 - other)


def trial(
    labels: Sequence[TrialLabel],
    usual: Sequence[TrialLabel],
    champion: str = "",
    counted: TrialCounts = TrialCounts(),
) -> Trial:
    """The result of the answers about disagreements, which are in the order in which they were given. `usual` are the
    same owners' answers about all mail, whichever model decided it. An answer is weighted with the number of
    messages it stands for, so that many small mailboxes do not outvote a large one. `champion` is the version whose
    F1 is given."""
    about_all, disputed = defaultdict[str, list[TrialLabel]](list), defaultdict[str, list[TrialLabel]](list)
    for label in usual:
        about_all[label.mailbox].append(label)
    for label in labels:
        disputed[label.mailbox].append(label)
    reliable = {name for name in {**about_all, **disputed} if is_reliable(about_all[name], disputed[name])}
    clear = [label for label in labels if label.answer in CLEAR_ANSWERS]
    counting = [label for label in clear if label.mailbox in reliable]
    most = max((label.weight for label in counting), default=1.0)
    path = wealth(payoff(label.stratum, label.answer) * label.weight / most for label in counting)
    decided = [label for label in usual if label.mailbox in reliable and label.model == champion]
    shares = _f1(counting, counted, decided)
    return Trial(
        finding=path[-1].finding,
        asked=len(labels),
        silent=sum(label.answer == "" for label in labels),
        acted=sum(label.acted != "" for label in labels),
        doubted=len(clear) - len(counting),
        path=path,
        counted=counted,
        champion=shares[0],
        challenger=shares[1],
    )


def _f1(
    labels: Sequence[TrialLabel], counted: TrialCounts, usual: Sequence[TrialLabel]
) -> tuple[Share | None, Share | None]:
    """The F1 of champion (from the questions about all mail) and of challenger (changed by the disagreements)."""
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

    one, other = (combined_share(known, partial(f1, challenger=challenger)) for challenger in (False, True))
    return one, other


# ---- Would another strictness be better for the owner?


class Scored(NamedTuple):
    """A drawn message's probability, and the owner's yes or no on it."""

    score: float
    answer: str


@dataclass(frozen=True, slots=True)
class StrictnessOffer:
    """A strictness that is better. Of the messages asked about (`all_pitches`, `all_ordinary`), it decides differently
    about `pitches` and `ordinary`: it holds them if it is `stricter`, otherwise it lets them in."""

    strictness: Strictness
    stricter: bool
    pitches: int
    ordinary: int
    all_pitches: int
    all_ordinary: int


def better_strictness(
    chosen: Strictness, answered: Sequence[Scored], thresholds: Callable[[Strictness], Thresholds]
) -> StrictnessOffer | None:
    """The neighbour of `chosen` that is better; None as long as that is not proven. `answered` are probabilities with
    the owner's answers, in the order in which they were given. The test is the one for a challenger."""
    levels, place, hold = tuple(Strictness), tuple(Strictness).index(chosen), thresholds(chosen).hold
    for other in levels[max(place - 1, 0) : place] + levels[place + 1 : place + 2]:
        other_hold = thresholds(other).hold
        stricter = other_hold < hold
        alone = CHALLENGER if stricter else CHAMPION
        differ = [answer for score, answer in answered if (score >= hold) != (score >= other_hold)]
        if wealth(payoff(alone, answer) for answer in differ)[-1].finding is Finding.BETTER:
            of, all_of = Counter(differ), Counter(answer for _, answer in answered)
            yes, no = CLEAR_ANSWERS
            return StrictnessOffer(other, stricter, of[yes], of[no], all_of[yes], all_of[no])
    return None
