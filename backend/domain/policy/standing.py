"""How a sender stands with an owner: everything the policy table looks up, read at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.entry.challenge import Dealings
from backend.domain.mailbox.correction import RuleMatch


@dataclass(frozen=True, slots=True)
class Standing:
    """What is on record about a sender. None of it may be believed of a forged From.

    `corresponded`: the owner has written to this address; `took_part`: the owner wrote in this thread
    himself; `held_undecided`: mail of this sender was held in the last 30 days and nobody has decided
    about it; `credits`: his balance.
    """

    rules: RuleMatch = RuleMatch()
    corresponded: bool = False
    took_part: bool = False
    held_undecided: bool = False
    credits: int = 0
    dealings: Dealings = Dealings()
