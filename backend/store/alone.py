"""Whether a server is the only one on an embedded database: whoever held a job there before it is dead then."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from backend.store.sqlite_schema import make_private


@contextmanager
def alone(database: Path) -> Iterator[bool]:
    """True while no other server has said so of this database. The system itself takes it back from a process that
    ends, however it ends: it is a lock on an empty file beside it."""
    path = database.with_name(f"{database.name}-server")
    make_private(path)
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            yield False
        else:
            yield True
