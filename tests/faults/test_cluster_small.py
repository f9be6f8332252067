"""The cluster at small scale: two replicas and their database die, and nothing is lost, doubled or misplaced."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres_server
from tests.faults.cluster import SCALES, clean, run


@pytest.fixture
def database() -> Iterator[postgres_server.Server]:
    """A server of its own: it is going to die."""
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
