"""Whether the mail in a mailbox has changed: a sequential test of weekly counts against the mailbox's first weeks.

There are three channels, each with counts of messages by class: the score, the share of words that the model does not
know, and the language. The first `REFERENCE_WEEKS` weeks show what is usual and how much weeks vary. In the two
channels with ordered values, they also set the bounds of the classes, so that each class has about equally many
messages and none is wide where there are few. The score is counted a second time in four parts only (`score_parts`),
because few messages in many classes prove little. All counts are divided by a design effect estimated from these weeks,
because messages in a week are not independent. For each of the last `START_WEEKS` weeks except the latest
(`MIN_WEEKS`), the evidence that a change began in it is a likelihood ratio of Dirichlet-multinomials: the weeks since
then with a weak prior, against the prediction from the reference. The sum of these ratios (Shiryaev-Roberts), averaged
over the four counts, is an alarm if it reaches `LASTING` in two weeks running, or `SURE` in one.

Scores of different models cannot be compared, so each model has its own first weeks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from itertools import accumulate, pairwise
from math import exp, floor, lgamma
from statistics import median

from backend.domain.reading.score import Score
from backend.domain.reading.words import OTHER

REFERENCE_WEEKS = 8
START_WEEKS = 12
MIN_WEEKS = 2
"""Weeks that a change must last before it counts: in a single week, a trade fair or a holiday looks the same. So the
first and the latest of its weeks must each look changed."""
LASTING, SURE = 300.0, 5_000.0
"""Evidence that is an alarm: `LASTING` in two weeks running, because what chance brings is mostly gone a week later, or
`SURE` in one. In a mailbox that does not change, each is reached at most once in so many weeks."""
FEW, RAISED = 105.0, 3.0
"""In mailboxes with fewer than `FEW` messages a week, evidence counts up to `RAISED` times as much: chance brings
little of it there, and a change shows slowly (`tests.simulations.drift`)."""
MOST = 150
"""Weeks with more messages are scaled down to this, or tiny changes that nobody cares about would be found."""
LIKENESS, CAUTION = 0.0018, 1.5
"""The least correlation of messages in one week: the design effect is at least 1.06 for 35 messages, 1.25 for 140. And
the factor on how much weeks vary beyond chance, because eight weeks give a poor estimate of it."""
PRIOR = 1 / (2 * REFERENCE_WEEKS)
"""Weight of the reference in the hypothesis of a change: that of half of one of its weeks."""
CLASSES = 5
"""Number of classes in a channel with ordered values."""
WIDTHS = 10
"""No class is wider than the range of the first weeks divided by this."""
NEAR = 0.03
"""The share of ordinary mail that, by its score, is nearest to pitches."""
STEPS = {"score": 0.5, "unknown": 0.02}
"""Counts are kept by multiples of these: of a logit, of a share. Classes join several steps."""
_FARTHEST = 24
"""Steps of the score on either side of 0; scores beyond count as the last step."""
CHANNELS = ("score", "unknown", "language")
"""The last two can explain a change; the score only shows it, because different mail also scores differently."""
CAUSE_EVIDENCE = 32.0
"""Evidence from which unknown words or a language are taken as the cause."""
NEW_WORDS = 2.0
"""Unknown words are the cause only if their evidence is this many times that of a language."""
IMPORT_FACTOR = 3.0
"""A week with so many times the usual messages of the eight weeks before is an import or a backlog, and is ignored."""
_SMALL = 50
"""A week with fewer messages never counts as an import."""
_NOTICEABLE = 0.02
"""A smaller change in the share of pitches is not mentioned."""
_FIRST_MONDAY = date(1969, 12, 29)

Week = Mapping[str, float]
"""Counts by channel and step or language: "score -7", "language en"."""


class State(StrEnum):
    """How a mailbox's mail compares with its first weeks."""

    LEARNING = "learning"  # these are the first weeks
    STEADY = "steady"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class MailChange:
    """What changed most: the channel, and the number of the week in which it began. `evidence` is compared with
    `LASTING` and `SURE`.

    `before` and `since` are shares: in channel language, of the language that became more frequent (`grown`); in
    channel score, of mail that looks like a pitch; in channel unknown, of unknown words. `rises`: most messages moved
    to higher values.
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
        """What has become more or less frequent, as a key for the catalogues."""
        if self.channel == "language":
            return "other_language" if self.grown in ("", OTHER) else "language"
        if self.channel == "unknown":
            return "unknown" if self.rises else "known"
        if abs(self.since - self.before) < _NOTICEABLE or (self.since > self.before) != self.rises:
            return "scores"
        return "pitches" if self.rises else "fewer_pitches"


@dataclass(frozen=True, slots=True)
class WeekCounts:
    """The counts of a week's messages that `model` scored. `number` is that of `week_of`."""

    number: int
    model: str
    counts: Week

    @property
    def messages(self) -> int:
        return round(sum(channel_counts(CHANNELS[0], self.counts).values()))


