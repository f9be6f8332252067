"""Real processes on loopback: the sandbox, the server, and a client that plays everybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from backend.demo.letters import OWNER, Letter, letters
from backend.demo.people import Salesperson
from backend.demo.play import Options, Stage, stage
from backend.demo.tally import Tally, count
from backend.store.opening import open_store

T = TypeVar("T")
PATIENCE = 120.0


async def until(
    look: Callable[[], Awaitable[T]], what: str, progress: Callable[[], object] = lambda: None
) -> T:
    """What `look` returns once it is true. Fails, naming `what`, when it does not become so, and `progress` does not
    change either: a busy machine may take its time."""
    end, before = time.monotonic() + PATIENCE, progress()
    while True:
        if found := await look():
            return found
        if (now := progress()) != before:
            end, before = time.monotonic() + PATIENCE, now
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s in vain: {what}"
        await asyncio.sleep(0.1)


class Journey:
    """One running stage, as a story needs it."""

    def __init__(self, running: Stage) -> None:
        self.stage = running
        self.pitch: Letter = next(letter for letter in letters() if letter.local)
        self.seller = Salesperson(self.pitch.address)

    async def labels(self, gmail_id: str) -> frozenset[str]:
        """Label names a message of the owner's carries now."""
        for mail in await self.stage.sandbox.messages(OWNER):
            if mail["id"] == gmail_id:
                return frozenset(mail["labels"])
        return frozenset()

    async def write(self, letter: Letter, **changes: str) -> str:
        """Somebody writes to the owner; the id of what arrives."""
        await self.stage.deliver(replace(letter, **changes))
        return self.stage.delivered[-1]

    async def settled(self, gmail_id: str, *, held: bool) -> frozenset[str]:
        """Wait until the message is held, or is in the inbox with its verdict given."""

        async def look() -> frozenset[str]:
            labels = await self.labels(gmail_id)
            return (
                labels
                if ("Pitchgate/Held" in labels) is held and ("INBOX" in labels) is not held
                else frozenset()
            )

        return await until(look, f"{gmail_id} {'held' if held else 'in the inbox'}")

    async def quiet(self) -> None:
        """Wait until nothing is left to do: no push pending, no stage waiting."""
        from backend.demo.play import _jobs_left

        calm, left = 0, 0

        async def look() -> bool:
            nonlocal calm, left
            await asyncio.sleep(0.5)  # the server answers two of these a second, and refuses more
            left = await self.stage.sandbox.pushes_pending() or await _jobs_left(self.stage)
            calm = 0 if left else calm + 1
            return calm > 2

        await until(look, "everything at rest", lambda: left)

    async def units(self) -> int:
        """Quota units spent in the owner's mailbox so far."""
        return int((await self.stage.sandbox.meter(OWNER))["units"])


@asynccontextmanager
async def begin_journey(folder: Path, **options: object) -> AsyncIterator[Journey]:
    """A stage with an owner who has connected and is indexed."""
    async with stage(Options(folder=folder, **options), lambda _: None) as running:  # type: ignore[arg-type]
        journey = Journey(running)

        async def indexed() -> bool:
            async with running.http.get(f"{running.server_url}/metrics") as answer:
                return "pitchgate_mailboxes 1.0" in await answer.text()

        await until(indexed, "the mailbox connected")
        await journey.quiet()
        yield journey


async def tally(told: Journey, folder: Path) -> Tally:
    """What became of everything, with the server at rest and then stopped."""
    await told.quiet()
    sandbox = told.stage.sandbox
    mailbox, outbox, meter = await sandbox.messages(OWNER), await sandbox.outbox(), await sandbox.meter(OWNER)
    await told.stage.server.stop()
    store = open_store(folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        return await count(store, OWNER, told.stage.delivered, mailbox, outbox, meter)
    finally:
        await store.close()


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Journey]:
    """The usual journey."""
    async with begin_journey(tmp_path) as journey:
        yield journey
