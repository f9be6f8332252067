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

    `chance` is the calibration error that a perfectly calibrated model would show on as many messages: what an
    `ece` can be expected to reach, not 0.
    """

    count: int
    auc: float
    recall_1: float
    recall_5: float
    ece: float
    chance: float = 0.0


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


def chance_error(probabilities: Floats, bins: int = 10) -> float:
    """Expected `calibration_error` if every message were a pitch with exactly its stated probability.

    A bin's gap is then a sum of independent deviations, close to normal: its mean size is sqrt(2 / pi) of its
    standard deviation. Simulated draws agree to the third place.
    """
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    spread = np.bincount(index, weights=probabilities * (1 - probabilities), minlength=bins)
    return float(np.sqrt(2 / np.pi * spread).sum() / len(probabilities))


def figures(labels: Floats, scores: Floats, probabilities: Floats) -> Figures:
    """All figures for one set of rows: ranking by `scores`, calibration by `probabilities`.

    AUC and recalls are NaN where only one label occurs.
    """
    both = 0 < labels.sum() < len(labels)
    return Figures(
        len(labels),
        float(roc_auc_score(labels, scores)) if both else math.nan,
        recall_at(labels, scores, 0.01),
        recall_at(labels, scores, 0.05),
        calibration_error(labels, probabilities),
        chance_error(probabilities),
    )


def by_part(
    parts: Sequence[str], labels: Floats, scores: Floats, probabilities: Floats
) -> dict[str, Figures]:
    """Figures for each part (file, language) on its own, parts in alphabetical order."""
    names = np.array(parts)
    return {
        part: figures(labels[names == part], scores[names == part], probabilities[names == part])
        for part in sorted(set(parts))
    }


def mean_figures(parts: Sequence[Figures]) -> Figures:
    """The plain mean over files, the corpus's customary score."""
    names = ("auc", "recall_1", "recall_5", "ece", "chance")
    means = [float(np.mean([getattr(p, name) for p in parts])) for name in names]
    return Figures(sum(p.count for p in parts), *means)
