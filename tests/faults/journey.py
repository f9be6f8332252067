"""A mailbox through every fault of Google's and many deaths of the backend, held against a run without any.

    python -m tests.faults.journey [--seed N] [--scale full|small]

Full scale is 2,000 letters, every fault at least 20 times, 50 kills. The last line is one JSON object;
the exit status is 0 only if nothing was lost, doubled, wrongly labelled or wrongly booked, and every fault struck.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.checks import End, compare, take_stock
from tests.faults.fixture import open_fixture
from tests.faults.helpers import Tell, arguments, conclude, tell
from tests.faults.script import OWNER, Script, write_script
from tests.faults.story import play
from tests.faults.trouble import PLANNED, Trouble, part_of


@dataclass(frozen=True)
class Scale:
    """How much of everything; `seconds` is how long the trouble takes at least. `together`: both runs at once, which
    two cores can do with little mail."""

    letters: int
    each: int
    kills: int
    seconds: float
    together: bool = False


SCALES = {"full": Scale(2_000, 20, 50, 240.0), "small": Scale(120, 1, 2, 10.0, together=True)}


async def run(seed: int, scale: Scale, folder: Path, tell: Tell) -> dict[str, Any]:
    """Both runs and what they show."""
    began = time.monotonic()
    script = write_script(seed, scale.letters)
    peace, war = _peace(folder / "peace", seed, script, tell), _war(folder / "war", seed, script, scale, tell)
    if scale.together:
        expected, (end, what) = await asyncio.gather(peace, war)
    else:
        expected = await peace
        end, what = await war
    faults = what["faults"]
    differences = compare(end, expected)
    result: dict[str, Any] = {
        "seed": seed,
        "letters": script.size,
        "kills": what["kills"],
        "kills_planned": scale.kills,
        "reconnects": what["reconnects"],
        "lost": len(end.lost),
        "double_challenges": len(end.doubled),
        "challenges_outside_thread": len(end.strays),
        "wrong_final_labels": len(differences["wrong_labels"]),
        "ledger_differences": end.ledger_differences + len(differences["other_balances"]),
        "other_verdicts": len(differences["other_verdicts"]),
        "challenges": sum(end.challenges.values()),
        "challenges_missing": len(differences["challenges_missing"]),
        "challenges_not_due": len(differences["challenges_not_due"]),
        "dead_letters": end.dead_letters,
        "failed_open": end.failed_open,
        "faults": faults,
        "least_fault": min(faults.get(name, 0) for name in PLANNED),
        "least_planned": scale.each,
        "least_on_a_method": min(what["methods"].values()),
        "least_on_a_method_planned": part_of(scale.each),
        "methods": what["methods"],
        "units": what["units"],
        "seconds": round(time.monotonic() - began, 1),
    }
    cases = {name: found[:20] for name, found in differences.items() if found}
    if end.lost or end.doubled or end.strays:
        cases |= {"lost": end.lost[:20], "doubled": end.doubled[:20], "outside": end.strays[:20]}
    if cases:
        result["cases"] = cases
    return result


async def _peace(folder: Path, seed: int, script: Script, tell: Tell) -> End:
    tell(f"{script.size} letters without a fault …")
    async with open_fixture(folder, seed, script) as fixture:
        await play(fixture, script, None, tell)
        return await take_stock(fixture, script)


async def _war(
    folder: Path, seed: int, script: Script, scale: Scale, tell: Tell
) -> tuple[End, dict[str, Any]]:
    tell(f"The same letters, every fault {scale.each} times, {scale.kills} kills …")
    async with open_fixture(folder, seed, script) as fixture:
        trouble = Trouble(fixture, seed, scale.each, scale.kills, scale.seconds, script.known[0])
        await play(fixture, script, trouble, tell)
        end = await take_stock(fixture, script)
        meter = (await fixture.sandbox.meters())["mailboxes"].get(OWNER, {})
        return end, {
            "faults": await trouble.report(),
            "methods": await trouble.on_methods(),
            "kills": fixture.kills,
            "reconnects": fixture.reconnects,
            "units": meter.get("units", 0),
        }


def clean(result: dict[str, Any]) -> bool:
    """Whether a run kept every promise, and met all that it was to meet."""
    promises = (
        "lost", "double_challenges", "challenges_outside_thread", "wrong_final_labels", "ledger_differences",
        "other_verdicts", "challenges_missing", "challenges_not_due", "dead_letters", "failed_open",
    )  # fmt: skip
    met = all(
        result[f"{name}{met}"] >= result[f"{name}_planned"]
        for name, met in (("least", "_fault"), ("least_on_a_method", ""), ("kills", ""))
    )
    return met and not any(result[name] for name in promises)


def main() -> None:
    """The command line."""
    options = arguments(__doc__, SCALES)
    with tempfile.TemporaryDirectory(prefix="pitchgate-faults-") as folder:
        result = asyncio.run(run(options.seed, SCALES[options.scale], options.keep or Path(folder), tell))
    conclude(result, clean=clean(result))


if __name__ == "__main__":
    main()
