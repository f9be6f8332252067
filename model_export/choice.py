"""Checks whether the parameters were a lucky choice: for each left-out file they are chosen again from the other
files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model_export.counts import Counts
from model_export.learner import DEFAULT, Floats, Params, PitchModel
from model_export.metrics import recall_at
from model_export.rows import Row
from model_export.training import Progress, groups_of, labels_of, sides, silent

_RATES = (0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05)


def grid() -> list[Params]:
    """The default and its neighbours, one parameter moved at a time."""
    near = {"c": (4.0, 16.0), "meaning": (0.35, 0.7), "form": (0.1, 0.3), "steepness": (2.5, 6.5)}
    moved = [{name: value} for name, values in near.items() for value in values]
    return [DEFAULT, *(replace(DEFAULT, **move) for move in moved)]  # type: ignore[arg-type]


def low_rate_recall(labels: Floats, logits: Floats) -> float:
    """Mean recall over false-hold rates from 0.5 to 5 %. On a small file it is less noisy than the recall at one
    rate."""
    return float(np.mean([recall_at(labels, logits, rate) for rate in _RATES]))


@dataclass(frozen=True)
class Nested:
    """Held-out logits of the rows of files that have both labels, and the parameters chosen without each file."""

    judged: list[Row]
    logits: Floats
    chosen: dict[str, Params]


def choose_nested(
    rows: Sequence[Row], candidates: Sequence[Params] | None = None, progress: Progress = silent
) -> Nested:
    """Leave out each corpus file in turn, choose the parameters by leaving out each of the others, and score the file
    with that choice."""
    options = list(candidates or grid())
    rows, train_only = sides(rows)
    logits = np.zeros(len(rows))
    chosen: dict[str, Params] = {}
    for outer in groups_of(rows):
        rest = [row for row in rows if row.group != outer]
        merits = np.zeros(len(options))
        for inner in groups_of(rest):
            progress(f"without {outer} and {inner}")
            held_out = [row for row in rest if row.group == inner]
            for i, scores in enumerate(
                _scores([*(r for r in rest if r.group != inner), *train_only], held_out, options)
            ):
                merits[i] += low_rate_recall(labels_of(held_out), scores)
        best = int(np.argmax(merits))
        chosen[outer] = options[best]
        places = [i for i, row in enumerate(rows) if row.group == outer]
        logits[places] = next(_scores([*rest, *train_only], [rows[i] for i in places], [options[best]]))
    return Nested(rows, logits, chosen)


def _scores(inside: Sequence[Row], held_out: Sequence[Row], options: Sequence[Params]) -> Iterator[Floats]:
    """Logits of `held_out` with each option. All share the terms and idf that the first option learns."""
    counts, errands = Counts.of([row.text for row in (*inside, *held_out)]), [row.errand for row in inside]
    learned = counts.take(range(len(inside)))
    base = PitchModel(options[0]).fit_counts(learned, errands, [row.group for row in inside])
    matrix = base.weighed(learned)
    judged = base.weighed(counts.take(range(len(inside), len(inside) + len(held_out))))
    for params in options:
        model = PitchModel(params)
        model.features_ = base.features_
        yield model.solve(matrix, errands).logits(judged)
