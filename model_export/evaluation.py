"""All figures in the report about a trained model, computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.model_text import body, model_input
from backend.domain.reading.score import Reason, with_quotes
from backend.scoring.session import ModelSession
from model_export.learner import DEFAULT, Counts, Floats, Params, PitchModel
from model_export.metrics import (
    LENGTHS,
    WAYS,
    Cost,
    Figures,
    Rate,
    Slice,
    by_part,
    costs,
    figures,
    fired,
    length,
    mean_figures,
    recall_at,
    script,
    sent,
    sliced,
)
from model_export.rows import ORDINARY, PITCHES, SALES, Row
from model_export.training import (
    Progress,
    Trained,
    fit,
    groups_of,
    held_at_others_thresholds,
    judged_and_train_only,
    labels_of,
    silent,
)

GOALS = {"auc": 0.975, "recall_1": 0.75, "recall_5": 0.90, "ece": 0.02}
WORST = 20


@dataclass(frozen=True)
class Confusion:
    """Counts at one threshold: pitches held and passed, ordinary mail held and passed."""

    strictness: str
    name: str
    threshold: float
    pitches_held: int
    pitches_passed: int
    ordinary_held: int
    ordinary_passed: int

    @property
    def recall(self) -> float:
        """Share of pitches held."""
        return self.pitches_held / max(1, self.pitches_held + self.pitches_passed)

    @property
    def false_holds(self) -> float:
        """Share of ordinary mail held."""
        return self.ordinary_held / max(1, self.ordinary_held + self.ordinary_passed)


@dataclass(frozen=True)
class KindFigures:
    """One kind of message: how many, and how many would be held at *normal*."""

    kind: str
    label: str
    count: int
    held: int
    mean: float


@dataclass(frozen=True)
class WrongRow:
    """One of the messages whose score contradicts their label most, with the reasons for the score."""

    id: str
    kind: str
    label: str
    subject: str
    probability: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Evaluation:
    """`mean` is over files (the usual figure), `pooled` over all rows at once. `offsets` says by how much the model
    overestimates each file's share of pitches (mean probability minus the share). `costs` are by strictness; `slices`
    the rates at *normal* by class, language, length, way and script; `strangers` how many strangers with a real request
    are held, by file and language; `fired` the share of pitches with each finding, by language."""

    mean: Figures
    pooled: Figures
    files: dict[str, Figures]
    offsets: dict[str, float]
    costs: list[Cost]
    slices: dict[str, list[Slice]]
    strangers: dict[str, Rate]
    fired: dict[str, dict[str, float]]
    languages: dict[str, Figures]
    kinds: list[KindFigures]
    confusions: list[Confusion]
    wrong: list[WrongRow]
    labels: Floats
    scores: Floats
    cross_calibrated: Floats


def evaluate(trained: Trained, session: ModelSession | None = None) -> Evaluation:
    """Figures from left-out files. Without a session, `wrong` stays empty."""
    rows = trained.judged
    labels = labels_of(rows)
    files = by_part([row.group for row in rows], labels, trained.logits, trained.cross_calibrated)
    languages = by_part([row.language for row in rows], labels, trained.logits, trained.cross_calibrated)
    return Evaluation(
        mean=mean_figures(list(files.values())),
        pooled=figures(labels, trained.logits, trained.cross_calibrated),
        files=files,
        offsets=_offsets(rows, labels, trained.cross_calibrated),
        costs=costs(rows, held_at_others_thresholds(rows, trained.probabilities)),
        slices=_slices(rows, trained),
        strangers=_strangers(rows, trained),
        fired=fired(rows),
        languages=languages,
        kinds=_kinds(rows, trained),
        confusions=_confusions(labels, trained),
        wrong=_wrong(rows, trained, session) if session else [],
        labels=labels,
        scores=trained.probabilities,
        cross_calibrated=trained.cross_calibrated,
    )


def _offsets(rows: Sequence[Row], labels: Floats, stated: Floats) -> dict[str, float]:
    names = np.array([row.group for row in rows])
    return {name: float((stated - labels)[names == name].mean()) for name in groups_of(rows)}


def _slices(rows: Sequence[Row], trained: Trained) -> dict[str, list[Slice]]:
    held = (trained.probabilities >= trained.thresholds[Strictness.NORMAL].hold).tolist()
    return {
        "class": sliced(rows, held, lambda row: row.finer_class, [*PITCHES, *ORDINARY]),
        "language": sliced(rows, held, lambda row: row.language),
        "length": sliced(rows, held, length, LENGTHS),
        "sent": sliced(rows, held, sent, WAYS),
        "sender’s name": sliced(rows, held, script),
    }


def _strangers(rows: Sequence[Row], trained: Trained) -> dict[str, Rate]:
    held = (trained.probabilities >= trained.thresholds[Strictness.NORMAL].hold).tolist()
    parts = (sliced(rows, held, part) for part in (lambda row: row.group, lambda row: row.language))
    return {part.name: part.strangers for found in parts for part in found}


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The figures in the model's metadata, rounded so that they do not depend on the last bit."""
    figures = {
        name: {key: round(float(value), 4) for key, value in asdict(part).items()}
        for name, part in (("mean", evaluation.mean), ("pooled", evaluation.pooled))
    }
    facts = {
        cost.strictness.value: {
            "strangers": round(cost.strangers.share, 4), "pitches": round(cost.pitches.share, 4)
        }
        for cost in evaluation.costs
    }  # fmt: skip
    return {**figures, "held": facts}


