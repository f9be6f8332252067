"""The queries, read from .sql files; those about all tables of an owner are generated here.

aiosql reads them: it splits the named blocks, checks every parameter against the block's declared list and rewrites
`:name` for the driver. Its calling layer is not used: it takes a connection and runs at once (one flavour blocking, one
awaiting), while a script must yield statements without either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

from aiosql.adapters.asyncpg import AsyncPGAdapter
from aiosql.adapters.sqlite3 import SQLite3Adapter
from aiosql.query_loader import QueryLoader
from aiosql.types import SQLOperationType

from backend.domain.mailbox.archive import OWNED_TABLES, TABLES, ColumnKind

SQL = Path(__file__).parent / "sql"


class Dialect(Enum):
    """A database's SQL; the value is the folder of its own queries and migrations."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"


class Yields(Enum):
    """What a query returns: set by the mark after its name in the file."""

    ROWS = SQLOperationType.SELECT
    ROW = SQLOperationType.SELECT_ONE
    VALUE = SQLOperationType.SELECT_VALUE
    COUNT = SQLOperationType.INSERT_UPDATE_DELETE


@dataclass(frozen=True, slots=True)
class Query:
    """One query, ready for its driver. `order` lists the parameters by position if the driver has no named ones."""

    name: str
    sql: str
    yields: Yields
    params: frozenset[str]
    order: tuple[str, ...]


@cache
def queries(dialect: Dialect) -> Mapping[str, Query]:
    """Every query of `dialect`: the shared ones and its own. Raises for a name given twice."""
    kind: Any = SQLite3Adapter if dialect is Dialect.SQLITE else AsyncPGAdapter
    adapter = kind()
    loader = QueryLoader(adapter, record_classes=None, attribute=None)
    found: dict[str, Query] = {}
    paths = [path for folder in ("queries", dialect.value) for path in sorted((SQL / folder).glob("*.sql"))]
    for text in (*(path.read_text(encoding="utf-8") for path in paths), *_owner_queries()):
        for datum in loader.load_query_data_from_sql(text, []):
            if datum.query_name in found:
                raise ValueError(f"two queries are called {datum.query_name}")
            order = tuple(adapter.var_sorted[datum.query_name]) if dialect is Dialect.POSTGRES else ()
            found[datum.query_name] = Query(
                name=datum.query_name,
                sql=datum.sql.rstrip(";\n "),
                yields=Yields(datum.operation_type),
                params=frozenset(datum.parameters or ()),
                order=order,
            )
    return found


def _owner_queries() -> Iterator[str]:
    """The queries that export, restore and delete an owner's rows: one of each per table, generated from `archive`."""
    for name in OWNED_TABLES:
        whose = "id" if name == "mailboxes" else "mailbox_id"
        yield f"-- name: forget_{name}(mailbox_id)!\nDELETE FROM {name} WHERE {whose} = :mailbox_id;"
    for table in TABLES.values():
        # By key, so that every page costs the same; some keys are numbers.
        number = table.columns[table.key].kind is ColumnKind.WHOLE
        after = "CAST(COALESCE(NULLIF(:after, ''), '0') AS BIGINT)" if number else ":after"
        not_erased = f"AND {table.erased_if_empty} IS NOT NULL" if table.erased_if_empty else ""
        yield (
            f"-- name: archive_{table.name}(mailbox_id, after, limit)\n"
            f"SELECT {', '.join(table.columns)} FROM {table.name}\n"
            f"WHERE mailbox_id = :mailbox_id AND {table.key} > {after} {not_erased} ORDER BY {table.key} LIMIT :limit;"
        )
        if table.imported and table.name != "ledger":
            # A restored message has nothing left to do: that was done, or still is, where it comes from.
            names = ("mailbox_id", *table.columns, *table.made)
            yield (
                f"-- name: restore_{table.name}({', '.join(names)})!\n"
                f"INSERT INTO {table.name} ({', '.join(names)})\n"
                f"VALUES ({', '.join(f':{name}' for name in names)}) ON CONFLICT DO NOTHING;"
            )


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema."""

    version: int
    name: str
    sql: str


@cache
def migrations(dialect: Dialect) -> tuple[Migration, ...]:
    """All steps of `dialect` in order: the shared ones (`both/`) and its own.

    Numbers go up and may have gaps. Raises `ValueError` for a number given twice.
    """
    steps = []
    for folder in ("both", dialect.value):
        for path in (SQL / "migrations" / folder).glob("*.sql"):
            number, _, name = path.stem.partition("_")
            steps.append(Migration(int(number), name, path.read_text(encoding="utf-8")))
    if len({step.version for step in steps}) != len(steps):
        raise ValueError(f"two {dialect.value} migrations have the same number")
    return tuple(sorted(steps, key=lambda step: step.version))
