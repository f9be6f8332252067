"""`pitchgate jobs`: messages that were tried too often and wait for a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from backend.commands.with_store import named, of_mailbox, with_store
from backend.domain.errors import NotFound
from backend.system import SystemClock
from backend.terminal import WordedGroup, echo, print_table, words
from backend.transactions.statement import moment

if TYPE_CHECKING:
    from backend.transactions.store import Store


@click.group("jobs", cls=WordedGroup)
def jobs_group() -> None:
    """See dead letters (messages tried too often), try them again or drop them."""


@jobs_group.command("list")
@of_mailbox
@click.option("--json", "as_json", is_flag=True)
def list_command(email: str | None, as_json: bool) -> None:
    """Show dead letters, oldest first. In Gmail they stay where they are."""

    async def work(store: Store) -> list[dict[str, Any]]:
        names = {mailbox.id: mailbox.owner.email for mailbox in await store.mailboxes()}
        found = await store.dead_letters((await named(store, email)).id if email else None)
        return [
            {
                "mailbox": names.get(row["mailbox_id"], row["mailbox_id"]),
                "message": row["gmail_id"],
                "stage": row["stage"],
                "since": moment(row["changed_at"]).isoformat(timespec="seconds"),
                "cause": row["error"],
            }
            for row in found
        ]

    found = with_store(work)
    if as_json:
        for one in found:
            click.echo(json.dumps(one))
        return
    if not found:
        echo("jobs.none")
        return
    print_table((words()(f"jobs.column_{name}") for name in found[0]), (one.values() for one in found))


@jobs_group.command("retry")
@click.argument("email")
@click.argument("message", required=False)
@click.option("--all", "everything", is_flag=True)
def retry_command(email: str, message: str | None, everything: bool) -> None:
    """Give MESSAGE of the mailbox EMAIL new tries, or with --all every dead letter."""
    count = with_store(lambda store: _each(store, email, message, everything, retry=True))
    echo("jobs.retried", count=count)


@jobs_group.command("drop")
@click.argument("email")
@click.argument("message", required=False)
@click.option("--all", "everything", is_flag=True)
def drop_command(email: str, message: str | None, everything: bool) -> None:
    """Let MESSAGE of the mailbox EMAIL be: it stays where it is in Gmail, and nothing more is tried."""
    count = with_store(lambda store: _each(store, email, message, everything, retry=False))
    echo("jobs.dropped", count=count)


async def _each(store: Store, email: str, message: str | None, everything: bool, *, retry: bool) -> int:
    if (message is None) is not everything:
        raise click.UsageError(words()("jobs.one_or_all"))
    mailbox_id = (await named(store, email)).id
    names = [message] if message else [row["gmail_id"] for row in await store.dead_letters(mailbox_id)]
    change = store.retry_dead_letter if retry else store.drop_dead_letter
    done = [await change(mailbox_id, name, SystemClock().now()) for name in names]
    if message and not any(done):
        raise NotFound("unknown_job", message=message, email=email)
    return sum(done)