def _kinds(rows: Sequence[Row], trained: Trained) -> list[KindFigures]:
    hold = trained.thresholds[Strictness.NORMAL].hold
    gathered: dict[tuple[str, str], list[float]] = {}
    for row, probability in zip(rows, trained.probabilities, strict=True):
        gathered.setdefault((row.label, row.kind), []).append(float(probability))
    return [
        KindFigures(kind, label, len(found), sum(p >= hold for p in found), float(np.mean(found)))
        for (label, kind), found in sorted(
            gathered.items(), key=lambda item: (item[0][0], -len(item[1]), item[0][1])
        )
    ]


def _confusions(labels: Floats, trained: Trained) -> list[Confusion]:
    result = []
    for strictness, limits in trained.thresholds.items():
        for name in ("clear", "hold", "challenge"):
            threshold = getattr(limits, name)
            held = trained.probabilities >= threshold
            counts = [int((held & (labels == 1)).sum()), int((~held & (labels == 1)).sum())]
            counts += [int((held & (labels == 0)).sum()), int((~held & (labels == 0)).sum())]
            result.append(Confusion(strictness.value, name, threshold, *counts))
    return result


def _wrong(rows: Sequence[Row], trained: Trained, session: ModelSession) -> list[WrongRow]:
    """The ordinary mail that scored highest and the pitches that scored lowest when left out. Reasons come from the
    shipped model, trained on these too, and show what it relies on."""
    order = np.argsort(-trained.probabilities, kind="stable")
    ordinary = [int(i) for i in order if rows[i].label == "legit"][:WORST]
    pitches = [int(i) for i in order[::-1] if rows[i].label == SALES][:WORST]
    found = []
    for i in (*ordinary, *pitches):
        row = rows[i]
        said = f"{row.message.subject}\n{body(row.message)}"
        score = with_quotes(session.score(row.text), model_input(row.message, row.owner), said)
        probability = float(trained.probabilities[i])
        found.append(WrongRow(row.id, row.kind, row.label, row.message.subject, probability, score.reasons))
    return found


