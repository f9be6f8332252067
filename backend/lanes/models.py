"""Keeps this process reading with the models that the store names, as every other replica does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

import structlog

from backend.domain.errors import NotFound, PitchgateError, StoreAway
from backend.domain.watching.trial import FILE
from backend.transactions.records import StoredModel
from backend.transactions.statement import EVERY
from backend.transactions.store import Store

log = structlog.get_logger()

LOOKED = 5.0
"""Seconds between two checks without a notice."""


class Taken(Protocol):
    """The models in use: the champion's version, and why the challenger is not used if it was refused."""

    @property
    def version(self) -> str: ...

    @property
    def challenger_refused(self) -> dict[str, str] | None: ...


class Readers(Protocol):
    """The readers of mail. Without a champion they use the settings' model file. Raises `PitchgateError` if it keeps
    the old models."""

    async def switch(self, champion: StoredModel | None, challenger: StoredModel | None = None) -> Taken: ...


class Following:
    """`file` is the model file of the settings, for logs."""

    def __init__(self, store: Store, readers: Readers, file: Path) -> None:
        self._store, self._readers, self._file = store, readers, file
        self._wanted: tuple[str, str | None] = (FILE, None)
        self._one = asyncio.Lock()

    async def look(self, again: bool = False) -> None:
        """Switch to the models in use now; `again`: reload the file as well. A refused model changes nothing until
        another is named. Raises what the store raises."""
        async with self._one:
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
            told = {"file": name, "version": taken.version, "challenger": now.challenger, "act": now.number}
            log.info("model_switched", **told)
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
