"""One transaction script on one SQLite connection, in whichever thread that is at home."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any

from backend.domain.errors import NotFound
from backend.ports.system import DecisionKeys
from backend.store.library import Query, Yields
from backend.transactions.statement import KEYS, WAKE, Script, Statement, T, no_text


def run_script(
    connection: sqlite3.Connection,
    known: Mapping[str, Query],
    script: Script[T],
    wake: Callable[[], None] | None = None,
    keys: DecisionKeys | None = None,
) -> T:
    """Give a script what its statements give, until it returns."""
    try:
        statement = next(script)
        while True:
            if statement is KEYS:
                found = keys
            elif statement is not WAKE:
                found = _execute(connection, known[statement.name], statement)
            elif wake is not None:
                found = wake()
            statement = script.send(found)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        script.close()


def _execute(connection: sqlite3.Connection, query: Query, statement: Statement) -> Any:
    try:
        cursor = connection.execute(query.sql, statement.params)
    except UnicodeEncodeError as error:
        raise no_text() from error
    except sqlite3.IntegrityError as error:
        if "FOREIGN KEY" in str(error):
            raise NotFound("unknown_mailbox") from error
        raise
    if query.yields is Yields.COUNT:
        return cursor.rowcount
    rows = cursor.fetchall()
    if query.yields is Yields.ROWS:
        return rows
    if not rows:
        return None
    return rows[0] if query.yields is Yields.ROW else rows[0][0]
