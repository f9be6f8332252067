"""Differences between a model as its card describes it and the same model trained again."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from typing import Any

from backend.scoring.model_file import audit


def differences(stated: dict[str, Any], data: bytes) -> list[str]:
    """Empty if `data` has exactly the bytes that the card states; otherwise what explains the difference."""
    if hashlib.sha256(data).hexdigest() == stated["sha256"]:
        return []
    facts = audit(data)
    found = [f"the file's SHA-256 is {hashlib.sha256(data).hexdigest()}, the card states {stated['sha256']}"]
    if facts.corpus != stated["corpus"]:
        found.append("the corpus, or the wording that prepares it, is not the one the model was trained on")
    if json.loads(facts.metadata["params"]) != stated["params"]:
        found.append("the parameters differ")
    for name, version in stated.get("libraries", {}).items():
        ours = importlib.metadata.version(name)
        if ours != version:
            found.append(f"{name} is {ours}, it was {version}")
    for name, ours in (("python", platform.python_version()), ("machine", platform.machine())):
        if stated.get(name) != ours:
            found.append(f"{name} is {ours}, it was {stated.get(name)}")
    if len(found) == 1:
        what = "the coefficients" if facts.version != stated.get("version") else "the metadata"
        found.append(f"corpus, parameters and libraries agree, {what} do not: perhaps another processor")
    return found
