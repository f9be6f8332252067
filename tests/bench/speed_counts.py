"""What one ordinary message makes the server do, counted in the server itself (`counted.py`) and by the kernel."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from tests.bench import speed_measures
from tests.bench.speed_fixtures import NUMBERS, OURS, Fixture, Google, Scene

LETTERS = 100
PACE = 20.0
PATIENCE = 20.0

Fixtures = Callable[..., AbstractAsyncContextManager[list[Fixture]]]


async def counted(google: Google, folder: Path, fixtures: Fixtures) -> dict[str, dict[str, float]]:
    """Of an ordinary message in a burst and alone: figure by name."""
    found: dict[str, dict[str, float]] = {"burst": {}, "spaced": {}}
    for calls in (False, True):
        path = folder / f"counts-{calls}.json"
        environment = {"BENCH_COUNTS": str(path), "BENCH_CALLS": "1" if calls else ""}
        async with fixtures(Scene(), [OURS], program="tests.bench.counted", environment=environment) as (
            ours,
        ):
            for way in found:
                before = await asyncio.to_thread(_figures, ours.process.pid, path)
                if way == "burst":
                    await speed_measures.handled(google, ours, "ordinary", LETTERS, 1, next(NUMBERS))
                else:
                    await speed_measures.spaced(google, ours, "ordinary", LETTERS, PACE, next(NUMBERS))
                after = await asyncio.to_thread(_figures, ours.process.pid, path)
                a_message = {name: round((after[name] - before[name]) / LETTERS, 1) for name in after}
                found[way] |= a_message if not calls else {"calls": a_message["calls"]}
    for figures in found.values():
        figures["kB written"] = round(figures.pop("bytes") / 1e3, 1)
    return found


def _figures(pid: int, path: Path) -> dict[str, float]:
    """What was counted so far."""
    path.unlink(missing_ok=True)
    os.kill(pid, signal.SIGUSR1)
    end = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > end:
            raise TimeoutError("the server does not say what it counted")
        time.sleep(0.05)
    counts: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return {**counts, "switches": _switches(pid), "bytes": _written(pid)}


def _switches(pid: int) -> int:
    """Context switches of all its threads that still run."""
    lines = [
        line
        for task in Path(f"/proc/{pid}/task").iterdir()
        for line in (task / "status").read_text("ascii").splitlines()
    ]
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)


def _written(pid: int) -> int:
    """Bytes it gave to the disk, or would have but for the cache."""
    fields = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text("ascii").splitlines())
    return int(fields["write_bytes"])
