"""What is remembered of a sender on the page of their link. Every method is one transaction."""

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
    """Beginnings, tries, waits, appeals and bounces of challenges."""

    async def begin_challenge(self, mailbox_id: str, challenge_id: str, now: datetime) -> None:
        """The sender did something on the page. Only the first time is kept (`challenges.started_at`)."""
        ...

    async def count_try(self, mailbox_id: str, challenge_id: str, code_id: str) -> Tries:
        """Count one try of a code before it is compared. Each call counts, so no two callers share one.

        Raises `NotFound` if the mailbox has no such challenge.
        """
        ...

    async def promise(
        self,
        challenge_id: str,
        signature: str,
        signature_expires: datetime,
        solved_before: int,
        deliver_at: datetime,
        now: datetime,
    ) -> datetime:
        """A code was typed and no work was done: bar the signature and note that the link is solved by itself at
        `deliver_at`, and make the duty DELIVER due then. Returns that time, or the one of a wait under way, which
        stands. An owner's decision that closes the link ends the wait, and so does a solve.

        Raises what `ChallengeStore.solve` raises.
        """
        ...

    async def keep_promises(self, mailbox_id: str, now: datetime) -> datetime | None:
        """Solve every open link whose wait is over, as `solve` does; returns when the next wait ends. A used link
        for which nothing waits any more earns nothing."""
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
