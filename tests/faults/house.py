"""A sandbox and a backend as real processes, the owner at her browser, and the backend's books read beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from backend.demo import owner
from backend.demo.processes import Process, free_port, until_ready
from backend.demo.salesperson import Salesperson
from backend.domain.errors import PitchgateError
from backend.domain.mailbox import Link, Mailbox
from backend.store import open_store
from backend.store.store import SqlStore
from tests.faults.google import FaultySandbox
from tests.faults.script import CREDITS, OWNER, OWNER_NAME, Script

PUSH_ACCOUNT = "push@pitchgate-faults.iam.gserviceaccount.com"
PROJECT = "pitchgate-faults"
REST_SECONDS = 300.0
LEASE = 4.0
STARTS = 6
"""How many times 40 seconds the backend may take to answer after a death."""


@dataclass
class House:
    """What runs. `ids` maps a letter's key to its message id in the owner's mailbox."""

    folder: Path
    http: aiohttp.ClientSession
    sandbox: FaultySandbox
    server: Process
    server_url: str
    store: SqlStore
    people: list[Salesperson] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    kills: int = 0
    reconnects: int = 0

    async def mailbox(self) -> Mailbox | None:
        """The owner's mailbox as stored."""
        return await self.store.mailbox_by_email(OWNER)

    async def die_and_return(self) -> None:
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
            await owner.connect(self.http, self.server_url, OWNER)
        except (PitchgateError, aiohttp.ClientError, TimeoutError, OSError):
            return False
        self.reconnects += 1
        return True

    async def answer_challenges(self) -> int:
        """Every seller looks into his mailbox and solves what he finds; how many were let in now."""
        solved = 0
        for person in self.people:
            await person.look(self.sandbox)
            with suppress(aiohttp.ClientError, TimeoutError, OSError):
                solved += await person.answer(self.http)
        return solved

    async def unrest(self) -> str:
        """What is still to be done, in words; "" when everything has come to rest."""
        mailbox = await self.mailbox()
        if mailbox is None:
            return "no mailbox"
        if mailbox.link is not Link.CONNECTED:
            return f"link {mailbox.link}"
        if mailbox.indexed_at is None or mailbox.page_start or mailbox.page_token:
            return "a listing under way"
        census = await self.store.census()
        stages = {k: n for k, n in census.items() if k.startswith("stages.") and k != "stages.ended"}
        if sum(stages.values()) > census.get("set_aside", 0):
            return f"stages {stages}"
        if await self.sandbox.pushes_pending():
            return "pushes pending"
        behind = await self.sandbox.position(OWNER) - int(mailbox.cursor or 0)
        return f"cursor behind by {behind}" if behind > 0 else ""

    async def rest(self) -> None:
        """Wait until nothing is left to do. Raises `PitchgateError` naming what does not end."""
        calm, end, why = 0, time.monotonic() + REST_SECONDS, ""
        while calm < 4:
            why = await self.unrest()
            calm = 0 if why else calm + 1
            if time.monotonic() > end:
                raise PitchgateError(f"It did not come to rest: {why}", f"See {self.folder}/server.log")
            await asyncio.sleep(0.3)


@asynccontextmanager
async def open_house(folder: Path, seed: int, script: Script) -> AsyncIterator[House]:
    """Start both, make the people, connect the owner, wait for her index; stop everything at the end."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    server_url = f"http://127.0.0.1:{free_port()}"
    timeout = aiohttp.ClientTimeout(total=20)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as http:
        google = Process("sandbox", _sandbox_arguments(seed, server_url), {}, folder / "sandbox.log")
        await google.start(pipe=True)
        server: Process | None = None
        store = open_store(folder / "state" / "pitchgate.sqlite3")
        try:
            sandbox = FaultySandbox(http, str((await google.first_line())["sandbox"]))
            await _people(sandbox, script)
            environment = _environment(folder, server_url, sandbox.url)
            server = Process("server", ["backend", "serve"], environment, folder / "server.log")
            await server.start()
            await until_ready(http, f"{server_url}/readyz", server)
            await store.open()
            house = House(folder, http, sandbox, server, server_url, store)
            house.people = [Salesperson(seller.address) for seller in script.sellers]
            await _first_connect(house)
            yield house
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


async def _first_connect(house: House) -> None:
    if not await house.connect():
        raise PitchgateError("The owner could not connect.", f"See {house.folder}/server.log")
    house.reconnects = 0
    await house.rest()
    mailbox = await house.mailbox()
    assert mailbox is not None
    wishes = mailbox.preferences.changed(daily_challenges=200, credits_per_solve=CREDITS)
    await house.store.save_preferences(mailbox.id, wishes, mailbox.created_at)


def _sandbox_arguments(seed: int, server_url: str) -> list[str]:
    return [
        *("backend.sandbox", "--port", "0", "--seed", str(seed)),
        *("--client-id", "faults", "--client-secret", "faults-secret"),
        *("--redirect-uri", f"{server_url}/connect/callback"),
        *("--project", PROJECT, "--topic", "gmail", "--subscription", "gmail-push"),
        *("--push-endpoint", f"{server_url}/hooks/gmail", "--push-account", PUSH_ACCOUNT),
        *("--push-mode", "backoff_max=1"),
        *("--set", "push_interval=0.3", "--set", "enforce_quota=true", "--set", "quota_per_minute=300000"),
    ]


def _environment(folder: Path, server_url: str, google: str) -> dict[str, str]:
    """Settings of a deployment in a hurry: short leases and sweeps, a large quota, everything else as usual."""
    settings = {
        "PUBLIC_URL": server_url,
        "BIND": server_url.removeprefix("http://"),
        "STATE_DIR": str(folder / "state"),
        "CLIENT_ID": "faults",
        "CLIENT_SECRET": "faults-secret",
        "AUTHORIZE_URL": f"{google}/o/oauth2/v2/auth",
        "TOKEN_URL": f"{google}/token",
        "REVOKE_URL": f"{google}/revoke",
        "JWKS_URL": f"{google}/oauth2/v3/certs",
        "GMAIL_URL": google,
        "TOPIC": f"projects/{PROJECT}/topics/gmail",
        "SUBSCRIPTION": f"projects/{PROJECT}/subscriptions/gmail-push",
        "PUSH_ACCOUNT": PUSH_ACCOUNT,
        "DEFAULT_MODE": "challenge",
        "CAPTCHA_COST": "10",
        "LEASE_SECONDS": str(LEASE),
        "REQUEST_TIMEOUT": "1.5",
        "SWEEP_INTERVAL": "4",
        "DAILY_LIMIT_WAIT": "3",
        "LONGEST_BACKOFF": "2",
        "QUOTA_PER_USER_MINUTE": "240000",
        "WORKER_TASKS": "12",
        "REQUESTS_IN_FLIGHT": "12",
        "LOG_JSON": "true",
    }
    return {f"PITCHGATE_{name}": value for name, value in settings.items()}
