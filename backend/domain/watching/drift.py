"""Whether a mailbox's mail has changed: a sequential test of weekly counts against the mailbox's own first weeks.

Three channels, each a count of messages by class: the score, the share of words the model does not know, the language.
The first `REFERENCE` weeks say what is usual, how restless, and, in the two channels that have an order, where classes
end: each holds about as many of their messages, and none is wide where few are. A design effect, estimated from these
weeks, divides all counts. For each of the last `STARTS` weeks, the latest left out (`LASTS`), the evidence that a
change began in it is a likelihood ratio of Dirichlet-multinomials: the weeks since then with a weak prior, against what
the reference foretells. Their sum (Shiryaev-Roberts) is compared with the number of weeks after which an alarm may be
false.

Scores of two models cannot be compared, so each model has first weeks of its own.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise
from math import exp, floor, lgamma
from statistics import median

from backend.domain.reading.score import Score
from backend.domain.reading.words import OTHER

REFERENCE = 8
STARTS = 12
LASTS = 2
"""Weeks that a change has gone on for before it counts: in one alone a fair or a holiday looks the same."""
ALARM = 520.0
"""Weeks: an alarm in a mailbox that does not change comes once in so many, or less often."""
MOST = 150
"""Messages a week that count: so many more would find changes that matter to nobody."""
LEAST_SPREAD, CAUTION = 1.25, 1.4
"""Eight weeks tell little of how restless a mailbox is: more than the least is taken for so many times as much."""
PRIOR = 1 / REFERENCE
"""What the shares of the reference weigh where a change is taken for granted, against what they weigh where there is
none: as much as one of its weeks."""
CLASSES = 5
"""Classes of a channel that has an order."""
WIDTHS = 10
"""No class is wider than the span of the first weeks divided by this."""
STEPS = {"score": 0.5, "unknown": 0.02}
"""Classes are cut at multiples of these: of a logit, of a share."""
_FARTHEST = 24
"""Steps of the score on either side of 0; those beyond count as the last."""
CHANNELS = ("score", "unknown", "language")
"""The last two say why mail changed, the score only that it did: what is written otherwise also scores otherwise."""
TOLD = 32.0
"""Evidence from which one of those is taken for the cause."""
IMPORT = 3.0
"""A week with so many times the messages usual in the eight before it is an import or a backlog, and no week."""
_SMALL = 50
"""Messages: no week with fewer is taken for an import."""
_NOTICEABLE = 0.02
"""A share of pitches that changed by less is not spoken of."""
_FIRST_MONDAY = date(1969, 12, 29)

Week = Mapping[str, float]
"""Counts by channel and class: "language en", "score -7" (steps)."""


class State(StrEnum):
    """How a mailbox's mail stands to its own first weeks."""

    LEARNING = "learning"  # these are the first weeks
    STEADY = "steady"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class MailChange:
    """What changed most, in which channel, and the number of the week it began in. `evidence` is against `ALARM`.

    Of languages, `grown` became more frequent: its share before and since. Of scores, the share that looks like
    pitches; of words, the share that is unknown; `rises` is where most messages moved.
    """

    channel: str
    grown: str
    before: float
    since: float
    week: int
    evidence: float
    rises: bool = True

    @property
    def cause(self) -> str:
        """What is more or less than it was, in a word."""
        if self.channel == "language":
            return "other_language" if self.grown in ("", OTHER) else "language"
        if self.channel == "unknown":
            return "unknown" if self.rises else "known"
        if abs(self.since - self.before) < _NOTICEABLE or (self.since > self.before) != self.rises:
            return "scores"
        return "pitches" if self.rises else "fewer_pitches"


@dataclass(frozen=True, slots=True)
class WeekCounts:
    """A week's messages that `model` read, by class. `number` counts weeks, as `week_of` does."""

    number: int
    model: str
    counts: Week

    @property
    def messages(self) -> int:
        """How many there were."""
        return round(sum(of(CHANNELS[0], self.counts).values()))


