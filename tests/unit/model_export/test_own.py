"""What an owner's own mail is worth is told on mail of theirs that neither model has read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from backend.scoring.session import ModelSession
from model_export.compare import compare
from model_export.evaluation import evaluate, summary
from model_export.learner import DEFAULT
from model_export.own import WEIGHTS, own_mail_gain, weighed
from model_export.publish import build, publish
from model_export.rows import OWN_MAIL, Row, corpus
from model_export.training import Trained, train


@pytest.fixture(scope="module")
def ours() -> list[Row]:
    return corpus(files=["train_1", "train_3"])[::5]


@pytest.fixture(scope="module")
def theirs() -> list[Row]:
    """A file of the corpus as if it were an owner's mail, in two parts."""
    rows = corpus(files=["train_10"])[::4]
    return [
        replace(
            row, kind=OWN_MAIL, finer_class="sales" if row.sales else "known", group=f"all, part {i % 2 + 1}"
        )
        for i, row in enumerate(rows)
    ]


@pytest.fixture(scope="module")
def trained(ours: list[Row], theirs: list[Row]) -> Trained:
    return train([*ours, *theirs])


def published(rows: list[Row], path: Path) -> Path:
    fitted = train(rows)
    publish(build(fitted, rows, summary(evaluate(fitted))), fitted, rows, path)
    return path


def turned(row: Row) -> Row:
    return replace(
        row, label="legit" if row.sales else "sales", finer_class="stranger" if row.sales else "crude"
    )


def test_against_a_model_that_has_read_the_very_mail_there_is_no_gain(
    trained: Trained, ours: list[Row], theirs: list[Row], tmp_path: Path
):
    own = own_mail_gain(trained, published([*ours, *theirs], tmp_path / "read.onnx"))
    assert own is not None
    assert (own.count, own.pitches) == (len(theirs), sum(row.sales for row in theirs))
    assert not own.better
    assert "is no better: AUC" in own.words


def test_a_gain_is_said_by_the_model_itself_and_where_two_are_compared(
    trained: Trained, ours: list[Row], theirs: list[Row], tmp_path: Path
):
    wrong = published([turned(row) for row in ours], tmp_path / "wrong.onnx")
    own = own_mail_gain(trained, wrong)
    assert own is not None
    assert own.better
    data = build(trained, [*ours, *theirs], summary(evaluate(trained)), own)
    publish(data, trained, [*ours, *theirs], tmp_path / "mine.onnx")
    mine = ModelSession.open(tmp_path / "mine.onnx")
    assert json.loads(mine.facts.metadata["own"])["count"] == own.count
    remarks = compare(ModelSession.open(wrong), mine, []).remarks
    assert "is better: AUC" in remarks[0]
    assert "do not say which is better" in remarks[-1]


def test_without_mail_of_an_owner_there_is_nothing_to_say(ours: list[Row]):
    assert own_mail_gain(train(ours), Path("never-opened.onnx")) is None
    assert weighed(ours, DEFAULT) == DEFAULT


def test_their_mail_gets_one_of_the_weights_and_each_part_is_left_out(ours: list[Row], theirs: list[Row]):
    steps: list[str] = []
    assert weighed([*ours, *theirs], DEFAULT, steps.append).own in WEIGHTS
    assert steps == [f"all, part {part}, weight {weight:g}" for part in (1, 2) for weight in WEIGHTS]
