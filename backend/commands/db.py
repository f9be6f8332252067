"""`pitchgate db`: the schema, and the move from the embedded file to a server."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from backend.domain.errors import Refused
from backend.settings import Settings
from backend.store.library import Dialect
from backend.store.schema import Place, place, status, upgrade


@click.group("db")
def db_group() -> None:
    """See and upgrade the database's schema; move it from the embedded file to PostgreSQL."""


@db_group.command("status")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def status_command(as_json: bool) -> None:
    """Show where the database is and which steps its schema still lacks. Exit status 1 if any."""
    where = configured()
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
        click.echo(f"{where.dialect.value} at {where.name}, schema version {found.version}")
        for step in pending:
            click.echo(f"  pending: {step}")
        if found.ahead:
            click.echo(f"  A newer release has been here; this one knows steps up to {found.latest}.")
        elif not pending:
            click.echo("  up to date")
    if pending:
        raise SystemExit(1)


@db_group.command("upgrade")
def upgrade_command() -> None:
    """Bring the schema up to date. Servers of the previous release may go on running meanwhile."""
    where = configured()
    made = asyncio.run(upgrade(where))
    click.echo(f"{made} steps made; {where.name} is up to date." if made else f"{where.name} was up to date.")


@db_group.command("copy")
@click.argument("target")
@click.option(
    "--source", type=click.Path(path_type=Path), help="The embedded file; by default the settings' own."
)
def copy_command(target: str, source: Path | None) -> None:
    """Copy the embedded file into the empty database TARGET (postgresql://…). Stop the servers first.

    Counts and sums of every table are compared before the copy counts; the file stays as it is.
    """
    there = place(target)
    if there.dialect is not Dialect.POSTGRES:
        raise Refused("The target must be postgresql://…", "Name an empty database.", field="target")
    from backend.store.moving import copy

    with Console(stderr=True).status("copying") as shown:
        moved = asyncio.run(
            copy(
                source or Settings().sqlite_path,
                there.address,
                lambda table, rows: shown.update(f"{table}: {rows:,}"),
            )
        )
    table = Table("table", "rows")
    for one in moved:
        table.add_row(one.table, f"{one.rows:,}")
    Console().print(table)
    click.echo(
        f"All of it is in {there.name}, counts and sums compared. Set PITCHGATE_DATABASE_URL to use it."
    )


def configured() -> Place:
    """The database of the settings."""
    settings = Settings()
    try:
        return place(settings.database_url or settings.sqlite_path)
    except ValueError as error:
        raise Refused(f"PITCHGATE_DATABASE_URL: {error}", field="database_url") from error
