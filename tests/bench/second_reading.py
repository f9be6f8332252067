"""What a second reading costs, for `make bench` and `make bench-model`: a reading process with it and one without, over
the same mail. Where the weights are not installed it is skipped, and says so.

Processor time of the reading process, its start left out; memory is what it alone holds (RssAnon).
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from backend.ports.gmail import Fetched
from backend.reader.frames import Limits, SecondReadingLimits
from backend.reader.pool import ENTRY, ReadingPool
from backend.scoring import SHIPPED
from backend.scoring.encoder_file import PACKAGE, NoWeights, encoder_file, found_weights
from model_export import rows
from model_export.second_reading import BAND
from tests.bench.processor import spent
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
        for kind, messages in mail.items():
            costs, again = [], 0
            for message in messages:
                before = pool.pids
                began = spent(before)
                again += (await pool.screen(message, OWNER)).again is not None
                took = spent(before) - began
                if pool.pids == before and took > 0:  # a process that has grown ends after a message
                    costs.append(took)
                    held = _alone(*before)
            found[kind] = {"ms": round(1_000 * statistics.fmean(costs), 2), "again": again}
        found["MB"] = round(held, 1)
    return found


async def with_and_without(file: Path, count: int) -> dict[str, Any]:
    """What `measure` finds over so many messages of ordinary mail and of pitches, with the encoder in this file and
    without; and what a message takes that is read again, in milliseconds."""
    whole = rows.corpus(files=FILES)
    mail = {}
    for kind, sales in (("ordinary", 0), ("pitches", 1)):
        some = [row for row in whole if row.sales == sales]
        chosen = some[:: max(1, len(some) // count)]
        mail[kind] = [Fetched(fetched(row.message.text, number)) for number, row in enumerate(chosen)]
    told = {
        name: await measure(second, mail)
        for name, second in (("once", None), ("twice", SecondReadingLimits(str(file), *BAND, 30.0)))
    }
    pitches = {name: found["pitches"] for name, found in told.items()}
    added = (pitches["twice"]["ms"] - pitches["once"]["ms"]) * len(mail["pitches"])
    return {**told, "doubtful_ms": round(added / max(1, pitches["twice"]["again"]), 1)}


async def if_installed(folder: Path, count: int) -> dict[str, Any]:
    """`with_and_without` for an encoder made in this folder, or why there is none."""
    file = folder / "second-reading.onnx"
    try:
        file.write_bytes(encoder_file(found_weights()))
    except NoWeights:
        return {"skipped": f"{PACKAGE} is not installed"}
    return await with_and_without(file, count)
