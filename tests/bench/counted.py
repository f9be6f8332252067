"""The server, counting what it does: `python -m tests.bench.counted serve`.

At SIGUSR1 it writes a JSON object to the file that BENCH_COUNTS names: statements, commits and read snapshots of its
SQLite connections and, where BENCH_CALLS is set, calls of Python functions in all its threads (which slows it down).
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

AROUND = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "PRAGMA", "--")  # triggers are traced as comments


@dataclass
class Connection:
    """What one connection did so far."""

    statements: int = 0
    commits: int = 0
    snapshots: int = 0
    changes: int = 0

    def follow(self, connection: sqlite3.Connection) -> None:
        """Count from now on."""

        def seen(statement: str) -> None:
            if statement.startswith("COMMIT"):
                wrote, self.changes = connection.total_changes > self.changes, connection.total_changes
                self.commits += wrote
                self.snapshots += not wrote
            elif not statement.startswith(AROUND):
                self.statements += 1

        connection.set_trace_callback(seen)


def main() -> None:
    """Count, and be the server."""
    opened: list[Connection] = []
    calls, connect = count(), sqlite3.connect

    def followed(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **kwargs)
        opened.append(Connection())
        opened[-1].follow(connection)
        return connection

    def write(*_: object) -> None:
        sums = {
            name: sum(getattr(one, name) for one in opened) for name in ("statements", "commits", "snapshots")
        }
        path = Path(os.environ["BENCH_COUNTS"])
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({**sums, "calls": next(calls)}), "utf-8")
        draft.replace(path)

    sqlite3.connect = followed  # type: ignore[assignment]
    signal.signal(signal.SIGUSR1, write)
    if os.environ.get("BENCH_CALLS"):
        profile = _counting(calls.__next__)
        threading.setprofile(profile)
        sys.setprofile(profile)
    from backend.__main__ import main as serve

    serve()


def _counting(another: Callable[[], int]) -> Callable[[FrameType, str, Any], None]:
    def seen(_: FrameType, event: str, __: Any) -> None:
        if event == "call":
            another()

    return seen


if __name__ == "__main__":
    main()
