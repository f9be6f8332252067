"""From rows to a calibrated model: leave-one-file-out logits, one calibrator, thresholds. Every figure and every
threshold comes from messages that the scoring model was not trained on, nor on other mail of the same writer: whole
files are left out, several at a time if there are many."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.score import PART_PENALTY, Thresholds
from backend.scoring.session import ModelSession
from model_export.disguises import copies
from model_export.learner import DEFAULT, Counts, Flags, Floats, Params, PitchModel
from model_export.rows import UNKNOWN, Row

# Share of ordinary mail of people the owner does not deal with that may score above a threshold: (clear, hold,
# challenge). No earlier mail speaks for them, so a wrong hold costs them most.
FALSE_RATES = {
    Strictness.RELAXED: (0.10, 0.003, 0.001),
    Strictness.NORMAL: (0.15, 0.01, 0.003),
    Strictness.STRICT: (0.25, 0.03, 0.01),
}
FOLDS = 8
"""At most so many models are trained on all but some files; with more files than this, each leaves out several."""

Progress = Callable[[str], None]


def silent(step: str) -> None:
    """A progress reporter that says nothing."""
    del step


@dataclass(frozen=True)
class Trained:
    """A finished run. `judged` are the rows that were left out once, the arrays follow their order.

    `logits` are uncalibrated, of the passage that decides, and by models that did not see the row's file.
    `probabilities` are the same through the shipped calibrator, at the share of pitches that `params` states
    (thresholds come from these). `cross_calibrated` are through calibrators that did not see the row's file either, at
    the corpus's own share: the honest ones for calibration error.
    """

    model: PitchModel
    params: Params
    judged: list[Row]
    logits: Floats
    probabilities: Floats
    cross_calibrated: Floats
    thresholds: dict[Strictness, Thresholds]


@dataclass(frozen=True)
class PassageCounts:
    """Counts of all passages of each row, the whole message first. The model learns from the whole messages."""

    counts: Counts
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> PassageCounts:
        """Count all passages of each row."""
        starts = np.cumsum([0, *(len(row.texts) for row in rows)])
        return cls(Counts.of([text for row in rows for text in row.texts]), starts)

    def whole(self, places: Sequence[int]) -> Counts:
        """The counts of the whole messages of these rows."""
        return self.counts.take(self.starts[np.asarray(places)])

    def logits(self, model: PitchModel, places: Sequence[int]) -> Floats:
        """For each of these rows, the logits of the whole message and of the part most like a pitch, [row, 2]."""
        spans = [np.arange(self.starts[place], self.starts[place + 1]) for place in places]
        found = model.logits(model.weighed(self.counts.take(np.concatenate(spans))))
        ends = np.cumsum([len(span) for span in spans])
        parts = np.split(found, ends[:-1])
        return np.array([(logits[0], logits[1:].max(initial=-np.inf)) for logits in parts])


def decided(logits: Floats, slope: float) -> Floats:
    """The logits that decide, as in the server, from those of `PassageCounts.logits`: of each row the higher of the
    whole's and the best passage's, less the penalty for parts."""
    return np.maximum(logits[:, 0], logits[:, 1] - PART_PENALTY / slope)


def scores_of(session: ModelSession, rows: Sequence[Row]) -> Floats:
    """The scores that an exported model gives to each row."""
    logits = [[session.score(text, explain=False).logit for text in row.texts] for row in rows]
    return squash(
        np.array(
            [max(view - PART_PENALTY * (place > 0) for place, view in enumerate(found)) for found in logits]
        )
    )


def train(rows: Sequence[Row], params: Params = DEFAULT, progress: Progress = silent) -> Trained:
    """Fit on all rows and their disguised copies; calibrate and choose thresholds on the scores of left-out files."""
    judged, train_only = judged_and_train_only(rows)
    disguised = copies(rows)
    pairs = held_out_logits(judged, params, progress, [*train_only, *disguised])
    labels = labels_of(judged)
    slope = temperature(pairs[:, 0], labels)
    logits = decided(pairs, slope)
    offset = at_share(params.share, float(labels.mean()))
    probabilities = squash(slope * logits + offset)
    progress("the model on all files")
    return Trained(
        fit([*rows, *disguised], params).calibrate(slope, offset),
        params,
        judged,
        logits,
        probabilities,
        cross_calibrated(judged, logits),
        choose_thresholds(probabilities[unknown(judged)]),
    )


def fit(rows: Sequence[Row], params: Params, counts: Counts | None = None) -> PitchModel:
    """A model fitted on `rows`, not calibrated. `counts` are of the same rows, if there are any yet."""
    counts = counts or Counts.of([row.text for row in rows])
    weights = np.array([params.own if row.own else 1.0 for row in rows])
    return PitchModel(params).fit_counts(
        counts, [row.finer_class for row in rows], [row.group for row in rows], weights
    )


def judged_and_train_only(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """(rows of files with both labels, all others). A file with one label cannot be judged, so it is only trained
    on."""
    both = {r.group for r in rows if r.sales} & {r.group for r in rows if not r.sales}
    return [r for r in rows if r.group in both], [r for r in rows if r.group not in both]


def squash(logits: Floats) -> Floats:
    """Logits to probabilities."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def labels_of(rows: Sequence[Row]) -> Floats:
    """1.0 for a pitch, 0.0 for the rest."""
    return np.array([row.sales for row in rows], np.float64)


