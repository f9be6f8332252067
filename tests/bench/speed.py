"""Our server against the article's design, in one run, on one local Google, with the same mail.

    python -m tests.bench.speed [--quick] [--parts mail floor latency …] [--scenes plain million …] [--write]

Every figure is taken in turns: ours, the article (Flask, pickle, httplib2, `build` a push, TinyDB), the article as a
good developer keeps it (SQLite, kept service). A run whose letters do not end in the same place at all three fails.
CPU is that of the server's own processes, its children included; Google's is left out.

mail     CPU a message in ms, released in bursts (ordinary under one push and ten under one, held, challenged) and one
         by one; then again with more rows, with one mailbox and with many, and on PostgreSQL; quota units a message;
         start-up and memory at the start
counts   what one ordinary message makes ours do, in a burst and alone: statements, commits, read snapshots, Python
         calls (in a run of its own, which they slow down), context switches and bytes written
watching  what the log of decisions, the test of drift and the counters are of a message's CPU: timed by itself, against
         the least that `mail` found a message to cost
floor    the bare steps of a message with these packages, one by one; how many times their sum ours takes in `mail`
latency  ms from a pitch's delivery to its label, with Google near: at rest, and beside eight busy processes
far      messages a second when each call of Gmail's takes 80 ms
push     pushes by wrk (token checked, notice durable) over the bare Quart route's, by connections
memory   MB of the server's on the way to many messages
again    CPU of the reading process alone, with the second reading and without; skipped where that is not installed

`others_share` is the share of the processors that went to what is no part of the run. Where it is above 0.05 the
machine was not `quiet`: then compare ratios, not times.

Memory is what the processes hold together: what each has for itself, and the files they share once.

`--quick` takes a few minutes, everything some hours; `--scenes`, `--letters`, `--rounds`, `--seconds` and `--messages`
choose what lies between. A scene is what is there before: see `SCENES`. `--write` puts tables and plots into
docs/performance.md. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from backend.demo.people import Process, until_ready
from backend.sandbox.oauth.tokens import SigningKey
from tests import postgres_server
from tests.bench import decisions, second_reading, speed_counts, speed_measures, speed_push, speed_report
from tests.bench.addon_card import keys_served
from tests.bench.baseline.model import train
from tests.bench.floor import floor
from tests.bench.processor import Machine, busy
from tests.bench.speed_fixtures import (
    ARTICLE,
    KEPT,
    NUMBERS,
    OURS,
    PROJECT,
    Fixture,
    Google,
    Scene,
    bare,
    make_fixture,
    sandbox_arguments,
)

PARTS = ("mail", "counts", "floor", "watching", "latency", "far", "push", "memory", "again")


@dataclass(frozen=True)
class Kind:
    """How letters come: so many under one push and all pushes at once, or one by one at a pace, so many a second."""

    what: str
    each: int = 1
    pace: float = 0.0

    def __str__(self) -> str:
        if self.pace:
            return f"{self.what}, {self.pace:g} a second"
        return (
            self.what if self.what != "ordinary" else f"ordinary, {'one' if self.each == 1 else 'ten'} a push"
        )


KINDS = (
    Kind("ordinary"),
    Kind("ordinary", each=10),
    Kind("held"),
    Kind("challenged"),
    Kind("ordinary", pace=20),
    Kind("ordinary", pace=3),
    Kind("held", pace=10),
    Kind("challenged", pace=5),
)
SPACED_SECONDS = 20
"""For how long letters come one by one, at most."""


QUIET = 0.05
SCENES = {
    "plain": Scene(),
    "million": Scene(rows=1_000_000),
    "one": Scene(mailboxes=1),
    "many": Scene(mailboxes=2_000),
    "postgres": Scene(database="PostgreSQL"),
    "postgres-million": Scene(rows=1_000_000, database="PostgreSQL"),
}
BUSY = 8
"""Processes that want a processor all the time, beside the server."""
IN_ONE_MAILBOX = 10
"""Letters where there is one mailbox: each is a push of its own, and the next waits for what follows from it."""


@dataclass(frozen=True)
class Size:
    """How much is done."""

    letters: int
    rounds: int
    latencies: int
    far: int
    seconds: int
    messages: int
    scenes: tuple[Scene, ...]


FULL = Size(400, 3, 60, 1_000, 4, 200_000, tuple(SCENES.values()))
QUICK = Size(200, 1, 30, 500, 3, 5_000, (SCENES["plain"],))


@dataclass
class Bench:
    """What runs, and what was found so far."""

    size: Size
    folder: Path
    model: Path
    http: aiohttp.ClientSession
    google: Google
    found: dict[str, Any] = field(default_factory=dict)

    async def mail(self) -> None:
        """CPU a message in every scene."""
        self.found["mail"], self.found["started"] = {}, {}
        for scene in self.size.scenes:
            kinds = [OURS, *([KEPT] if scene.database == "file" else [])]
            # A JSON file of a million rows takes seconds to write: the article is not asked to.
            kinds += [ARTICLE] if scene.database == "file" and scene.rows <= 1_000 else []
            async with self._fixtures(scene, kinds) as fixtures:
                self.found["started"][str(scene)] = {fixture.kind: fixture.started for fixture in fixtures}
                self.found["mail"][str(scene)] = await self._mail(scene, fixtures)

    async def _mail(self, scene: Scene, fixtures: Sequence[Fixture]) -> dict[str, Any]:
        report: dict[str, Any] = {}
        for kind in KINDS:
            number = self.size.letters
            if scene.mailboxes == 1:
                number = min(number, IN_ONE_MAILBOX * kind.each)
            if kind.what == "challenged":
                number = min(number, 100)
            if kind.pace:
                number = min(number, int(SPACED_SECONDS * kind.pace))
            costs: defaultdict[str, list[float]] = defaultdict(list)
            units: defaultdict[str, list[float]] = defaultdict(list)
            times: defaultdict[str, list[float]] = defaultdict(list)
            for _ in range(self.size.rounds):
                run, fates = next(NUMBERS), {}
                for fixture in fixtures:
                    done = await self._came(fixture, kind, number, run)
                    costs[fixture.kind].append(done.cpu_ms)
                    units[fixture.kind].append(done.units)
                    times[fixture.kind] += done.latencies
                    fates[fixture.kind] = done.fates
                speed_measures.same(fates)
            found = {fixture.kind: round(statistics.median(costs[fixture.kind]), 2) for fixture in fixtures}
            found["units"] = round(statistics.median(units[OURS]), 1)
            if KEPT in found:
                found["share"] = round(found[OURS] / found[KEPT], 2)
            for name, taken in times.items():
                if taken:
                    found |= {f"{name}_{at}": ms for at, ms in speed_measures.percentiles(taken).items()}
            report[str(kind)] = found
            self.tell(f"{scene}: {kind}: {found}")
        return report

    async def _came(self, fixture: Fixture, kind: Kind, number: int, run: int) -> speed_measures.Outcome:
        if kind.pace:
            return await speed_measures.spaced(self.google, fixture, kind.what, number, kind.pace, run)
        return await speed_measures.handled(self.google, fixture, kind.what, number, kind.each, run)

    async def counts(self) -> None:
        """What one ordinary message makes ours do."""
        self.found["counts"] = await speed_counts.counted(self.google, self.folder, self._fixtures)
        self.tell(f"counts: {self.found['counts']}")

    async def floor(self) -> None:
        """How little a message could cost."""
        self.found["floor"] = await floor(self.google, self.folder, self.found.get("mail", {}))
        self.tell(f"floor: {self.found['floor']}")

    async def watching(self) -> None:
        """What watching adds to a message."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            added = await asyncio.to_thread(decisions.of_a_message, 5_000, Path(folder))
        costs = [figures[OURS] for kinds in self.found.get("mail", {}).values() for figures in kinds.values()]
        percent = round(added["all"] / 10 / min(costs), 1) if costs else None
        self.found["watching"] = {**added, "percent": percent}
        self.tell(f"watching: {self.found['watching']} µs a message")

    async def latency(self) -> None:
        """Push to label, at rest and beside busy processes."""
        self.found["latency"] = {}
        async with self._fixtures(Scene(), [OURS, ARTICLE, KEPT]) as fixtures:
            for load in (0, BUSY):
                with busy(load):
                    for fixture in fixtures:
                        times = await speed_measures.latency(self.google, fixture, self.size.latencies)
                        self.found["latency"].setdefault(str(load), {})[fixture.kind] = times
                        self.tell(f"push to label beside {load} busy processes, {fixture.kind}: {times} ms")

    async def far(self) -> None:
        """Rates at 80 ms a call."""
        async with self._fixtures(Scene(), [OURS, ARTICLE, KEPT]) as fixtures:
            self.found["far"] = {}
            for fixture in fixtures:
                rate = await speed_measures.far(self.google, fixture, self.size.far)
                self.found["far"][fixture.kind] = round(rate, 1)
                self.tell(f"80 ms a call, {fixture.kind}: {rate:.0f} messages/s")

    async def push(self) -> None:
        """wrk against ours and the bare route."""
        keys, scene = SigningKey(), Scene(mailboxes=1)
        async with keys_served(keys) as jwks, self._fixtures(scene, [OURS], jwks) as (ours,):
            await self.google.push_modes(paused=True)
            subscription = f"projects/{PROJECT}/subscriptions/{ours.process.name}"
            token = speed_push.token_for(keys, ours.url, subscription)
            email = ours.quiet[0]
            lua = speed_push.script(self.folder, token, subscription, email, 10**6)
            others = {"bare": bare(), "kept": bare(str(self.folder / "pushes.db"))}
            try:
                for other in others.values():
                    await until_ready(self.http, f"{other.url}/readyz", ours.process)
                args = ({"ours": ours, **others}, lua, self.size.seconds, self.size.rounds)
                self.found["push"] = await asyncio.to_thread(speed_push.turns, *args)
            finally:
                for other in others.values():
                    other.process.terminate()
                    other.process.wait()
                await self.google.push_modes(paused=False)
        for connections, figures in self.found["push"].items():
            self.tell(f"pushes over {connections} connections: {figures}")

    async def memory(self) -> None:
        """Memory over many messages, with the most rows of all scenes: SQLite's cache has something to fill."""
        scene = Scene(rows=max(scene.rows for scene in self.size.scenes))
        async with self._fixtures(scene, [OURS]) as (ours,):
            self.found["memory"] = await speed_measures.memory(self.google, ours, self.size.messages)
        self.tell(f"memory: {self.found['memory']}")

    async def again(self) -> None:
        """What the second reading costs."""
        self.found["again"] = await second_reading.if_installed(self.folder, self.size.letters)
        self.tell(f"again: {self.found['again']}")

    @asynccontextmanager
    async def _fixtures(
        self, scene: Scene, kinds: Sequence[str], jwks: str = "", **ours: Any
    ) -> AsyncIterator[list[Fixture]]:
        """Servers of these kinds, running and warm; `ours` is what `make_fixture` gets about our own."""
        with ExitStack() as stack:
            fixtures = []
            try:
                for kind in kinds:
                    server = None
                    if scene.database == "PostgreSQL":
                        # In a thread, for it runs a loop of its own.
                        started = postgres_server.running(durable=True)
                        server = await asyncio.to_thread(stack.enter_context, started)
                    fixture = await make_fixture(
                        kind, scene, self.google, self.folder, self.model, server, jwks, **ours
                    )
                    fixtures.append(fixture)
                    await fixture.start(self.http)
                    if kind == OURS:
                        await self._watched(fixture)
                    if not jwks:
                        number = min(len(fixture.quiet), 50)
                        await speed_measures.handled(
                            self.google, fixture, "ordinary", number, 1, next(NUMBERS)
                        )
                yield fixtures
            finally:
                for fixture in fixtures:
                    await fixture.process.stop()

    async def _watched(self, fixture: Fixture) -> None:
        """Wait until every mailbox is watched and read, and the echo of it is over."""
        waiting = [*fixture.quiet, *fixture.open_]
        while waiting:
            waiting = [box for box in waiting if not await self.google.watched(box)]
            await asyncio.sleep(0.2)
        await asyncio.sleep(3.0)

    def tell(self, line: str) -> None:
        """To a person who waits."""
        print(line, file=sys.stderr, flush=True)