@dataclass(frozen=True, slots=True)
class Drift:
    """What is known of a mailbox: the change if there is one, and the weeks of the model in use."""

    change: MailChange | None
    weeks: Sequence[WeekCounts]

    @property
    def state(self) -> State:
        """How its mail stands to its first weeks."""
        if self.change is not None:
            return State.CHANGED
        return State.STEADY if len(self.weeks) > REFERENCE else State.LEARNING


def classed(score: Score, language: str) -> str:
    """The class of one message in each of `CHANNELS`, in a line behind the file of the model that they hold for; "" if
    the score has no trace."""
    if (trace := score.trace) is None:
        return ""
    unknown = 1 - trace.known / max(trace.words, 1)
    logit = max(-_FARTHEST, min(floor(score.logit / STEPS["score"]), _FARTHEST))
    # Twelve signs of the file's digest stand before classes of releases up to 0.2, which were cut otherwise.
    return f"{trace.made_with.partition(' ')[0][:13]} {logit} {floor(unknown / STEPS['unknown'] + 1e-9)} {language}"


def counted(number: int, lines: Iterable[tuple[str, int]]) -> WeekCounts:
    """A week of messages, from lines of `classed` and how many are the same. What another model read than most does not
    count."""
    models: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line, n in lines:
        model, *names = line.split(" ")
        models[model].update(dict.fromkeys(map(" ".join, zip(CHANNELS, names, strict=True)), n))
    model = max(models, key=lambda name: models[name].total())
    return WeekCounts(number, model, models[model])


def of(channel: str, week: Week) -> dict[str, float]:
    """The counts of one channel, by class."""
    return {key.removeprefix(f"{channel} "): n for key, n in week.items() if key.startswith(f"{channel} ")}


def week_of(day: date) -> int:
    """The number of a day's week; weeks begin on Monday, and 1970 began in the first."""
    return (day.toordinal() - _FIRST_MONDAY.toordinal()) // 7


def monday_of(number: int) -> date:
    """The day a week begins on."""
    return _FIRST_MONDAY + timedelta(weeks=number)


def judged(weeks: Sequence[WeekCounts], before: MailChange | None) -> Drift:
    """What the weeks of one model say. A change that was known `before` goes on since then."""
    found = change([week.counts for week in weeks])
    if found is not None:
        began = weeks[found.week].number
        found = replace(found, week=min(began, before.week) if before else began)
    return Drift(found, weeks)


def change(weeks: Sequence[Week]) -> MailChange | None:
    """What changed since the first weeks, if the evidence is an alarm. None while there are too few."""
    weeks = _without_imports(weeks)
    if len(weeks) <= REFERENCE or not any(weeks[:REFERENCE]):
        return None
    found = {channel: _changed(channel, weeks) for channel in CHANNELS}
    evidence = sum(one.evidence for one in found.values()) / len(CHANNELS)
    score, *causes = found.values()
    cause = max(causes, key=lambda one: one.evidence)
    most = cause if cause.evidence >= TOLD else max(score, cause, key=lambda one: one.evidence)
    # Of an unknown language no more is known than that its words are.
    if most.cause == "other_language" and found["unknown"].rises:
        most = found["unknown"]
    return replace(most, evidence=evidence) if evidence >= ALARM else None


