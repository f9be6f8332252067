"""Every row of a store, read past it: to see that nothing changed."""

from __future__ import annotations

import sqlite3
from typing import Any

import asyncpg

from backend.domain.mailbox.archive import OWNED_TABLES as OWN

TABLES = (*OWN, "receipts")
Rows = dict[str, list[tuple[Any, ...]]]


async def dump(address: str, mailbox_id: str = "") -> Rows:
    """The rows of all tables, or those of one mailbox, sorted."""
    if address.startswith("postgresql:"):
        return await _postgres(address, mailbox_id)
    return _sqlite(address, mailbox_id)


def _query(table: str) -> str:
    return f"SELECT * FROM {table} WHERE '{{0}}' IN ('', {'id' if table == 'mailboxes' else 'mailbox_id'})"


def _sqlite(path: str, mailbox_id: str) -> Rows:
    connection = sqlite3.connect(path)
    try:
        found = {name: connection.execute(_query(name).format(mailbox_id)).fetchall() for name in TABLES}
    finally:
        connection.close()
    return {name: sorted(rows, key=repr) for name, rows in found.items()}


async def _postgres(address: str, mailbox_id: str) -> Rows:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("SET app.mailbox = '*'")
        found = {name: await connection.fetch(_query(name).format(mailbox_id)) for name in TABLES}
    finally:
        await connection.close()
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in found.items()}


async def columns(address: str) -> dict[str, set[str]]:
    """The columns of every table that belongs to a mailbox."""
    if not address.startswith("postgresql:"):
        connection = sqlite3.connect(address)
        try:
            return {
                name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for name in OWN
            }
        finally:
            connection.close()
    server = await asyncpg.connect(address)
    try:
        rows = await server.fetch(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = current_schema()"
        )
    finally:
        await server.close()
    return {name: {row[1] for row in rows if row[0] == name} for name in OWN}
