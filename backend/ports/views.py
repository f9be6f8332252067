"""Read models of the store, and the retention that keeps them small."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from backend.domain.mailbox.labels import Placement
from backend.ports.records import MessageView


class ViewStore(Protocol):
    """Read models."""

    async def messages(
        self, mailbox_id: str, placement: Placement | None = None, limit: int = 50, before: str = ""
    ) -> tuple[MessageView, ...]:
        """Latest change first. `before` is the `gmail_id` of the last one of the page before."""
        ...

    async def census(self) -> Mapping[str, int]:
        """Counts for health, metrics, the live page and the demo. A key that is absent counts 0.

        mailboxes, messages.<outcome> (as decided first; "undecided" before), stages.<stage> (still to do;
        "ended" after), released (held once, back by now or on the way), set_aside, challenges.<state>,
        notices.<fate>, and oldest_due_seconds (how late the oldest due job is).
        """
        ...

    async def retain(self, mailbox_id: str, before: datetime, limit: int) -> int:
        """Delete up to `limit` rows that ended before `before`; returns how many."""
        ...
