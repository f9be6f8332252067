"""The pages of docs/reference that are written from the code: `make reference` writes them, a test holds them true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from backend.__main__ import cli
from backend.domain.policy.guards import GUARDS
from backend.domain.policy.table import TABLE
from backend.terminal import explain
from tests.reference.figures import metrics
from tests.reference.refusals import errors
from tests.reference.tables import WRITTEN, cell
from tests.reference.variables import settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


def commands() -> str:
    """Every command with its arguments."""
    parts = [WRITTEN, "", "# Commands", "", "`--help` behind any of them says more, and has its options.", ""]
    for names, command in _commands(cli, ("pitchgate",)):
        if isinstance(command, click.Group):
            continue
        explain(command, ".".join(names[1:]))
        pieces = command.collect_usage_pieces(click.Context(command, info_name=" ".join(names)))
        called = " ".join([*names, *(piece for piece in pieces if piece != "[OPTIONS]")])
        parts.append(f"- `{called}`: {command.get_short_help_str(limit=200)}")
    return "\n".join([*parts, ""])


def policy() -> str:
    """The rows of the policy table and the guards of a reply, in their order."""
    parts = [
        WRITTEN,
        "",
        "# The policy table",
        "",
        "The first row that matches decides, and is named in the verdict. How to change one: "
        "[your first change](../tutorial/first-change.md).",
        "",
    ]
    for number, row in enumerate(TABLE, 1):
        parts.append(f"{number}. `{row.row}` → {row.outcome}: {cell(row.description)}")
    parts += [
        "",
        "A held message is answered only if none of these guards objects:",
        "",
    ]
    parts += [f"- `{guard.name}`: {cell(guard.description)}" for guard in GUARDS]
    return "\n".join([*parts, ""])


PAGES = {
    "commands.md": commands,
    "errors.md": errors,
    "metrics.md": metrics,
    "policy.md": policy,
    "settings.md": settings,
}


def _commands(
    command: click.Command, names: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield names, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if below := command.get_command(context, name):
                yield from _commands(below, (*names, name))
