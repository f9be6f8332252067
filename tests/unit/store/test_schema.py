"""No query of the message path walks a whole table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.store.library import Dialect, Query, queries
from backend.store.sqlite import connect_file, upgrade_file

WALKS = {
    # the operator's counts and checks, and small tables
    *"""
        mailboxes sealed_tokens count_mailboxes count_links count_messages count_released
        count_dead_letters count_unjudged count_drifts count_challenges
        """.split(),
    *("count_notices", "tallies", "balance_differences", "daily_differences", "dead_letters"),
    "lanes",
    # once, when a backup is put back or a server starts; when what pulling lacks has changed
    *("doubt_intents", "save_missing", "bring_back_sendings"),
    # when it is known again what time it is: at a start, and after the clock was set
    *("bring_back_duties", "bring_back_messages"),
    *("bring_back_digests", "bring_back_web_pushes"),
    # counted for monitors
    "count_failing",
    # a row a mailbox, once for an address that no mailbox has today
    *("mailbox_by_former", "pushed_formerly"),
    # asked by an operator, or the last row alone
    *"models_at_work model_acts known_models labels_in_trial labels_of_the_asked trial_pairs".split(),
}
"""Queries that may walk: asked by people now and then, or over one row a mailbox."""

FEW = "INSERT INTO mailboxes (id, sub, email, name, link, scopes, preferences, created_at, changed_at) " + (
    "VALUES ('box' || :n, :n, 'e' || :n, '', 'connected', '[]', '{}', 0, 0)"
)
MANY = """
INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, stage, due_at,
    placement, sender) VALUES ('box' || (:n % 3), 'm' || :n, 't', 0, 0, :n, 'screen', :n, 'held', 's' || :n)
"""


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A small store as we leave it: we never ANALYZE, for statistics of a small table mislead in a big one."""
    upgrade_file(tmp_path / "store.sqlite3")
    opened = connect_file(tmp_path / "store.sqlite3")
    opened.executemany(FEW, [{"n": n} for n in range(3)])
    opened.executemany(MANY, [{"n": n} for n in range(30)])
    yield opened
    opened.close()


def walked(connection: sqlite3.Connection, query: Query) -> list[str]:
    """Steps of the plan that read a whole table or index."""
    params = {name: "[]" if name in ("ids", "rows", "addresses") else 1 for name in query.params}
    steps = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", params)]
    ours = [step for step in steps if step.startswith("SCAN ")]
    inside = (
        "SCAN json_each",
        "SCAN l VIRTUAL",
        "SCAN r VIRTUAL",
        "SCAN first",
        "SCAN CONSTANT ROW",
        "SCAN (",
        # What the query has found itself, in a part of it with a name; where that walks, it says so.
        *(f"SCAN {name}" for name in re.findall(r"\) AS (\w+)", query.sql)),
    )
    return [step for step in ours if not step.startswith(inside)]


def test_the_message_path_searches_and_never_walks(connection: sqlite3.Connection) -> None:
    walkers = {
        query.name: steps
        for query in queries(Dialect.SQLITE).values()
        if query.name not in WALKS and (steps := walked(connection, query))
    }
    assert walkers == {}


def test_a_lane_reads_only_what_it_asks_for(connection: sqlite3.Connection) -> None:
    known = queries(Dialect.SQLITE)
    for name, index in (
        ("lane_messages", "messages_due (mailbox_id=?"),
        ("lanes", "messages_due (mailbox_id=?"),
    ):
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN {known[name].sql}", dict.fromkeys(known[name].params, 1)
        ).fetchall()
        assert any(index in row["detail"] for row in plan), name
        assert not any("TEMP B-TREE" in row["detail"] for row in plan), name


# ---- The embedded store's memory is bounded: pages are cached once, by the system


def test_a_connection_keeps_four_megabytes_of_pages_at_most(tmp_path: Path) -> None:
    connection = connect_file(tmp_path / "store.sqlite3")
    assert connection.execute("PRAGMA cache_size").fetchone()[0] == -4096
    connection.close()
