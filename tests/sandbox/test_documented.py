"""docs/reference/sandbox.md names everything the sandbox can be told."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from backend.sandbox.admin import ACTS
from backend.sandbox.faults import KINDS, FaultRule, Knobs
from backend.sandbox.pubsub import BEARER_FAULTS, PushModes

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md"


def test_nothing_it_can_be_told_is_missing() -> None:
    prose = re.sub(r"```.*?```", "", PAGE.read_text(), flags=re.DOTALL)
    named = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", prose))))
    rule = {field.name for field in fields(FaultRule)} - {"id", "hits"}
    settings = {field.name for kind in (Knobs, PushModes) for field in fields(kind)}
    assert {*KINDS, *ACTS, *rule, *settings, *BEARER_FAULTS} - {""} - named == set()