@dataclass(frozen=True, slots=True)
class Drift:
    """The result for a mailbox: the change, if there is one, and the weeks of the model in use."""

    change: MailChange | None
    weeks: Sequence[WeekCounts]

    @property
    def state(self) -> State:
        """How its mail compares with its first weeks."""
        if self.change is not None:
            return State.CHANGED
        return State.STEADY if len(self.weeks) > REFERENCE_WEEKS else State.LEARNING


def class_line(score: Score, language: str) -> str:
    """A line with the model file, and a message's step or language in each of `CHANNELS`; "" if the score has no
    trace."""
    if (trace := score.trace) is None:
        return ""
    unknown = 1 - trace.known / max(trace.words, 1)
    logit = max(-_FARTHEST, min(floor(score.logit / STEPS["score"]), _FARTHEST))
    # 13 characters of the file's digest: releases up to 0.2 used twelve, with other classes.
    return f"{trace.made_with.partition(' ')[0][:13]} {logit} {floor(unknown / STEPS['unknown'] + 1e-9)} {language}"


def week_counts(number: int, lines: Iterable[tuple[str, int]]) -> WeekCounts:
    """A week's counts, from lines of `class_line` and how often each occurs. Only the model that scored most messages
    of the week counts."""
    models: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line, n in lines:
        model, *names = line.split(" ")
        models[model].update(dict.fromkeys(map(" ".join, zip(CHANNELS, names, strict=True)), n))
    model = max(models, key=lambda name: models[name].total())
    return WeekCounts(number, model, models[model])


def channel_counts(channel: str, week: Week) -> dict[str, float]:
    mark = f"{channel} "
    return {key.removeprefix(mark): n for key, n in week.items() if key.startswith(mark)}


def week_of(day: date) -> int:
    """The number of a day's week. Weeks begin on Monday; 1 January 1970 is in week 0."""
    return (day.toordinal() - _FIRST_MONDAY.toordinal()) // 7


def monday_of(number: int) -> date:
    return _FIRST_MONDAY + timedelta(weeks=number)


def drift_of(weeks: Sequence[WeekCounts], before: MailChange | None) -> Drift:
    """The result from the weeks of one model. If the change was known `before`, it keeps its earlier beginning."""
    found = find_change([week.counts for week in weeks])
    if found is not None:
        began = weeks[found.week].number
        found = replace(found, week=min(began, before.week) if before else began)
    return Drift(found, weeks)


def find_change(weeks: Sequence[Week]) -> MailChange | None:
    """What changed since the first weeks, if the evidence is an alarm; None otherwise."""
    weeks = _without_imports(weeks)
    found = _likeliest_change(weeks)
    if found is None or found.evidence < LASTING:
        return None
    before = _likeliest_change(weeks[: max(at for at, week in enumerate(weeks) if week)])
    lasts = before is not None and before.evidence >= LASTING
    return found if lasts or found.evidence >= SURE else None


