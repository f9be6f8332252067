"""The store's methods about senders on the page of their link."""

from __future__ import annotations

from datetime import datetime

from backend.ports.senders import Tries
from backend.store.driver import Driver
from backend.store.scripts import senders


class SenderMethods:
    """`SenderStore`."""

    _driver: Driver

    async def begin_challenge(self, mailbox_id: str, challenge_id: str, now: datetime) -> None:
        """See `SenderStore`."""
        await self._driver.write(mailbox_id, senders.begin_challenge, mailbox_id, challenge_id, now)

    async def count_try(self, mailbox_id: str, challenge_id: str, code_id: str) -> Tries:
        """See `SenderStore`."""
        return await self._driver.write(mailbox_id, senders.count_try, mailbox_id, challenge_id, code_id)

    async def appeal(self, mailbox_id: str, challenge_id: str, line: str, now: datetime) -> None:
        """See `SenderStore`."""
        await self._driver.write(mailbox_id, senders.appeal, mailbox_id, challenge_id, line, now)

    async def note_bounce(self, mailbox_id: str, thread_id: str, now: datetime) -> bool:
        """See `SenderStore`."""
        return await self._driver.write(mailbox_id, senders.note_bounce, mailbox_id, thread_id, now)
