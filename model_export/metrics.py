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
    """AUC, recall at 1 % and 5 % false holds, expected calibration error (ten bins of equal width)."""

    count: int
    auc: float
    recall_1: float
    recall_5: float
    ece: float


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
    means = [
        float(np.mean([getattr(p, name) for p in parts])) for name in ("auc", "recall_1", "recall_5", "ece")
    ]
    return Figures(sum(p.count for p in parts), *means)
