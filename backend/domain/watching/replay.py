"""A decision reached again, and what of it came out otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backend.domain.reading.score import Score
from backend.domain.watching.grounds import bits, decided_again


def differences(
    says: Mapping[str, Any], setting: Mapping[str, Any], score: Score | None, text: str = ""
) -> Iterator[str]:
    """What differs between an entry and the same judged again, by name; nothing if every bit is equal.

    `score` is the message's, scored again; None: the one that was written down is believed. `text` is the digest of its
    text under the log's key, where the message was read again.
    """
    case = says["case"]
    if score is not None:
        if bits(score.probability) != case["p"]:
            yield "probability"
        if bits(score.logit) != case["logit"]:
            yield "logit"
        if score.trace is None or score.trace.shares != says.get("shares"):
            yield "shares"
    if text and text != says.get("text"):
        yield "text"
    try:
        verdict = decided_again(setting, case, score)
    except (KeyError, TypeError, ValueError):
        yield "grounds"
        return
    if verdict is None or (verdict.row, verdict.outcome, list(verdict.guards)) != (
        says["row"],
        says["outcome"],
        says.get("guards", []),
    ):
        yield "verdict"
