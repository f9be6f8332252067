"""The embedded store's memory is bounded: pages are cached once, by the system."""

from __future__ import annotations

from pathlib import Path

from backend.store.schema import connect_file


def test_a_connection_keeps_four_megabytes_of_pages_at_most(tmp_path: Path) -> None:
    connection = connect_file(tmp_path / "store.sqlite3")
    assert connection.execute("PRAGMA cache_size").fetchone()[0] == -4096
    connection.close()