def learning_curve(
    rows: Sequence[Row], trained: Trained, progress: Progress = silent
) -> list[tuple[int, float]]:
    """(messages trained on, mean AUC over left-out files) with one, two, … of the other files."""
    judged, train_only = judged_and_train_only(rows)
    groups = groups_of(judged)
    every = [*judged, *train_only]
    counted = Counts.of([row.text for row in every])
    points = []
    for size in range(1, len(groups)):
        progress(f"learning curve, {size} of {len(groups) - 1} files")
        counts, aucs = [], []
        for place, outer in enumerate(groups):
            chosen = {groups[(place + step) % len(groups)] for step in range(1, size + 1)}
            inside = [i for i, row in enumerate(every) if row.group in chosen or i >= len(judged)]
            outside = [i for i, row in enumerate(judged) if row.group == outer]
            held_out = [judged[i] for i in outside]
            model = fit([every[i] for i in inside], trained.params, counted.take(inside))
            logits = model.logits(model.weighed(counted.take(outside)))
            counts.append(len(inside) - len(train_only))
            aucs.append(figures(labels_of(held_out), logits, np.zeros(len(held_out))).auc)
        points.append((round(float(np.mean(counts))), float(np.mean(aucs))))
    return points


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """All tables as JSON values."""
    return {
        "mean": asdict(evaluation.mean),
        "pooled": asdict(evaluation.pooled),
        "files": {name: asdict(part) for name, part in evaluation.files.items()},
        "languages": {name: asdict(part) for name, part in evaluation.languages.items()},
        "kinds": [asdict(kind) for kind in evaluation.kinds],
        "confusions": [asdict(confusion) for confusion in evaluation.confusions],
        "costs": {cost.strictness.value: cost.words for cost in evaluation.costs},
        "fired": evaluation.fired,
        "slices": {name: [asdict(part) for part in parts] for name, parts in evaluation.slices.items()},
    }


# ---- Were the parameters a lucky choice? For each left-out file they are chosen again, on the other files.

_RATES = (0.005, 0.0075, 0.01, 0.0125, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05)


def grid() -> list[Params]:
    """The default and its neighbours, one parameter moved at a time."""
    near = {"c": (4.0, 16.0), "meaning": (0.35, 0.7), "form": (0.1, 0.3), "steepness": (2.5, 6.5)}
    moved: list[dict[str, Any]] = [{name: value} for name, values in near.items() for value in values]
    return [DEFAULT, *(replace(DEFAULT, **move) for move in moved)]


def low_rate_recall(labels: Floats, logits: Floats) -> float:
    """Mean recall over false-hold rates from 0.5 to 5 %. On a small file it is less noisy than the recall at one
    rate."""
    return float(np.mean([recall_at(labels, logits, rate) for rate in _RATES]))


def choose_nested(rows: Sequence[Row], progress: Progress = silent) -> tuple[list[Row], Floats]:
    """Leave out each file with both labels in turn, choose parameters from `grid` by leaving out each of the others,
    and score the file with that choice. Returns the rows of these files, and their held-out logits."""
    options = grid()
    judged, train_only = judged_and_train_only(rows)
    logits = np.zeros(len(judged))
    for outer in groups_of(judged):
        rest = [row for row in judged if row.group != outer]
        merits = np.zeros(len(options))
        for inner in groups_of(rest):
            progress(f"without {outer} and {inner}")
            inside = [*(row for row in rest if row.group != inner), *train_only]
            held_out = [row for row in rest if row.group == inner]
            for i, scores in enumerate(_scores(inside, held_out, options)):
                merits[i] += low_rate_recall(labels_of(held_out), scores)
        best = options[int(np.argmax(merits))]
        places = [i for i, row in enumerate(judged) if row.group == outer]
        logits[places] = next(_scores([*rest, *train_only], [judged[i] for i in places], [best]))
    return judged, logits


def _scores(inside: Sequence[Row], held_out: Sequence[Row], options: Sequence[Params]) -> Iterator[Floats]:
    """Logits of `held_out` with each option. All share the terms and idf that the first option learns."""
    counts, classes = (
        Counts.of([row.text for row in (*inside, *held_out)]),
        [row.finer_class for row in inside],
    )
    learned = counts.take(range(len(inside)))
    base = PitchModel(options[0]).fit_counts(learned, classes, [row.group for row in inside])
    matrix = base.weighed(learned)
    judged = base.weighed(counts.take(range(len(inside), len(inside) + len(held_out))))
    for params in options:
        model = PitchModel(params)
        model.features_ = base.features_
        yield model.solve(matrix, classes).logits(judged)
