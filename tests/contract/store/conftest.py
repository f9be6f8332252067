"""Every story is told to both stores."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from backend.store.opening import open_store
from backend.transactions.store import Store
from tests import postgres_server
from tests.contract.store.row_types import Checking
from tests.contract.store.stories import Story
from tests.doubles import PlainKeys
from tests.migrated import migrated


@pytest.fixture(scope="session")
def postgres_address() -> Iterator[str]:
    """One server for all tests of this process."""
    with postgres_server.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where the store under test lives."""
    if request.param == "sqlite":
        return str(migrated(tmp_path / "store.sqlite3"))
    found: str = request.getfixturevalue("postgres_address")
    return found


@pytest.fixture
async def store(address: str) -> AsyncIterator[Store]:
    """An open, empty store."""
    if address.startswith("postgresql:"):
        await postgres_server.empty(address)
    opened = open_store(address, PlainKeys())
    opened._driver = Checking(opened._driver)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def story(store: Store) -> Story:
    """A teller of stories with one clock."""
    return Story(store)
