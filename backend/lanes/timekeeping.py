"""Compares this machine's clock with Google's, and brings back what a wrong clock put off.

Google's answers carry its time. It is asked for only when no answer has come: at the start, after the machine's clock
was set, and after an hour without calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import structlog

from backend.domain.errors import StoreAway
from backend.pipeline.context import TOLD_SKEW, Context
from backend.settings import Settings
from backend.transactions.records import Duty

log = structlog.get_logger()

EVERY = 5.0
ROUNDS, PAUSE = 4, 1.1
"""How often Google is asked at the start if its time differs from ours, and the seconds in between: Google's times are
whole seconds."""

LONGEST_WAIT = timedelta(hours=26)
"""No job is put off for longer than Google's longest limits, a day, except the duties below."""


def latest(settings: Settings) -> Mapping[Duty, timedelta]:
    """How far in the future each duty may be due."""
    renewed = 2 * timedelta(seconds=settings.watch_interval)
    own = {Duty.WATCH: max(renewed, LONGEST_WAIT), Duty.DIGEST: timedelta(days=8)}
    return {duty: own.get(duty, LONGEST_WAIT) for duty in Duty}


class Timekeeping:
    """`ask` asks Google for the time; False if Google does not answer."""

    def __init__(self, context: Context, ask: Callable[[], Awaitable[bool]]) -> None:
        self._context, self._ask = context, ask
        self._latest = latest(context.settings)
        self._settled = self._off = False

    async def begin(self) -> None:
        """Compare once before anything runs. Does not wait for a Google that does not answer."""
        for _ in range(ROUNDS):
            if not await self._ask() or self._context.time.settled:
                break
            await asyncio.sleep(PAUSE)
        await self.look()

    async def run(self, stop: asyncio.Event) -> None:
        """Compare now and then until `stop`."""
        stopped = asyncio.create_task(stop.wait())
        while not (await asyncio.wait({stopped}, timeout=EVERY))[0]:
            if not self._context.time.settled:
                await self._ask()
            await self.look()

    async def look(self) -> None:
        """Log when the clock goes wrong or right. Once the time is known, make due now every duty that is due later
        than it ever should be: a clock that ran ahead put it there."""
        skew = self._context.time.skew
        if (off := abs(skew) > TOLD_SKEW) != self._off:
            self._off = off
            tell = log.error if off else log.warning
            tell("clock_off" if off else "clock_right", seconds=round(skew.total_seconds()))
        if not self._context.time.settled:
            self._settled = False
        elif not self._settled:
            now = self._context.clock.now()
            try:
                brought = await self._context.store.bring_back(now, self._latest, now + LONGEST_WAIT)
            except StoreAway:
                return  # at the next comparison
            self._settled = True
            if brought:
                log.warning("brought_back", jobs=brought)
                self._context.wake()
