"""The database that the settings name: where it is, which schema it has, upgrading and opening it; or which setting is
wrong."""

from __future__ import annotations

import asyncio
import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.domain.errors import Refused
from backend.ports.system import DecisionKeys
from backend.settings import Settings
from backend.store.library import Dialect, Migration, migrations
from backend.store.sqlite import SqliteDriver, connect_file, file_version, make_folder_private, upgrade_file
from backend.transactions.script import Departures, Heads
from backend.transactions.store import Store


@dataclass(frozen=True, slots=True)
class Place:
    """A store's location: a file or a server's address."""

    dialect: Dialect
    address: str

    @property
    def path(self) -> Path:
        """The path of the embedded file."""
        return Path(self.address)

    @property
    def name(self) -> str:
        """For people: a server's address without its password."""
        if self.dialect is Dialect.SQLITE:
            return self.address
        scheme, _, rest = self.address.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"


def place(where: str | Path) -> Place:
    """Parse a setting: a path or sqlite:///path, or postgresql://…; raises `ValueError` otherwise."""
    text = str(where)
    if text.startswith(("postgresql://", "postgres://")):
        return Place(Dialect.POSTGRES, text)
    if text.startswith("sqlite:///"):
        return Place(Dialect.SQLITE, text.removeprefix("sqlite:///"))
    if "://" in text:
        raise ValueError("db_target.address")
    return Place(Dialect.SQLITE, text)


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """`version` is the last migration made (0: none yet); `latest` the newest that this release knows; `pending` are
    those that it would add."""

    version: int
    latest: int
    pending: tuple[Migration, ...]

    @property
    def ahead(self) -> bool:
        """Whether a newer release has upgraded it."""
        return self.version > self.latest


async def status(where: Place) -> SchemaStatus:
    """The schema's version. Changes nothing, and creates no file."""
    if where.dialect is Dialect.POSTGRES:
        from backend.store.postgres import current_version

        done = await current_version(where.address)
    else:
        done = await asyncio.to_thread(_file_version, where.path)
    known = migrations(where.dialect)
    return SchemaStatus(done, known[-1].version, tuple(step for step in known if step.version > done))


async def upgrade(where: Place) -> int:
    """Run the pending steps; returns how many. Safe while servers of this or the previous release run."""
    if where.dialect is Dialect.POSTGRES:
        from backend.store import postgres

        return await postgres.upgrade_server(where.address)
    return await asyncio.to_thread(upgrade_file, where.path)


def _file_version(path: Path) -> int:
    if not path.exists():
        return 0
    connection = connect_file(path)
    try:
        return file_version(connection)
    finally:
        connection.close()


NO_SPACE = 1_000_000
"""With fewer free bytes nothing can be done."""


async def open_configured(settings: Settings, keys: DecisionKeys | None = None) -> Store:
    """The open store; `keys` as for `open_store`.

    Raises `PitchgateError` with what to do: no folder, no permission, no server, no driver.
    """
    where = configured(settings)
    with explained(where):
        store = open_store(where.address, keys)
        store.departures, store.heads = Departures(settings.state_dir), Heads(settings.state_dir)
        await store.open()
        if where.dialect is Dialect.SQLITE and where.path == settings.sqlite_path:
            make_folder_private(settings.state_dir)
    return store


def configured(settings: Settings) -> Place:
    """Where the settings put the database."""
    return place(settings.database_url or settings.sqlite_path)


@contextmanager
def explained(where: Place) -> Iterator[None]:
    """Turns an error of connecting to `where` into `Refused` with the setting to change. Never quotes an address: a
    server's has the password in it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise Refused("store.driver", field="database_url") from error
    except Exception as error:
        if where.dialect is Dialect.SQLITE and isinstance(error, (OSError, sqlite3.DatabaseError)):
            cause = error.strerror if isinstance(error, OSError) else str(error)
            raise Refused(
                _trouble(error, where.path), path=where.path, why=cause, field="state_dir"
            ) from error
        if where.dialect is Dialect.POSTGRES and _is_server_error(error):
            raise Refused("store.server", why=type(error).__name__, field="database_url") from error
        raise


def _trouble(error: OSError | sqlite3.DatabaseError, path: Path) -> str:
    """The message's key: whether to look at the file, the disk or the folder."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return "store.damaged"
    full = code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    if code == sqlite3.SQLITE_IOERR and path.parent.is_dir():  # also if the log's index finds the disk full
        full = shutil.disk_usage(path.parent).free < NO_SPACE
    return "store.full" if full else "store.file"


def _is_server_error(error: Exception) -> bool:
    import asyncpg  # the optional driver, certainly installed: it has just been used

    kinds = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError, OverflowError)
    return isinstance(error, kinds)


def open_store(where: str | Path, keys: DecisionKeys | None = None) -> Store:
    """The store at `where`: a path or sqlite:///path for the embedded file, postgresql://… for a server.

    It is not connected yet: `await store.open()` does that. Without `keys` no log of decisions is written.
    """
    found = place(where)
    if found.dialect is Dialect.POSTGRES:
        from backend.store.postgres import PostgresDriver  # its driver is an extra

        return Store(PostgresDriver(found.address, keys=keys))
    return Store(SqliteDriver(found.path, keys))
