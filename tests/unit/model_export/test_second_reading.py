"""The judge of both readings learns by what it has not seen, and is cautious where mail is unlike the corpus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from backend.domain.mailbox.mailbox import Strictness
from backend.scoring.second_reading import EMBEDDING_SIZE, Judge
from model_export.learner import DEFAULT, Flags, Floats, PitchModel
from model_export.rows import ORDINARY, PITCHES, Row, corpus
from model_export.second_reading import (
    SHRINKAGE,
    SURE,
    Judged,
    JudgeModel,
    Moments,
    judge_file,
    learn,
    parity,
)
from model_export.training import Trained, choose_thresholds, cross_calibrated, labels_of, squash, unknown

FILES = ["train_1", "train_3", "train_10"]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return corpus(files=FILES)


@pytest.fixture(scope="module")
def trained(rows: list[Row]) -> Trained:
    """A first reading that is in doubt of much."""
    logits = np.random.default_rng(1).normal((labels_of(rows) - 0.5) * 2.0)
    found = squash(logits)
    thresholds = choose_thresholds(found[unknown(rows)])
    model = PitchModel(DEFAULT).calibrate(1.0)
    return Trained(model, DEFAULT, rows, logits, found, cross_calibrated(rows, logits), thresholds)


@pytest.fixture(scope="module")
def odd(rows: list[Row]) -> Flags:
    """A kind of ordinary mail of which an encoder says what it says of pitches, and one thing more."""
    ordinary = np.flatnonzero(labels_of(rows) == 0)
    flags = np.zeros(len(rows), bool)
    flags[ordinary[::4]] = True
    return flags


@pytest.fixture(scope="module")
def numbers(rows: list[Row], odd: Flags) -> Floats:
    drawn = np.random.default_rng(2)
    meant = drawn.normal(size=(len(rows), 20))  # numbers of an encoder hang together
    meant[(labels_of(rows) == 1) | odd, 0] += 2.0
    meant[odd, 1] += 9.0
    found = meant @ drawn.normal(size=(20, EMBEDDING_SIZE)) + drawn.normal(size=(len(rows), EMBEDDING_SIZE))
    return (found * 0.01).astype("<f2").astype(np.float64)


@pytest.fixture(scope="module")
def judged(rows: list[Row], trained: Trained, numbers: Floats) -> Judged:
    return learn(rows, trained, numbers, kinds=5)


def test_of_a_kind_that_was_not_seen_a_head_is_less_sure_that_it_is_ordinary(
    judged: Judged, odd: Flags
) -> None:
    doubtful = judged.doubtful & odd
    assert doubtful.sum() > 20
    assert 1.5 * judged.twice[doubtful].mean() < judged.strange[doubtful].mean()
    others = judged.doubtful & (labels_of(judged.trained.judged) == 1)
    assert (judged.strange[others] == judged.twice[others]).all()


def test_of_unseen_kinds_no_class_is_held_more_often_than_once(judged: Judged) -> None:
    classes = np.array([row.finer_class for row in judged.trained.judged])
    strangers = unknown(judged.trained.judged)
    for strictness in Strictness:
        once, unlike = judged.held_once(strictness), judged.held(strictness, judged.strange)
        for part in (*(classes == finer_class for finer_class in ORDINARY), strangers):
            assert unlike[part].sum() <= once[part].sum()
        limits = judged.thresholds[strictness]
        assert limits.clear <= limits.hold <= limits.challenge


def test_a_head_is_scikit_learns_and_what_was_taken_away_it_has_not_seen(
    rows: list[Row], numbers: Floats
) -> None:
    some, classes = numbers[:, :30], np.array([row.finer_class for row in rows])
    left = np.arange(len(rows)) % 3 > 0
    everything = Moments.of(some, classes.tolist())
    head = JudgeModel().fit_head(everything.without(Moments.of(some[~left], classes[~left].tolist())))
    spread = some[left].std(axis=0)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE).fit(
        some[left] / spread, classes[left]
    )
    scores = theirs.decision_function(some / spread)
    pitches = np.isin(theirs.classes_, PITCHES)
    found = np.logaddexp.reduce(scores[:, pitches], axis=1) - np.logaddexp.reduce(scores[:, ~pitches], axis=1)
    assert head.head(some) == pytest.approx(np.clip(found, -SURE, SURE), abs=0.01)


def test_a_head_moves_a_logit_so_far_and_no_further(judged: Judged) -> None:
    far = np.random.default_rng(3).normal(scale=0.1, size=(20, EMBEDDING_SIZE))
    moved = judged.model.logits(np.zeros(20), far) - judged.model.offset_
    assert np.abs(moved).max() <= SURE * judged.model.weights_[1] + 1e-12
    assert np.abs(judged.model.head(far)).max() == SURE


def test_the_file_is_the_model_and_the_same_each_time(
    judged: Judged, rows: list[Row], numbers: Floats
) -> None:
    made = judge_file(judged, "model", "encoder")
    judge = Judge(made, Path("judge.onnx"))
    assert parity(judge, judged, numbers[::20]) < 1e-6
    assert judge.facts.thresholds == judged.thresholds
    again = JudgeModel().fit_head(Moments.of(numbers, [row.finer_class for row in rows]))
    again.weights_, again.offset_ = judged.model.weights_, judged.model.offset_
    assert (again.logits(judged.once, numbers) == judged.model.logits(judged.once, numbers)).all()
