"""`pitchgate mailbox`: what an operator may see and set of the connected mailboxes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

import click

from backend.commands.with_store import named, with_store
from backend.domain.mailbox.mailbox import Link, Mailbox
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import WordedGroup, confirms, echo, language, print_table, words

if TYPE_CHECKING:
    from backend.transactions.store import Store
    from backend.web.pages import State

COLUMNS = ("mailbox", "state", "mode", "strictness", "watch", "read")


@click.group("mailbox", cls=WordedGroup)
def mailbox_group() -> None:
    """List connected mailboxes, change their settings, disconnect one."""


@mailbox_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_command(as_json: bool) -> None:
    """Show every connected mailbox and its state."""
    mailboxes = with_store(lambda store: store.mailboxes())
    now = SystemClock().now()
    if as_json:
        for mailbox in mailboxes:
            click.echo(json.dumps(_as_json(mailbox, now)))
        return
    from backend.web.pages import state_of  # here and below: help needs no web

    rows = [_row(mailbox, state_of(mailbox, language(), now)) for mailbox in mailboxes]
    print_table((words()(f"mailbox.column_{name}") for name in COLUMNS), rows)


def _row(mailbox: Mailbox, state: State) -> tuple[str, ...]:
    until, wishes = mailbox.watch_expires_at, mailbox.preferences
    return (
        mailbox.owner.email,
        "\n".join((f"{state.title}: {state.text}", *state.warnings)),
        wishes.mode,
        wishes.strictness,
        f"{until:%Y-%m-%d %H:%M} UTC" if until else "–",
        f"{mailbox.index_done}/{mailbox.index_total}",
    )


def _as_json(mailbox: Mailbox, now: datetime) -> dict[str, object]:
    from backend.web.pages import state_of

    state, gap = state_of(mailbox, language(), now), mailbox.gap
    return {
        "email": mailbox.owner.email,
        "state": state.condition,
        "cause": state.cause,
        "remedy": state.remedy,
        "warnings": list(state.warnings),
        "watch_until": mailbox.watch_expires_at.isoformat() if mailbox.watch_expires_at else None,
        "indexed": [mailbox.index_done, mailbox.index_total],
        "last_gap": gap.to_json() if gap else None,
    }


@mailbox_group.command("set")
@click.argument("email")
@click.argument("changes", nargs=-1, required=True)
def set_command(email: str, changes: tuple[str, ...]) -> None:
    """Change settings of EMAIL: mode=challenge strictness=strict credits_per_solve=3 …"""
    from backend.pipeline.modes import check_chosen

    values = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise click.UsageError(words()("mailbox.form", change=change))
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value  # a plain word
    check_chosen(read_settings(), values)

    async def work(store: Store) -> Mailbox:
        mailbox = await named(store, email)
        preferences = mailbox.preferences.changed(**values)
        await store.save_preferences(mailbox.id, preferences, SystemClock().now())
        return await named(store, email)

    click.echo(json.dumps(with_store(work).preferences.to_json(), indent=2))


@mailbox_group.command("disconnect")
@click.argument("email")
@confirms("mailbox.disconnect_really")
def disconnect_command(email: str) -> None:
    """Disconnect EMAIL: a running server stops the watch, revokes the grant and deletes all its rows."""

    async def work(store: Store) -> None:
        mailbox = await named(store, email)
        await store.set_link(mailbox.id, Link.LEAVING, SystemClock().now())

    with_store(work)
    echo("mailbox.leaving", email=email)
