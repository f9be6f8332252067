"""What happens to a cluster: letters for everybody, solved challenges, the owners' hands; and what goes wrong
meanwhile: replicas that die every few seconds, and a database server that does."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from backend.domain.errors import Conflict, PitchgateError, StoreAway
from backend.domain.mailbox.message import ALLOW, BLOCK, HELD
from backend.domain.watching.trial import Act
from tests.contract.store.wires import Wire
from tests.faults.cluster_fixture import NAME, Cluster, Owner, Replica
from tests.faults.helpers import Tell
from tests.faults.script import Piece
from tests.renamed_model import renamed

SOLVE_SECONDS = 600.0
POSTMEN = 4
"""Letters on their way to the sandbox at once."""
MOST_WAITING = 10
"""Letters a mailbox that are out and not done with, at most: the load goes on as long as the run does."""
DATABASE_AWAY = 1.0
ANSWERS = 60.0
"""Seconds in which a store that is not away answers."""


@dataclass
class Chaos:
    """Replicas killed at random, `every` seconds on average; the database `restarts` times in all, at moments
    that follow from how many letters are out. The first replica stands `still` for so many seconds, and then the last
    is cut off for half as many by its `wire`. Without replicas to spare nothing is ever wrong: `every` is 0."""

    cluster: Cluster
    seed: int
    every: float
    restarts: int
    letters: int
    still: float = 0.0
    wire: Wire | None = None

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._delivered = 0
        self._spared: list[Replica] = []
        self._hands = asyncio.Lock()
        self._due = [self.letters * (n + 1) // (self.restarts + 1) for n in range(self.restarts)]

    def delivered(self) -> None:
        """One more letter is out."""
        self._delivered += 1

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """Trouble while the body runs. Afterwards every replica is up again."""
        if not self.every:
            yield
            return
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._kill(over))
            group.create_task(self._restart(over))
            if self.still and self.wire and not self.cluster.counts["paused"]:
                group.create_task(self._part(self.wire, over))
            try:
                yield
            finally:
                over.set()

    async def _kill(self, over: asyncio.Event) -> None:
        while not await _passes(over, self._chance.uniform(0.3, 1.7) * self.every):
            async with self._hands:
                victim = self._chance.choice(
                    [one for one in self.cluster.replicas if one not in self._spared]
                )
                await victim.process.kill()
                self.cluster.counts["kills"] += 1
                await asyncio.sleep(self._chance.uniform(0.0, 1.0))
                await victim.start(self.cluster.http)

    async def _part(self, wire: Wire, over: asyncio.Event) -> None:
        """Others own what these replicas owned when they come back."""
        while self._delivered < self.letters // 8:
            if await _passes(over, 0.1):
                return
        first, *_, last = self.cluster.replicas
        async with self._hands:
            self._spared = [first]
            os.kill(first.process.pid, signal.SIGSTOP)
        await asyncio.sleep(self.still)
        os.kill(first.process.pid, signal.SIGCONT)
        self.cluster.counts["paused"] += 1
        self._spared = [last]
        wire.go_silent()
        await asyncio.sleep(self.still / 2)
        wire.speak_again()
        self.cluster.counts["cut_off"] += 1
        self._spared = []

    async def _restart(self, over: asyncio.Event) -> None:
        database = self.cluster.database
        if database is None:
            return
        while not await _passes(over, 0.1):
            if not self._due or self._delivered < self._due[0]:
                continue
            self._due.pop(0)
            suddenly = self.cluster.counts["database_restarts"] % 2 == 1
            await asyncio.to_thread(database.die, suddenly=suddenly)
            await asyncio.sleep(DATABASE_AWAY)
            await asyncio.to_thread(database.start)
            self.cluster.counts["database_restarts"] += 1


async def _passes(over: asyncio.Event, seconds: float) -> bool:
    """Whether it is over within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await over.wait()
    except TimeoutError:
        return False
    return True