def _likeliest_change(weeks: Sequence[Week]) -> MailChange | None:
    """What changed most, however little proves it; None before there is a reference."""
    if len(weeks) <= REFERENCE_WEEKS or not any(weeks[:REFERENCE_WEEKS]):
        return None
    score, unknown, language = (_changed(channel, weeks, bounds(channel, weeks)) for channel in CHANNELS)
    parts = _changed("score", weeks, score_parts(weeks))
    usual = _total("score", weeks[:REFERENCE_WEEKS]).total() / sum(map(bool, weeks[:REFERENCE_WEEKS]))
    evidence = sum(one.evidence for one in (score, parts, unknown, language)) / 4
    evidence *= min(RAISED, max(1.0, FEW / usual))
    # Another language also brings new words, but its name says more.
    cause = unknown if unknown.evidence > NEW_WORDS * language.evidence else language
    most = (
        cause if cause.evidence >= CAUSE_EVIDENCE else max(score, parts, cause, key=lambda one: one.evidence)
    )
    # A change to unknown languages is reported as one to unknown words, which says the same more clearly.
    if most.cause == "other_language" and unknown.rises:
        most = unknown
    return replace(most, evidence=evidence)


def bounds(channel: str, weeks: Sequence[Week]) -> list[int] | None:
    """The steps at which the classes of a channel begin, except the lowest class; None if the channel has no order.

    Classes have equally many messages of the first weeks, but a wide one is divided, because many messages may come
    later where there were few. All that is below or above the first weeks' messages is a class of its own.
    """
    if channel not in STEPS:
        return None
    first = _total(channel, weeks[:REFERENCE_WEEKS])
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


def score_parts(weeks: Sequence[Week]) -> list[int]:
    """The steps at which parts of the score begin, except the lowest: ordinary mail that is nearest to pitches, the
    weaker half of pitches, and the stronger one."""
    first = {int(step): n for step, n in _total("score", weeks[:REFERENCE_WEEKS]).items()}
    ordinary = {step: n for step, n in first.items() if step < 0}
    pitches = {step: n for step, n in first.items() if step >= 0}
    return sorted({_quantile(ordinary, 1 - NEAR), 0, _quantile(pitches, 0.5)})


def _quantile(counts: Mapping[int, float], share: float) -> int:
    """The lowest step with at least this share of the messages below it; 0 if there are no messages."""
    below = accumulate(counts[step] for step in sorted(counts))
    enough = share * sum(counts.values())
    return next((step + 1 for step, n in zip(sorted(counts), below, strict=True) if n >= enough), 0)


def in_classes(channel: str, week: Week, begin: Sequence[int] | None) -> Counter[str]:
    """The counts of one channel by class. Ordered classes `begin` at these steps (`bounds`) and are numbered from 0."""
    if begin is None:
        return Counter(channel_counts(channel, week))
    found = defaultdict[str, float](float)
    for step, n in channel_counts(channel, week).items():
        found[str(bisect_right(begin, int(step)))] += n
    return Counter(found)


def _without_imports(weeks: Sequence[Week]) -> list[Week]:
    """The same weeks, but without the messages of weeks that had far more than usual."""
    sizes = [sum(channel_counts(CHANNELS[0], week).values()) for week in weeks]
    kept = list(weeks)
    for at, size in enumerate(sizes):
        around = (
            sizes[at - REFERENCE_WEEKS : at]
            if at >= REFERENCE_WEEKS
            else sizes[:at] + sizes[at + 1 : REFERENCE_WEEKS]
        )
        usual = [other for other in around if other]
        if usual and size > max(IMPORT_FACTOR * median(usual), _SMALL):
            kept[at] = {}
    return kept


