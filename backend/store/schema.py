"""Opening the embedded file with our settings, the version of a database's schema, and upgrading it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog

from backend.store.library import Dialect, Migration, migrations

# ---- Opening the SQLite file


_OURS = ("pitchgate.", "secret.keys")

log = structlog.get_logger()

WIPED = 0x50474154
"""The `application_id` of a file in which every page was written under `secure_delete`."""

BUSY_SECONDS = 10.0
"""How long a commit waits for another process that is writing."""


def connect_file(path: Path) -> sqlite3.Connection:
    """A connection with our settings; transactions are begun and ended by hand."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=512, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",  # deleted content is overwritten, not only marked as free
            "temp_store = MEMORY",
            "cache_size = -4096",  # KiB a connection: the system caches the file once for all
            "wal_autocheckpoint = 16000",  # 64 MB: a page written again and again reaches the file once
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:  # not a database, or unreadable: Python 3.13 and later warn of unclosed ones
        connection.close()
        raise
    return connection


def make_private(path: Path) -> None:
    """Let only its owner read the file, also if it was made readable for others.

    SQLite gives `-wal` and `-shm` the mode of the file. An existing file is not opened here: closing it would end the
    locks that this process holds on it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    if os.name != "posix":
        return
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # not ours to change
            if name.stat().st_mode & 0o077:
                name.chmod(0o600)


def close_folder(folder: Path) -> None:
    """The same for a folder that holds nothing but our files. Any other is left as it is."""
    if os.name != "posix" or not folder.stat().st_mode & 0o077:
        return
    if all(entry.name.lstrip(".").startswith(_OURS) for entry in folder.iterdir()):
        with contextlib.suppress(PermissionError):
            folder.chmod(0o700)


def upgrade_file(path: Path) -> int:
    """Upgrade the file's schema, one transaction per step; returns how many steps were made."""
    make_private(path)
    connection = connect_file(path)
    made, fresh = 0, file_version(connection) == 0
    try:
        for step in migrations(Dialect.SQLITE):
            connection.execute("BEGIN IMMEDIATE")
            if step.version > file_version(connection):
                for statement in _statements(step.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {step.version:d}")
                made += 1
            connection.execute("COMMIT")
        _begin_to_wipe(connection, fresh)
        clear_log(connection)
    finally:
        connection.close()
    return made


def _begin_to_wipe(connection: sqlite3.Connection, fresh: bool) -> None:
    """Once for each file: rewrite all of it without what older releases left of deleted rows in its pages."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == WIPED:
        return
    try:
        if not fresh:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("VACUUM")
        connection.execute(f"PRAGMA application_id = {WIPED:d}")
    except (
        sqlite3.OperationalError
    ) as error:  # somebody uses it, or there is no room for a copy: left to the next start
        log.warning("old_pages_kept", cause=error.sqlite_errorname)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def clear_log(connection: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the file and empty it: old pages stay readable there. False if somebody still reads
    from it."""
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def file_version(connection: sqlite3.Connection) -> int:
    """The number of the last migration made."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def _statements(script: str) -> Iterable[str]:
    """The statements of a script. (`executescript` would commit the transaction it runs in.)"""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


# ---- Schema versions and migrations


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
    """`version` is the last step made (0: none yet); `pending` are those this release would add."""

    version: int
    pending: tuple[Migration, ...]

    @property
    def ahead(self) -> bool:
        """Whether a newer release has been here."""
        return self.version > 0 and not self.pending and self.version > self.latest

    @property
    def latest(self) -> int:
        """The number of the newest step this release knows."""
        return migrations(Dialect.SQLITE)[-1].version


async def status(where: Place) -> SchemaStatus:
    """The schema's version. Changes nothing, and creates no file."""
    if where.dialect is Dialect.POSTGRES:
        from backend.store.postgres import current_version

        done = await current_version(where.address)
    else:
        done = await asyncio.to_thread(_file_version, where.path)
    return SchemaStatus(done, tuple(step for step in migrations(where.dialect) if step.version > done))


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
