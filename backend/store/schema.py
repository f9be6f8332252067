"""How far a database's schema is, and bringing it up to date."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from backend.store import sqlite_schema
from backend.store.library import Dialect, Migration, migrations


@dataclass(frozen=True, slots=True)
class Place:
    """Where a store is: a file or a server's address."""

    dialect: Dialect
    address: str

    @property
    def path(self) -> Path:
        """The file of an embedded store."""
        return Path(self.address)

    @property
    def name(self) -> str:
        """For people: without the password of a server's address."""
        if self.dialect is Dialect.SQLITE:
            return self.address
        scheme, _, rest = self.address.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"


def place(where: str | Path) -> Place:
    """Read a setting: a path or sqlite:///path, or postgresql://…; anything else raises `ValueError`."""
    text = str(where)
    if text.startswith(("postgresql://", "postgres://")):
        return Place(Dialect.POSTGRES, text)
    if text.startswith("sqlite:///"):
        return Place(Dialect.SQLITE, text.removeprefix("sqlite:///"))
    if "://" in text:
        raise ValueError("db_target.address")
    return Place(Dialect.SQLITE, text)


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """`version` is the last step made (0: none yet); `pending` are those this release would add."""

    version: int
    pending: tuple[Migration, ...]

    @property
    def ahead(self) -> bool:
        """Whether a newer release has been here."""
        return self.version > 0 and not self.pending and self.version > self.latest

    @property
    def latest(self) -> int:
        """The number of the newest step this release knows."""
        return migrations(Dialect.SQLITE)[-1].version


async def status(where: Place) -> SchemaStatus:
    """How far the schema is. Changes nothing, and makes no file."""
    if where.dialect is Dialect.POSTGRES:
        from backend.store.postgres_schema import current_version

        done = await current_version(where.address)
    else:
        done = await asyncio.to_thread(_file_version, where.path)
    return SchemaStatus(done, tuple(step for step in migrations(where.dialect) if step.version > done))


async def upgrade(where: Place) -> int:
    """Make the pending steps; returns how many. Safe while servers of this or the last release run."""
    if where.dialect is Dialect.POSTGRES:
        from backend.store import postgres_schema

        return await postgres_schema.upgrade(where.address)
    return await asyncio.to_thread(sqlite_schema.upgrade, where.path)


def _file_version(path: Path) -> int:
    if not path.exists():
        return 0
    connection = sqlite_schema.connect(path)
    try:
        return sqlite_schema.version(connection)
    finally:
        connection.close()
