"""Figures over left-out mail: ranking, calibration, and of each part of the mail the shares that are held."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from backend.domain.mail.sender import script_of
from backend.domain.mailbox.mailbox import Strictness
from model_export.learner import Flags, Floats
from model_export.rows import STRANGER, UNKNOWN, Row


@dataclass(frozen=True)
class Figures:
    """AUC, recall at 1 % and 5 % false holds, expected calibration error (ten bins of equal width).

    `chance` is the calibration error that even a perfectly calibrated model would show on this number of
    messages: compare `ece` with it, not with 0. `debiased` is the root mean squared gap without that noise.
    """

    count: int
    auc: float
    recall_1: float
    recall_5: float
    ece: float
    chance: float = 0.0
    debiased: float = 0.0


def recall_at(labels: Floats, scores: Floats, rate: float) -> float:
    """Share of pitches above the threshold that at most `rate` of the legit mail exceeds."""
    legit = np.sort(scores[labels == 0])[::-1]
    if not len(legit) or not (labels == 1).any():
        return math.nan
    threshold = legit[min(math.floor(rate * len(legit)), len(legit) - 1)]
    return float((scores[labels == 1] > threshold).mean())


def calibration_error(labels: Floats, probabilities: Floats, bins: int = 10) -> float:
    """Mean gap between stated probability and frequency, weighted by bin size."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = 0.0
    for i in range(bins):
        inside = index == i
        if inside.any():
            gaps += float(inside.sum()) * abs(
                float(labels[inside].mean()) - float(probabilities[inside].mean())
            )
    return gaps / len(labels)


def noise_floor(probabilities: Floats, bins: int = 10) -> float:
    """Expected `calibration_error` if every message were a pitch with exactly its stated probability.

    A bin's gap is then a sum of independent deviations, close to normal: its mean size is sqrt(2 / pi) of its
    standard deviation. Simulated draws agree to the third place.
    """
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    spread = np.bincount(index, weights=probabilities * (1 - probabilities), minlength=bins)
    return float(np.sqrt(2 / np.pi * spread).sum() / len(probabilities))


def debiased_error(labels: Floats, probabilities: Floats, bins: int = 10) -> float:
    """Root mean squared gap over bins of equal width, without the part that noise adds; 0 if noise explains all of it.

    The debiased estimator of Kumar, Liang and Ma (2019): from the squared gap of each bin, the expected noise m (1 - m)
    / (n - 1) is subtracted, for n messages with the share m of pitches. A bin of one message is left out."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    total = 0.0
    for i in range(bins):
        inside = index == i
        count = int(inside.sum())
        if count > 1:
            share, stated = float(labels[inside].mean()), float(probabilities[inside].mean())
            total += count * ((share - stated) ** 2 - share * (1 - share) / (count - 1))
    return math.sqrt(max(0.0, total / len(labels)))


def precision_at(
    labels: Floats, probabilities: Floats, pitch_rate: float, threshold: float = 0.95
) -> tuple[float, int]:
    """Share of pitches among messages scored at `threshold` or above, and how many messages those are. The two labels
    are weighted as in a stream of mail of which `pitch_rate` are pitches. NaN if no message scores that high."""
    found = float(labels.mean())
    weights = np.where(labels == 1, pitch_rate / found, (1 - pitch_rate) / (1 - found))
    stated = probabilities >= threshold
    total = float(weights[stated].sum())
    return (float(weights[stated & (labels == 1)].sum()) / total if total else math.nan), int(stated.sum())


def interval(
    labels: Floats, probabilities: Floats, rounds: int = 1000, seed: int = 20
) -> tuple[float, float]:
    """95 % bootstrap interval of `calibration_error`. Resampling adds noise of its own, so the
    interval lies a little too high."""
    random = np.random.default_rng(seed)
    count = len(labels)
    resamples = (random.integers(0, count, count) for _ in range(rounds))
    found = [calibration_error(labels[rows], probabilities[rows]) for rows in resamples]
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def auc(labels: Floats, scores: Floats) -> float:
    """How often a pitch scores above an ordinary message; NaN if there is only one label."""
    return float(roc_auc_score(labels, scores)) if 0 < labels.sum() < len(labels) else math.nan


def figures(labels: Floats, scores: Floats, probabilities: Floats) -> Figures:
    """All figures for one set of rows: ranking by `scores`, calibration by `probabilities`.

    AUC and recalls are NaN where only one label occurs.
    """
    return Figures(
        len(labels),
        auc(labels, scores),
        recall_at(labels, scores, 0.01),
        recall_at(labels, scores, 0.05),
        calibration_error(labels, probabilities),
        noise_floor(probabilities),
        debiased_error(labels, probabilities),
    )


def by_part(
    parts: Sequence[str], labels: Floats, scores: Floats, probabilities: Floats
) -> dict[str, Figures]:
    """Figures for each part (file, language) by itself, in alphabetical order."""
    names = np.array(parts)
    return {
        part: figures(labels[names == part], scores[names == part], probabilities[names == part])
        for part in sorted(set(parts))
    }


def mean_figures(parts: Sequence[Figures]) -> Figures:
    """The plain mean over files, the usual figure for the corpus."""
    names = ("auc", "recall_1", "recall_5", "ece", "chance", "debiased")
    means = [float(np.mean([getattr(p, name) for p in parts])) for name in names]
    return Figures(sum(p.count for p in parts), *means)


# ---- The effect of a strictness on parts of the mail: shares that are held, with confidence intervals.

_SCRIPTS = {"": "no name", "latin": "Latin, plain", "accents": "Latin with accents and marks"}
_SIGNS = {
    "through a mailing list": {"f_mailing_list"},
    "with a way to unsubscribe": {"f_unsubscribe_header", "f_unsubscribe_link", "f_unsubscribe_line"},
    "by a program": {"f_automatic", "f_no_reply_sender"},
}
WAYS = (*_SIGNS, "by a person")
_LENGTHS = (15, 40, 80, 160)


@dataclass(frozen=True)
class Rate:
    """`held` of `count` messages."""

    held: int
    count: int

    @property
    def share(self) -> float:
        """A share between 0 and 1; NaN without messages."""
        return self.held / self.count if self.count else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95% interval of the share; (0, 1) without messages."""
        if not self.count:
            return 0.0, 1.0
        z, n, p = 1.96, self.count, self.share
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - spread) / (1 + z * z / n), (middle + spread) / (1 + z * z / n)
        return max(0.0, low), min(1.0, high)


