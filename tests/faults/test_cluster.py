"""Replicas and their PostgreSQL die, and lose and double nothing; together they ask no more of Google than one may."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.demo.letters import letters
from tests import postgres_server
from tests.faults import helpers
from tests.faults.cluster import SCALES, clean, run
from tests.faults.cluster_fixture import Owner, open_cluster
from tests.faults.script import Script
from tests.machine import machine

ALLOWED = 600
LETTERS = 25
"""At 20 units to read one and 5 to move it: more than the units of a minute."""
STEP = 1.0
"""Seconds of the machine's time, in each of which both replicas have had their turn: who shares is told every five."""
PATIENCE = 240.0


@pytest.fixture
def database() -> Iterator[postgres_server.Server]:
    """A server of its own: it may have to die."""
    with postgres_server.running() as started:
        yield started


async def test_two_replicas_and_a_database_that_die_lose_and_double_nothing(
    tmp_path: Path, database: postgres_server.Server
) -> None:
    scale = SCALES["small"]
    result = await run(3, scale, tmp_path, database, lambda _: None)
    assert clean(result), result
    assert result["letters"] == scale.mailboxes * scale.letters
    # It would also be clean if nothing had been at stake.
    assert result["kills"] >= 1
    assert result["database_restarts"] == scale.restarts
    assert result["by_first_model"] > 0
    assert result["by_second_model"] > 0
    assert result["solved"] == 3 * scale.mailboxes
    assert result["challenges"] > result["solved"]


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

        async def unrest() -> str:
            machine().advance(STEP)
            for replica in cluster.replicas:
                async with cluster.http.get(f"{replica.url}/healthz") as answer:
                    await answer.read()
            return await cluster.unrest()

        await helpers.come_to_rest(unrest, 3, PATIENCE, tmp_path, 0.0)
        meter = (await cluster.sandbox.meters())["mailboxes"][ana.email]
        assert meter["units"] > ALLOWED, "a minute's units were at stake"
        assert meter["high_water"] <= ALLOWED
        logs = [(tmp_path / f"replica{number}.log").read_text().splitlines() for number in range(2)]
        # The mailbox may have changed hands while the second replica came, before there was mail.
        judged = [any('"job_done"' in line and '"message"' in line for line in log) for log in logs]
        assert sum(judged) == 1, "the mailbox was one's, with its part of the units"


async def test_what_was_under_way_is_taken_over_when_it_starts_again(
    tmp_path: Path, database: postgres_server.Server
) -> None:
    settings = {"PITCHGATE_DEFAULT_MODE": "quarantine"}
    ana = Owner("ana@corp.test", Script())
    async with open_cluster(tmp_path, 3, [ana], database, 1, settings) as cluster:
        (server,), sandbox = cluster.replicas, cluster.sandbox
        await sandbox.rule("slow", method="gmail.users.messages.modify", seconds=600.0)
        pitch = next(letter for letter in letters() if letter.local)
        for number in range(3):
            sender = f"Ann Seller <ann@seller{number}.example>"
            await sandbox.deliver(replace(pitch, sender=sender), ana.email)

        async def not_in_hand() -> str:
            return "" if (await sandbox.faults())[1].get("slow") else "nothing is about to be moved"

        await helpers.come_to_rest(not_in_hand, 1, PATIENCE, tmp_path)
        await server.process.kill()
        await sandbox.lift()
        await server.start(cluster.http)

        async def not_held() -> str:
            found = (await sandbox.labels_now(ana.email)).values()
            left = 3 - sum("Pitchgate/Held" in labels for labels in found)
            return f"{left} not moved" if left else ""

        await helpers.come_to_rest(not_held, 1, PATIENCE, tmp_path)
