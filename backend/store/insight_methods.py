"""The store's methods behind the insights page."""

from __future__ import annotations

from datetime import datetime

from backend.domain.mailbox.insights import Figures
from backend.store.driver import Driver
from backend.store.scripts import insights


class InsightMethods:
    """`backend.ports.insights.InsightStore`."""

    _driver: Driver

    async def figures(self, mailbox_id: str, since: datetime, senders: int) -> Figures:
        """See `InsightStore`."""
        return await self._driver.read(mailbox_id, insights.figures, mailbox_id, since, senders)
