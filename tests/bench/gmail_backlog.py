"""Ten thousand waiting messages through the whole backend, against Google's meter.

    python -m tests.bench.gmail_backlog [--seconds N] [--messages N]

A sandbox that enforces 6,000 units a minute for the user, the server with its default settings, an owner who has
connected; then the messages arrive all at once. Over N seconds: what the meter says was spent, and how many messages
were judged. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from backend.demo.letters import OWNER, letters
from backend.demo.play import Options, Stage, stage
from backend.store.opening import open_store
from backend.transactions.store import Store

ALLOWED = 6_000
AT_ONCE = 2_000


async def _wait_for_rest(running: Stage, store: Store) -> None:
    """Until the owner's mailbox is indexed and the minute that saw it is over."""
    while True:
        mailbox = await store.mailbox_by_email(OWNER)
        if mailbox is not None and mailbox.indexed_at is not None:
            break
        await asyncio.sleep(0.2)
    await running.sandbox._call("PUT", "/sandbox/settings", {"enforce_quota": True})
    await asyncio.sleep(3.0)


async def _arrive(running: Stage, count: int) -> None:
    models = [letter for letter in letters() if letter.kind in ("pitch", "customer", "applicant", "supplier")]
    for first in range(0, count, AT_ONCE):
        batch = []
        for number in range(first, min(first + AT_ONCE, count)):
            model = models[number % len(models)]
            batch.append(
                {
                    "from": f"{model.name} <w{number}@w{number}.example>",
                    "subject": model.subject,
                    "text": model.text,
                }
            )
        await running.sandbox._call(
            "POST", f"/sandbox/mailboxes/{OWNER}/messages", {"messages": batch, "quiet": False}
        )


async def _judged(store: Store) -> int:
    census = await store.census()
    return sum(n for key, n in census.items() if key.startswith("messages.") and key != "messages.undecided")


async def measure(folder: Path, messages: int, seconds: float) -> dict[str, Any]:
    """Units, high water and messages judged while the backlog drains."""
    async with stage(Options(folder=folder), lambda text: print(text, file=sys.stderr)) as running:
        store = open_store(folder / "state" / "pitchgate.sqlite3")
        await store.open()
        try:
            await _wait_for_rest(running, store)
            await _arrive(running, messages)
            while await _judged(store) < 20:  # noqa: ASYNC110 - another process judges
                await asyncio.sleep(0.1)
            await running.sandbox._call("POST", "/sandbox/meter/reset", {})
            began, before = time.monotonic(), await _judged(store)
            await asyncio.sleep(seconds)
            meter = await running.sandbox.meter(OWNER)
            spent, judged = time.monotonic() - began, await _judged(store) - before
        finally:
            await store.close()
    return {
        "bench": "gmail_backlog",
        "waiting": messages,
        "seconds": round(spent, 1),
        "judged": judged,
        "judged_a_minute": round(judged * 60 / spent, 1),
        "units": meter["units"],
        "most_in_60_s": meter["high_water"],
        "allowed_in_60_s": ALLOWED,
        "refused_by_google": meter["refused"],
        "share_of_quota_used": round(meter["units"] / (spent * ALLOWED / 60), 3),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=150.0)
    parser.add_argument("--messages", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pitchgate-backlog-") as folder:
        result = asyncio.run(measure(Path(folder), options.messages, options.seconds))
    for name, value in result.items():
        print(f"{name:<22}{value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
