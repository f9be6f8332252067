"""A SQLite file with today's schema, for stores that are to be empty: the steps to it are made once a process."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from backend.store.schema import upgrade_file


def migrated(path: Path) -> Path:
    """Put it there; `path` again."""
    path.write_bytes(_file())
    return path


@cache
def _file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite3"
        upgrade_file(path)
        return path.read_bytes()
