"""Many decisions about the corpus's mail, through the real stages' own functions, and all of them judged again.

    python -m tests.simulations.replay --count 10000

Prints one JSON object as its last line: what was judged again, what differed, and what an entry takes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import random
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.commands import audit
from backend.domain.digesting import read_and_score
from backend.domain.mail.message import Arrival, Owner
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import Preferences, Strictness
from backend.domain.policy.evidence import EarlierEvidence
from backend.domain.policy.table import Facts, Standing, decide
from backend.domain.watching import audit as watching_audit
from backend.domain.watching.audit import grounds
from backend.scoring.session import ModelSession
from backend.settings import Settings
from backend.settings_read import read_settings
from backend.store.opening import open_store
from backend.transactions.records import Duty, NewMailbox, Sighting, SyncPage
from backend.transactions.store import Store
from backend.vault import MultiFernetVault, VaultKeys, configured_vault
from model_export import rows

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BATCH = 500
FEW = "train_16.jsonl"
"""Enough for a few decisions."""


@dataclass(frozen=True, slots=True)
class Played:
    """What was played: the file, and the seconds that recording took."""

    path: Path
    count: int
    seconds: float


async def play(settings: Settings, count: int) -> Played:
    """Judge `count` messages for one mailbox and record each verdict with its grounds."""
    vault = configured_vault(settings)
    store = open_store(settings.sqlite_path, VaultKeys(vault))
    await store.open()
    session = ModelSession.open(settings.model_path)
    try:
        owner = Owner("ana@corp.test", "Ana")
        await store.connect(_mailbox(owner), START)
        records, seconds, numbers = _spread(count), 0.0, random.Random(1)
        for first in range(0, count, BATCH):
            names = [f"m{number}" for number in range(first, min(first + BATCH, count))]
            await _arrive(store, names)
            work = await store.lane_work("box1", 2 * count)
            jobs = {job.gmail_id: job for job in work.messages}
            for name in names:
                row = rows.row_of(records[int(name[1:]) % len(records)], "")
                began = time.perf_counter()
                await _judge(store, vault, session, jobs[name], row, numbers)
                seconds += time.perf_counter() - began
    finally:
        await store.close()
    return Played(settings.sqlite_path, count, seconds)


def _spread(count: int) -> list[dict[str, Any]]:
    """So many records from all over the corpus."""
    paths = [rows.CORPUS / FEW] if count <= 100 else sorted(rows.CORPUS.glob("*.jsonl"))
    every = [record for path in paths for record in rows.records(path)]
    return every[:: max(1, len(every) // count)]


def _mailbox(owner: Owner) -> NewMailbox:
    return NewMailbox(
        "box1", "sub1", owner.email, owner.name, b"sealed", frozenset({"openid"}), Preferences()
    )


async def _arrive(store: Store, names: list[str]) -> None:
    await store.request_duty("box1", Duty.SYNC, START)
    duties = (await store.lane_work("box1", 0)).duties
    job = next(job for job in duties if job.duty is Duty.SYNC)
    seen = tuple(Sighting(name, f"t{name}", frozenset({"INBOX"})) for name in names)
    await store.commit_sync(job, SyncPage(sightings=seen), START)
    await store.finish_duty(job, None)


async def _judge(
    store: Store,
    vault: MultiFernetVault,
    session: ModelSession,
    job: Any,
    row: Any,
    numbers: random.Random,
) -> None:
    arrival = Arrival(job.gmail_id, job.thread_id, frozenset({"INBOX", "UNREAD"}), START, row.message)
    limits = {strictness: session.thresholds(strictness) for strictness in Strictness}
    read = read_and_score(arrival, row.owner, lambda text: session.score(text, keep_counts=True), limits)
    assert read.score is not None
    assert read.score.trace is not None
    preferences = Preferences().changed(
        mode=numbers.choice(["observe", "quarantine", "quarantine"]),
        strictness=numbers.choice(list(Strictness)),
    )
    standing = Standing(
        rules=RuleMatch(
            numbers.choice([None, None, None, *RuleKind]), numbers.choice([None, None, *RuleKind])
        ),
        corresponded=numbers.random() < 0.1,
        earlier=EarlierEvidence(
            numbers.uniform(-4, 4) if numbers.random() < 0.3 else 0.0,
            numbers.uniform(-4, 4) if numbers.random() < 0.3 else 0.0,
            numbers.random() if numbers.random() < 0.2 else None,
        ),
        credits=0,
    )
    facts = Facts(read.arrival, row.owner, read.authentication, preferences, standing, form=read.form)
    thresholds = limits[preferences.strictness]
    verdict = decide(facts, read.score, thresholds, (), START)
    ground = grounds(facts, read.score, thresholds, (), START)
    ground = replace(ground, counts=vault.seal(read.score.trace.counts))
    await store.record_verdict(job, replace(verdict, grounds=ground), read.kept(), None, START)


async def spoilt(settings: Settings, length: int = 2_000) -> dict[str, int]:
    """Change every byte of every one of the first `length` entries, one at a time; how many were found.

    An entry is judged by itself and the seal before it, so those two and the next stand for the whole log.
    """
    keys = VaultKeys(configured_vault(settings))
    store = open_store(settings.sqlite_path, keys)
    await store.open()
    found = await store.decision_chain("box1")
    assert found is not None
    key = keys.open(found.sealed_key, "box1")
    assert key is not None
    entries = (await store.decisions("box1")).entries[:length]
    await store.close()
    changed = seen = 0
    for place in range(1, len(entries) - 1):
        around = entries[place - 1 : place + 2]
        part = watching_audit.Chain(began=around[0].number - 1, number=around[2].number, seal=around[2].seal)
        usual = set(watching_audit.faults(key, part, around))
        for name, value in around[1]._asdict().items():
            for at in range(len(value) if isinstance(value, (str, bytes)) else 8):
                one = around[1]._replace(**{name: _other(value, at)})
                changed += 1
                seen += set(watching_audit.faults(key, part, (around[0], one, around[2]))) != usual
    return {"bytes_changed": changed, "bytes_found": seen}


def _other(value: Any, at: int) -> Any:
    if isinstance(value, int):
        return value ^ 1 << 8 * at if at < 7 else -value
    if isinstance(value, str):
        return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    return value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument(
        "--bytes", type=int, default=2_000, help="length of the log of which every byte is changed"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PITCHGATE_STATE_DIR"] = folder
        settings = read_settings(replay_days=30)
        played = asyncio.run(play(settings, given.count))
        began = time.perf_counter()
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
            audit.replay_command.main([], standalone_mode=False)
        summary = json.loads(output.getvalue().splitlines()[-1])
        report = {
            "decisions": played.count,
            **summary,
            "replay_seconds": round(time.perf_counter() - began, 1),
            **asyncio.run(spoilt(settings, given.bytes)),
        }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
