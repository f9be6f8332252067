"""Two real replicas on PostgreSQL ask Google for no more, together, than one may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.demo.letters import letters
from tests import postgres_server
from tests.faults.cluster_fixture import Owner, open_cluster
from tests.faults.script import Script
from tests.machine import machine

ALLOWED = 600
LETTERS = 25
"""At 20 units to read one and 5 to move it: more than the units of a minute."""
STEP = 2.0
"""Seconds of the machine's time, in each of which both replicas have had their turn: who shares is told every five."""


@pytest.fixture
def database() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as started:
        yield started


async def test_two_replicas_stay_within_the_units_of_a_minute(
    tmp_path: Path, database: postgres_server.Server
) -> None:
    settings = {"PITCHGATE_QUOTA_PER_USER_MINUTE": str(ALLOWED), "PITCHGATE_DEFAULT_MODE": "quarantine"}
    ana = Owner("ana@corp.test", Script())
    async with open_cluster(tmp_path, 3, [ana], database, 2, settings) as cluster:
        pitch = next(letter for letter in letters() if letter.local)
        for number in range(LETTERS):
            sender = f"Ann Seller <ann@seller{number}.example>"
            await cluster.sandbox.deliver(
                replace(pitch, sender=sender, subject=f"{pitch.subject} {number}"), ana.email
            )
        while await cluster.unrest():
            machine().advance(STEP)
            for replica in cluster.replicas:
                async with cluster.http.get(f"{replica.url}/healthz") as answer:
                    await answer.read()
        await cluster.rest()
        meter = (await cluster.sandbox.meters())["mailboxes"][ana.email]
        assert meter["units"] > ALLOWED, "a minute's units were at stake"
        assert meter["high_water"] <= ALLOWED
        logs = [(tmp_path / f"replica{number}.log").read_text() for number in range(2)]
        assert sum('"job_done"' in log for log in logs) == 1, (
            "the mailbox was one's, with its part of the units"
        )
