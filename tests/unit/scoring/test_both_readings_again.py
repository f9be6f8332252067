"""What was read twice is decided again from what is kept of it, and one bit of it that changed is told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from backend.commands.audit import Rescorer
from backend.domain.policy.table import decide
from backend.domain.reading.score import Part, Score
from backend.domain.watching import audit
from backend.scoring import SHIPPED
from backend.scoring.second_reading import EMBEDDING_SIZE, Judge
from backend.scoring.session import ModelSession
from tests.unit.domain import rules as make


@pytest.fixture(scope="module")
def session() -> ModelSession:
    return ModelSession.open(SHIPPED)


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge.open()


def numbers(seed: int) -> bytes:
    return np.random.default_rng(seed).normal(scale=0.02, size=EMBEDDING_SIZE).astype("<f2").tobytes()


@pytest.mark.parametrize("part", [Part.WHOLE, Part.OPENING])
def test_a_verdict_of_both_readings_is_reached_again_to_the_bit(
    session: ModelSession, judge: Judge, part: Part
) -> None:
    text = "quick question about your team f_language_en c_ask we help firms like yours"
    thresholds = judge.facts.thresholds[make.facts().preferences.strictness]
    for seed in range(20):
        first = session.score(text, keep_counts=True).of_part(part)
        score = judge.judge(first, numbers(seed))
        assert score.trace is not None
        verdict = decide(make.facts(), score, thresholds, (), make.NOW)
        kept = audit.grounds(make.facts(), score, thresholds, (), make.NOW)
        case, setting = json.loads(kept.case), json.loads(kept.setting)
        says = {"row": verdict.row, "outcome": verdict.outcome, "shares": score.trace.shares, "case": case}
        again = Rescorer(session, judge, None, None)  # type: ignore[arg-type]  # neither keys nor Gmail are asked
        found = again.from_kept(audit.kept_counts(score.trace), case)
        assert audit.differences(says, setting, found) == []
        assert audit.differences(says, setting, first) != []
        other = judge.judge(first, numbers(seed + 1))
        assert {"logit", "embedding"} <= set(audit.differences(says, setting, other))


def test_what_was_read_once_is_kept_as_it_always_was(session: ModelSession) -> None:
    score = session.score("quick question", keep_counts=True)
    assert score.trace is not None
    assert audit.kept_counts(score.trace) == score.trace.counts
    assert audit.from_kept(score.trace.counts) == (score.trace.counts, "")
    kept = audit.grounds(
        make.facts(), score, session.thresholds(make.facts().preferences.strictness), (), make.NOW
    )
    assert not {"first", "embedding"} & json.loads(kept.case).keys()
    assert "judge" not in json.loads(kept.setting)


def test_the_judge_of_one_score_is_in_its_setting(session: ModelSession, judge: Judge) -> None:
    score = judge.judge(replace(session.score("quick question"), part=Part.WHOLE), numbers(1))
    thresholds = judge.facts.thresholds[make.facts().preferences.strictness]
    kept = audit.grounds(make.facts(), score, thresholds, (), make.NOW)
    assert json.loads(kept.setting)["judge"] == judge.facts.digest[:32]
    assert isinstance(score, Score)