@dataclass(frozen=True)
class Slice:
    """One part of the mail: how many of its pitches and of its ordinary messages are held, and how many of those from
    strangers with a real request, the mail an owner can least afford to lose."""

    name: str
    pitches: Rate
    ordinary: Rate
    strangers: Rate


@dataclass(frozen=True)
class Cost:
    """What a strictness costs with mail of writers the model was not trained on."""

    strictness: Strictness
    strangers: Rate
    pitches: Rate

    @property
    def words(self) -> str:
        """The cost in one sentence."""
        held, caught = self.strangers.share * 1000, self.pitches.share * 100
        return (
            f"of 1,000 ordinary emails from strangers about {held:.0f} are held; "
            f"of 100 pitches about {caught:.0f} are caught"
        )


def costs(rows: Sequence[Row], held: Mapping[Strictness, Flags]) -> list[Cost]:
    """The cost of each strictness, from the rows that it holds. Strangers are writers whom, by their class, the owner
    does not know."""
    strangers = np.array([row.finer_class in UNKNOWN for row in rows])
    pitches = np.array([bool(row.sales) for row in rows])
    return [
        Cost(strictness, _rate(flags[strangers]), _rate(flags[pitches])) for strictness, flags in held.items()
    ]


def sliced(
    rows: Sequence[Row], held: Sequence[bool], part: Callable[[Row], str], order: Sequence[str] = ()
) -> list[Slice]:
    """The rows by `part`, in `order` and then by name."""
    names = np.array([part(row) for row in rows])
    pitches = np.array([bool(row.sales) for row in rows])
    strangers = np.array([row.finer_class == STRANGER for row in rows])
    flags = np.array(held)
    listed = [*order, *sorted(set(names.tolist()) - set(order))]
    return [
        Slice(name, *(_rate(flags[(names == name) & part]) for part in (pitches, ~pitches, strangers)))
        for name in listed
        if (names == name).any()
    ]


LENGTHS = (*(f"up to {limit} words" for limit in _LENGTHS), f"over {_LENGTHS[-1]} words")


def length(row: Row) -> str:
    """The length of a message's own text, as one of `LENGTHS`."""
    words = sum(token[1:2] != "_" for token in row.text.split(" "))
    below = next((limit for limit in _LENGTHS if words <= limit), 0)
    return f"up to {below} words" if below else f"over {_LENGTHS[-1]} words"


def fired(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """For each finding of the lexicon and each language, the share of pitches that have it."""
    found: dict[str, list[set[str]]] = {}
    for row in rows:
        if row.sales:
            found.setdefault(row.language, []).append(
                {word for word in row.text.split(" ") if word[:2] == "t_"}
            )
    names = sorted(set().union(*(one for pitches in found.values() for one in pitches)))
    return {
        name: {
            code: sum(name in one for one in pitches) / len(pitches)
            for code, pitches in sorted(found.items())
        }
        for name in names
    }


def sent(row: Row) -> str:
    """How a message was sent, by its headers and form, as one of `WAYS`."""
    found = set(row.text.split(" "))
    return next((way for way, signs in _SIGNS.items() if found & signs), WAYS[-1])


def script(row: Row) -> str:
    """The script of the sender's name: plain Latin, Latin with accents, or another."""
    found = script_of(row.message.sender.name)
    return _SCRIPTS.get(found, found.capitalize())


def _rate(held: np.ndarray) -> Rate:
    return Rate(int(held.sum()), len(held))
