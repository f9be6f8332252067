"""What is remembered of a sender on the page of his link. Every method is one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a typed code was tried, this time included, and how often any code of the same challenge was."""

    of_code: int
    of_challenge: int


class SenderStore(Protocol):
    """Beginnings, tries, appeals and bounces of challenges."""

    async def begin_challenge(self, mailbox_id: str, challenge_id: str, now: datetime) -> None:
        """The sender did something on the page. Only the first time is kept (`challenges.started_at`)."""
        ...

    async def count_try(self, mailbox_id: str, challenge_id: str, code_id: str) -> Tries:
        """Count one try of a code before it is compared. Each call counts, so no two callers share one.

        Raises `NotFound` if the mailbox has no such challenge.
        """
        ...

    async def appeal(self, mailbox_id: str, challenge_id: str, line: str, now: datetime) -> None:
        """Store the sender's line with the message the challenge is about, in place of an earlier one; ""
        takes it back. A message deleted meanwhile keeps none.

        Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used, link_voided).
        """
        ...

    async def note_bounce(self, mailbox_id: str, thread_id: str, now: datetime) -> bool:
        """A mail of ours in this thread came back: mark the latest challenge that left in it
        (`challenges.bounced_at`). False if there is none that is not marked yet."""
        ...
