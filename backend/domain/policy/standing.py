"""How a sender stands with an owner: everything the policy table looks up, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from backend.domain.mailbox.decisions import RuleMatch

HELD_WITH = timedelta(days=30)
"""How long held mail makes further mail of its sender wait beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is on record about a sender. None of it may be believed of a forged From.

    `corresponded`: the owner has written to this address; `took_part`: the owner wrote in this thread
    themselves; `held_undecided`: mail that claims this sender was held in the last `HELD_WITH` and nobody has decided
    about it; `held_score`: the highest score among that mail which is authenticated, None if none is; `credits`:
    their balance.
    """

    rules: RuleMatch = RuleMatch()
    corresponded: bool = False
    took_part: bool = False
    held_undecided: bool = False
    credits: int = 0
    held_score: float | None = None
