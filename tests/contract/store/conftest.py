"""Every story is told to both stores."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import asyncpg
import pytest
import pytest_asyncio

from backend.store.lane_sessions import BUCKETS, LaneSessions
from backend.store.opening import open_store
from backend.store.postgres import PostgresDriver
from backend.transactions.store import Store
from tests import postgres_server
from tests.contract.store.row_types import Checking
from tests.contract.store.stories import Story
from tests.contract.store.workshop import Workshop, opened
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


class Owner:
    """Owns every mailbox of a PostgreSQL server, for one test after the other."""

    def __init__(self, address: str) -> None:
        self._tell = PostgresDriver(address, pool=1)
        self.sessions = LaneSessions(address, self._tell.publish)
        self._stop, self._changed = asyncio.Event(), asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Own all, again if sessions were lost."""
        if self._running is None:
            await self._tell.open()
            self._running = asyncio.create_task(self.sessions.run(self._stop, self._changed.set))
        async with asyncio.timeout(60):
            while sum(len(one.owned) for one in self.sessions._sessions) < BUCKETS:
                self._changed.clear()
                await self._changed.wait()

    async def end(self) -> None:
        """Give everything back."""
        self._stop.set()
        if self._running is not None:
            await self._running
            await self._tell.close()


class Lent:
    """What an `Owner` owns is a test's processes', one after the other: each has all of it while it runs lanes, and one
    that does not give it back has died."""

    def __init__(self, sessions: LaneSessions) -> None:
        self._sessions = sessions
        self._taken = self._after_death = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sessions, name)

    def after_death(self, mailbox_id: str) -> bool:
        """As `Ownership.after_death`."""
        return self._after_death

    async def run(self, stop: asyncio.Event, changed: Callable[[], None]) -> None:
        """As `Ownership.run`."""
        self._taken, self._after_death = True, self._taken
        changed()
        await stop.wait()
        self._taken = False
        changed()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def owners() -> AsyncIterator[dict[str, Owner]]:
    """Those that own, by the address of their server."""
    kept: dict[str, Owner] = {}
    yield kept
    for owner in kept.values():
        await owner.end()


@pytest.fixture
def owned() -> bool:
    """Whether the store under test owns all of its mailboxes, as a server that is alone does."""
    return True


@pytest_asyncio.fixture(loop_scope="session")
async def store(
    address: str, pools: dict[str, Any], owners: dict[str, Owner], owned: bool
) -> AsyncIterator[Store]:
    """An open, empty store."""
    opened = open_store(address, PlainKeys())
    if isinstance(opened._driver, PostgresDriver):
        await postgres_server.empty(address)
        await opened.open()
        pool: Any = Kept(opened._driver._pool)
        opened._driver._pool = pools.setdefault(address, pool)
        if owned:
            owner = owners.setdefault(address, Owner(address))
            await owner.begin()
            opened._driver.ownership = cast(LaneSessions, Lent(owner.sessions))
        elif address in owners:
            await owners.pop(address).end()
    else:
        await opened.open()
    opened._driver = Checking(opened._driver)
    yield opened
    await opened.close()


@pytest.fixture
def story(store: Store) -> Story:
    """A teller of stories with one clock."""
    return Story(store)


@pytest_asyncio.fixture(loop_scope="session")
async def workshop(store: Store, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    """With this test's store."""
    return await opened(store, story, tmp_path, monkeypatch)
