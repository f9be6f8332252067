"""Equal replicas behind a balancer, one PostgreSQL server, one sandbox: all real processes on loopback."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from cryptography.fernet import Fernet

from backend.demo import people
from backend.demo.people import Salesperson, free_port, until_ready
from backend.domain.errors import PitchgateError, StoreAway
from backend.domain.mailbox.mailbox import AccessState
from backend.store.opening import open_store
from backend.transactions.store import Store
from tests import postgres_server
from tests.faults import helpers
from tests.faults.cluster_balancer import Balancer
from tests.faults.google import FaultySandbox
from tests.faults.script import CREDITS, Script
from tests.machine import Forked

NAME = "cluster"
KNOBS = ("enforce_quota=true", "quota_per_minute=300000")
REST_SECONDS = 1_200.0
CONNECTING = 6
"""Owners who connect at the same time."""


@dataclass
class Owner:
    """One owner: their script, and the message ids of its letters by key."""

    email: str
    script: Script
    ids: dict[str, str] = field(default_factory=dict)


@dataclass
class Replica:
    """One `pitchgate serve`, and how often it was killed."""

    process: Forked
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
    sandbox: ClusterSandbox
    google: Forked
    balancer: Balancer
    replicas: list[Replica]
    database: postgres_server.Server | None
    store: Store
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
                    await people.connect(browser, self.balancer.url, one.email)

        await asyncio.gather(*(some() for _ in range(CONNECTING)))
        await self.rest()
        for mailbox in await self.store.mailboxes():
            wishes = mailbox.preferences.changed(daily_challenges=200, credits_per_solve=CREDITS)
            await self.store.save_preferences(mailbox.id, wishes, mailbox.created_at)

    async def unrest(self) -> str:
        """What is still to be done, in words; "" when everything has come to rest."""
        try:
            return await self._unrest()
        except StoreAway:
            return "the database is away"

    async def _unrest(self) -> str:
        if left := await helpers.work_left(self.store, self.sandbox):
            return left
        mailboxes = {mailbox.owner.email: mailbox for mailbox in await self.store.mailboxes()}
        positions = await self.sandbox.positions()
        for one in self.owners:
            mailbox = mailboxes.get(one.email)
            if mailbox is None or mailbox.link is not AccessState.CONNECTED or mailbox.indexed_at is None:
                return f"{one.email} is not connected"
            if mailbox.page_start or mailbox.page_token:
                return f"{one.email}: a listing under way"
            if int(mailbox.cursor or 0) < positions[one.email]:
                return f"{one.email}: cursor behind"
        return ""

    async def rest(self) -> None:
        """Wait until nothing is left to do. Raises `PitchgateError` naming what does not end."""
        pause = 0.3 if len(self.owners) < 20 else 1.0
        await helpers.come_to_rest(self.unrest, 3, REST_SECONDS, self.folder, pause)

    async def solve_all(self, seconds: float) -> int:
        """Every seller looks into their mailbox and solves what they find until all is solved; how many were."""
        end = time.monotonic() + seconds
        while True:
            self.counts["solved"] += await helpers.answer_challenges(self.people, self.sandbox, self.http)
            if helpers.all_answered(self.people):
                return self.counts["solved"]
            if time.monotonic() > end:
                raise PitchgateError(f"Not every challenge could be solved. See the logs in {self.folder}")
            await asyncio.sleep(0.3)


class ClusterSandbox(FaultySandbox):
    """One more question."""

    async def positions(self) -> dict[str, int]:
        """History id of every mailbox."""
        response = await self._call("GET", "/sandbox/mailboxes")
        return {box["email"]: int(box["historyId"]) for box in response["mailboxes"]}


@asynccontextmanager
async def open_cluster(
    folder: Path,
    seed: int,
    owners: Sequence[Owner],
    database: postgres_server.Server | None,
    replicas: int,
    settings: Mapping[str, str],
    wire: str = "",
) -> AsyncIterator[Cluster]:
    """Start everything, the last replica with the database at the end of `wire`; make the people, connect the owners,
    wait for their indexes; stop everything at the end."""
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    addresses = [f"http://127.0.0.1:{free_port()}" for _ in range(replicas)]
    balancer = Balancer(free_port(), addresses)
    async with AsyncExitStack() as stack:
        timeout = aiohttp.ClientTimeout(total=30)
        http = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        await balancer.start()
        stack.push_async_callback(balancer.stop)
        arguments = helpers.sandbox_arguments(NAME, seed, balancer.url, *KNOBS)
        google = Forked("sandbox", arguments, {}, folder / "sandbox.log")
        await google.start(pipe=True)
        stack.push_async_callback(google.stop)
        sandbox = ClusterSandbox(http, str((await google.first_line())["sandbox"]))
        where = database.address if database else str(folder / "state" / "pitchgate.sqlite3")
        common = _environment(folder, balancer.url, sandbox.url, database) | dict(settings)
        ways: list[dict[str, str]] = [{}] * (replicas - 1) + [
            {"PITCHGATE_DATABASE_URL": wire} if wire else {}
        ]
        running = [
            _replica(folder, number, url, common | way)
            for number, (url, way) in enumerate(zip(addresses, ways, strict=True))
        ]
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
        Forked(f"replica{number}", ["backend", "serve"], own, folder / f"replica{number}.log"), url
    )


def _environment(
    folder: Path, server_url: str, google: str, database: postgres_server.Server | None
) -> dict[str, str]:
    """Settings all replicas share: one key, no long waits, everything else as usual."""
    shared = {
        "TRUSTED_PROXIES": 1,
        "DATABASE_URL": database.address if database else "",
        "SECRET_KEYS": Fernet.generate_key().decode(),
        "LONGEST_BACKOFF": "4",
    }
    return helpers.environment(NAME, folder, server_url, google, shared)
