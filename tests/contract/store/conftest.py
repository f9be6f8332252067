"""Every story is told to both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from backend.store.opening import open_store
from backend.store.postgres import PostgresDriver
from backend.transactions.store import Store
from tests import postgres_server
from tests.contract.store.row_types import Checking
from tests.contract.store.stories import Story
from tests.doubles import PlainKeys
from tests.once import migrated

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Connections belong to an event loop: these tests share one, so that they can share those."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """One server for all tests of this process."""
    with postgres_server.server() as address:
        yield address


class Kept:
    """A pool that outlives the store it is lent to: half of a short story on PostgreSQL is what new connections look
    up and plan."""

    def __init__(self, pool: asyncpg.Pool[Any] | None) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    async def close(self) -> None:
        """Its connections are for the next test."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pools() -> AsyncIterator[dict[str, Any]]:
    """Those that are kept, by the address of their server."""
    kept: dict[str, Any] = {}
    yield kept
    for pool in kept.values():
        pool.terminate()


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store under test lives."""
    if request.param == "sqlite":
        return str(migrated(tmp_path / "store.sqlite3"))
    found: str = request.getfixturevalue("postgres_address")
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def store(address: str, pools: dict[str, Any]) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = open_store(address, PlainKeys())
    if isinstance(opened._driver, PostgresDriver):
        await postgres_server.empty(address)
        await opened.open()
        pool: Any = Kept(opened._driver._pool)
        opened._driver._pool = pools.setdefault(address, pool)
    else:
        await opened.open()
    opened._driver = Checking(opened._driver)
    yield opened
    await opened.close()


@pytest.fixture
def story(store: Store) -> Story:
    """A teller of stories with one clock."""
    return Story(store)
