"""The store's methods behind an owner's archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from backend.store.driver import Driver
from backend.store.scripts import archive


class ArchiveMethods:
    """`backend.ports.archive.ArchiveStore`."""

    _driver: Driver

    async def archive_page(
        self, mailbox_id: str, table: str, after: str, limit: int
    ) -> tuple[Mapping[str, Any], ...]:
        """See `ArchiveStore`."""
        return await self._driver.read(mailbox_id, archive.page, mailbox_id, table, after, limit)

    async def restore_rows(
        self, mailbox_id: str, table: str, rows: Sequence[Mapping[str, Any]], now: datetime
    ) -> int:
        """See `ArchiveStore`."""
        return await self._driver.write(mailbox_id, archive.restore, mailbox_id, table, rows, now)
