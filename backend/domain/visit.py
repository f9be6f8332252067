"""What somebody who opens one of our pages is shown: an owner who connects, a sender who follows his link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backend.domain.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Connected:
    """An owner came back from Google.

    `missing_scopes` are those we need and he did not grant; then nothing was stored and `mailbox` is None.
    """

    mailbox: Mailbox | None
    missing_scopes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ChallengePage:
    """An open challenge as its sender may see it: only what he knows already, and what the check costs.

    `credits` is what a solve earns, `factor` the price of the check as a multiple of the first one.
    """

    challenge_id: str
    owner_name: str
    owner_email: str
    sender: str
    subject: str
    credits: int
    factor: int
    expires_at: datetime