def _changed(channel: str, every: Sequence[Week], begin: Sequence[int] | None) -> MailChange:
    """The likeliest change in one channel, with its evidence. `begin` as in `in_classes`."""
    later = [at for at in range(REFERENCE_WEEKS, len(every)) if every[at]][-START_WEEKS:]
    first, since_then = (
        [_scaled(in_classes(channel, week, begin)) for week in some]
        for some in (every[:REFERENCE_WEEKS], [every[at] for at in later])
    )
    reference = sum(first, Counter[str]())
    names = sorted(set().union(*first, *since_then))
    spread = _spread(first, reference)
    shares = {name: (reference[name] + 0.5) / (reference.total() + 0.5 * len(names)) for name in names}
    usual = {name: reference[name] / spread + 0.5 for name in names}
    weak = {name: PRIOR * weight for name, weight in usual.items()}
    divided = [Counter({name: n / spread for name, n in week.items()}) for week in since_then]

    def ratio_of(counts: Counter[str]) -> float:
        return _likelihood(counts, weak) - _likelihood(counts, usual)

    evidence, best, ratio = 0.0, (float("-inf"), 1), 0.0
    since: Counter[str] = Counter()
    for back, week in enumerate(reversed(divided), 1):
        since.update(week)
        without_first, ratio = ratio, ratio_of(since)
        # The first and the latest week must each add to it, or a single week would make a change of its neighbours.
        if back < MIN_WEEKS or ratio <= without_first or ratio <= ratio_of(since - divided[-1]):
            continue
        evidence += exp(min(ratio, 600.0))
        best = max(best, (ratio, back))
    now = sum(since_then[-best[1] :], Counter[str]())
    began = later[-best[1]] if later else len(every) - 1
    share = {name: now[name] / max(now.total(), 1e-9) for name in names}
    if begin is None:
        grown = max(names, key=lambda name: share[name] - shares[name])
        return MailChange(channel, grown, shares[grown], share[grown], began, evidence)
    moved = sum(int(name) * (share[name] - shares[name]) for name in names)
    before, after = (_level(channel, some) for some in (every[:REFERENCE_WEEKS], every[began:]))
    return MailChange(channel, "", before, after, began, evidence, moved >= 0)


def _level(channel: str, weeks: Sequence[Week]) -> float:
    """The share of these messages that look like pitches, or of their words that are unknown."""
    counts = _total(channel, weeks)
    each = (
        n * (int(step) >= 0 if channel == "score" else STEPS[channel] * (int(step) + 0.5))
        for step, n in counts.items()
    )
    return sum(each) / max(counts.total(), 1e-9)


def _total(channel: str, weeks: Sequence[Week]) -> Counter[str]:
    return sum((Counter(channel_counts(channel, week)) for week in weeks), Counter[str]())


def _scaled(week: Mapping[str, float]) -> Counter[str]:
    size = max(sum(week.values()), MOST)
    return Counter({name: n * MOST / size for name, n in week.items()})


def _spread(weeks: Sequence[Counter[str]], reference: Counter[str]) -> float:
    """The design effect: by how much the reference weeks vary more than by chance."""
    seen = [week for week in weeks if week]
    chi_square, freedom = 0.0, (len(seen) - 1) * (len(reference) - 1)
    for week in seen:
        for name, n in reference.items():
            expected = week.total() * n / reference.total()
            chi_square += (week[name] - expected) ** 2 / expected
    beyond = chi_square / freedom - 1 if freedom else 0.0
    return 1 + max(LIKENESS * (reference.total() / max(len(seen), 1) - 1), CAUTION * beyond)


def _likelihood(counts: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """The log-likelihood of a Dirichlet-multinomial, without the terms that depend only on the counts."""
    weight, total = sum(weights.values()), sum(counts.values())
    each = sum(lgamma(own + counts[name]) - lgamma(own) for name, own in weights.items() if counts.get(name))
    return lgamma(weight) - lgamma(weight + total) + each
