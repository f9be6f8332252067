"""Makes a model file from a trained model: graph, metadata, hash, checks, parity with scikit-learn."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper

from backend.domain.reading.model_text import reading_digest
from backend.scoring.model_file import FORMAT, audit, digest_of, packed_terms
from backend.scoring.session import ModelSession
from model_export.digests import corpus_digest
from model_export.graph import to_onnx
from model_export.learner import Floats, PitchModel
from model_export.nasty import NASTY
from model_export.own import Own
from model_export.rows import Row
from model_export.training import Trained

LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "scipy", "skl2onnx")
MAX_DIFFERENCE = 1e-12
_NO_DIGEST = "0" * 64


class NotPublished(RuntimeError):
    """The exported graph computes something else than the trained model; the file was not written."""


def build(trained: Trained, rows: Sequence[Row], metrics: Mapping[str, Any], own: Own | None = None) -> bytes:
    """The bytes of the model file. The same trained parameters give the same bytes. `own` is what training on its
    owner's mail gained, if there was such mail."""
    model = to_onnx(trained.model)
    metadata = _metadata(trained, rows, metrics) | ({"own": _json(own.as_dict())} if own else {})
    helper.set_model_props(model, dict(sorted(metadata.items())))
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    place = data.rfind(_NO_DIGEST.encode())
    digest = digest_of(data, place, place + 64)
    return data[:place] + digest.encode() + data[place + 64 :]


def _metadata(trained: Trained, rows: Sequence[Row], metrics: Mapping[str, Any]) -> dict[str, str]:
    corpus = corpus_digest(rows)
    thresholds = {
        strictness.value: {"clear": t.clear, "hold": t.hold, "challenge": t.challenge}
        for strictness, t in trained.thresholds.items()
    }
    return {
        "format": FORMAT,
        "version": f"{corpus[:6]}-{fingerprint(trained.model)[:8]}",
        "corpus": corpus,
        "reading": reading_digest(),
        "rows": str(len(rows)),
        "params": _json(trained.params.as_dict()),
        "thresholds": _json(thresholds),
        "metrics": _json(metrics),
        "libraries": _json({name: importlib.metadata.version(name) for name in LIBRARIES}),
        "vocabulary": packed_terms(trained.model.terms()),
        "digest": _NO_DIGEST,
    }


def fingerprint(model: PitchModel) -> str:
    """SHA-256 over all learned parameters."""
    digest = hashlib.sha256("\n".join(model.terms()).encode())
    idf = [vectorizer.idf_ for vectorizer in model.vectorizers]
    for values in (
        *idf,
        model.coef_,
        model.intercept_,
        np.array([model.slope_, model.offset_, model.longest_]),
    ):
        digest.update(np.ascontiguousarray(values, "<f8").tobytes())
    return digest.hexdigest()


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def parity(session: ModelSession, model: PitchModel, texts: Sequence[str], batch: int = 64) -> float:
    """Largest difference of probability between graph and scikit-learn, for single messages and for batches."""
    expected = model.predict_proba(list(texts))[:, 1]
    single = np.array([session.score(text, explain=False).probability for text in texts])
    batches = [session.probabilities(texts[i : i + batch]) for i in range(0, len(texts), batch)]
    batched: Floats = np.concatenate(batches)
    return float(max(np.abs(single - expected).max(), np.abs(batched - expected).max()))


def publish(data: bytes, trained: Trained, rows: Sequence[Row], path: Path) -> float:
    """Check the file, measure parity on the corpus and on hard texts, then write `path`. Returns the largest
    difference.

    Raises `NotPublished` if the graph differs by more than `MAX_DIFFERENCE`, `ModelRefused` if a check fails; the old
    file then stays."""
    session = ModelSession(data, audit(data, path), path)
    difference = parity(session, trained.model, [*(row.text for row in rows), *NASTY])
    if difference > MAX_DIFFERENCE:
        raise NotPublished(f"graph and model differ by {difference:.1e}, allowed is {MAX_DIFFERENCE:.0e}")
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)
    return difference
