"""The owner's digest in the store: how far they were told, and the links that were put into their inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from backend.domain.mailbox.owner_digest import DigestLink, DigestState
from backend.ports.jobs import DutyJob


class DigestStore(Protocol):
    """As for `backend.ports.jobs`: every method is one transaction, and one that takes a job may raise `LeaseLost`."""

    async def digest_state(self, mailbox_id: str) -> DigestState | None:
        """How far the owner was told; None if no digest was wanted so far, or none is since."""

    async def tell_digest(
        self, job: DutyJob, message_id: str, until: datetime, links: Sequence[DigestLink], now: datetime
    ) -> None:
        """The intent: a digest with this Message-ID, which tells up to `until`, is about to be placed with these links.
        Links of an earlier try at the same one, and those that have expired, go."""

    async def digest_told(
        self, job: DutyJob, until: datetime, gmail_id: str, next_due: datetime, now: datetime
    ) -> None:
        """The owner is told up to `until`, by the message `gmail_id` ("": there was nothing to tell). Ends the duty,
        next due at `next_due`."""

    async def digest_link(self, token_hash: str) -> DigestLink | None:
        """The link with this token, used or not."""

    async def use_digest_link(self, token_hash: str, now: datetime) -> DigestLink | None:
        """Order what it stands for, once, in one commit; the link as it is then, None for an unknown one. One that was
        used or has expired orders nothing."""

    async def undo_digest_link(self, token_hash: str, now: datetime) -> DigestLink | None:
        """Take its order back, once, before it expires."""
