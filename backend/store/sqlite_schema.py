"""The embedded store's file: opening it with our settings, and bringing its schema up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from backend.store.library import Dialect, migrations

BUSY_SECONDS = 10.0
"""How long a commit waits for another process that is writing."""


def connect(path: Path) -> sqlite3.Connection:
    """A connection with our settings; transactions are begun and ended by hand."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=512, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -65536",
        "wal_autocheckpoint = 16000",  # 64 MB: pages written again and again go to the file once
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def upgrade(path: Path) -> int:
    """Bring the file's schema up to date, one transaction a step; returns how many steps were made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path)
    made = 0
    try:
        for step in migrations(Dialect.SQLITE):
            connection.execute("BEGIN IMMEDIATE")
            if step.version > version(connection):
                for statement in _statements(step.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {step.version:d}")
                made += 1
            connection.execute("COMMIT")
    finally:
        connection.close()
    return made


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
