"""Notices that are fetched instead of pushed, and what is remembered of how mailboxes are told of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.mailbox.notices import Missing, Notices


@dataclass(frozen=True, slots=True)
class Waiting:
    """One notice that waited. `body` is the envelope as a push would bring it, `receipt` what acknowledges it."""

    receipt: str
    body: bytes


class NoticeSource(Protocol):
    """The subscription that is fetched from. Errors are `TryLater`, whose reason is one of `Missing`."""

    @property
    def subscription(self) -> str:
        """Its full name."""

    async def fetch(self, limit: int) -> tuple[Waiting, ...]:
        """What waits, at most `limit`; () when nothing has come within about a minute."""

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        """They are stored: do not give them out again. One that is not acknowledged comes again."""


class NoticeStore(Protocol):
    """How mailboxes are told of. See `backend.ports.store` for what holds of every method."""

    async def hear_by(self, mailbox_id: str, notices: Notices) -> None:
        """How its new mail comes to our notice from now on. POLL forgets the watch, which must have been stopped."""

    async def note_missing(self, missing: Missing | None) -> None:
        """What keeps the notices of all mailboxes that are fetched for from coming, None for nothing."""

    async def owner_acted(self, mailbox_id: str, now: datetime) -> None:
        """The owner of a polled mailbox is at work: its history is due now, and often again from now on. Nothing for
        a mailbox that Gmail tells of."""
