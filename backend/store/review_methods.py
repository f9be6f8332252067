"""The store's methods behind the review page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.domain.mailbox.correction import Decision
from backend.domain.mailbox.mailbox import Mailbox
from backend.ports.devices import News
from backend.ports.review import Done, Dossier, Leaving, Listing, Position, Unsubscription, Wanted
from backend.ports.store import MessageView
from backend.store.driver import Driver
from backend.store.scripts import review, review_orders, review_senders


class ReviewMethods:
    """`backend.ports.review.ReviewStore`."""

    _driver: Driver

    async def review(self, mailbox_id: str, wanted: Wanted, after: Position | None, limit: int) -> Listing:
        """See `ReviewStore`."""
        return await self._driver.read(mailbox_id, review.review, mailbox_id, wanted, after, limit)

    async def dossier(
        self, mailbox_id: str, address: str, domain: str, after: Position | None, limit: int
    ) -> Dossier:
        """See `ReviewStore`."""
        return await self._driver.read(
            mailbox_id, review_senders.dossier, mailbox_id, address, domain, after, limit
        )

    async def mail(
        self, mailbox_id: str, gmail_id: str
    ) -> tuple[MessageView, Mailbox, Unsubscription | None]:
        """See `ReviewStore`."""
        return await self._driver.read(mailbox_id, review_senders.mail, mailbox_id, gmail_id)

    async def order(
        self, mailbox_id: str, key: str, decision: Decision, gmail_ids: Sequence[str], now: datetime
    ) -> Done:
        """See `ReviewStore`."""
        return await self._driver.write(
            mailbox_id, review_orders.order, mailbox_id, key, decision, gmail_ids, now
        )

    async def undo_order(self, mailbox_id: str, key: str, now: datetime) -> tuple[str, ...]:
        """See `ReviewStore`."""
        return await self._driver.write(mailbox_id, review_orders.undo_order, mailbox_id, key, now)

    async def give(self, mailbox_id: str, key: str, address: str, amount: int, now: datetime) -> int:
        """See `ReviewStore`."""
        return await self._driver.write(mailbox_id, review_orders.give, mailbox_id, key, address, amount, now)

    async def ask_off(self, mailbox_id: str, gmail_id: str, now: datetime) -> bool:
        """See `ReviewStore`."""
        return await self._driver.write(mailbox_id, review_orders.ask_off, mailbox_id, gmail_id, now)

    async def told_off(
        self, mailbox_id: str, gmail_id: str, state: Leaving, host: str, cause: str, now: datetime
    ) -> None:
        """See `ReviewStore`."""
        await self._driver.write(
            mailbox_id, review_orders.told_off, mailbox_id, gmail_id, state, host, cause, now
        )

    async def review_news(
        self, mailbox_id: str, session_hash: str, after: int | None, limit: int, now: datetime
    ) -> News:
        """See `ReviewStore`."""
        return await self._driver.read(
            mailbox_id, review_senders.review_news, mailbox_id, session_hash, after, limit, now
        )
