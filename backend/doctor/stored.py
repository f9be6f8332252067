"""Checks of what is stored: the database, its schema and rights, and whether the keys open the tokens."""

from __future__ import annotations

import os
import shlex
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backend.doctor import machine
from backend.doctor.finding import Finding, broken, refused, skipped, warning, well
from backend.domain.errors import PitchgateError, Refused
from backend.settings import Environment, Settings
from backend.store import opening
from backend.store.library import Dialect
from backend.store.schema import Place, status
from backend.system.vault import KEY_FILE, MultiFernetVault, configured_vault, opens
from backend.transactions.store import Store


async def of_database(settings: Settings) -> list[Finding]:
    """Whether there is one, its schema, its rights, its pages. Changes nothing."""
    where = opening.configured(settings)
    try:
        with opening.explained(where):
            if where.dialect is Dialect.SQLITE and not where.path.exists():
                return [skipped("database", "none", name=where.name)]
            if where.dialect is Dialect.SQLITE and (damage := _damage(where.path)):
                return [broken("database", "damaged", name=where.name, why=damage)]
            found = await status(where)
    except PitchgateError as error:
        return [refused("database", error)]
    facts: dict[str, Any] = {"kind": where.dialect.value, "name": where.name, "schema": str(found.version)}
    if found.ahead:
        return [broken("database", "ahead", **facts)]
    if found.pending:
        return [*_rights(where), warning("database", "pending", count=len(found.pending), **facts)]
    return [*_rights(where), well("database", "current", **facts)]


def _damage(path: Path) -> str:
    """What SQLite says is wrong with a file, "" for nothing."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        damage = getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_CORRUPT,
            sqlite3.SQLITE_NOTADB,
        )
        return str(error) if damage else ""  # a full disk or a missing right is told as such, further on
    return "" if result == "ok" else str(result)[:200]


def _rights(where: Place) -> Iterator[Finding]:
    if where.dialect is not Dialect.SQLITE:
        return
    if not os.access(where.path, os.R_OK | os.W_OK):
        yield broken("database", "not_ours", path=where.path, owner=machine.owner_of(where.path))
    elif os.name == "posix" and all(
        stat.S_IMODE(place.stat().st_mode) & 0o077 for place in (where.path, where.path.parent)
    ):
        yield warning("database", "readable", name=where.name, path=shlex.quote(str(where.path.absolute())))


def vault_of(settings: Settings) -> MultiFernetVault | Finding:
    """The keys, without making any; what is wrong with them where there are none."""
    made = settings.state_dir / KEY_FILE
    if (
        not settings.secret_keys
        and settings.environment in (Environment.DEV, Environment.TEST)
        and not os.path.exists(made)
    ):
        return skipped("keys", "none")
    try:
        return configured_vault(settings)
    except Refused as error:
        return refused("keys", error)


async def of_keys(store: Store | None, vault: MultiFernetVault) -> list[Finding]:
    """Whether they open every token that is kept."""
    if store is None:
        return [well("keys", "unused")]
    sealed = await store.sealed_tokens()
    shut = sum(not opens(vault, token) for token in sealed)
    if not shut:
        return [well("keys", "open_all", count=len(sealed))]
    return [broken("keys", "shut", count=len(sealed), shut=shut)]


async def of_jobs(store: Store) -> list[Finding]:
    """Jobs that fail, and dead letters."""
    counts = await store.census()
    failing, dead = counts.get("failing_seconds", 0), counts.get("dead_letters", 0)
    found = []
    if failing > 120:
        found.append(warning("jobs", "failing", seconds=failing))
    if dead:
        found.append(warning("jobs", "dead_letters", count=dead))
    return found or [well("jobs", "none")]
