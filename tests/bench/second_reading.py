"""What a second reading costs: a reading process with it and one without, over the same mail.

    python -m tests.bench.second_reading --state-dir var --count 400

`pitchgate models second-reading` has made the file in that folder. Processor time of the reading process, its start
left out; memory is what it alone holds (RssAnon). Prints one JSON object as its last line: milliseconds a message over
ordinary mail and over pitches with it and without, what a message takes that is read twice, and the megabytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Any

import psutil

from backend.ports.gmail import Fetched
from backend.reader.frames import Limits, SecondReadingLimits
from backend.reader.pool import ENTRY, ReadingPool
from backend.scoring import SHIPPED
from backend.settings import ENCODER_FILE
from model_export import rows
from tests.bench.second_model import OWNER, fetched


def _alone(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1_024


FILES = ("train_8", "train_24", "train_40", "train_56", "train_72")


async def measure(second: SecondReadingLimits | None, mail: dict[str, list[Fetched]]) -> dict[str, Any]:
    """Milliseconds a message by kind, how many were read again, and memory."""
    limits = Limits(seconds=5.0, memory=100_000_000, timeout=60.0, second=second)
    found: dict[str, Any] = {}
    async with ReadingPool.open(ENTRY, SHIPPED, limits, 1) as pool:
        (pid,) = pool.pids
        process = psutil.Process(pid)
        for kind, messages in mail.items():
            before, again = process.cpu_times(), 0
            for message in messages:
                again += (await pool.screen(message, OWNER)).again is not None
            after = process.cpu_times()
            spent = after.user + after.system - before.user - before.system
            found[kind] = {"ms": round(1_000 * spent / len(messages), 2), "again": again}
        assert pool.pids == [pid], "it was replaced meanwhile"
        found["MB"] = round(_alone(pid), 1)
    return found


async def with_and_without(file: Path, count: int) -> dict[str, Any]:
    """Both over so many messages of ordinary mail and of pitches, with the encoder in this file."""
    whole = rows.corpus(files=FILES)
    mail = {}
    for kind, sales in (("ordinary", 0), ("pitches", 1)):
        some = [row for row in whole if row.sales == sales]
        chosen = some[:: max(1, len(some) // count)]
        mail[kind] = [Fetched(fetched(row.message.text, number)) for number, row in enumerate(chosen)]
    told = {
        name: await measure(second, mail)
        for name, second in (("once", None), ("twice", SecondReadingLimits(str(file), 0.1, 0.95, 30.0)))
    }
    pitches = {name: found["pitches"] for name, found in told.items()}
    added = (pitches["twice"]["ms"] - pitches["once"]["ms"]) * len(mail["pitches"])
    return {**told, "doubtful_ms": round(added / max(1, pitches["twice"]["again"]), 1)}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=Path("var"))
    parser.add_argument("--count", type=int, default=400)
    options = parser.parse_args()
    print(json.dumps(asyncio.run(with_and_without(options.state_dir / ENCODER_FILE, options.count))))


if __name__ == "__main__":
    main()
