"""What hostile mail does to the real server: one message of each kind, while others are read and the server is asked.

    python -m tests.journeys.hostile [--seconds S] [--memory BYTES]

Sandbox and server are processes on loopback. `--seconds` and `--memory` are the limits of one message (the server's own
where they are left out). The last line is one JSON object; times are milliseconds unless they say otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from backend.demo import people
from backend.demo.letters import OWNER, Letter, letters
from backend.demo.play import Stage
from backend.domain.challenge import token_hash
from backend.domain.mailbox.message import MessageView
from backend.store.opening import open_store
from backend.transactions.records import NewDevice, OneTimeCode, Purpose, Scope, Session
from backend.transactions.store import Store
from tests.bench.processor import family
from tests.journeys.conftest import begin_journey, until
from tests.journeys.hostile_kinds import KINDS, raw
from tests.machine import machine

ROUNDS = 8
BOMBS, BOMB = 12, "formatting"
"""So many emails of the kind that takes longest to read."""
NEIGHBOUR = "rosa.fields@harbourlane.example"
QUIET_SECONDS = 24.0

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


def resident(pids: Sequence[int]) -> int:
    """Bytes of these processes in memory."""
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_SIZE
        except OSError:
            continue
    return total


@dataclass
class Watch:
    """Asks the server whether it is alive (in a process of its own) and looks at its family's memory, over and over."""

    running: Stage
    idle: int = 0
    peak: int = 0
    times: list[float] = field(default_factory=list)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Ask and look until the block ends."""
        self.idle = self.idle or resident(family(self.running.server.pid))
        pulse = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.journeys.pulse", f"{self.running.server_url}/healthz"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        look = asyncio.create_task(self._look())
        try:
            yield
        finally:
            look.cancel()
            output, _ = await pulse.communicate(b"")  # which closes its input
            assert pulse.returncode == 0, "the server did not say that it is alive"
            self.times += json.loads(output)

    async def _look(self) -> None:
        while True:
            self.peak = max(self.peak, resident(family(self.running.server.pid)))
            await asyncio.sleep(0.05)

    def figures(self) -> dict[str, Any]:
        """What was seen."""
        ordered = sorted(self.times)
        return {
            "asked": len(ordered),
            "healthz_p50": statistics.median(ordered),
            "healthz_p99": ordered[int(len(ordered) * 0.99)],
            "healthz_most": ordered[-1],
            "idle_mb": round(self.idle / 1e6),
            "above_idle_mb": round((self.peak - self.idle) / 1e6),
        }


@dataclass
class Owner:
    """The owner with a browser and a computer, and the store to look into."""

    running: Stage
    store: Store
    mailbox_id: str
    cookies: dict[str, str]
    token: str

    async def look(self, gmail_id: str) -> dict[str, Any]:
        """The message on the review page and as the computer's preview."""
        url = self.running.server_url
        jar, headers = aiohttp.DummyCookieJar(), {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(cookie_jar=jar) as client:
            async with client.get(f"{url}/review/mail/{gmail_id}", cookies=self.cookies) as page:
                text, status = await page.text(), page.status
            async with client.get(f"{url}/api/v1/messages/{gmail_id}/preview", headers=headers) as preview:
                response = await preview.json(content_type=None)
        return {
            "page": status,
            "page_kb": len(text) // 1000,
            "unreadable": "too large or too unusual" in text,
            "preview": preview.status,
            "code": response.get("code", ""),
            "characters": len(response.get("text", "")),
        }

    async def view(self, gmail_id: str) -> MessageView | None:
        """The message as it is kept, once it has been decided."""
        view = (await self.store.known(self.mailbox_id, [gmail_id])).get(gmail_id)
        return view if view is not None and view.outcome else None


@asynccontextmanager
async def signed_in(running: Stage) -> AsyncIterator[Owner]:
    """The owner, let in past the browser."""
    store, now = open_store(running.options.folder / "state" / "pitchgate.sqlite3"), machine().now()
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(OWNER)
        assert mailbox is not None
        secret, token = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        await store.add_session(Session(token_hash(secret), mailbox.id, now + timedelta(hours=1)), now)
        soon = now + timedelta(seconds=9)
        await store.add_code(OneTimeCode(token_hash(token), mailbox.id, Purpose.DEVICE, "x", soon, "pc"), now)
        device = NewDevice(secrets.token_hex(8), token_hash(token), frozenset(Scope))
        await store.exchange(token_hash(token), "x", device, now)
        yield Owner(running, store, mailbox.id, {"pitchgate-session": secret}, token)
    finally:
        await store.close()


async def deliver(running: Stage, message: bytes, to: str = OWNER) -> str:
    """A message arrives as it is; its id."""
    body = {"to": to, "raw_base64": base64.b64encode(message).decode()}
    async with running.http.post(f"{running.sandbox.url}/sandbox/deliver", json=body) as answer:
        response = await answer.json()
        assert answer.status == 200, response
        return str(response["delivered"][0]["id"])


async def decided(owner: Owner, gmail_id: str, what: str) -> tuple[MessageView, float]:
    """The message once it has been decided, and how many seconds that took."""
    began = time.perf_counter()

    async def look() -> MessageView | None:
        return await owner.view(gmail_id)

    view = await until(look, f"{what} decided")
    assert view is not None
    return view, round(time.perf_counter() - began, 1)


@dataclass
class Ordinary:
    """Letters of ordinary people and of salespeople while something else goes on, each when the one before is decided:
    under a limit that most are past, a process that reads is started for each, and they would wait in a growing row."""

    running: Stage
    owner: Owner
    sent: dict[str, Letter] = field(default_factory=dict)

    @asynccontextmanager
    async def arriving(self) -> AsyncIterator[None]:
        """Deliver until the block ends."""
        task = asyncio.create_task(self._deliver())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _deliver(self) -> None:
        known = [letter for letter in letters() if letter.kind in ("customer", "pitch")]
        for letter in known * 1_000:
            gmail_id = await self.running.sandbox.deliver(letter, OWNER)
            self.sent[gmail_id] = letter
            await decided(self.owner, gmail_id, letter.kind)
            await asyncio.sleep(0.2)


async def play(
    folder: Path, kinds: Sequence[str] = tuple(KINDS), rounds: int = 1, quiet_seconds: float = 0.0
) -> dict[str, Any]:
    """The whole story; what was measured, and what became of each message. In `rounds` each is shown so often: of few
    answers the 99th in a hundred is the slowest. For comparison only ordinary letters come for `quiet_seconds`."""
    async with begin_journey(folder) as journey, signed_in(journey.stage) as owner:
        running, figures = journey.stage, dict[str, Any]()
        quiet, screening, showing, ordinary = (
            Watch(running),
            Watch(running),
            Watch(running),
            Ordinary(running, owner),
        )
        ids: dict[str, str] = {}
        if quiet_seconds:
            async with quiet.watching(), ordinary.arriving():
                await asyncio.sleep(quiet_seconds)
            figures["without"] = quiet.figures()
        async with screening.watching(), ordinary.arriving():
            figures["kinds"] = {}
            for kind in kinds:
                ids[kind] = await deliver(running, KINDS[kind]())
                view, took = await decided(owner, ids[kind], kind)
                figures["kinds"][kind] = {"row": view.row, "cause": view.cause, "seconds": took}
        figures["screening"] = screening.figures()
        async with showing.watching():
            for _ in range(rounds):
                figures["shown"] = {kind: await owner.look(gmail_id) for kind, gmail_id in ids.items()}
        figures["showing"] = showing.figures()
        rows = {letter.kind: set[str]() for letter in ordinary.sent.values()}
        for gmail_id, letter in ordinary.sent.items():
            rows[letter.kind].add((await decided(owner, gmail_id, letter.kind))[0].row or "")
        figures["others"] = {"letters": len(ordinary.sent), **{kind: sorted(r) for kind, r in rows.items()}}
        async with running.http.get(f"{running.server_url}/metrics") as answer:
            lines = [line for line in (await answer.text()).splitlines() if "fail_open_total{" in line]
        figures["fail_open"] = {
            line.partition('"')[2].partition('"')[0]: float(line.split()[-1]) for line in lines
        }
        figures["stop"] = await stopped(running, kinds)
        return figures


async def beside_bombs(folder: Path, rounds: int = 1) -> dict[str, Any]:
    """Bombs for one owner and an ordinary letter for another: how many bombs at most were decided between its arrival
    and its verdict, and how many seconds that took, with bombs `beside` it and `alone`."""
    ahead, alone, beside = list[int](), list[float](), list[float]()
    async with begin_journey(folder) as journey, signed_in(journey.stage) as owner:
        running = journey.stage
        await running.sandbox.create(NEIGHBOUR, "Rosa Fields")
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            await people.connect(browser, running.server_url, NEIGHBOUR)
        await until(lambda: running.sandbox.watched(NEIGHBOUR), "the other mailbox watched")
        await journey.quiet()
        mailbox = await owner.store.mailbox_by_email(NEIGHBOUR)
        assert mailbox is not None
        other = replace(owner, mailbox_id=mailbox.id)
        for number in range(rounds):
            letter = raw(f"alone{number}", "See you at the harbour at nine.")
            view, _ = await decided(other, await deliver(running, letter, NEIGHBOUR), "the letter alone")
            alone.append(_judged_in(view))
            bombs = [KINDS[BOMB]().replace(b"eve@", f"eve{number}.{bomb}@".encode()) for bomb in range(BOMBS)]
            ids = await asyncio.gather(*(deliver(running, bomb) for bomb in bombs))
            letter = raw(f"beside{number}", "See you at the harbour at nine.")
            view, _ = await decided(other, await deliver(running, letter, NEIGHBOUR), "the letter")
            beside.append(_judged_in(view))
            ended = [(await decided(owner, gmail_id, "a bomb"))[0].decided_at for gmail_id in ids]
            assert view.received_at is not None
            assert view.decided_at is not None
            ahead.append(sum(view.received_at < at < view.decided_at for at in ended if at))
        await running.server.stop()
    return {"bombs": BOMBS, "ahead": max(ahead), "alone": sorted(alone), "beside": sorted(beside)}


def _judged_in(view: MessageView) -> float:
    assert view.decided_at is not None
    assert view.received_at is not None
    return round((view.decided_at - view.received_at).total_seconds(), 2)


async def stopped(running: Stage, kinds: Sequence[str]) -> dict[str, Any]:
    """Told to stop with hostile messages at work, the server ends by itself, and its children with it."""
    for kind in kinds:
        await deliver(running, KINDS[kind]())
    children = family(running.server.pid)
    began = time.perf_counter()
    await running.server.stop()
    return {
        "seconds": round(time.perf_counter() - began, 1),
        "exit": running.server.exit_code,
        "processes_left": len([pid for pid in children if resident([pid])]),
    }


def main() -> None:
    """Play it with the limits that are given and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, help="processor time one message may take")
    parser.add_argument("--memory", type=int, help="bytes one message may take")
    options = parser.parse_args()
    for name in ("seconds", "memory"):
        if (value := getattr(options, name)) is not None:
            os.environ[f"PITCHGATE_READER_{name.upper()}"] = str(value)
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(play(Path(folder, "all"), rounds=ROUNDS, quiet_seconds=QUIET_SECONDS))
        figures["bombs"] = asyncio.run(beside_bombs(Path(folder, "bombs"), ROUNDS))
        print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
