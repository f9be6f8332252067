"""A sandbox and a backend as real processes, the owner at her browser, and the backend's books read beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from backend.demo import people
from backend.demo.people import Salesperson, free_port, until_ready
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import AccessState, Mailbox
from backend.store.opening import open_store
from backend.transactions.store import Store
from tests.faults import helpers
from tests.faults.google import FaultySandbox
from tests.faults.script import CREDITS, OWNER, OWNER_NAME, Script
from tests.machine import Forked

NAME = "faults"
KNOBS = (
    *("push_interval=0.3", "enforce_quota=true", "quota_per_minute=300000"),
    *("rewrite_message_ids=true", "exact_subjects=true"),
)
REST_SECONDS = 300.0
STARTS = 6
"""How many times 40 seconds the backend may take to answer after a death."""


@dataclass
class Fixture:
    """What runs. `ids` maps a letter's key to its message id in the owner's mailbox."""

    folder: Path
    http: aiohttp.ClientSession
    sandbox: FaultySandbox
    server: Forked
    server_url: str
    store: Store
    people: list[Salesperson] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    reconnects: int = 0

    async def mailbox(self) -> Mailbox | None:
        """The owner's mailbox as stored."""
        return await self.store.mailbox_by_email(OWNER)

    async def kill_and_restart(self) -> None:
        """The backend's machine dies and comes back."""
        await self.server.kill()
        self.kills += 1
        await self.server.start()
        await self.ready()

    async def ready(self) -> None:
        """Wait for the backend, longer than usual: the machine may have other work. Raises `PitchgateError`."""
        for patience in range(STARTS, 0, -1):
            try:
                await until_ready(self.http, f"{self.server_url}/readyz", self.server)
                return
            except PitchgateError:
                if patience == 1 or not self.server.running:
                    raise

    async def connect(self) -> bool:
        """The owner presses Connect; False if the backend or Google was not there for it."""
        try:
            await people.connect(self.http, self.server_url, OWNER)
        except (PitchgateError, aiohttp.ClientError, TimeoutError, OSError):
            return False
        self.reconnects += 1
        return True

    async def answer_challenges(self) -> int:
        """Every seller looks into their mailbox and solves what they find; how many were let in now."""
        return await helpers.answer_challenges(self.people, self.sandbox, self.http)

    async def letters_left(self) -> int:
        """How many of the delivered letters have not gone all their way."""
        mailbox, ids = await self.mailbox(), [*self.ids.values()]
        known = await self.store.known(mailbox.id, ids) if mailbox is not None else {}
        return sum(one not in known or known[one].stage is not None for one in ids)

    async def unrest(self) -> str:
        """What is still to be done, in words; "" when everything has come to rest."""
        mailbox = await self.mailbox()
        if mailbox is None:
            return "no mailbox"
        if mailbox.link is not AccessState.CONNECTED:
            return f"link {mailbox.link}"
        if mailbox.indexed_at is None or mailbox.page_start or mailbox.page_token:
            return "a listing under way"
        if left := await helpers.work_left(self.store, self.sandbox):
            return left
        behind = await self.sandbox.position(OWNER) - int(mailbox.cursor or 0)
        return f"cursor behind by {behind}" if behind > 0 else ""

    async def rest(self) -> None:
        """Wait until nothing is left to do. Raises `PitchgateError` naming what does not end."""
        await helpers.come_to_rest(self.unrest, 4, REST_SECONDS, self.folder)


@asynccontextmanager
async def open_fixture(folder: Path, seed: int, script: Script) -> AsyncIterator[Fixture]:
    """Start both, make the people, connect the owner, wait for her index; stop everything at the end."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    server_url = f"http://127.0.0.1:{free_port()}"
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as http:
        arguments = helpers.sandbox_arguments(NAME, seed, server_url, *KNOBS)
        google = Forked("sandbox", arguments, {}, folder / "sandbox.log")
        await google.start(pipe=True)
        server: Forked | None = None
        store = open_store(folder / "state" / "pitchgate.sqlite3")
        try:
            sandbox = FaultySandbox(http, str((await google.first_line())["sandbox"]))
            await _people(sandbox, script)
            environment = _environment(folder, server_url, sandbox.url)
            server = Forked("server", ["backend", "serve"], environment, folder / "server.log")
            await server.start()
            await until_ready(http, f"{server_url}/readyz", server)
            await store.open()
            fixture = Fixture(folder, http, sandbox, server, server_url, store)
            fixture.people = [Salesperson(seller.address) for seller in script.sellers]
            await _first_connect(fixture)
            yield fixture
        finally:
            if server is not None:
                await server.stop()
            await google.stop()
            await store.close()


async def _people(sandbox: FaultySandbox, script: Script) -> None:
    await sandbox.create(OWNER, OWNER_NAME)
    for seller in script.sellers:
        await sandbox.create(seller.address, seller.name)
    await sandbox.seed_known(OWNER, script.known)


async def _first_connect(fixture: Fixture) -> None:
    if not await fixture.connect():
        raise PitchgateError(f"The owner could not connect. See {fixture.folder}/server.log")
    fixture.reconnects = 0
    await fixture.rest()
    mailbox = await fixture.mailbox()
    assert mailbox is not None
    wishes = mailbox.preferences.changed(daily_challenges=200, credits_per_solve=CREDITS)
    await fixture.store.save_preferences(mailbox.id, wishes, mailbox.created_at)


def _environment(folder: Path, server_url: str, google: str) -> dict[str, str]:
    """Settings of a deployment in a hurry: short waits, everything else as usual."""
    hurry = {
        "BIND": server_url.removeprefix("http://"),
        "REQUEST_TIMEOUT": "1.5",
        "DAILY_LIMIT_WAIT": "3",
        "LONGEST_BACKOFF": "2",
        "WORKER_TASKS": "12",
        "REQUESTS_IN_FLIGHT": "12",
    }
    return helpers.environment(NAME, folder, server_url, google, hurry)
