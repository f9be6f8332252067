"""A backlog against Google's meter: does it drain as fast as the quota allows, and never faster?

    python -m tests.bench.gmail_quota [--seconds N] [--messages N]

A sandbox in its own process enforces 6,000 units a minute for the user and keeps the highest sum in any 60
seconds. Eight tasks read waiting messages (20 units each) through the adapter for N seconds, and now and
then a push is answered (history, 2 units, and a label change, 5). The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from datetime import datetime

from backend.domain.errors import GoogleError
from backend.gmail.client import Google, open_google
from backend.settings import Settings
from backend.system import SystemClock
from tests.sandbox_process import CLIENT_ID, CLIENT_SECRET, SandboxProcess

OWNER = "ana@corp.test"
ALLOWED = 6_000


class Keeper:
    def __init__(self, token: str) -> None:
        self._token = token

    async def refresh_token(self, mailbox_id: str) -> str | None:
        return self._token

    async def replace_refresh_token(self, mailbox_id: str, old: str, new: str) -> None:
        self._token = new

    async def grant_ends(self, mailbox_id: str, token: str, at: datetime) -> None:
        return None


class Run:
    """One backlog, `seconds` long."""

    def __init__(self, google: Google, ids: list[str], seconds: float) -> None:
        self.google, self.seconds = google, seconds
        self.waiting = iter(ids)
        self.last = ids[-1]
        self.read = self.refused = 0
        self.push_seconds: list[float] = []
        self.end = time.monotonic() + seconds

    async def reader(self) -> None:
        for gmail_id in self.waiting:
            if time.monotonic() > self.end:
                return
            try:
                await self.google.gmail.fetch("m", gmail_id)
                self.read += 1
            except GoogleError:
                self.refused += 1

    async def pushes(self) -> None:
        start = (await self.google.gmail.profile("m")).history_id
        while time.monotonic() < self.end:
            began = time.monotonic()
            start = (await self.google.gmail.history("m", start)).history_id
            await self.google.gmail.relabel("m", self.last, frozenset({"STARRED"}), frozenset())
            self.push_seconds.append(time.monotonic() - began)
            await asyncio.sleep(2.0)


async def measure(sandbox: SandboxProcess, ids: list[str], seconds: float) -> Run:
    settings = Settings(
        gmail_url=sandbox.urls["gmail"],
        token_url=sandbox.urls["token"],
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        quota_per_user_minute=ALLOWED,
    )
    keeper = Keeper(sandbox.tokens(OWNER)["refresh_token"])
    async with open_google(settings, keeper, SystemClock()) as google:
        run = Run(google, ids, seconds)
        await asyncio.gather(run.pushes(), *(run.reader() for _ in range(8)))
        return run


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=130.0)
    parser.add_argument("--messages", type=int, default=10_000)
    options = parser.parse_args()
    with SandboxProcess("--mailbox", OWNER, "--set", "enforce_quota=true") as sandbox:
        ids: list[str] = []
        for first in range(0, options.messages, 2_000):
            number = min(2_000, options.messages - first)
            letters = [
                {"from": "bo@ext.test", "subject": f"Mail {first + n}", "text": "x"} for n in range(number)
            ]
            ids += [one["id"] for one in sandbox.seed(OWNER, letters)]
        run = asyncio.run(measure(sandbox, ids, options.seconds))
        meter = sandbox.meter(OWNER)
    share = meter["units"] / (options.seconds * ALLOWED / 60)
    result = {
        "bench": "gmail_quota",
        "seconds": options.seconds,
        "waiting": options.messages,
        "read": run.read,
        "units": meter["units"],
        "most_in_60_s": meter["high_water"],
        "allowed_in_60_s": ALLOWED,
        "refused_by_google": meter["refused"],
        "errors": run.refused,
        "share_of_quota_used": round(share, 3),
        "push_median_s": round(statistics.median(run.push_seconds), 3),
        "push_worst_s": round(max(run.push_seconds), 3),
    }
    for name, value in result.items():
        print(f"{name:<20}{value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
