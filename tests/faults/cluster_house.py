"""Equal replicas behind a balancer, one PostgreSQL server, one sandbox: all real processes on loopback."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from cryptography.fernet import Fernet

from backend.demo import owner
from backend.demo.processes import Process, free_port, until_ready
from backend.demo.salesperson import Salesperson
from backend.domain.errors import PitchgateError, StoreAway
from backend.domain.mailbox import Link
from backend.store import open_store
from backend.store.store import SqlStore
from tests import postgres_server
from tests.faults.cluster_balancer import Balancer
from tests.faults.google import FaultySandbox
from tests.faults.script import CREDITS, Script

PUSH_ACCOUNT = "push@pitchgate-cluster.iam.gserviceaccount.com"
PROJECT = "pitchgate-cluster"
REST_SECONDS = 1_200.0
CONNECTING = 6
"""Owners who connect at the same time."""


@dataclass
class Owner:
    """One owner: his script, and the message ids of its letters by key."""

    email: str
    script: Script
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class Replica:
    """One `pitchgate serve`, and how often it was killed."""

    process: Process
    url: str

    async def start(self, http: aiohttp.ClientSession) -> None:
        """Start and wait until it takes work, again and again: a supervisor restarts it while the store is away."""
        for attempt in range(20):
            await self.process.start()
            try:
                await until_ready(http, f"{self.url}/readyz", self.process)
                return
            except PitchgateError:
                await self.process.kill()
                if attempt == 19:
                    raise
                await asyncio.sleep(0.5)


@dataclass
class Cluster:
    """What runs. Without a `database` it is the embedded file and one replica, as on one machine."""

    folder: Path
    http: aiohttp.ClientSession
    sandbox: FaultySandbox
    google: Process
    balancer: Balancer
    replicas: list[Replica]
    database: postgres_server.Server | None
    store: SqlStore
    owners: list[Owner]
    people: list[Salesperson] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    async def connect_all(self) -> None:
        """Every owner presses Connect; then all indexes are read."""
        waiting = iter(self.owners)

        async def some() -> None:
            # A browser of one's own: the way back is accepted from the one that left.
            for one in waiting:
                jar = aiohttp.CookieJar(unsafe=True)
                async with aiohttp.ClientSession(cookie_jar=jar, timeout=self.http.timeout) as browser:
                    await owner.connect(browser, self.balancer.url, one.email)

        await asyncio.gather(*(some() for _ in range(CONNECTING)))
        await self.rest()
        for mailbox in await self.store.mailboxes():
            wishes = mailbox.preferences.changed(daily_challenges=200, credits_per_solve=CREDITS)
            await self.store.save_preferences(mailbox.id, wishes, mailbox.created_at)

    async def unrest(self) -> str:
        """What is still to be done, in words; "" when everything has come to rest."""
        census = await self.store.census()
        stages = {k: n for k, n in census.items() if k.startswith("stages.") and k != "stages.ended"}
        if sum(stages.values()) > census.get("set_aside", 0):
            return f"stages {stages}"
        if await self.sandbox.pushes_pending():
            return "pushes pending"
        mailboxes = {mailbox.owner.email: mailbox for mailbox in await self.store.mailboxes()}
        positions = await self.sandbox.positions()
        for one in self.owners:
            mailbox = mailboxes.get(one.email)
            if mailbox is None or mailbox.link is not Link.CONNECTED or mailbox.indexed_at is None:
                return f"{one.email} is not connected"
            if mailbox.page_start or mailbox.page_token:
                return f"{one.email}: a listing under way"
            if int(mailbox.cursor or 0) < positions[one.email]:
                return f"{one.email}: cursor behind"
        return ""

    async def rest(self) -> None:
        """Wait until nothing is left to do. Raises `PitchgateError` naming what does not end."""
        calm, end, why = 0, time.monotonic() + REST_SECONDS, ""
        while calm < 3:
            try:
                why = await self.unrest()
            except StoreAway:
                why = "the database is away"
            calm = 0 if why else calm + 1
            if time.monotonic() > end:
                raise PitchgateError(f"It did not come to rest: {why}", f"See the logs in {self.folder}")
            await asyncio.sleep(0.3 if calm or len(self.owners) < 20 else 1.0)

    async def solve_all(self, seconds: float) -> int:
        """Every seller looks into his mailbox and solves what he finds until all is solved; how many were."""
        end = time.monotonic() + seconds
        while True:
            for person in self.people:
                await person.look(self.sandbox)
                with suppress(aiohttp.ClientError, TimeoutError, OSError):
                    self.counts["solved"] += await person.answer(self.http)
            if all(set(person.links) <= set(person.solved) for person in self.people):
                return self.counts["solved"]
            if time.monotonic() > end:
                raise PitchgateError("Not every challenge could be solved.", f"See the logs in {self.folder}")
            await asyncio.sleep(0.3)


class ClusterSandbox(FaultySandbox):
    """One more question."""

    async def positions(self) -> dict[str, int]:
        """History id of every mailbox."""
        told = await self._call("GET", "/sandbox/mailboxes")
        return {box["email"]: int(box["historyId"]) for box in told["mailboxes"]}


@asynccontextmanager
async def open_cluster(
    folder: Path,
    seed: int,
    owners: Sequence[Owner],
    database: postgres_server.Server | None,
    replicas: int,
    settings: Mapping[str, str],
) -> AsyncIterator[Cluster]:
    """Start everything, make the people, connect the owners, wait for their indexes; stop everything at the end."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    addresses = [f"http://127.0.0.1:{free_port()}" for _ in range(replicas)]
    balancer = Balancer(free_port(), addresses)
    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(total=30)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        await balancer.start()
        stack.push_async_callback(balancer.stop)
        google = Process("sandbox", _sandbox_arguments(seed, balancer.url), {}, folder / "sandbox.log")
        await google.start(pipe=True)
        stack.push_async_callback(google.stop)
        sandbox = ClusterSandbox(http, str((await google.first_line())["sandbox"]))
        where = database.address if database else str(folder / "state" / "pitchgate.sqlite3")
        common = _environment(folder, balancer.url, sandbox.url, database) | dict(settings)
        running = [_replica(folder, number, url, common) for number, url in enumerate(addresses)]
        for one in running:
            stack.push_async_callback(one.process.stop)
        await asyncio.gather(*(one.start(http) for one in running))
        store = open_store(where)
        await store.open()
        stack.push_async_callback(store.close)
        cluster = Cluster(
            folder, http, sandbox, google, balancer, running, database, store, list(owners)
        )  # fmt: skip
        await _people(cluster)
        await cluster.connect_all()
        yield cluster


