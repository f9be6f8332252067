"""Who was here before, and is dead for sure: a lock that the system itself takes back from a process that ends, however
it ends. On an embedded database that is whoever held a job; of servers on PostgreSQL, where others may be at work, the
one before on the same machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from backend.domain.errors import Conflict
from backend.store.sqlite_schema import connect, make_private


@contextmanager
def alone(database: Path) -> Iterator[bool]:
    """True while no other server has said so of this database: it is a lock on an empty file beside it."""
    path = database.with_name(f"{database.name}-server")
    make_private(path)
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            yield False
        else:
            yield True


def held_alone(database: Path, key: str) -> sqlite3.Connection:
    """The database for us alone until it is closed, all of it in its one file: a file leaves WAL only when nobody else
    has it open. Raises `Conflict` (`key`) while anybody has."""
    connection = connect(database)
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise Conflict(key, path=database) from error
    return connection


@contextmanager
def follows(state: Path, name: str) -> Iterator[str]:
    """The name of the server that had this folder of state before `name` has; "" if none has had it, another one still
    has it, or it cannot be written. Names begin with the machine's: a folder that machines share says nothing."""
    file = state / "server.name"
    try:
        make_private(file)
    except OSError:
        yield ""
        return
    with alone(state / "postgres") as first:
        before = file.read_text(encoding="utf-8") if first else ""
        if first:
            file.write_text(name, encoding="utf-8")
        yield before if before.partition(":")[0] == name.partition(":")[0] else ""