def groups_of(rows: Sequence[Row]) -> list[str]:
    """The files rows come from, sorted."""
    return sorted({row.group for row in rows})


def held_out_logits(
    judged: Sequence[Row], params: Params, progress: Progress = silent, train_only: Sequence[Row] = ()
) -> Floats:
    """For each judged row the `PassageCounts.logits` of a model trained on `train_only` and other files. Needs two."""
    groups = groups_of(judged)
    if len(groups) < 2:
        raise ValueError("leaving one file out needs messages from at least two files with both labels")
    rows = [*judged, *train_only]
    counts = PassageCounts.of(rows)
    logits = np.zeros((len(judged), 2))
    for left_out in (groups[first::FOLDS] for first in range(min(FOLDS, len(groups)))):
        progress(f"without {', '.join(left_out)}")
        outside = [i for i, row in enumerate(judged) if row.group in left_out]
        inside = [i for i, row in enumerate(rows) if row.group not in left_out]
        logits[outside] = counts.logits(fit([rows[i] for i in inside], params, counts.whole(inside)), outside)
    return logits


def temperature(logits: Floats, labels: Floats) -> float:
    """The factor that turns logits into log-odds of a pitch in the corpus, where the labels are nearly balanced. No
    offset is learned, because writers differ more than an offset learned from others could predict."""
    solver = LogisticRegression(C=1e6, fit_intercept=False, max_iter=1000, tol=1e-9)
    return float(solver.fit(logits.reshape(-1, 1), labels).coef_[0, 0])


def at_share(share: float, found: float) -> float:
    """What to add to log-odds from mail of which `found` are pitches, to get those for mail of which `share` are."""
    return math.log(share / (1.0 - share)) - math.log(found / (1.0 - found))


def cross_calibrated(rows: Sequence[Row], logits: Floats) -> Floats:
    """Probabilities; each file's calibrator is fitted on the logits of the others."""
    labels = labels_of(rows)
    files = np.array([row.group for row in rows])
    result = np.zeros(len(rows))
    for group in groups_of(rows):
        slope = temperature(logits[files != group], labels[files != group])
        result[files == group] = squash(slope * logits[files == group])
    return result


def unknown(rows: Sequence[Row]) -> Flags:
    """Which rows are ordinary mail of people the owner does not know; without any, all ordinary mail."""
    found = np.array([row.finer_class in UNKNOWN for row in rows])
    return found if found.any() else labels_of(rows) == 0


def choose_thresholds(ordinary: Floats) -> dict[Strictness, Thresholds]:
    """Thresholds for the stated rates over these probabilities, rounded up to four places (never laxer than stated)."""
    falling = np.sort(ordinary)[::-1]
    strict = _above(falling, FALSE_RATES[Strictness.STRICT][1])
    chosen = {}
    for strictness, rates in FALSE_RATES.items():
        clear, hold, challenge = (_above(falling, rate) for rate in rates)
        chosen[strictness] = Thresholds(clear, hold, challenge, strict)
    return chosen


def held_at_others_thresholds(rows: Sequence[Row], probabilities: Floats) -> dict[Strictness, Flags]:
    """Which rows are held at each strictness, with thresholds chosen on the other files only."""
    files, ordinary = np.array([row.group for row in rows]), unknown(rows)
    held = {strictness: np.zeros(len(rows), bool) for strictness in Strictness}
    for group in groups_of(rows):
        inside = files == group
        others = probabilities[ordinary & ~inside]
        for strictness, limits in choose_thresholds(others).items() if len(others) else ():
            held[strictness][inside] = probabilities[inside] >= limits.hold
    return held


def _above(descending: Floats, rate: float) -> float:
    """The smallest four-place threshold that at most `rate` of the values reach."""
    allowed = math.floor(rate * len(descending))
    return min(1.0, math.floor(float(descending[allowed]) * 10_000 + 1) / 10_000)
