"""Equal replicas that die, a database that dies, and nothing lost: held against one machine without trouble.

    python -m tests.faults.cluster [--seed N] [--scale full|small] [--keep FOLDER]

Full scale is 20,000 letters to 200 mailboxes, three replicas of which one is killed every few seconds, one stands still
for two minutes and one is cut off from PostgreSQL for one, while others own its mailboxes, and PostgreSQL restarted
twice under them. What the end must be comes from the same letters handled by one
process with the embedded file and no trouble. The last line is one JSON object; the exit status is 0 only if
nothing was lost, doubled, wrongly labelled or wrongly booked.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from tests import postgres_server
from tests.contract.store.wires import Wire
from tests.faults.checks import End, compare
from tests.faults.cluster_checks import take_stock
from tests.faults.cluster_fixture import Cluster, Owner, open_cluster
from tests.faults.cluster_story import Chaos, play
from tests.faults.helpers import Tell, arguments, conclude, tell
from tests.faults.script import Script, write_script


@dataclass(frozen=True)
class Scale:
    """How much of everything. `every`: seconds between deaths, on average. `scripts`: how many different mailboxes
    there are; the others get the same letters, in another order."""

    mailboxes: int
    letters: int
    scripts: int
    replicas: int
    every: float
    restarts: int
    still: float
    """Seconds for which a replica is paused; half as long one is cut off. The server ends its sessions after 30."""
    sweep: float
    durable: bool


SCALES = {
    "full": Scale(200, 100, 4, 3, 5.0, 2, 120.0, 20.0, durable=True),
    "small": Scale(4, 50, 2, 2, 2.0, 1, 0.0, 4.0, durable=False),
}
PROMISES = ("lost", "double_challenges", "wrong_final_labels", "other_verdicts", "ledger_differences",
            "other_balances", "challenges_missing", "challenges_not_due", "dead_letters",
            "by_a_third_model")  # fmt: skip


async def run(
    seed: int, scale: Scale, folder: Path, database: postgres_server.Server, tell: Tell
) -> dict[str, Any]:
    """Both runs and what they show. `database` is empty."""
    began = time.monotonic()
    scripts = [write_script(seed + number, scale.letters) for number in range(scale.scripts)]
    owners = _owners(scripts, scale.mailboxes)
    letters = sum(one.script.size for one in owners)
    pace = {"PITCHGATE_SWEEP_INTERVAL": str(scale.sweep)}
    async with asyncio.TaskGroup() as group, Wire(database.address) as wire:
        calm = group.create_task(_calm(seed, scripts, folder / "calm", tell))
        tell(f"{scale.mailboxes} mailboxes, {scale.replicas} replicas dying …")
        storm = open_cluster(
            folder / "storm",
            seed,
            owners,
            database,
            scale.replicas,
            pace,
            wire.address if scale.still else "",
        )
        async with storm as cluster:
            chaos = Chaos(cluster, seed, scale.every, scale.restarts, letters, scale.still, wire)
            seconds = await play(cluster, chaos, seed, tell)
            ends = await take_stock(cluster)
            found = await _result(cluster, list(ends.values()), await calm)
    head = {
        "seed": seed,
        "mailboxes": len(owners),
        "letters": letters,
        "replicas": scale.replicas,
        "seconds": round(seconds, 1),
        "letters_a_second": round(letters / seconds, 1),
    }
    return head | found | {"seconds_in_all": round(time.monotonic() - began, 1)}


async def _calm(seed: int, scripts: Sequence[Script], folder: Path, tell: Tell) -> list[End]:
    """How each script ends on one machine, undisturbed."""
    tell(f"{len(scripts)} mailboxes, one process, the embedded file, no trouble …")
    async with open_cluster(folder, seed, _owners(scripts, len(scripts)), None, 1, {}) as cluster:
        await play(cluster, Chaos(cluster, seed, 0.0, 0, 0), seed, tell)
        return list((await take_stock(cluster)).values())


def _owners(scripts: Sequence[Script], number: int) -> list[Owner]:
    return [Owner(f"owner{n:03}@harbourlane.example", scripts[n % len(scripts)]) for n in range(number)]


async def _result(cluster: Cluster, ends: Sequence[End], expected: Sequence[End]) -> dict[str, Any]:
    differences: dict[str, list[str]] = {}
    for number, end in enumerate(ends):
        for name, found in compare(end, expected[number % len(expected)]).items():
            differences.setdefault(name, []).extend(f"owner{number:03} {text}" for text in found)
    census = await cluster.store.census()
    lost = [case for end in ends for case in end.lost]
    doubled = [case for end in ends for case in end.doubled]
    pushes = (await cluster.sandbox.push_report())["counts"]
    result: dict[str, Any] = {
        "kills": cluster.counts["kills"],
        "database_restarts": cluster.counts["database_restarts"],
        "paused": cluster.counts["paused"],
        "cut_off": cluster.counts["cut_off"],
        "by_first_model": cluster.counts["by_first_model"],
        "by_second_model": cluster.counts["by_second_model"],
        "by_a_third_model": cluster.counts["by_a_third_model"],
        "lost": len(lost),
        "double_challenges": len(doubled),
        "wrong_final_labels": len(differences["wrong_labels"]),
        "other_verdicts": len(differences["other_verdicts"]),
        "ledger_differences": len(await cluster.store.ledger_differences()),
        "other_balances": len(differences["other_balances"]),
        "challenges_missing": len(differences["challenges_missing"]),
        "challenges_not_due": len(differences["challenges_not_due"]),
        "dead_letters": census.get("dead_letters", 0),
        "challenges": sum(sum(end.challenges.values()) for end in ends),
        "solved": cluster.counts["solved"],
        "pushes": pushes.get("pushed", 0),
        "pushes_unanswered": pushes.get("unanswered", 0) + pushes.get("answered_502", 0),
        "balancer": {str(status): n for status, n in sorted(cluster.balancer.answers.items())},
        "log": await asyncio.to_thread(_events, cluster.folder),
    }
    cases = {name: some[:20] for name, some in differences.items() if some}
    cases |= {name: some[:20] for name, some in (("lost", lost), ("doubled", doubled)) if some}
    return result | ({"cases": cases} if cases else {})


def _events(folder: Path) -> dict[str, int]:
    """What the replicas logged beside finished jobs, by event."""
    counts: Counter[str] = Counter()
    for path in folder.glob("replica*.log"):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                event = json.loads(line).get("event", "")
            except (ValueError, AttributeError):
                continue
            if event not in ("job_done", "request"):
                counts[str(event)] += 1
    return dict(counts.most_common(12))


def clean(result: dict[str, Any]) -> bool:
    """Whether a run kept every promise."""
    return not any(result[name] for name in PROMISES)


def main() -> None:
    """The command line."""
    options = arguments(__doc__, SCALES)
    scale = SCALES[options.scale]
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr)
    )  # the result alone is on stdout
    with (
        tempfile.TemporaryDirectory(prefix="pitchgate-cluster-") as folder,
        postgres_server.running(durable=scale.durable) as database,
    ):
        result = asyncio.run(run(options.seed, scale, options.keep or Path(folder), database, tell))
    conclude(result, clean=clean(result))


if __name__ == "__main__":
    main()