def bounds(channel: str, weeks: Sequence[Week]) -> list[int] | None:
    """The steps at which the classes of a channel begin, but for the lowest; None where its classes have no order. Each
    holds as many of the first weeks' messages as the others, and none is wider than its share of their span: where few
    were, many may come. What lies below or above all of them is a class as well."""
    if channel not in STEPS:
        return None
    first = sum((Counter(of(channel, week)) for week in weeks[:REFERENCE]), Counter[str]())
    steps = sorted(map(int, first))
    found, seen, closed = steps[:1], 0.0, 0
    for step in steps:
        if (full := int(seen * CLASSES / first.total())) > closed:
            found.append(step)
            closed = full
        seen += first[str(step)]
    found += [step + 1 for step in steps[-1:]]
    width = max(1, (found[-1] - found[0]) // WIDTHS) if found else 1
    return [at for low, high in pairwise(found) for at in range(low, high, width)] + found[-1:]


def in_classes(channel: str, week: Week, begin: Sequence[int] | None) -> Counter[str]:
    """The counts of one channel by class, numbered from 0 where classes have an order."""
    if begin is None:
        return Counter(of(channel, week))
    found = defaultdict[str, float](float)
    for step, n in of(channel, week).items():
        found[str(bisect_right(begin, int(step)))] += n
    return Counter(found)


def _without_imports(weeks: Sequence[Week]) -> list[Week]:
    """The same weeks, those empty in which far more came than is usual."""
    sizes = [sum(of(CHANNELS[0], week).values()) for week in weeks]
    kept = list(weeks)
    for at, size in enumerate(sizes):
        around = sizes[at - REFERENCE : at] if at >= REFERENCE else sizes[:at] + sizes[at + 1 : REFERENCE]
        usual = [other for other in around if other]
        if usual and size > max(IMPORT * median(usual), _SMALL):
            kept[at] = {}
    return kept


def _changed(channel: str, every: Sequence[Week]) -> MailChange:
    begin = bounds(channel, every)
    weeks = [_scaled(in_classes(channel, week, begin)) for week in every]
    first, later = weeks[:REFERENCE], weeks[REFERENCE:]
    reference = sum(first, Counter[str]())
    names = sorted(set().union(*weeks))
    spread = _spread(first, reference)
    shares = {name: (reference[name] + 0.5) / (reference.total() + 0.5 * len(names)) for name in names}
    usual = {name: reference[name] / spread + 0.5 for name in names}
    weak = {name: PRIOR * weight for name, weight in usual.items()}
    evidence, best = 0.0, (float("-inf"), len(weeks) - 1)
    since: Counter[str] = Counter()
    for back, week in enumerate(reversed(later[-STARTS:]), 1):
        since.update({name: n / spread for name, n in week.items()})
        if back < LASTS:
            continue
        ratio = _likelihood(since, weak) - _likelihood(since, usual)
        evidence += exp(min(ratio, 600.0))
        best = max(best, (ratio, len(weeks) - back))
    now = sum(weeks[best[1] :], Counter[str]())
    share = {name: now[name] / max(now.total(), 1e-9) for name in names}
    if begin is None:
        grown = max(names, key=lambda name: share[name] - shares[name])
        return MailChange(channel, grown, shares[grown], share[grown], best[1], evidence)
    moved = sum(int(name) * (share[name] - shares[name]) for name in names)
    before, after = (_level(channel, some) for some in (every[:REFERENCE], every[best[1] :]))
    return MailChange(channel, "", before, after, best[1], evidence, moved >= 0)


def _level(channel: str, weeks: Sequence[Week]) -> float:
    """The share of these messages that looks like pitches, or of their words that is unknown."""
    counts = sum((Counter(of(channel, week)) for week in weeks), Counter[str]())
    each = (
        n * (int(step) >= 0 if channel == "score" else STEPS[channel] * (int(step) + 0.5))
        for step, n in counts.items()
    )
    return sum(each) / max(counts.total(), 1e-9)


def _scaled(week: Mapping[str, float]) -> Counter[str]:
    size = max(sum(week.values()), MOST)
    return Counter({name: n * MOST / size for name, n in week.items()})


def _spread(weeks: Sequence[Counter[str]], reference: Counter[str]) -> float:
    """By how much the reference's weeks differ from one another beyond chance."""
    seen = [week for week in weeks if week]
    square, free = 0.0, (len(seen) - 1) * (len(reference) - 1)
    for week in seen:
        for name, n in reference.items():
            due = week.total() * n / reference.total()
            square += (week[name] - due) ** 2 / due
    found = square / free if free else 0.0
    return CAUTION * found if found > LEAST_SPREAD else LEAST_SPREAD


def _likelihood(counts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The logarithm of a Dirichlet-multinomial's, up to what depends on the counts alone."""
    weight, total = sum(weights.values()), sum(counts.values())
    each = sum(lgamma(own + counts[name]) - lgamma(own) for name, own in weights.items() if counts.get(name))
    return lgamma(weight) - lgamma(weight + total) + each
