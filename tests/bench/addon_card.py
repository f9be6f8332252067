"""The card of a known message against the same server's smallest JSON route.

    python -m tests.bench.addon_card [--calls N] [--rounds N]

A real server process with an SQLite store of 20,000 messages answers over loopback, one connection, one call at a
time, the routes taking turns. "card" is POST /addon/message as Google sends it: both tokens verified (RS256), the
mailbox found, message and sender read, the card built and checked against the limits. "empty" is GET /healthz.
Times are the client's, in milliseconds. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from backend.demo.people import free_port
from backend.domain.mailbox.message import Outcome, Stage
from backend.sandbox.addon_host import Deployment, Forgery, OwnerClick, OwnerSetup, addon_request
from backend.sandbox.oauth.tokens import SigningKey
from backend.sandbox.world import World
from backend.store.opening import open_store
from backend.transactions.records import Sighting, SyncPage
from tests.contract.store.stories import BO, Story
from tests.web.addon.host import EMAIL, EXECUTE, OPEN_MESSAGE

MESSAGES = 20_000
ACCOUNT = "service-1@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"
CLIENT = "bench.apps.googleusercontent.com"


async def seed(path: Path, number: int) -> None:
    """A mailbox with many messages of many senders, the first of them a held pitch."""
    store = open_store(path)
    await store.open()
    story = Story(store, now=datetime.now(UTC))
    await story.mailbox("ana")
    await store.save_watch("ana", story.pass_time(days=6), "1")
    story.now = datetime.now(UTC)
    await story.receive("ana", "19a3c0ffee000001", Outcome.CHALLENGE, BO)
    job = await story.hold("ana")
    for first in range(0, number, 2_000):
        seen = tuple(
            Sighting(f"{first + n:016x}", f"{first + n:016x}", frozenset({"SENT"}), Stage.LEARN)
            for n in range(min(2_000, number - first))
        )
        await store.commit_sync(job, SyncPage(sightings=seen), story.now)
    await store.finish_duty(job, None)
    while jobs := await story.due(500):
        for one in jobs:
            await store.finish_stage(one, story.now)
    await store.close()


@asynccontextmanager
async def keys_served(keys: SigningKey) -> AsyncIterator[str]:
    """Google's JWKS on loopback."""

    async def jwks(_: web.Request) -> web.Response:
        return web.json_response(keys.jwks(), headers={"Cache-Control": "max-age=3600"})

    app = web.Application()
    app.router.add_get("/certs", jwks)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/certs"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def served(folder: Path, jwks: str) -> AsyncIterator[str]:
    """The server in a process of its own."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PITCHGATE_PUBLIC_URL": url,
        "PITCHGATE_BIND": f"127.0.0.1:{port}",
        "PITCHGATE_STATE_DIR": str(folder),
        "PITCHGATE_JWKS_URL": jwks,
        "PITCHGATE_GMAIL_URL": "http://127.0.0.1:9",
        "PITCHGATE_ADDON_ACCOUNT": ACCOUNT,
        "PITCHGATE_ADDON_CLIENT_ID": CLIENT,
        "PITCHGATE_LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backend", "serve"),
        env=os.environ | environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield url
    finally:
        process.terminate()
        await process.wait()


def event(keys: SigningKey, url: str) -> tuple[dict[str, str], bytes]:
    """Google's request for the card of the held pitch."""
    world = World()
    owner = world.create_mailbox("ana@corp.test", "Ana", sub="sub-ana")
    scopes = frozenset({EXECUTE, EMAIL, OPEN_MESSAGE})
    deployed = Deployment("Pitchgate", "", f"{url}/addon/message", "", (), scopes, ACCOUNT, CLIENT)
    event = OwnerClick(deployed.message, "19a3c0ffee000001")
    made = addon_request(
        keys, time.time(), deployed, owner, scopes, OwnerSetup(locale="de-DE"), event, Forgery()
    )
    return made.headers | {"Content-Type": "application/json"}, json.dumps(made.body).encode()


async def ready(http: aiohttp.ClientSession, url: str) -> None:
    for _ in range(600):
        try:
            async with http.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.05)
    raise RuntimeError("the server did not start")


async def timed(http: aiohttp.ClientSession, verb: str, url: str, **more: Any) -> tuple[float, bytes]:
    began = time.perf_counter()
    async with http.request(verb, url, **more) as answer:
        body = await answer.read()
        spent = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise RuntimeError(f"{url}: {answer.status} {body[:200]!r}")
    return spent, body


def spread(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2)}


async def alternate(
    http: aiohttp.ClientSession, url: str, headers: dict[str, str], data: bytes, calls: int
) -> tuple[list[float], list[float], int]:
    """Both routes in turn; milliseconds of each, and the size of a card."""
    cards, empties, size = [], [], 0
    for _ in range(calls):
        spent, body = await timed(http, "POST", f"{url}/addon/message", data=data, headers=headers)
        assert b"pushCard" in body
        cards.append(spent)
        size = len(body)
        empties.append((await timed(http, "GET", f"{url}/healthz"))[0])
    return cards, empties, size


async def measure(calls: int, rounds: int) -> dict[str, Any]:
    keys = SigningKey()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        await seed(folder / "pitchgate.sqlite3", MESSAGES)
        async with keys_served(keys) as jwks, served(folder, jwks) as url:
            async with aiohttp.ClientSession() as http:
                await ready(http, url)
            headers, data = event(keys, url)
            card: list[float] = []
            empty: list[float] = []
            ratios: list[float] = []
            for turn in range(rounds + 1):  # the first turn warms both up
                # /healthz takes 600 calls a minute from an address, so each round has its own.
                connector = aiohttp.TCPConnector(limit=1, local_addr=(f"127.0.0.{turn + 2}", 0))
                async with aiohttp.ClientSession(connector=connector) as http:
                    cards, empties, size = await alternate(http, url, headers, data, calls if turn else 200)
                if turn:
                    card += cards
                    empty += empties
                    ratios.append(statistics.median(cards) / statistics.median(empties))
    fast, slow = spread(empty), spread(card)
    return {
        "bench": "addon_card",
        "messages": MESSAGES,
        "calls": len(card),
        "card_bytes": size,
        "card_ms": slow,
        "empty_ms": fast,
        "ratio_p50": round(slow["p50"] / fast["p50"], 2),
        "ratio_p99": round(slow["p99"] / fast["p99"], 2),
        "ratio_p50_by_round": [round(ratio, 2) for ratio in ratios],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=500, help="calls of each route in a round")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    found = asyncio.run(measure(options.calls, options.rounds))
    for name, value in found.items():
        print(f"{name:<20}{value}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
