"""A database that is away for a while: callers are told so in the product's own words, and it goes on afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.domain.errors import PitchgateError, StoreAway
from backend.store import postgres, sqlite
from backend.store.opening import open_store
from backend.transactions.script import Transaction
from backend.transactions.sync import learn
from tests import postgres_server
from tests.contract.store.stories import Story, threads


async def test_a_file_another_process_keeps_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.02)
    store = open_store(tmp_path / "store.sqlite3")
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    other = sqlite3.connect(tmp_path / "store.sqlite3", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway):
        await store.learn("ana", frozenset({"bo@x.test"}), "t1", story.now)
    other.execute("ROLLBACK")
    other.close()
    await store.learn("ana", frozenset({"bo@x.test"}), "t2", story.now)
    assert await threads(store) == {"t2"}
    await store.close()


@pytest.fixture
def server() -> Iterator[postgres_server.Server]:
    """One of its own: it is going to die."""
    with postgres_server.running() as started:
        yield started


async def test_a_server_that_is_down(server: postgres_server.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "PAUSE", 0.001)
    store = open_store(server.address)
    await store.open()
    story = Story(store)
    await story.connect("ana")
    await asyncio.to_thread(server.die, suddenly=True)
    with pytest.raises(StoreAway):
        await store._driver.run(
            Transaction.WRITE, "ana", learn, "ana", frozenset({"bo@x.test"}), "t1", story.now
        )
    with pytest.raises(PitchgateError, match="away"):
        await open_store(server.address).open()
    await asyncio.to_thread(server.start)
    await store._driver.run(Transaction.WRITE, "ana", learn, "ana", frozenset({"bo@x.test"}), "t2", story.now)
    assert await threads(store) == {"t2"}
    await store.close()
