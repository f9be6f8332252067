"""Compares two model files: what their metadata say, and where their verdicts differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backend.domain.mailbox.mailbox import Strictness
from backend.domain.reading.model_text import reading_digest
from backend.scoring.model_file import audit
from backend.scoring.session import ModelSession
from model_export.own import Gain
from model_export.rows import Row
from model_export.training import scores_of

_NAMES = {"auc": "AUC", "recall_1": "recall at 1 %", "recall_5": "recall at 5 %", "ece": "calibration error"}


@dataclass(frozen=True)
class Comparison:
    """`lines` are (what, first, second); `remarks` explain them."""

    names: tuple[str, str]
    lines: list[tuple[str, str, str]]
    remarks: list[str]


def opened(path: Path) -> ModelSession:
    """A checked model, even one trained with another lexicon (the server would refuse that one). Raises
    `ModelRefused`."""
    data = path.read_bytes()
    return ModelSession(data, audit(data, path), path)


def compare(first: ModelSession, second: ModelSession, rows: Sequence[Row]) -> Comparison:
    """Compare two checked models; their verdicts over `rows`."""
    sessions = (first, second)
    metrics = [json.loads(s.facts.metadata.get("metrics", "{}")) for s in sessions]
    lines = []
    for part in ("mean", "pooled"):
        for name in _NAMES:
            shown = [f"{m[part][name]:.4f}" if part in m and name in m[part] else "–" for m in metrics]
            lines.append((f"{_NAMES[name]}, {part}", shown[0], shown[1]))
    for strictness in Strictness:
        shown = [" / ".join(f"{v:.4f}" for v in _limits(s, strictness)) for s in sessions]
        lines.append((f"clear / hold / challenge, {strictness.value}", shown[0], shown[1]))
    terms = [set(s.facts.vocabulary) for s in sessions]
    lines.append(("terms", f"{len(terms[0]):,}", f"{len(terms[1]):,}"))
    lines.append(
        ("terms the other has not", f"{len(terms[0] - terms[1]):,}", f"{len(terms[1] - terms[0]):,}")
    )
    lines.append(("corpus", first.facts.corpus[:12], second.facts.corpus[:12]))
    here = reading_digest()
    comparable = all(session.facts.reading == here for session in sessions)
    if rows and comparable:
        lines += _verdicts(sessions, rows)
    remark = _REMARK if comparable else _OTHER_READING
    own = [Gain(**json.loads(s.facts.metadata["own"])).words for s in sessions if "own" in s.facts.metadata]
    remarks = [*own, *([remark] if rows else [])]
    if first.facts.corpus != second.facts.corpus:
        remarks.append(_OTHER_MESSAGES)
    return Comparison((first.facts.version, second.facts.version), lines, remarks)


_REMARK = (
    "Held counts and changed verdicts are over the corpus, which both models may have been trained on: they show "
    "where the models differ, not which is better. The figures above them come from left-out files."
)


_OTHER_MESSAGES = (
    "The two have learned from different messages, and the figures of each are over its own: they do not say which is "
    "better. That takes the same messages, read by neither, as `train --archive` keeps them back from an owner's mail."
)


_OTHER_READING = (
    "One of the two was trained with another lexicon or preparation of texts than this program has: verdicts cannot be "
    "compared here. The figures above come from left-out files."
)


def _limits(session: ModelSession, strictness: Strictness) -> tuple[float, float, float]:
    limits = session.thresholds(strictness)
    return limits.clear, limits.hold, limits.challenge


def _verdicts(sessions: tuple[ModelSession, ModelSession], rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    held = [scores_of(session, rows) >= session.thresholds(Strictness.NORMAL).hold for session in sessions]
    sales = np.array([row.sales == 1 for row in rows])
    lines = [
        (f"{name} held at normal", str(int((held[0] & which).sum())), str(int((held[1] & which).sum())))
        for name, which in (("pitches", sales), ("ordinary mail", ~sales))
    ]
    only = [int((held[0] & ~held[1]).sum()), int((held[1] & ~held[0]).sum())]
    return [*lines, ("held by this one only", str(only[0]), str(only[1]))]
