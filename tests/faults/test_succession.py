"""A server on PostgreSQL that is killed goes on with what was under way when it starts again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend.demo.letters import letters
from tests import postgres_server
from tests.faults import helpers
from tests.faults.cluster_fixture import Owner, open_cluster
from tests.faults.script import Script

PATIENCE = 240.0


@pytest.fixture
def database() -> Iterator[postgres_server.Server]:
    with postgres_server.running() as started:
        yield started


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
