"""The roll of servers at work on one database, of which each takes its share of Google's quota.

A server that joins others is noticed by them within `EVERY`; until then it takes next to nothing, so that all together
never ask for more than is granted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from backend.domain.errors import StoreAway
from backend.ports.system import Clock
from backend.transactions.store import Store

log = structlog.get_logger()

EVERY = timedelta(seconds=5)
SILENCE = 3 * EVERY
"""A server silent for this long counts as gone."""


NEWCOMER = 20
"""How much smaller the share of a newcomer is."""


class QuotaMembership:
    """This server's place in it, under `name`. `divide` gets the number of those who share."""

    def __init__(self, store: Store, clock: Clock, name: str, divide: Callable[[int], None]) -> None:
        self._store, self._clock, self._name, self._divide = store, clock, name, divide
        self._noticed = False

    async def call(self) -> None:
        """Say that this server is at work, and take its share."""
        among = await self._store.heartbeat(self._name, self._clock.now(), SILENCE)
        self._divide(among if self._noticed or among == 1 else among * NEWCOMER)
        self._noticed = True

    async def run(self, stop: asyncio.Event) -> None:
        """Again and again until `stop`. While the database is away the last share counts."""
        while not stop.is_set():
            try:
                async with asyncio.timeout(EVERY.total_seconds()):
                    await stop.wait()
            except TimeoutError:
                try:
                    await self.call()
                except StoreAway:
                    continue
                except Exception:
                    log.exception("roll_not_called", worker=self._name)
