"""The server, counting what it does: `python -m tests.bench.counted serve`.

At SIGUSR1 it writes a JSON object to the file that BENCH_COUNTS names: statements, commits and read snapshots of its
SQLite connections or, where BENCH_CALLS is set, calls of Python functions in all its threads (which slows it down).
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

AROUND = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA")


class Connection(sqlite3.Connection):
    """Counts what it is asked. SQLite's own trace is no measure: it tells a statement again for each trigger's."""

    statements = commits = snapshots = changes = 0

    def execute(self, statement: str, /, *args: Any) -> sqlite3.Cursor:
        done = super().execute(statement, *args)
        if statement.startswith("COMMIT"):
            wrote, self.changes = self.total_changes > self.changes, self.total_changes
            self.commits += wrote
            self.snapshots += not wrote
        elif not statement.startswith(AROUND):
            self.statements += 1
        return done


def main() -> None:
    """Count, and be the server."""
    opened: list[Connection] = []
    calls, connect = count(), sqlite3.connect

    def counting(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection = connect(*args, **kwargs, factory=Connection)
        assert isinstance(connection, Connection)
        opened.append(connection)
        return connection

    def write(*_: object) -> None:
        sums = {
            name: sum(getattr(one, name) for one in opened) for name in ("statements", "commits", "snapshots")
        }
        path = Path(os.environ["BENCH_COUNTS"])
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({**sums, "calls": next(calls)}), "utf-8")
        draft.replace(path)

    signal.signal(signal.SIGUSR1, write)
    if os.environ.get("BENCH_CALLS"):
        profile = _counting(calls.__next__)
        threading.setprofile(profile)
        sys.setprofile(profile)
    else:
        sqlite3.connect = counting  # type: ignore[assignment]
    from backend.__main__ import main as serve

    serve()


def _counting(another: Callable[[], int]) -> Callable[[FrameType, str, Any], None]:
    def seen(_: FrameType, event: str, __: Any) -> None:
        if event == "call":
            another()

    return seen


if __name__ == "__main__":
    main()
