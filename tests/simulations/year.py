"""A year of one mailbox through the local Google, at speed: both clocks go on by days while the mail of a week is read.

    python -m tests.simulations.year --weeks 52 --size 140 --at 50

From week `at` on most of the mail is in Polish. Prints a line a week and one JSON object as its last line: in which
week the alarm rang, and what the owner's page and the metrics said before and then.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from backend.bootstrap import Application, open_application
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.watching.drift import State, week_of
from backend.logs import configure_logging
from backend.settings_read import read_settings
from backend.transactions.records import NewMailbox
from backend.web.app import create_app
from model_export import rows
from tests.journeys.conftest import until
from tests.sandbox_process import CLIENT_ID, CLIENT_SECRET, SandboxProcess

OWNER = "ana@corp.test"
HOME = {"en": 0.6, "de": 0.2, "fr": 0.1, "pl": 0.1}
ABROAD = {"en": 0.25, "de": 0.1, "fr": 0.05, "pl": 0.6}
PITCHES = 0.2
SENTENCE = re.compile(r"Your mail has changed since [^<]+")
GAUGE = re.compile(r'^pitchgate_drift_mailboxes\{state="(\w+)"\} ([0-9.]+)$', re.MULTILINE)

Mails = dict[tuple[bool, str], list[str]]


class Ahead:
    """Implements `backend.ports.system.Clock`: the real time, and as much more as was asked for."""

    def __init__(self) -> None:
        self.more = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.more


@dataclass
class Life:
    """A connected mailbox, the server it is connected to, and both clocks."""

    google: SandboxProcess
    application: Application
    clock: Ahead
    given: dict[str, Any]
    """The settings that were given."""
    delivered: int = 0

    async def pass_time(self, **parts: float) -> None:
        """Both clocks go on, once nothing is under way: work that took days would be stopped."""
        await until(self._rests, "what is in hand done")
        step = timedelta(**parts)
        self.google.advance_clock(step.total_seconds())
        self.clock.more += step
        self.application.context.wake()

    async def a_week(
        self, mails: Mails, languages: dict[str, float], size: int, numbers: random.Random
    ) -> None:
        """From Monday to Monday: the mail comes, is judged, and is counted when the week is over."""
        chosen = numbers.choices(list(languages), list(languages.values()), k=size)
        kinds = [(numbers.random() < PITCHES, language) for language in chosen]
        letters = [{"raw_base64": numbers.choice(mails[kind])} for kind in kinds]
        self.google.seed(OWNER, letters, quiet=False)
        self.delivered += size
        await self.pass_time(days=2)
        await until(self._judged, f"{size} messages judged", self.progress)
        await self.pass_time(days=5)
        await until(self._counted, "the week counted", self.progress)

    async def page_and_metrics(self) -> tuple[str, dict[str, int]]:
        """What the owner reads on Insights about a change, and how many mailboxes are in each state."""
        services = self.application.services
        client = create_app(services).test_client()
        client.set_cookie("localhost", "pitchgate-session", await services.devices.sign_in("ana"))
        page = await (await client.get("/insights")).get_data(as_text=True)
        found = SENTENCE.search(str(page))
        metrics = await (await client.get("/metrics")).get_data(as_text=True)
        return found.group() if found else "", {
            name: int(float(n)) for name, n in GAUGE.findall(str(metrics))
        }

    def progress(self) -> object:
        """Another value whenever something was done."""
        return self._decided()

    def _decided(self) -> float:
        verdicts = self.application.context.verdict_metrics.verdicts
        told = (sample for family in verdicts.collect() for sample in family.samples)
        return sum(sample.value for sample in told if sample.name == "pitchgate_verdicts_total")

    async def connected(self) -> bool:
        """Whether Sent has been read and the mail is listened to."""
        mailbox = await self.application.context.store.mailbox("ana")
        return mailbox is not None and mailbox.indexed_at is not None and bool(mailbox.cursor)

    async def _rests(self) -> bool:
        return not self.application.lanes.busy

    async def _judged(self) -> bool:
        census = await self.application.context.store.census()
        left = sum(n for name, n in census.items() if name.startswith("stages.") and name != "stages.ended")
        return not left and self._decided() >= self.delivered

    async def _counted(self) -> bool:
        weeks = (await self.application.context.store.drift("ana")).weeks
        return bool(weeks) and weeks[-1].number == week_of(self.clock.now().date()) - 1


@asynccontextmanager
async def living(folder: Path) -> AsyncIterator[Life]:
    """The local Google in a process of its own, the server in ours, Ana's mailbox connected; it is Monday."""
    with SandboxProcess("--mailbox", f"{OWNER}=Ana") as google:
        urls, clock = google.urls, Ahead()
        given = {
            "state_dir": folder,
            "notices": "poll",
            "poll_seconds": 0.1,
            "quota_per_user_minute": 1_000_000,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "gmail_url": urls["gmail"],
            "token_url": urls["token"],
            "jwks_url": urls["jwks"],
            "revoke_url": urls["revoke"],
            "authorize_url": urls["auth"],
        }
        settings = read_settings(**given)
        async with open_application(settings, clock) as application:
            life, stop = Life(google, application, clock, given), asyncio.Event()
            await life.pass_time(days=7 - clock.now().weekday())
            token = google.tokens(OWNER, *settings.scopes)["refresh_token"]
            sub = google.mailbox(OWNER)["sub"]
            sealed, scopes = application.context.vault.seal(token), frozenset(settings.scopes)
            new = NewMailbox("ana", sub, OWNER, "Ana", sealed, scopes, Preferences())
            await application.context.store.connect(new, clock.now())
            worker = asyncio.create_task(application.lanes.run(stop))
            try:
                await until(life.connected, "the mailbox connected")
                yield life
            finally:
                stop.set()
                await worker


def corpus(files: str = "*") -> Mails:
    """The corpus's mail as written to Ana, by whether it is a pitch and its language."""
    found: Mails = defaultdict(list)
    for path in sorted(rows.CORPUS.glob(f"{files}.jsonl")):
        for record in rows.records(path):
            row = rows.row_of(record, path.stem)
            raw = rows.raw_mail(record | {"to": f"Ana <{OWNER}>"})
            found[row.label == "sales", row.language].append(base64.b64encode(raw).decode())
    return found


async def live(
    folder: Path, mails: Mails, weeks: int, size: int, at: int, tell: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Live so many weeks, or until the alarm rings; see the module."""
    numbers, found = random.Random(1), dict[str, Any]()
    async with living(folder) as life:
        for week in range(weeks):
            if week == at:
                found["before"] = await life.page_and_metrics()
            await life.a_week(mails, ABROAD if week >= at else HOME, size, numbers)
            drift = await life.application.context.store.drift("ana")
            tell(f"week {week}: {drift.weeks[-1].messages} of {life.delivered} counted, {drift.state}")
            if drift.state is State.CHANGED:
                break
        found["rang_in_week"] = week if drift.state is State.CHANGED else None
        found["then"] = await life.page_and_metrics()
    return found


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--size", type=int, default=140)
    parser.add_argument("--at", type=int, default=50)
    options, began = parser.parse_args(), time.perf_counter()
    configure_logging(read_settings(log_level="WARNING"))
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(
            live(Path(folder), corpus(), options.weeks, options.size, options.at, partial(print, flush=True))
        )
    print(json.dumps(found | {"seconds": round(time.perf_counter() - began)}))


if __name__ == "__main__":
    main()