async def run(size: Size, parts: Sequence[str]) -> dict[str, Any]:
    """All parts in one run."""
    with tempfile.TemporaryDirectory(prefix="speed-bench-") as name:
        folder = Path(name)
        model = folder / "pipeline.pickle"
        if {"mail", "latency", "far"} & {*parts}:
            await asyncio.to_thread(train, model)
        sandbox = Process("sandbox", sandbox_arguments({}), {}, folder / "sandbox.log")
        await sandbox.start(pipe=True)
        try:
            timeout = aiohttp.ClientTimeout(total=60)
            async with aiohttp.ClientSession(timeout=timeout) as http:
                google = Google(http, str((await sandbox.first_line())["sandbox"]))
                bench = Bench(size, folder, model, http, google)
                machine = Machine()
                for part in parts:
                    await getattr(bench, part)()
                bench.found["others_share"] = machine.others()
                bench.found["quiet"] = bench.found["others_share"] <= QUIET
                return bench.found
        finally:
            await sandbox.stop()


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer letters and rounds, one scene")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--scenes", nargs="+", choices=SCENES, help="where the part `mail` is measured")
    for name, figures in (
        ("letters", "letters of each kind and round"),
        ("rounds", "rounds, of which the median counts"),
        ("seconds", "seconds of load at each number of connections"),
        ("messages", "how many messages the part `memory` runs to"),
    ):
        parser.add_argument(f"--{name}", type=int, help=figures)
    parser.add_argument("--write", action="store_true", help="put what was found into docs/performance.md")
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    fields = {name: getattr(options, name) for name in ("letters", "rounds", "seconds", "messages")}
    size = replace(size, **{name: number for name, number in fields.items() if number})
    if options.scenes:
        size = replace(size, scenes=tuple(SCENES[name] for name in options.scenes))
    found = asyncio.run(run(size, options.parts))
    if options.write:
        speed_report.write(found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
