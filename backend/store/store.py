"""`SqlStore`: the store port over either database. Each method names its script; nothing else is here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from backend.store.addon_methods import AddonMethods
from backend.store.archive_methods import ArchiveMethods
from backend.store.device_methods import DeviceMethods
from backend.store.driver import Driver
from backend.store.insight_methods import InsightMethods
from backend.store.library import Dialect
from backend.store.mailbox_methods import MailboxMethods
from backend.store.message_methods import MessageMethods
from backend.store.owner_methods import OwnerMethods
from backend.store.review_methods import ReviewMethods
from backend.store.schema import place
from backend.store.scripts import jobs, views
from backend.store.sender_methods import SenderMethods
from backend.store.sqlite import SqliteDriver
from backend.store.statement import EVERY, Row


class SqlStore(
    MailboxMethods,
    MessageMethods,
    SenderMethods,
    OwnerMethods,
    AddonMethods,
    DeviceMethods,
    ReviewMethods,
    InsightMethods,
    ArchiveMethods,
):
    """`backend.ports.store.Store` and `backend.ports.addon.AddonRecords`, plus what only operators and workers use."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        await self._driver.open()

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""
        await self._driver.close()

    async def ping(self) -> None:
        """Raise if the store does not answer."""
        await self._driver.read(EVERY, views.ping)

    @property
    def rings(self) -> int:
        """How often a job became due since the start; see `wait`."""
        return self._driver.bell.rings

    async def wait(self, timeout: float, heard: int | None = None) -> bool:
        """Wait until a job may have become due, at most `timeout` seconds; True if so.

        `heard` is `rings` as it was before the caller last looked for work: a job that became due between
        the look and the wait ends the wait at once. Jobs postponed to a time do not ring when it comes.
        """
        return await self._driver.bell.rung(timeout, heard)

    def on_due(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the event loop whenever a job may have become due."""
        self._driver.bell.listen(listener)

    async def aside(self, mailbox_id: str | None = None) -> list[Row]:
        """Messages set aside, of one mailbox or of all, oldest first (operator's view)."""
        return await self._driver.read(mailbox_id or EVERY, jobs.list_aside, mailbox_id)

    async def retry_aside(self, mailbox_id: str, gmail_id: str, now: datetime) -> bool:
        """Give a message set aside new tries; False if it is not set aside."""
        return await self._driver.write(mailbox_id, jobs.retry_aside, mailbox_id, gmail_id, now)

    async def drop_aside(self, mailbox_id: str, gmail_id: str, now: datetime) -> bool:
        """End a message set aside as it is; False if it is not set aside."""
        return await self._driver.write(mailbox_id, jobs.drop_aside, mailbox_id, gmail_id, now)


def open_store(where: str | Path) -> SqlStore:
    """The store at `where`: a path or sqlite:///path for the embedded file, postgresql://… for a server.

    It is not connected yet: `await store.open()` does that.
    """
    found = place(where)
    if found.dialect is Dialect.POSTGRES:
        from backend.store.postgres import PostgresDriver  # its driver is an extra

        return SqlStore(PostgresDriver(found.address))
    return SqlStore(SqliteDriver(found.path))
