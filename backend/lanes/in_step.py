"""Keeps this process in step: its time with Google's, and its models with those that the store names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import structlog

from backend.domain.errors import NotFound, PitchgateError, StoreAway
from backend.domain.watching.trial import CONFIGURED_MODEL
from backend.pipeline.context import REPORTED_SKEW, Context
from backend.settings import Settings
from backend.transactions.records import Duty, StoredModel
from backend.transactions.script import EVERY
from backend.transactions.store import Store

# ---- Time
# Google's answers carry its time. It is asked for only when no answer has come: at the start, after the machine's clock
# was set, and after an hour without calls.


log = structlog.get_logger()

COMPARED = 5.0
"""Seconds between two comparisons."""
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
        while not (await asyncio.wait({stopped}, timeout=COMPARED))[0]:
            if not self._context.time.settled:
                await self._ask()
            await self.look()

    async def look(self) -> None:
        """Log when the clock goes wrong or right. Once the time is known, make due now every duty that is due later
        than it ever should be: a clock that ran ahead put it there."""
        skew = self._context.time.skew
        if (off := abs(skew) > REPORTED_SKEW) != self._off:
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


# ---- Models, as on every other replica


LOOKED = 5.0
"""Seconds between two checks without a notice."""


class InUse(Protocol):
    """The models in use: the champion's version, and why the challenger is not used if it was refused."""

    @property
    def version(self) -> str: ...

    @property
    def challenger_refused(self) -> dict[str, str] | None: ...


class Readers(Protocol):
    """The readers of mail. Without a champion they use the settings' model file. `switch` raises `PitchgateError` if
    they keep the old models."""

    async def switch(self, champion: StoredModel | None, challenger: StoredModel | None = None) -> InUse: ...


class ModelFollower:
    """Keeps the readers on the models that the store names. `file`: the settings' model file, for logs."""

    def __init__(self, store: Store, readers: Readers, file: Path) -> None:
        self._store, self._readers, self._file = store, readers, file
        self._wanted: tuple[str, str | None] = (CONFIGURED_MODEL, None)
        self._lock = asyncio.Lock()

    async def look(self, again: bool = False) -> None:
        """Switch to the models in use now; `again`: reload the file as well. A refused model changes nothing until
        another is named. Raises what the store raises."""
        async with self._lock:
            now = await self._store.models_in_use()
            wanted = (now.champion, now.challenger)
            if wanted == self._wanted and not again:
                return
            champion, challenger = await self._stored(now.champion), await self._stored(now.challenger)
            self._wanted, name = wanted, now.champion or self._file.name
            try:
                taken = await self._readers.switch(champion, challenger)
            except PitchgateError as error:
                log.error("model_refused", file=name, cause=error.key)
                return
            fields = {"file": name, "version": taken.version, "challenger": now.challenger, "act": now.number}
            log.info("model_switched", **fields)
            if taken.challenger_refused is not None:
                log.error("model_refused", file=now.challenger, cause=taken.challenger_refused["key"])

    async def _stored(self, version: str | None) -> StoredModel | None:
        """A model with its file; None for the settings' own, and for one whose file is lost."""
        try:
            return await self._store.stored_model(version) if version else None
        except NotFound as error:
            log.error("model_refused", file=version, cause=error.key)
            return None

    async def run(self, stop: asyncio.Event) -> None:
        """Check at every notice, and now and then without one, until `stop`."""
        notifier = self._store.changed(EVERY)
        while not stop.is_set():
            heard = notifier.rings
            await self.try_to_look()
            waits = [asyncio.ensure_future(stop.wait()), asyncio.ensure_future(notifier.rung(LOOKED, heard))]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def try_to_look(self, again: bool = False) -> None:
        """`look`; on any error the models in use stay."""
        try:
            await self.look(again)
        except StoreAway:
            return
        except Exception:
            log.exception("models_not_looked_at")
