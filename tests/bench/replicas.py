"""How many messages a second whole deployments handle: one to four replicas, few and many messages already there.

    python -m tests.bench.replicas [--rows 1000 100000] [--replicas 1 2 4] [--letters N] [--spaced N] [--a-second N]
        [--rounds N]

Real processes: `pitchgate serve` as often as asked, PostgreSQL (or the embedded file, for one replica), and the
sandbox as Gmail, which pushes through a balancer. Letters to 40 owners come one by one first (`spaced`), as mail
does, so many a second; what the replicas do besides is in that. Then many are delivered while pushes are held back
(`burst`); the time runs from their release until the last of them is done with. The last line is one JSON object:

rates    messages a second of the burst by store, rows and replicas: everything shares this machine's cores, the
         sandbox too
cpu_us   CPU a message, spaced and in the burst, in the replicas, in PostgreSQL and in the sandbox, in microseconds.
         What the first two come to is what a deployment pays: Google's own part is not on its bill
ratios   rate at the most rows over the rate at the fewest; `cpu_ratios` the same of replicas' and PostgreSQL's CPU,
         spaced, which what else runs on the machine disturbs less
load     what else ran: the machine's load before the first run (a quiet machine has less than 0.5)

Each figure is the median of the rounds.
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
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from backend.demo.letters import Letter, letters
from backend.domain.errors import AccessLost
from backend.domain.mailbox.mailbox import AccessState
from backend.store.opening import open_store
from tests import postgres_server
from tests.bench.processor import family, spent
from tests.bench.store_rows import NAMES, ended, fill
from tests.contract.store.stories import Story
from tests.faults.cluster_fixture import Cluster, Owner, open_cluster
from tests.faults.script import Script

OWNERS = 40
DOMAIN = "harbourlane.example"
PATIENCE = 600.0


@dataclass
class Place:
    """A store with old messages in it, and what was measured on it by the number of replicas."""

    rows: int
    database: postgres_server.Server | None
    folder: Path
    rates: dict[int, list[float]] = field(default_factory=dict)
    costs: dict[int, dict[str, dict[str, list[float]]]] = field(default_factory=dict)
    """By number of replicas, how mail came, and who spent it."""

    @property
    def kind(self) -> str:
        """Which database."""
        return "postgres" if self.database else "sqlite"

    @property
    def address(self) -> str:
        """Where it is."""
        return self.database.address if self.database else str(self.folder / "state" / "pitchgate.sqlite3")

    async def prepare(self) -> None:
        """Mailboxes of other owners, who would have to connect again, and all the old messages."""
        store = open_store(self.address)
        await store.open()
        story = Story(store)
        for name in NAMES:
            await story.connect(name)
            # Without a token: a server whose keys open none of those that are kept does not start.
            await store.swap_sealed_token(name, b"sealed", b"", story.now)
            await store.set_link(name, AccessState.NEEDS_RECONNECT, story.now, AccessLost.SEALED)
        await fill(self.kind, self.address, self.rows, story.now)
        await store.close()

    async def measure(self, replicas: int, number: int, load: Load) -> None:
        """One run with so many replicas; what it left is taken away again."""
        owners = [Owner(f"o{number}-{one:02}@{DOMAIN}", Script()) for one in range(OWNERS)]
        pace = {"PITCHGATE_SWEEP_INTERVAL": "600"}
        async with open_cluster(self.folder, number, owners, self.database, replicas, pace) as cluster:
            await self._spaced(cluster, replicas, load)
            await self._burst(cluster, replicas, load)
            for mailbox in await cluster.store.mailboxes():
                if mailbox.id not in NAMES:
                    await cluster.store.forget(mailbox.id)

    async def _spaced(self, cluster: Cluster, replicas: int, load: Load) -> None:
        before, began = self._spent(cluster), time.monotonic()
        for place, letter in enumerate(load.spaced):
            await asyncio.sleep(began + place / load.a_second - time.monotonic())
            await cluster.sandbox.deliver(letter, cluster.owners[place % OWNERS].email)
        await self._all_done(cluster, len(load.spaced))
        self._note(cluster, replicas, "spaced", before, len(load.spaced))

    async def _burst(self, cluster: Cluster, replicas: int, load: Load) -> None:
        await cluster.sandbox.push_modes(paused=True)
        waiting = iter(enumerate(load.burst))

        async def postman() -> None:
            for place, letter in waiting:
                await cluster.sandbox.deliver(letter, cluster.owners[place % OWNERS].email)

        await asyncio.gather(*(postman() for _ in range(4)))
        before, began = self._spent(cluster), time.monotonic()
        await cluster.sandbox.push_modes(paused=False)
        await self._all_done(cluster, len(load.spaced) + len(load.burst))
        seconds = time.monotonic() - began
        self.rates.setdefault(replicas, []).append(len(load.burst) / seconds)
        self._note(cluster, replicas, "burst", before, len(load.burst))

    async def _all_done(self, cluster: Cluster, letters: int) -> None:
        until = time.monotonic() + PATIENCE
        while await ended(self.kind, self.address, DOMAIN) < letters:
            if time.monotonic() > until:
                raise TimeoutError(f"not done after {PATIENCE:.0f} s; see {cluster.folder}")
            await asyncio.sleep(0.25)

    def _spent(self, cluster: Cluster) -> dict[str, float]:
        """Seconds of CPU so far, of each part."""
        parts = {
            "replicas": [one.process.pid for one in cluster.replicas],
            "sandbox": [cluster.google.pid],
            **({"postgres": family(self.database.pid)} if self.database else {}),
        }
        return {name: spent(pids) for name, pids in parts.items()}

    def _note(
        self, cluster: Cluster, replicas: int, kind: str, before: dict[str, float], letters: int
    ) -> None:
        costs = self.costs.setdefault(replicas, {}).setdefault(kind, {})
        for name, used in self._spent(cluster).items():
            costs.setdefault(name, []).append(1e6 * (used - before[name]) / letters)
        rate = f", {self.rates[replicas][-1]:.0f} messages/s" if kind == "burst" else ""
        print(
            f"{self.kind}, {self.rows:,} rows, {replicas} replicas, {kind}{rate}:"
            f" CPU { ({name: round(found[-1]) for name, found in costs.items()}) } µs a message",
            file=sys.stderr,
            flush=True,
        )


@dataclass(frozen=True)
class Load:
    """The letters of one run."""

    spaced: Sequence[Letter]
    burst: Sequence[Letter]
    a_second: float


def incoming(number: int) -> list[Letter]:
    """So many letters that Gmail would show in the inbox, pitches among them as in the demo."""
    some = [one for one in letters() if "SPAM" not in one.labels and not one.local]
    return [some[place % len(some)] for place in range(number)]


async def run_all(places: Sequence[Place], replicas: Sequence[int], load: Load, rounds: int) -> None:
    """Every place with every number of replicas, in turns, so that what else the machine does falls on all."""
    numbers = count(1)
    for place in places:
        await place.prepare()
    for _ in range(rounds):
        for many in replicas:
            for place in places:
                if place.database is not None or many == 1:
                    await place.measure(many, next(numbers), load)


def report(places: Sequence[Place]) -> dict[str, object]:
    """What was measured, by store, rows and replicas."""
    rates: dict[str, dict[str, dict[str, float]]] = {}
    costs: dict[str, dict[str, dict[str, dict[str, dict[str, int]]]]] = {}
    for place in places:
        for many, found in place.rates.items():
            by_rows = rates.setdefault(place.kind, {}).setdefault(str(place.rows), {})
            by_rows[str(many)] = round(statistics.median(found), 1)
            parts = {
                kind: {name: round(statistics.median(some)) for name, some in found.items()}
                for kind, found in place.costs[many].items()
            }
            costs.setdefault(place.kind, {}).setdefault(str(place.rows), {})[str(many)] = parts
    ratios: dict[str, dict[str, float]] = {}
    cpu_ratios: dict[str, dict[str, float]] = {}
    for kind, by_rows in rates.items():
        sizes = sorted(by_rows, key=int)
        for many in by_rows[sizes[0]]:
            ratios.setdefault(kind, {})[many] = round(by_rows[sizes[-1]][many] / by_rows[sizes[0]][many], 3)
            few, most = (
                sum(n for name, n in costs[kind][size][many]["spaced"].items() if name != "sandbox")
                for size in (sizes[0], sizes[-1])
            )
            cpu_ratios.setdefault(kind, {})[many] = round(most / few, 3)
    return {"rates": rates, "cpu_us": costs, "ratios": ratios, "cpu_ratios": cpu_ratios}


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--letters", type=int, default=2_000)
    parser.add_argument("--spaced", type=int, default=600)
    parser.add_argument("--a-second", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=1)
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="replicas-bench-")))
        places = []
        for rows in args.rows:
            places.append(Place(rows, None, folder / f"sqlite-{rows}"))
            database = stack.enter_context(postgres_server.running(durable=True))
            places.append(Place(rows, database, folder / f"postgres-{rows}"))
        load = Load(incoming(args.spaced), incoming(args.letters), args.a_second)
        before = os.getloadavg()[0]
        asyncio.run(run_all(places, args.replicas, load, args.rounds))
    print(json.dumps(report(places) | {"load": before}))


if __name__ == "__main__":
    main()
