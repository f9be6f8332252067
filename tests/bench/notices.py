"""How long a pitch waits for its label where notices are fetched or asked for, with the server killed meanwhile.

    python -m tests.bench.notices poll|pull|push [--emails N] [--seconds S] [--kills K]
    python -m tests.bench.notices quiet [--seconds S]

Sandbox and server run as processes on loopback with the settings of production. N pitches arrive at random moments
within S seconds; each is timed from its delivery to the moment when a look at the mailbox, every 0.25 s, shows the
label. `quiet` counts the units of a mailbox in which nothing happens and gives them for a day.
The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from backend.demo.letters import OWNER, letters
from backend.demo.play import Options, Stage, count, stage
from backend.store.opening import open_store

HELD = "Pitchgate/Held"
PATIENCE = 150.0


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("how", choices=("push", "pull", "poll", "quiet"))
    parser.add_argument("--emails", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--kills", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        notices = "poll" if given.how == "quiet" else given.how
        kills = 0 if given.how == "quiet" else given.kills
        options = Options(Path(folder), notices=notices, kills=kills, mode="quarantine")
        if given.how == "quiet":
            print(json.dumps(await quiet(options, given.seconds)))
        else:
            print(json.dumps(await race(options, given.emails, given.seconds, given.kills)))


async def race(options: Options, emails: int, seconds: float, kills: int) -> dict[str, Any]:
    """Deliver, kill, time, and take stock."""
    async with stage(options, lambda text: None) as running:
        delivered: dict[str, float] = {}
        held: dict[str, float] = {}
        acts = [
            asyncio.create_task(deliver(running, delivered, emails, seconds)),
            asyncio.create_task(die(running, kills, seconds)),
            asyncio.create_task(look(running, held, emails)),
        ]
        await asyncio.wait_for(asyncio.gather(*acts), seconds + PATIENCE)
        mailbox, outbox = await running.sandbox.messages(OWNER), await running.sandbox.outbox()
        meter = await running.sandbox.meter(OWNER)
    store = open_store(options.folder / "state" / "pitchgate.sqlite3")
    await store.open()
    try:
        tally = await count(store, OWNER, list(delivered), mailbox, outbox, meter)
    finally:
        await store.close()
    waits = sorted(held[name] - at for name, at in delivered.items())
    return {
        "notices": options.notices,
        "emails": len(waits),
        "kills": running.kills,
        "lost": len(tally.lost),
        "doubled": len(tally.doubled),
        "p50": round(statistics.median(waits), 2),
        "p95": round(waits[int(0.95 * len(waits)) - 1], 2),
        "worst": round(waits[-1], 2),
        "cases": (tally.lost + tally.doubled)[:5],
    }


async def deliver(running: Stage, delivered: dict[str, float], emails: int, seconds: float) -> None:
    chance = random.Random(7)
    pitch = next(letter for letter in letters() if letter.local)
    moments = sorted(chance.uniform(0, seconds) for _ in range(emails))
    began = time.monotonic()
    for number, moment in enumerate(moments):
        await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
        sender = f"Ann Seller <ann@seller{number}.example>"
        letter = replace(pitch, sender=sender, subject=f"{pitch.subject} {number}")
        at = time.monotonic()
        delivered[await running.sandbox.deliver(letter, OWNER)] = at


async def die(running: Stage, kills: int, seconds: float) -> None:
    for _ in range(kills):
        await asyncio.sleep(seconds / (kills + 1))
        await running.kill_and_restart()


async def look(running: Stage, held: dict[str, float], emails: int) -> None:
    while len(held) < emails:
        async with running.http.get(
            f"{running.sandbox.url}/sandbox/mailboxes/{OWNER}/messages?label={HELD}"
        ) as found:
            for mail in (await found.json()).get("messages", []):  # the list is empty until the label is made
                held.setdefault(mail["id"], time.monotonic())
        await asyncio.sleep(0.25)


async def quiet(options: Options, seconds: float) -> dict[str, Any]:
    """Units of a mailbox that has just come to rest, in the first two hours' rhythm."""
    async with stage(options, lambda text: None) as running:
        await asyncio.sleep(30)
        before = (await running.sandbox.meter(OWNER))["units"]
        await asyncio.sleep(seconds)
        units = (await running.sandbox.meter(OWNER))["units"] - before
    return {"seconds": seconds, "units": units, "units_a_day": round(units * 86_400 / seconds)}


if __name__ == "__main__":
    asyncio.run(main())
