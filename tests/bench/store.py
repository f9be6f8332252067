"""The store's speed, empty and with a million messages behind it, on both databases.

    python -m tests.bench.store [--rows 1000 100000 1000000] [--rounds N] [--seconds S] [--races N]
                               [--measures pushes whole] [--only sqlite]

Each store is filled with ended messages of 200 mailboxes, then measured in turns, the sizes alternating, so
that what else the machine does falls on all of them:

pushes    64 tasks store push notices, each durable before the next of the task
syncs     16 tasks commit pages of 10 new messages each; counted in messages
due       16 lanes at a time read up to 8 due messages and finish them; counted in messages
verdicts  the same, but look up the sender's standing and record the verdict; counted in messages
whole     16 tasks take messages from push to end, one page each; counted in messages

The last line is one JSON object. `rates` and `cpu_us` (this process's CPU for each, not the server's) are
medians of the rounds by database, measure and size; `ratios` and `cpu_ratios` compare the largest size with
the smallest: the median of what each round, in which they ran side by side, makes of it. With --races, 64
tasks race for a sender's last credit that many times on each database. PostgreSQL runs on this machine with
its default settings, so its server, this client and whatever else runs share the cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from backend.domain.challenge import LedgerEntry, Posting, spent
from backend.domain.errors import Refused
from backend.domain.mailbox.message import Outcome
from backend.store.opening import open_store
from backend.transactions.records import DutyJob, MessageJob, Sighting, SyncPage
from backend.transactions.store import Store
from tests import postgres_server
from tests.bench.figures import Run, medians, ratios
from tests.bench.store_rows import MAILBOXES, NAMES, fill, gmail_id, tidy
from tests.contract.store.stories import Story, owning

PAGE = 10


@dataclass
class Bench:
    """One filled store."""

    kind: str
    rows: int
    address: str
    story: Story = field(init=False)
    duties: list[DutyJob] = field(default_factory=list)
    ids: count[int] = field(default_factory=lambda: count(1))
    runs: dict[str, list[Run]] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """The store under measure."""
        return self.story.store

    async def open(self, owned: AsyncExitStack) -> None:
        """Own and make the mailboxes, keep their sync duties for good, fill in the old messages."""
        store = open_store(self.address)
        await store.open()
        owned.push_async_callback(store.close)
        await owned.enter_async_context(owning(store))
        self.story = Story(store)
        for name in NAMES:
            await self.story.mailbox(name)
            self.duties.append(await self.story.hold(name))
        started = time.perf_counter()
        await fill(self.kind, self.address, self.rows, self.story.now)
        print(
            f"{self.kind}: {self.rows:,} messages filled in {time.perf_counter() - started:.1f} s", flush=True
        )

    async def measure(self, name: str, seconds: float) -> None:
        """One round of one measure."""
        self.runs.setdefault(name, []).append(await MEASURES[name](self, seconds))
        await tidy(self.kind, self.address)

    async def arrive(self, pages: int) -> None:
        """New messages, spread over the mailboxes."""
        await many(16, pages, self.sync_page)

    async def sync_page(self) -> int:
        """One page for the next mailbox."""
        number = next(self.ids)
        job = self.duties[number % MAILBOXES]
        ids = [gmail_id(number * PAGE + one) for one in range(PAGE)]
        seen = tuple(Sighting(one, one, None) for one in ids)
        await self.store.commit_sync(job, SyncPage(seen, cursor=str(number)), self.story.now)
        return PAGE

    async def due(self, name: str) -> tuple[MessageJob, ...]:
        """Up to 8 messages of a mailbox."""
        return (await self.store.lane_work(name, 8)).messages


async def many(tasks: int, times: int, work: Callable[[], Awaitable[int]]) -> int:
    """Do `work` so many times in all, by so many tasks."""
    left = iter(range(times))

    async def one() -> int:
        done = 0
        for _ in left:
            done += await work()
        return done

    return sum(await asyncio.gather(*(one() for _ in range(tasks))))


async def for_a_while(tasks: int, seconds: float, work: Callable[[int], Awaitable[int]]) -> Run:
    """What `work` counts, done by so many tasks for so long."""
    started, cpu = time.perf_counter(), time.process_time()
    until = started + seconds

    async def one(number: int) -> int:
        done = 0
        while time.perf_counter() < until:
            done += await work(number)
        return done

    done = sum(await asyncio.gather(*(one(number) for number in range(tasks))))
    return Run(done, time.perf_counter() - started, time.process_time() - cpu)


async def pushes(bench: Bench, seconds: float) -> Run:
    """Notices a second."""

    async def push(_: int) -> int:
        number = next(bench.ids)
        await bench.story.push(number, f"{NAMES[number % MAILBOXES]}@corp.test")
        return 1

    return await for_a_while(64, seconds, push)


async def syncs(bench: Bench, seconds: float) -> Run:
    """New messages a second. They are cleared away afterwards."""

    async def page(_: int) -> int:
        return await bench.sync_page()

    run = await for_a_while(16, seconds, page)
    await drain(bench)
    return run


async def drain(bench: Bench) -> None:
    """End whatever is due."""
    for name in NAMES:
        while jobs := (await bench.store.lane_work(name, 500)).messages:
            await asyncio.gather(*(bench.store.finish_stage(job, bench.story.now) for job in jobs))


async def _until_none(bench: Bench, finish: Callable[[MessageJob], Awaitable[object]]) -> Run:
    async def worker(number: int) -> int:
        done = 0
        for name in NAMES[number::16]:
            while jobs := await bench.due(name):
                for job in jobs:
                    await finish(job)
                done += len(jobs)
        return done

    started, cpu = time.perf_counter(), time.process_time()
    done = sum(await asyncio.gather(*(worker(number) for number in range(16))))
    return Run(done, time.perf_counter() - started, time.process_time() - cpu)


async def due(bench: Bench, seconds: float) -> Run:
    """Messages read and finished a second."""
    await bench.arrive(int(seconds * 150))
    run = await _until_none(bench, lambda job: bench.store.finish_stage(job, bench.story.now))
    await drain(bench)
    return run


async def verdicts(bench: Bench, seconds: float) -> Run:
    """Messages read, looked up and judged a second; one in eight is held."""
    await bench.arrive(int(seconds * 100))
    run = await _until_none(bench, lambda job: step(bench, job))
    await drain(bench)
    return run


async def whole(bench: Bench, seconds: float) -> Run:
    """Messages a second from push to end: noted, listed, read, looked up, judged, one in eight acted on."""

    async def once(_: int) -> int:
        number = next(bench.ids)
        job = bench.duties[number % MAILBOXES]
        await bench.story.push(number, f"{job.mailbox_id}@corp.test")
        new = gmail_id(number)
        page = SyncPage((Sighting(new, new, None),), cursor=str(number))
        await bench.store.commit_sync(job, page, bench.story.now)
        jobs = await bench.due(job.mailbox_id)
        for found in jobs:
            await step(bench, found)
        return sum(found.stage == "screen" for found in jobs)

    run = await for_a_while(16, seconds, once)
    await drain(bench)
    return run


async def step(bench: Bench, job: MessageJob) -> None:
    """Screen a message, or finish what follows."""
    if job.stage != "screen":
        await bench.store.finish_stage(job, bench.story.now)
        return
    number = next(bench.ids)
    sender = f"sender{number % 40_000}@pitch{number % 9_000}.test"
    domain = sender.partition("@")[2]
    await bench.store.standing(job.mailbox_id, sender, domain, job.thread_id, bench.story.now)
    await bench.story.judge(job, Outcome.HOLD if number % 8 == 0 else Outcome.INBOX, sender)


MEASURES: dict[str, Callable[[Bench, float], Awaitable[Run]]] = {
    "pushes": pushes,
    "syncs": syncs,
    "due": due,
    "verdicts": verdicts,
    "whole": whole,
}


async def races(bench: Bench, times: int) -> dict[str, int]:
    """64 tasks want a sender's last credit, again and again; eight mailboxes race beside one another."""
    winners, numbers = [], count(1)

    async def attempt(box: str, entry: LedgerEntry) -> int:
        try:
            return 1 if await bench.store.post(box, entry, bench.story.now) == 0 else 0
        except Refused:
            return 0

    async def one(box: str) -> None:
        for _ in range(times // 8):
            number = next(numbers)
            sender = f"racer{number % 5}@race.test"
            grant = LedgerEntry(sender, 1, Posting.GRANTED, f"race:{number}")
            await bench.store.post(box, grant, bench.story.now)
            entries = [spent(sender, f"race{number}-{task}") for task in range(64)]
            winners.append(sum(await asyncio.gather(*(attempt(box, entry) for entry in entries))))

    started = time.perf_counter()
    await asyncio.gather(*(one(box) for box in NAMES[:8]))
    differences = await bench.store.ledger_differences()
    print(f"{bench.kind}: {len(winners):,} races in {time.perf_counter() - started:.1f} s", flush=True)
    return {
        "races": len(winners),
        "won_by_other_than_one": sum(number != 1 for number in winners),
        "ledger_differences": len(differences),
    }


async def run_all(
    benches: list[Bench], measures: list[str], rounds: int, seconds: float, race: int
) -> dict[str, object]:
    """Measure all, sizes alternating."""
    async with AsyncExitStack() as owned:
        for bench in benches:
            await bench.open(owned)
        return await _measured(benches, measures, rounds, seconds, race)


async def _measured(
    benches: list[Bench], measures: list[str], rounds: int, seconds: float, race: int
) -> dict[str, object]:
    for number in range(rounds):
        for kind in dict.fromkeys(bench.kind for bench in benches):
            for name in measures:
                for bench in [one for one in benches if one.kind == kind][:: 1 if number % 2 else -1]:
                    await bench.measure(name, seconds)
        print(f"round {number + 1} of {rounds} done", flush=True)
    report: dict[str, object] = {
        "rates": medians(benches, lambda run: run.rate),
        "cpu_us": medians(benches, lambda run: run.cost),
        "ratios": ratios(benches, lambda run: run.rate),
        "cpu_ratios": ratios(benches, lambda run: run.cost),
    }
    if race:
        smallest = {bench.kind: bench for bench in sorted(benches, key=lambda bench: -bench.rows)}
        report["races"] = {kind: await races(bench, race) for kind, bench in smallest.items()}
    for bench in benches:
        counts = await bench.store.census(bench.story.now)
        started = time.perf_counter()
        await bench.store.census(bench.story.now)
        print(
            f"{bench.kind} {bench.rows:,}: census {1000 * (time.perf_counter() - started):.0f} ms,"
            f" {counts['stages.ended']:,} ended"
        )
    return report


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--races", type=int, default=0)
    parser.add_argument("--measures", nargs="+", choices=list(MEASURES), default=list(MEASURES))
    parser.add_argument("--only", choices=["sqlite", "postgres"])
    args = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="store-bench-")))
        benches = []
        for rows in args.rows:
            if args.only != "postgres":
                benches.append(Bench("sqlite", rows, str(folder / f"{rows}.sqlite3")))
            if args.only != "sqlite":
                benches.append(
                    Bench("postgres", rows, stack.enter_context(postgres_server.server(durable=True)))
                )
        report = asyncio.run(run_all(benches, args.measures, args.rounds, args.seconds, args.races))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
