"""The next morning, for the digest: nobody who watches a demo waits for eight o'clock."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from backend.store.opening import open_store

DAY = 86_400_000_000
"""Microseconds, as the store counts."""


async def first_digest(file: Path, owner: str, held: int) -> None:
    """Switch the digest of `owner` on in the server's store and, once `held` messages wait, let their morning come."""
    store = open_store(file)
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(owner)
        if mailbox is None:
            return
        await store.change_preferences(mailbox.id, {"digest": "daily"}, datetime.now(UTC))
        while (seen := await store.overview(mailbox.id)) and (  # noqa: ASYNC110
            seen.messages < held or not next_morning(file)
        ):
            await asyncio.sleep(1.0)  # another process writes there
    finally:
        await store.close()


def next_morning(file: Path) -> bool:
    """What was told so far was told a day earlier, and the digest is due; False before anybody was to be told."""
    with closing(sqlite3.connect(file, timeout=30)) as books, books:
        moved = books.execute('UPDATE "digests" SET told_until=told_until-?', (DAY,)).rowcount
        books.execute('UPDATE "duties" SET due_at=0 WHERE duty=?', ("digest",))
    return moved > 0
