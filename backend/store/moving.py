"""Moving everything from the embedded file to a server, in one transaction, checked before it counts.

Nobody else may have the file open, from before the first row to the end: what a server wrote there meanwhile, or after
the copy, would be left behind. Rows go over as they are; leases in them run out as they would have.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from backend.domain.errors import Conflict, Refused
from backend.domain.mailbox.archive import OWNED_TABLES
from backend.store import postgres, schema
from backend.store.library import Dialect, Query, queries
from backend.store.sqlite import held_alone
from backend.transactions.mailboxes import LASTING

ORDER = ("mailboxes", *(name for name in OWNED_TABLES if name != "mailboxes"), *LASTING)
"""Parents before children."""

CHUNK = 2_000
MODULUS = 1_000_003
"""Numbers are summed by their remainder: sums of a million times in microseconds would not fit."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One table that was copied."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: str  # of PostgreSQL: bigint, boolean, text, bytea, double precision


async def copy(source: Path, target: str, tell: Callable[[str, int], None] = lambda *_: None) -> list[Moved]:
    """Copy the file `source` into the empty database `target`.

    `tell(table, rows)` is called as rows go over. Raises `Refused` if there is nothing to copy or the
    target holds something, `Conflict` while a server has the file open, and if the copy does not match: then the target
    is as empty as before.
    """
    here = _opened(source)
    try:
        await postgres.upgrade_server(target)
        there: Any = await asyncpg.connect(target)
    except BaseException:
        here.close()
        raise
    try:
        async with there.transaction():
            await there.execute("SET LOCAL app.mailbox = '*'")
            await _refuse_if_used(there)
            moved = [await _copy_table(here, there, table, tell) for table in ORDER]
            for table in ORDER:
                await _compare(here, there, table)
            await _check_ledger(there)
        # A server plans by its statistics: without any, a page of held mail took seconds after a move.
        await there.execute("ANALYZE")
        return moved
    finally:
        here.close()
        await there.close()


def _opened(source: Path) -> sqlite3.Connection:
    if not source.exists():
        raise Refused("no_file", path=source, field="source")
    schema.upgrade_file(source)
    return held_alone(source, "in_use.copy")


async def _refuse_if_used(there: Any) -> None:
    for table in ORDER:
        if await there.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})"):  # noqa: S608 - our own name
            raise Refused("not_empty", table=table, field="target")


async def _copy_table(
    here: sqlite3.Connection, there: Any, table: str, tell: Callable[[str, int], None]
) -> Moved:
    columns = await _columns(there, table)
    names = ", ".join(column.name for column in columns)
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own schema
    truths = [number for number, column in enumerate(columns) if column.kind == "boolean"]
    total = 0
    # Events go over themselves: a row that is copied is no news.
    await there.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for chunk in _chunks(here.execute(f"SELECT {names} FROM {table}")):  # noqa: S608 - the same names
        await there.executemany(insert, [_converted(row, truths) for row in chunk])
        total += len(chunk)
        tell(table, total)
    await there.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return Moved(table, total)


def _chunks(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    while chunk := cursor.fetchmany(CHUNK):
        yield chunk


def _converted(row: Any, truths: list[int]) -> list[Any]:
    values = list(row)
    for number in truths:
        values[number] = bool(values[number])
    return values


async def _columns(there: Any, table: str) -> list[_Column]:
    rows = await there.fetch(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
        table,
    )
    return [_Column(row["column_name"], row["data_type"]) for row in rows]


async def _compare(here: sqlite3.Connection, there: Any, table: str) -> None:
    """The number of rows, and of each column how many values, their sum, their length or their extremes."""
    sums = {
        "bigint": f"CAST(COALESCE(SUM({{0}} % {MODULUS}), 0) AS BIGINT)",
        "boolean": "CAST(COALESCE(SUM(CASE WHEN {0} THEN 1 ELSE 0 END), 0) AS BIGINT)",
        "double precision": "MIN({0}), MAX({0})",
        "text": "CAST(COALESCE(SUM(LENGTH({0})), 0) AS BIGINT)",
        "bytea": "CAST(COALESCE(SUM(LENGTH({0})), 0) AS BIGINT)",
    }
    columns = await _columns(there, table)
    parts = ["COUNT(*)", *(f"COUNT({c.name}), {sums[c.kind].format(c.name)}" for c in columns)]
    question = f"SELECT {', '.join(parts)} FROM {table}"  # noqa: S608 - the same names
    ours, theirs = tuple(here.execute(question).fetchone()), tuple(await there.fetchrow(question))
    if ours != theirs:
        raise Conflict("copy_differs", table=table, ours=ours, theirs=theirs)


async def _check_ledger(there: Any) -> None:
    known = queries(Dialect.POSTGRES)
    checks: list[Query] = [known["balance_differences"], known["daily_differences"]]
    for check in checks:
        if await there.fetch(check.sql):
            raise Conflict("ledger_differs")