async def play(cluster: Cluster, chaos: Chaos, seed: int, tell: Tell) -> float:
    """Three acts, as in `tests.faults.story`; returns the seconds they took, rests included."""
    chance, began = random.Random(seed), time.monotonic()

    async def act(
        name: str, parts: Sequence[tuple[Owner, Sequence[Piece]]], *others: Awaitable[object]
    ) -> None:
        started = time.monotonic()
        letters = [(one, piece) for one, part in parts for piece in part]
        # Everybody's letters cross; one owner's stay in their order only as far as chance has it.
        chance.shuffle(letters)
        async with chaos.during():
            await asyncio.gather(_deliver(cluster, letters, chaos), *others)
            out = time.monotonic()
            await cluster.rest()
        tell(
            f"  {name}: {len(letters):,} letters out in {out - started:.0f} s, at rest"
            f" {time.monotonic() - out:.0f} s later; {dict(cluster.counts)}"
        )

    owners = cluster.owners
    await act("first letters", [(one, one.script.first) for one in owners])
    await act(
        "acts and solves",
        [(one, one.script.second) for one in owners],
        _hands(cluster),
        cluster.solve_all(SOLVE_SECONDS),
        _go_over(cluster),
    )
    await act("follow-ups", [(one, one.script.third) for one in owners])
    return time.monotonic() - began


async def _deliver(cluster: Cluster, letters: Sequence[tuple[Owner, Piece]], chaos: Chaos) -> None:
    waiting = iter(letters)
    async with _Pace(cluster) as pace:

        async def postman() -> None:
            for one, piece in waiting:
                await pace.room_for_one()
                one.ids[piece.key] = await cluster.sandbox.deliver(piece.letter, one.email)
                chaos.delivered()

        await asyncio.gather(*(postman() for _ in range(POSTMEN)))


class _Pace:
    """Lets letters out as earlier ones are done with."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._out = 0
        self._most = self._room = MOST_WAITING * len(cluster.owners)
        self._changed = asyncio.Condition()
        self._broken: Exception | None = None

    async def __aenter__(self) -> _Pace:
        self._ended = await self._done()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watching.cancel()

    async def room_for_one(self) -> None:
        """Wait for it."""
        self._out += 1
        number = self._out
        async with self._changed:
            await self._changed.wait_for(lambda: number <= self._most or self._broken)
        if self._broken:
            raise self._broken

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            try:
                async with asyncio.timeout(ANSWERS):
                    done = await self._done() - self._ended
            except StoreAway:
                continue  # it has just been taken away
            except Exception as error:
                self._broken = error  # nothing would make room any more
            else:
                self._most = done + self._room
            async with self._changed:
                self._changed.notify_all()

    async def _done(self) -> int:
        return (await self._cluster.store.census()).get("stages.ended", 0)


async def _hands(cluster: Cluster) -> None:
    """What owners do in Gmail itself with what is held, each act by its own way."""
    waiting = iter(cluster.owners)

    async def some() -> None:
        for one in waiting:
            script, move = one.script, cluster.sandbox.move

            def ids(keys: list[str], one: Owner = one) -> list[str]:
                return [one.ids[key] for key in keys]

            await move(one.email, ids(script.released), remove=(HELD,))
            await move(one.email, ids(script.returned), add=("INBOX",))
            await move(one.email, ids(script.allowed), add=(ALLOW,))
            await move(one.email, ids(script.blocked), add=(BLOCK,))

    try:
        await asyncio.gather(*(some() for _ in range(POSTMEN)))
    except aiohttp.ClientError as error:
        raise PitchgateError(f"The sandbox went away. See {cluster.folder}/sandbox.log") from error


async def _go_over(cluster: Cluster) -> None:
    """An operator adds a model and has everybody judge by it."""
    other = renamed()
    while True:
        try:
            await cluster.store.add_model(other, NAME, datetime.now(UTC))
            if (await cluster.store.models_in_use()).champion != other.version:
                await cluster.store.change_models(Act.PROMOTE, other.version, NAME, datetime.now(UTC))
            return
        except (StoreAway, Conflict):
            await asyncio.sleep(0.2)
