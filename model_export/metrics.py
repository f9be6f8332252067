"""Figures of merit over held-out probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score

from model_export.learner import Floats


@dataclass(frozen=True)
class Figures:
    """AUC, recall at 1 % and 5 % false holds, expected calibration error (ten bins of equal width).

    `noise_floor` is the calibration error that even a perfectly calibrated model would show on this number of
    messages: compare `ece` with it, not with 0. `debiased` is the root mean squared gap without that noise.
    """

    count: int
    auc: float
    recall_1: float
    recall_5: float
    ece: float
    noise_floor: float = 0.0
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
    names = ("auc", "recall_1", "recall_5", "ece", "noise_floor", "debiased")
    means = [float(np.mean([getattr(p, name) for p in parts])) for name in names]
    return Figures(sum(p.count for p in parts), *means)
