"""The embedded store's file: opening it with our settings, and bringing its schema up to date."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path

import structlog

from backend.store.library import Dialect, migrations

_OURS = ("pitchgate.", "secret.keys")

log = structlog.get_logger()

WIPED = 0x50474154
"""The `application_id` of a file of which no page is older than `secure_delete`."""

BUSY_SECONDS = 10.0
"""How long a commit waits for another process that is writing."""


def connect(path: Path) -> sqlite3.Connection:
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
            "secure_delete = ON",  # what was deleted is written over, not only let go
            "temp_store = MEMORY",
            "cache_size = -4096",  # KiB a connection: the system caches the file once for all
            "wal_autocheckpoint = 16000",  # 64 MB: pages written again and again go to the file once
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:  # no database, or none that opens: Python 3.13 and later warn of what is left open
        connection.close()
        raise
    return connection


def make_private(path: Path) -> None:
    """Let nobody but its owner read the file: make it so, or close it again if it was made wider.

    SQLite gives `-wal` and `-shm` the mode of the file. An existing file is not opened here: closing it would end
    the locks that this process holds on it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    if os.name != "posix":
        return
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # somebody else's: theirs to close
            if name.stat().st_mode & 0o077:
                name.chmod(0o600)


def close_folder(folder: Path) -> None:
    """The same for a folder in which there is nothing but ours. Any other is left as it is."""
    if os.name != "posix" or not folder.stat().st_mode & 0o077:
        return
    if all(entry.name.lstrip(".").startswith(_OURS) for entry in folder.iterdir()):
        with contextlib.suppress(PermissionError):
            folder.chmod(0o700)


def upgrade(path: Path) -> int:
    """Bring the file's schema up to date, one transaction a step; returns how many steps were made."""
    make_private(path)
    connection = connect(path)
    made, fresh = 0, version(connection) == 0
    try:
        for step in migrations(Dialect.SQLITE):
            connection.execute("BEGIN IMMEDIATE")
            if step.version > version(connection):
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
    """Once for each file: write all of it again without what older releases deleted and left in its pages."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == WIPED:
        return
    try:
        if not fresh:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("VACUUM")
        connection.execute(f"PRAGMA application_id = {WIPED:d}")
    except (
        sqlite3.OperationalError
    ) as error:  # somebody uses it, or there is no room for a copy: the next start's
        log.warning("old_pages_kept", cause=error.sqlite_errorname)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def clear_log(connection: sqlite3.Connection) -> bool:
    """Bring what is in the write-ahead log into the file, and empty it: old pages stand there as they were. False if
    somebody still reads from it."""
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def version(connection: sqlite3.Connection) -> int:
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
