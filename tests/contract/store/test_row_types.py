"""Every answer of a query has a type, and both databases keep to it. That no NULL comes where none is said to come is
watched by `Checking` in every other story of this folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import asyncpg

from backend.domain.mailbox.archive import TABLES
from backend.store.library import Dialect, Yields, queries
from backend.store.sqlite import connect_file
from backend.transactions.store import Store
from tests.contract.store.row_types import Ask, asks, columns_of, row_of

OF_POSTGRES = {"int8": int, "int4": int, "bool": int, "text": str, "float8": float, "bytea": bytes}


def dialect_of(address: str) -> Dialect:
    return Dialect.POSTGRES if address.startswith("postgresql:") else Dialect.SQLITE


async def columns(address: str) -> Mapping[str, Mapping[str, type | None]]:
    """What each query gives back: the names of its columns, and their types where the driver tells."""
    known = queries(dialect_of(address))
    giving = {name: query for name, query in known.items() if query.yields is not Yields.COUNT}
    if dialect_of(address) is Dialect.SQLITE:
        connection = connect_file(address)  # type: ignore[arg-type]
        try:
            connection.execute("BEGIN")
            asked = {name: dict.fromkeys(q.params, 0) | {"rows": "[]"} for name, q in giving.items()}
            return {
                name: {column[0]: None for column in connection.execute(q.sql, asked[name]).description}
                for name, q in giving.items()
            }
        finally:
            connection.close()
    server = await asyncpg.connect(address)
    try:
        return {
            name: {
                column.name: OF_POSTGRES[column.type.name]
                for column in (await server.prepare(q.sql)).get_attributes()
            }
            for name, q in giving.items()
        }
    finally:
        await server.close()


def plain(kind: Any) -> Any:
    """The type without its `None`."""
    return next((part for part in get_args(kind) if part is not type(None)), kind)


def wrong(ask: Ask, found: Mapping[str, type | None], yields: Yields) -> str:
    """What is not as the transaction takes it, "" if nothing is."""
    if yields is Yields.VALUE:
        (kind,) = found.values()
        return "" if kind in (None, plain(ask.kind)) else f"{ask.where} {ask.query}: a {kind}"
    row = row_of(ask.kind)
    if row is None:
        return f"{ask.where} {ask.query}: its rows have no type"
    if get_origin(row) is tuple:
        given, taken = tuple(found.values()), get_args(row)
        fits = len(given) == len(taken) and all(g in (None, t) for g, t in zip(given, taken, strict=True))
        return "" if fits else f"{ask.where} {ask.query}: {given}"
    for name, kind in columns_of(row).items():
        if name not in found:
            return f"{ask.where} {ask.query}: no column {name}"
        if found[name] not in (None, plain(kind)):
            return f"{ask.where} {ask.query}.{name}: a {found[name]}"
    return ""


def test_no_transaction_takes_an_answer_without_saying_its_type() -> None:
    untyped = [f"{ask.where} {ask.query}" for ask in asks() if ask.kind is Any]
    assert not untyped


async def test_every_answer_has_the_columns_its_type_names(store: Store, address: str) -> None:
    await store.ping()
    found, known = await columns(address), queries(dialect_of(address))
    looked_at = [ask for ask in asks() if ask.kind and ask.query in found]
    faults = [wrong(ask, found[ask.query], known[ask.query].yields) for ask in looked_at]
    assert not [fault for fault in faults if fault]


async def test_every_query_that_gives_something_is_asked_by_a_typed_transaction(
    store: Store, address: str
) -> None:
    await store.ping()
    typed = {ask.query for ask in asks() if ask.kind}
    unasked = {
        name for name in await columns(address) if name not in typed and not name.startswith("archive_")
    }
    assert unasked <= {"count_mailboxes"}


async def test_the_archives_tables_have_the_columns_of_its_format(store: Store, address: str) -> None:
    await store.ping()
    found = await columns(address)
    for name, table in TABLES.items():
        assert set(table.columns) <= found[f"archive_{name}"].keys()
