"""The schema on PostgreSQL: how far it is, and bringing it up to date under processes that work on it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from backend.domain.errors import Conflict
from backend.store.library import Dialect, Migration, migrations
from backend.transactions.statement import EVERY

MIGRATING = 0x7069746368
"""The advisory lock under which one process at a time upgrades the schema."""
LOCK_WAIT = "2s"
"""How long a step waits for a table. Whatever else wants that table waits behind it meanwhile."""
STEP_TRIES = 30
STEP_PAUSE = 0.5

Connection = Any
"""An asyncpg connection."""


async def upgrade(url: str) -> int:
    """Bring the schema up to date, one transaction a step, one process at a time; returns the steps made.

    Earlier releases may still be running: a step only adds, what it replaces goes with a later release. A step
    that cannot have its tables at once, or deadlocks with work under way, is undone and tried again. Raises
    `Conflict` when something holds them for good.
    """
    connection: Connection = await asyncpg.connect(url, timeout=10)
    made = 0
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATING)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
        done = await version(connection)
        for step in migrations(Dialect.POSTGRES):
            if step.version > done:
                await _make(connection, step)
                made += 1
    finally:
        await connection.close()
    return made


async def _make(connection: Connection, step: Migration) -> None:
    for _ in range(STEP_TRIES):
        try:
            async with connection.transaction():
                await connection.execute(
                    f"SET LOCAL app.mailbox = {literal(EVERY)}; SET LOCAL lock_timeout = '{LOCK_WAIT}'"
                )
                await connection.execute(step.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)", step.version, step.name
                )
            return
        except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
            await asyncio.sleep(STEP_PAUSE)
    raise Conflict("schema_step", step=f"{step.version:04}")


async def version(connection: Connection) -> int:
    """The number of the last migration made, 0 before the first."""
    if not await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL"):
        return 0
    found: int = await connection.fetchval("SELECT COALESCE(MAX(version), 0) FROM schema_migrations")
    return found


async def current_version(url: str) -> int:
    """The same of the database at `url`. Changes nothing."""
    connection: Connection = await asyncpg.connect(url, timeout=10)
    try:
        return await version(connection)
    finally:
        await connection.close()


async def unbound_role(url: str) -> str:
    """The role we connect as, if row-level security does not bind it (a superuser, or BYPASSRLS); else ""."""
    connection: Connection = await asyncpg.connect(url, timeout=10)
    try:
        role: str | None = await connection.fetchval(
            "SELECT rolname::TEXT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
        )
        return role or ""
    finally:
        await connection.close()


def literal(text: str) -> str:
    """`text` as an SQL string. SET takes no parameters; a quote is doubled, NUL cannot be in it."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"