async def _people(cluster: Cluster) -> None:
    sellers: dict[str, str] = {}
    for one in cluster.owners:
        await cluster.sandbox.create(one.email, one.email.partition("@")[0].title())
        await cluster.sandbox.seed_known(one.email, one.script.known)
        sellers |= {seller.address: seller.name for seller in one.script.sellers}
    for address, name in sellers.items():
        await cluster.sandbox.create(address, name)
    cluster.people = [Salesperson(address) for address in sellers]


def _replica(folder: Path, number: int, url: str, common: dict[str, str]) -> Replica:
    own = common | {"PITCHGATE_BIND": url.removeprefix("http://")}
    return Replica(
        Process(f"replica{number}", ["backend", "serve"], own, folder / f"replica{number}.log"), url
    )


def _sandbox_arguments(seed: int, server_url: str) -> list[str]:
    return [
        *("backend.sandbox", "--port", "0", "--seed", str(seed)),
        *("--client-id", "cluster", "--client-secret", "cluster-secret"),
        *("--redirect-uri", f"{server_url}/connect/callback"),
        *("--project", PROJECT, "--topic", "gmail", "--subscription", "gmail-push"),
        *("--push-endpoint", f"{server_url}/hooks/gmail", "--push-account", PUSH_ACCOUNT),
        *("--push-mode", "backoff_max=1"),
        *("--set", "enforce_quota=true", "--set", "quota_per_minute=300000"),
    ]


def _environment(
    folder: Path, server_url: str, google: str, database: postgres_server.Server | None
) -> dict[str, str]:
    """Settings all replicas share: one key, a large quota, no long waits, everything else as usual."""
    settings: dict[str, Any] = {
        "PUBLIC_URL": server_url,
        "TRUSTED_PROXIES": 1,
        "STATE_DIR": folder / "state",
        "DATABASE_URL": database.address if database else "",
        "SECRET_KEYS": Fernet.generate_key().decode(),
        "CLIENT_ID": "cluster",
        "CLIENT_SECRET": "cluster-secret",
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
        "SWEEP_INTERVAL": "4",
        "LONGEST_BACKOFF": "4",
        "QUOTA_PER_USER_MINUTE": "240000",
        "LOG_JSON": "true",
    }
    return {f"PITCHGATE_{name}": str(value) for name, value in settings.items()}
