"""A challenger walks the table beside the champion."""

from __future__ import annotations

from datetime import datetime

from backend.domain.digest import Digest
from backend.domain.mailbox.verdict import Shadow, Verdict
from backend.domain.policy.table import STRANGERS, Facts, decide


def shadow_of(
    verdict: Verdict, digest: Digest, facts: Facts, guards: tuple[str, ...], now: datetime
) -> Shadow | None:
    """What the challenger would have decided; None without one, and where no score was asked for."""
    score = digest.challenger
    if score is None or verdict.row not in STRANGERS:
        return None
    thresholds = digest.challenger_thresholds[facts.preferences.strictness]
    return Shadow(score.model, decide(facts, score, thresholds, guards, now).row, score.probability)
