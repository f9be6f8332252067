"""`pitchgate db`: the schema, backups, and the move from SQLite to PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from backend.domain.errors import Refused
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import TranslatedGroup, echo, print_table, words

if TYPE_CHECKING:
    from backend.store.backup import Copy
    from backend.store.schema import Place
    from backend.vault import MultiFernetVault

# The store is imported late, in the commands: help does not need it.


@click.group("db", cls=TranslatedGroup)
def db_group() -> None:
    """Show and upgrade the schema; back up and restore the SQLite file; copy it to PostgreSQL."""


@db_group.command("status")
@click.option("--json", "as_json", is_flag=True)
def status_command(as_json: bool) -> None:
    """Show where the database is and which migrations it lacks. Exit status 1 if any."""
    from backend.store import opening
    from backend.store.schema import status

    where = opening.configured(read_settings())
    with opening.explained(where):
        found = asyncio.run(status(where))
    pending = [f"{step.version:04} {step.name}" for step in found.pending]
    if as_json:
        report = {
            "database": where.name,
            "kind": where.dialect.value,
            "version": found.version,
            "pending": pending,
        }
        click.echo(json.dumps(report))
    else:
        echo("db.where", kind=where.dialect.value, name=where.name, version=found.version)
        for step in pending:
            echo("db.pending", step=step)
        if found.ahead:
            echo("db.ahead", latest=found.latest)
        elif not pending:
            echo("db.current")
    if pending:
        raise SystemExit(1)


@db_group.command("upgrade")
def upgrade_command() -> None:
    """Apply missing migrations. Servers of the previous release may keep running meanwhile."""
    from backend.store import opening
    from backend.store.schema import upgrade

    where = opening.configured(read_settings())
    with opening.explained(where):
        made = asyncio.run(upgrade(where))
    echo("db.upgraded" if made else "db.was_current", count=made, name=where.name)


@db_group.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup_command(file: Path) -> None:
    """Copy the database to the new FILE while servers run, and check the copy. Only the current user can read it."""
    from backend.store import opening
    from backend.store.backup import back_up

    where = _sqlite_place("pg_dump --format=custom --file=FILE")
    with opening.explained(where):
        copy = back_up(where.path, file, _keys())
    echo("db.backed_up", file=file, told=_counts(copy))


@db_group.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--without-tokens", is_flag=True)
def restore_command(file: Path, without_tokens: bool) -> None:
    """Replace the database by FILE, made by `db backup`. Stop the server first; the old database is kept.

    Shows which keys FILE needs and stops if one is missing. --without-tokens: go on anyway; owners whose token cannot
    be decrypted must reconnect.
    """
    from backend.store import opening
    from backend.store.backup import needs, restore
    from backend.transactions.driver import Departures

    where, settings, keys = (
        _sqlite_place("pg_restore --clean --single-transaction --dbname=DATABASE FILE"),
        read_settings(),
        _keys(),
    )
    with opening.explained(where):
        found = needs(file, keys, Departures(settings.state_dir))
        for key, count in found.ids.items():
            echo("db.needs_key" if key in keys.ids else "db.lacks_key", id=key, count=count)
        if found.shut and not without_tokens:
            missing = ", ".join(sorted(set(found.ids) - set(keys.ids))) or "?"
            raise Refused(
                "backup_keys",
                count=len(found.shut),
                missing=missing,
                here=", ".join(keys.ids),
                field="secret_keys",
            )
        restored, old_file = restore(file, where.path, SystemClock().now(), found.shut)
    echo("db.restored", file=where.path, told=_counts(restored))
    if found.shut:
        echo("db.without_tokens", count=len(found.shut))
    if found.left:
        echo("db.left_since", count=len(found.left))
    if old_file:
        echo("db.kept", file=old_file)


def _keys() -> MultiFernetVault:
    from backend.vault import configured_vault

    return configured_vault(read_settings())


def _counts(copy: Copy) -> str:
    return words()("db.told", bytes=copy.bytes, mailboxes=copy.mailboxes, messages=copy.messages)


def _sqlite_place(instead: str) -> Place:
    """Where the SQLite file is. Raises `Refused` with the command to use `instead` for PostgreSQL."""
    from backend.store import opening
    from backend.store.library import Dialect

    where = opening.configured(read_settings())
    if where.dialect is Dialect.POSTGRES:
        raise Refused("db_server", name=where.name, instead=instead)
    return where


@db_group.command("copy")
@click.argument("target")
@click.option("--source", type=click.Path(path_type=Path))
def copy_command(target: str, source: Path | None) -> None:
    """Copy the SQLite file into the empty database TARGET (postgresql://…). Stop the servers first.

    Row counts and checksums of all tables are compared before it is committed; the file is not changed.
    """
    from backend.store import opening
    from backend.store.library import Dialect
    from backend.store.schema import place

    try:
        destination = place(target)
    except ValueError as error:
        raise Refused("db_target.address", field="target") from error
    if destination.dialect is not Dialect.POSTGRES:
        raise Refused("db_target", field="target")
    with opening.explained(destination), Console(stderr=True).status(words()("db.copying")) as progress:
        from backend.store.backup import copy  # in here, so that a missing driver is explained

        tables = asyncio.run(
            copy(
                source or read_settings().sqlite_path,
                destination.address,
                lambda table, rows: progress.update(f"{table}: {rows:,}"),
            )
        )
    titles = (words()(f"db.column_{name}") for name in ("table", "rows"))
    print_table(titles, ((one.table, f"{one.rows:,}") for one in tables))
    echo("db.copied", name=destination.name)
