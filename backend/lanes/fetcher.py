"""Pulls notices of new mail (`notices=pull`), handles them, and only then acknowledges them.

Pub/Sub delivers unacknowledged notices again. After a crash, the first look at each mailbox finds whatever the
acknowledged ones announced. So nothing is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter

import structlog

from backend.domain.errors import StoreAway, TryLater
from backend.domain.mailbox.mailbox import PullFailure
from backend.pipeline import notices
from backend.pipeline.context import Context
from backend.ports.gmail import NoticeSource, PulledNotice

log = structlog.get_logger()

BATCH = 100
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class Fetcher:
    """Pulls until stopped. One per process; replicas share a subscription, and Pub/Sub distributes the notices.
    `counts` are notices by outcome since the start."""

    def __init__(self, context: Context, source: NoticeSource) -> None:
        self._context = context
        self._source = source
        self._jitter = random.SystemRandom()
        self._well = False
        self.counts: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event) -> None:
        """Pull until `stop`; a pull still waiting then is abandoned."""
        loop = asyncio.create_task(self._run())
        until = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({loop, until}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (loop, until):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self.turn()
                pause = FIRST_PAUSE
            except Exception as error:
                await self._told(error)
                await asyncio.sleep(pause * (0.5 + self._jitter.random()))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def turn(self) -> int:
        """Pull once, handle and acknowledge what came; returns how many. Raises `TryLater`."""
        waiting = await self._source.fetch(BATCH)
        await self._all_well()
        heard = [one for one in waiting if await self._heard(one)]
        if heard:
            await self._source.acknowledge([one.receipt for one in heard])
        return len(heard)

    async def _heard(self, one: PulledNotice) -> bool:
        """Whether the notice may be acknowledged; one that cannot be handled now comes again."""
        try:
            fate = await notices.fetched(self._context, one.body)
        except StoreAway:
            return False
        except TryLater:
            log.warning("notice_not_stored")
            return False
        self.counts[fate.value if fate is not None else "malformed"] += 1
        return True

    async def _told(self, error: Exception) -> None:
        missing = None
        if isinstance(error, TryLater) and error.reason in tuple(PullFailure):
            missing = PullFailure(error.reason)
            log.warning("notices_not_fetched", missing=missing)
        else:
            log.exception("notices_not_fetched")
        self._well = False
        with contextlib.suppress(Exception):  # the store itself may be away
            await self._context.store.note_missing(missing)

    async def _all_well(self) -> None:
        """Record the subscription's state in the mailboxes' rows, which every page reads, when it has changed."""
        if not self._well:
            await self._context.store.note_missing(None)
            self._well = True
