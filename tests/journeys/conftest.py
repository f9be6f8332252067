"""Real processes on loopback: the sandbox, the server, and a client that plays everybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count as count_from
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest
import pytest_asyncio

from backend.demo import people
from backend.demo.letters import OWNER, OWNER_NAME, Letter, letters
from backend.demo.people import Salesperson
from backend.demo.play import Options, Stage, Tally, count, stage
from backend.store.opening import open_store
from tests.machine import Forked, hurry, machine

T = TypeVar("T")
PATIENCE = 120.0


async def until(
    look: Callable[[], Awaitable[T]], what: str, progress: Callable[[], object] = lambda: None
) -> T:
    """What `look` returns once it is true. Fails, naming `what` and the last `progress`, if that does not change for
    `PATIENCE` seconds: a busy machine may take its time."""
    end, before = time.monotonic() + PATIENCE, progress()
    while True:
        if found := await look():
            return found
        if (now := progress()) != before:
            end, before = time.monotonic() + PATIENCE, now
        assert time.monotonic() < end, f"waited {PATIENCE:.0f} s in vain: {what} ({now})"
        await asyncio.sleep(0.1)


class Journey:
    """One running stage, as a story of one owner needs it."""

    def __init__(
        self, running: Stage, owner: str = OWNER, browser: aiohttp.ClientSession | None = None
    ) -> None:
        self.stage = running
        self.owner = owner
        self.browser = browser or running.http
        self.pitch: Letter = next(letter for letter in letters() if letter.local)
        self.seller = Salesperson(self.pitch.address)

    async def labels(self, gmail_id: str) -> frozenset[str]:
        """Label names a message of the owner's carries now."""
        for mail in await self.stage.sandbox.messages(self.owner):
            if mail["id"] == gmail_id:
                return frozenset(mail["labels"])
        return frozenset()

    async def write(self, letter: Letter, **changes: str) -> str:
        """Somebody writes to the owner; the id of what arrives."""
        self.stage.delivered.append(await self.stage.sandbox.deliver(replace(letter, **changes), self.owner))
        return self.stage.delivered[-1]

    async def settled(self, gmail_id: str, *, held: bool) -> frozenset[str]:
        """Wait until the message is held, or is in the inbox with its verdict given."""

        async def look() -> frozenset[str]:
            labels = await self.labels(gmail_id)
            if ("Pitchgate/Held" in labels) is held and ("INBOX" in labels) is not held:
                return labels
            await self.hurry()
            return frozenset()

        return await until(look, f"{gmail_id} {'held' if held else 'in the inbox'}")

    async def quiet(self) -> None:
        """Wait until nothing is left to do: no push pending, no stage waiting, no duty due soon. What waits for a time
        to come gets it at once."""
        calm, left = 0, 0

        async def look() -> bool:
            nonlocal calm, left
            try:
                left = await self.hurry()
            except aiohttp.ClientConnectionError:  # a server hangs up when it has too many connections
                return False
            calm = 0 if left else calm + 1
            return calm > 2

        await until(look, "everything at rest", lambda: left)

    async def hurry(self) -> int:
        """See `tests.machine.hurry`."""
        return await hurry(self.stage, self.stage.options.folder / "state")

    async def pass_time(self, seconds: int) -> None:
        """So many seconds go by, each of them a tenth of one where the clock can be put forward."""
        for _ in range(seconds):
            ours = machine().runs(self.stage.server.pid)
            if ours:
                machine().advance(1)
            await asyncio.sleep(0.1 if ours else 1)

    async def units(self) -> int:
        """Quota units spent in the owner's mailbox so far."""
        return int((await self.stage.sandbox.meter(self.owner))["units"])


@asynccontextmanager
async def begin_journey(
    folder: Path, process: type[Forked] = Forked, **options: object
) -> AsyncIterator[Journey]:
    """A stage with an owner who has connected and is indexed."""
    async with stage(Options(folder=folder, **options), lambda _: None, process) as running:  # type: ignore[arg-type]
        journey = Journey(running)

        async def indexed() -> bool:
            async with running.http.get(f"{running.server_url}/metrics") as answer:
                return "pitchgate_mailboxes 1.0" in await answer.text()

        await until(indexed, "the mailbox connected")
        await journey.quiet()
        yield journey


async def command(folder: Path, *words: str, **environment: str) -> tuple[int, str]:
    """`pitchgate WORDS` as an operator runs it beside the server; its exit status and what it said."""
    said = folder / "command.log"
    said.unlink(missing_ok=True)
    given = {"PITCHGATE_STATE_DIR": str(folder / "state"), **environment}
    process = Forked("pitchgate", ["backend", *words], given, said)
    await process.start()
    return await asyncio.wait_for(process.end(), PATIENCE), said.read_text()


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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def usual(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Journey]:
    async with begin_journey(tmp_path_factory.mktemp("usual")) as journey:
        yield journey


NUMBERS = count_from(1)


@pytest_asyncio.fixture(loop_scope="module")
async def walk(usual: Journey) -> AsyncIterator[Journey]:
    """Beside the owner of the usual journey another, with a browser and a seller of their own."""
    running, number = usual.stage, next(NUMBERS)
    jar, timeout = aiohttp.CookieJar(unsafe=True), aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(cookie_jar=jar, timeout=timeout) as browser:
        told = Journey(running, f"rosa{number}@harbourlane.example", browser)
        sender = f"{told.pitch.name} <sam@pitch{number}.example>"
        told.pitch = replace(told.pitch, sender=sender)
        told.seller = Salesperson(told.pitch.address)
        await running.sandbox.create(told.owner, OWNER_NAME)
        await running.sandbox.create(told.pitch.address, told.pitch.name)
        await people.connect(browser, running.server_url, told.owner)

        async def watched() -> bool:
            return await running.sandbox.watched(told.owner)

        await until(watched, "the mailbox watched")
        await told.quiet()
        yield told
