"""What an owner takes with them, and what they bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol


class ArchiveStore(Protocol):
    """Reads a mailbox's lists page by page, and takes such lists back in. `table` is a name of `archive.TABLES`."""

    async def archive_page(
        self, mailbox_id: str, table: str, after: str, limit: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Rows whose key comes behind `after` ("" begins), in the order of their keys, as the store has them."""
        ...

    async def restore_rows(
        self, mailbox_id: str, table: str, rows: Sequence[Mapping[str, Any]], now: datetime
    ) -> int:
        """Add those that are not there yet, in one commit; returns how many. What is there stays as it is.

        Ledger entries move balances and daily totals with them, and must come in the order they were posted:
        `Refused` (no_credit) if a balance would fall below 0. Challenges come back closed: their links lead to
        where they were sent from.
        """
        ...
