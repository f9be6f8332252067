"""What training on an owner's own mail gains: a model trained on part of it and one trained on none are compared on the
same messages, which neither was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from backend.domain.mailbox.mailbox import Strictness
from backend.scoring.session import ModelSession
from model_export.counts import Counts
from model_export.learner import Floats, Params
from model_export.metrics import auc
from model_export.rows import Row
from model_export.training import (
    FOLDS,
    Progress,
    Trained,
    fit,
    groups_of,
    labels_of,
    sides,
    silent,
    squash,
    surest,
)

WEIGHTS = (1.0, 3.0, 10.0)
"""Possible weights of an owner's message, compared with one of the corpus."""
SURE = 2.0
"""A gain counts only if it is this many standard errors above zero."""


@dataclass(frozen=True)
class Own:
    """`count` messages of an owner, `pitches` of them pitches. Of the models without and with their other mail: AUC,
    mean log loss, and how many ordinary messages are held at *normal*. `gain` is that of the loss, with its standard
    error."""

    count: int
    pitches: int
    auc: tuple[float, float]
    loss: tuple[float, float]
    held: tuple[int, int]
    gain: float
    error: float

    @property
    def better(self) -> bool:
        """Whether training on the owner's mail surely helped, without holding more ordinary mail."""
        return self.gain > SURE * self.error and self.held[1] <= self.held[0]

    @property
    def words(self) -> str:
        """The result in a sentence."""
        verdict = "better" if self.better else "no better"
        return (
            f"On {self.count} messages of its owner that neither had read ({self.pitches} pitches) the model that read "
            f"others of them is {verdict}: AUC {self.auc[0]:.3f} without them and {self.auc[1]:.3f} with them, "
            f"ordinary mail held at normal {self.held[0]} and {self.held[1]}."
        )

    def as_dict(self) -> dict[str, Any]:
        """For a model's metadata."""
        return {name: np.round(value, 6).tolist() for name, value in asdict(self).items()}


def judge(trained: Trained, other: Path) -> Own | None:
    """What `trained` gains over the model in `other` on the owner's mail; None if none of it could be left out."""
    places = [i for i, row in enumerate(trained.judged) if row.own]
    if not places:
        return None
    without = ModelSession.open(other)
    rows = [trained.judged[i] for i in places]
    labels, sales = labels_of(rows), np.array([row.sales == 1 for row in rows])
    stated = (surest(without, rows), trained.probabilities[places])
    limits = (without.thresholds(Strictness.NORMAL).hold, trained.thresholds[Strictness.NORMAL].hold)
    losses = [_losses(labels, probabilities) for probabilities in stated]
    gains = losses[0] - losses[1]
    held = [int((one >= limit)[~sales].sum()) for one, limit in zip(stated, limits, strict=True)]
    return Own(
        len(rows),
        int(sales.sum()),
        (auc(labels, stated[0]), auc(labels, stated[1])),
        (float(losses[0].mean()), float(losses[1].mean())),
        (held[0], held[1]),
        float(gains.mean()),
        float(gains.std() / np.sqrt(len(gains))),
    )


def weighed(rows: Sequence[Row], params: Params, progress: Progress = silent) -> Params:
    """`params` with the weight for the owner's mail that has the lowest loss on left-out mail, both theirs and the
    corpus's: the model must not get worse on pitches that this owner has not received yet."""
    judged, aside = sides(rows)
    parts = groups_of([row for row in judged if row.own])
    files = groups_of([row for row in judged if not row.own])
    every = [*judged, *aside]
    counts = Counts.of([row.text for row in every])
    losses = np.zeros(len(WEIGHTS))
    for place, part in enumerate(parts):
        left_out = {part, *files[place::FOLDS]}
        outside = [i for i, row in enumerate(judged) if row.group in left_out]
        inside = [i for i, row in enumerate(every) if row.group not in left_out]
        held, own = [every[i] for i in outside], np.array([every[i].own for i in outside])
        for i, weight in enumerate(WEIGHTS):
            progress(f"{part}, weight {weight:g}")
            model = fit([every[k] for k in inside], replace(params, own=weight), counts.take(inside))
            stated = squash(model.logits(model.weighed(counts.take(outside))))
            found = _losses(labels_of(held), stated)
            losses[i] += sum(found[which].mean() for which in (own, ~own) if which.any())
    return replace(params, own=WEIGHTS[int(np.argmin(losses))]) if parts else params


def _losses(labels: Floats, probabilities: Floats) -> Floats:
    likely = np.where(labels == 1, probabilities, 1 - probabilities)
    return np.asarray(-np.log(np.clip(likely, 1e-9, 1)))
