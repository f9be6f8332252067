"""The store's methods about the add-on's cards."""

from __future__ import annotations

from datetime import datetime

from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.standing import Standing
from backend.ports.addon import Reading, SenderRecord, Tenant
from backend.ports.store import Screened, Sighting
from backend.store.driver import Driver
from backend.store.scripts import addon
from backend.store.statement import EVERY


class AddonMethods:
    """`backend.ports.addon.AddonRecords`."""

    _driver: Driver

    async def tenant(self, sub: str) -> Tenant | None:
        """See `AddonRecords`."""
        return await self._driver.read(EVERY, addon.tenant, sub)

    async def reading(self, mailbox_id: str, gmail_id: str, now: datetime) -> Reading | None:
        """See `AddonRecords`."""
        return await self._driver.read(mailbox_id, addon.reading, mailbox_id, gmail_id, now)

    async def sender(
        self, mailbox_id: str, sender: str, sender_domain: str, thread_id: str, now: datetime
    ) -> tuple[Standing, SenderRecord]:
        """See `AddonRecords`."""
        return await self._driver.read(
            mailbox_id, addon.sender, mailbox_id, sender, sender_domain, thread_id, now
        )

    async def waiting(self, mailbox_id: str, since: datetime) -> tuple[int, int]:
        """See `AddonRecords`."""
        return await self._driver.read(mailbox_id, addon.waiting, mailbox_id, since)

    async def adopt(
        self, mailbox_id: str, seen: Sighting, verdict: Verdict, screened: Screened | None, now: datetime
    ) -> bool:
        """See `AddonRecords`. Raises `NotFound` for an unknown mailbox."""
        return await self._driver.write(mailbox_id, addon.adopt, mailbox_id, seen, verdict, screened, now)

    async def prefer(self, mailbox_id: str, version: int, preferences: Preferences, now: datetime) -> bool:
        """See `AddonRecords`. Raises `NotFound` for an unknown mailbox."""
        return await self._driver.write(mailbox_id, addon.prefer, mailbox_id, version, preferences, now)
