"""Commands about what is stored: `pitchgate mailbox`, `jobs`, `keys` and `db`.

The store is imported late, in the commands: help does not need it.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.mailbox import AccessState, Mailbox
from backend.domain.moments import moment
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import TranslatedGroup, cli_texts, confirms, echo, language, print_table

if TYPE_CHECKING:
    from backend.store.backup import Copy
    from backend.store.opening import Place
    from backend.transactions.store import Store
    from backend.vault import MultiFernetVault
    from backend.web.pages import MailboxState

# ---- The store for one command, and the mailboxes a command is about


T = TypeVar("T")
P = ParamSpec("P")

mailbox_option = click.option("--mailbox", "email")
"""Option of commands about one mailbox or all; see `selected_mailboxes`."""


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store, run `work` with it and return its result. Raises `Refused` if there is no database: creating
    an empty one would hide that the settings are wrong."""
    from backend.store.library import Dialect
    from backend.store.opening import configured, explained, open_configured

    settings = read_settings()
    where = configured(settings)
    with explained(where):
        if where.dialect is Dialect.SQLITE and not where.path.exists():
            raise Refused("no_file.absent", path=where.path, field="state_dir")

    async def run() -> T:
        store = await open_configured(settings)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def with_open_store(command: Callable[Concatenate[Store, P], Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Decorator: run the command with the open store as its first argument."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return with_store(lambda store: command(store, *args, **kwargs))

    return run


async def find_mailbox(store: Store, email: str) -> Mailbox:
    """The mailbox with this address. Raises `NotFound`."""
    mailbox = await store.mailbox_by_email(email)
    if mailbox is None:
        raise NotFound("no_mailbox", email=email)
    return mailbox


async def selected_mailboxes(store: Store, email: str | None) -> Sequence[Mailbox]:
    """The mailbox with this address, or all mailboxes for None. Raises `NotFound`."""
    return [await find_mailbox(store, email)] if email else await store.mailboxes()


# ---- `pitchgate mailbox`


COLUMNS = ("mailbox", "state", "mode", "strictness", "watch", "read")


@click.group("mailbox", cls=TranslatedGroup)
def mailbox_group() -> None:
    """List connected mailboxes, change their settings, disconnect one."""


@mailbox_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def list_mailboxes(as_json: bool) -> None:
    """Show every connected mailbox and its state."""
    mailboxes = with_store(lambda store: store.mailboxes())
    now = SystemClock().now()
    if as_json:
        for mailbox in mailboxes:
            click.echo(json.dumps(_as_json(mailbox, now)))
        return
    from backend.web.pages import state_of

    rows = [_mailbox_row(mailbox, state_of(mailbox, language(), now)) for mailbox in mailboxes]
    print_table((cli_texts()(f"mailbox.column_{name}") for name in COLUMNS), rows)


def _mailbox_row(mailbox: Mailbox, state: MailboxState) -> tuple[str, ...]:
    until, preferences = mailbox.watch_expires_at, mailbox.preferences
    return (
        mailbox.owner.email,
        "\n".join((f"{state.title}: {state.text}", *state.warnings)),
        preferences.mode,
        preferences.strictness,
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
    from backend.pipeline.decide import check_chosen

    values = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise click.UsageError(cli_texts()("mailbox.form", change=change))
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value  # a plain word
    check_chosen(read_settings(), values)

    async def work(store: Store) -> Mailbox:
        mailbox = await find_mailbox(store, email)
        preferences = mailbox.preferences.changed(**values)
        await store.save_preferences(mailbox.id, preferences, SystemClock().now())
        return await find_mailbox(store, email)

    click.echo(json.dumps(with_store(work).preferences.to_json(), indent=2))


@mailbox_group.command("disconnect")
@click.argument("email")
@confirms("mailbox.disconnect_really")
def disconnect_command(email: str) -> None:
    """Mark EMAIL for disconnection: a running server then stops the watch, revokes the grant and deletes all its
    rows."""

    async def work(store: Store) -> None:
        mailbox = await find_mailbox(store, email)
        await store.set_link(mailbox.id, AccessState.LEAVING, SystemClock().now())

    with_store(work)
    echo("mailbox.leaving", email=email)


# ---- `pitchgate jobs`: dead letters, messages that failed too often


@click.group("jobs", cls=TranslatedGroup)
def jobs_group() -> None:
    """Show dead letters (messages that failed too often), retry or drop them."""


@jobs_group.command("list")
@mailbox_option
@click.option("--json", "as_json", is_flag=True)
def list_jobs(email: str | None, as_json: bool) -> None:
    """Show dead letters, oldest first. In Gmail they stay where they are."""

    async def work(store: Store) -> list[dict[str, Any]]:
        names = {mailbox.id: mailbox.owner.email for mailbox in await store.mailboxes()}
        found = await store.dead_letters((await find_mailbox(store, email)).id if email else None)
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
    print_table((cli_texts()(f"jobs.column_{name}") for name in found[0]), (one.values() for one in found))


@jobs_group.command("retry")
@click.argument("email")
@click.argument("message", required=False)
@click.option("--all", "everything", is_flag=True)
def retry_command(email: str, message: str | None, everything: bool) -> None:
    """Retry MESSAGE of the mailbox EMAIL, or with --all every dead letter."""
    count = with_store(lambda store: _change_dead_letters(store, email, message, everything, retry=True))
    echo("jobs.retried", count=count)


@jobs_group.command("drop")
@click.argument("email")
@click.argument("message", required=False)
@click.option("--all", "everything", is_flag=True)
def drop_command(email: str, message: str | None, everything: bool) -> None:
    """Give up on MESSAGE of the mailbox EMAIL: it stays where it is in Gmail and is not retried."""
    count = with_store(lambda store: _change_dead_letters(store, email, message, everything, retry=False))
    echo("jobs.dropped", count=count)


async def _change_dead_letters(
    store: Store, email: str, message: str | None, everything: bool, *, retry: bool
) -> int:
    if (message is None) is not everything:
        raise click.UsageError(cli_texts()("jobs.one_or_all"))
    mailbox_id = (await find_mailbox(store, email)).id
    names = [message] if message else [row["gmail_id"] for row in await store.dead_letters(mailbox_id)]
    change = store.retry_dead_letter if retry else store.drop_dead_letter
    done = [await change(mailbox_id, name, SystemClock().now()) for name in names]
    if message and not any(done):
        raise NotFound("unknown_job", message=message, email=email)
    return sum(done)


# ---- `pitchgate keys`: the keys that encrypt (seal) stored secrets


@click.group("keys", cls=TranslatedGroup)
def keys_group() -> None:
    """Create, list and rotate the keys that encrypt refresh tokens."""


@keys_group.command("new")
def new_command() -> None:
    """Print a new key for PITCHGATE_SECRET_KEYS. It goes first, before the old ones."""
    from backend.vault import make_key

    click.echo(make_key())


@keys_group.command("list")
def list_keys() -> None:
    """List the ids of the keys, newest first, and how many refresh tokens each decrypts. Ids are not secret."""
    from backend.vault import configured_vault

    vault = configured_vault(read_settings())
    sealed = with_store(lambda store: store.sealed_tokens())
    counts = Counter(vault.key_of(token) for token in sealed)
    titles = (cli_texts()(f"keys.column_{name}") for name in ("key", "tokens"))
    print_table(titles, ((name, str(counts[name])) for name in vault.ids))
    if counts[None]:
        echo("keys.shut", count=counts[None])


@keys_group.command("rotate")
def rotate_command() -> None:
    """Encrypt refresh tokens, keys of decision logs and web push addresses again with the first key. May run again, and
    while the server runs."""
    from backend.vault import can_open, configured_vault

    vault = configured_vault(read_settings())

    async def work(store: Store) -> tuple[int, int]:
        count = unreadable = 0
        for mailbox_id, sealed in await _sealed_tokens(store):
            if not can_open(vault, sealed):
                unreadable += 1
            # False if the owner has reconnected meanwhile: their new token is encrypted with the first key already.
            elif await store.swap_sealed_token(mailbox_id, sealed, vault.rotate(sealed), SystemClock().now()):
                count += 1
        for mailbox in await store.mailboxes():
            chain = await store.decision_chain(mailbox.id)
            if chain is not None and can_open(vault, chain.sealed_key):
                await store.swap_chain_key(mailbox.id, chain.sealed_key, vault.rotate(chain.sealed_key))
            for push in await store.web_pushes(mailbox.id, SystemClock().now()):
                if can_open(vault, push.sealed):
                    await store.swap_web_push(mailbox.id, push.id, push.sealed, vault.rotate(push.sealed))
        return count, unreadable

    count, unreadable = with_store(work)
    echo("keys.rotated", count=count)
    if unreadable:
        echo("keys.shut", count=unreadable)


@keys_group.command("lost")
@confirms("keys.lost_really")
def lost_command() -> None:
    """Delete the refresh tokens that no key decrypts, so that the server can start without the lost keys."""
    from backend.vault import can_open, configured_vault

    vault = configured_vault(read_settings())

    async def work(store: Store) -> int:
        count = 0
        for mailbox_id, sealed in await _sealed_tokens(store):
            if not can_open(vault, sealed):
                count += await store.swap_sealed_token(mailbox_id, sealed, b"", SystemClock().now())
        return count

    echo("keys.forgotten", count=with_store(work))


async def _sealed_tokens(store: Store) -> list[tuple[str, bytes]]:
    tokens = []
    for mailbox in await store.mailboxes():
        if sealed := await store.sealed_token(mailbox.id):
            tokens.append((mailbox.id, sealed))
    return tokens


# ---- `pitchgate db`: the schema, backups, and the move from SQLite to PostgreSQL


@click.group("db", cls=TranslatedGroup)
def db_group() -> None:
    """Show and upgrade the schema; back up and restore the SQLite file; copy it to PostgreSQL."""


@db_group.command("status")
@click.option("--json", "as_json", is_flag=True)
def status_command(as_json: bool) -> None:
    """Show where the database is and which migrations it lacks. Exit status 1 if any."""
    from backend.store import opening
    from backend.store.opening import status

    where = opening.configured(read_settings())
    with opening.explained(where):
        found = asyncio.run(status(where))
    pending = [f"{step.version:04} {step.name}" for step in found.pending]
    if as_json:
        about = {"database": where.name, "kind": where.dialect.value, "version": found.version}
        click.echo(json.dumps({**about, "pending": pending}))
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
    from backend.store.opening import upgrade

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
    from backend.transactions.script import Departures

    where = _sqlite_place("pg_restore --clean --single-transaction --dbname=DATABASE FILE")
    settings, keys = read_settings(), _keys()
    with opening.explained(where):
        found = needs(file, keys, Departures(settings.state_dir))
        for key, count in found.ids.items():
            echo("db.needs_key" if key in keys.ids else "db.lacks_key", id=key, count=count)
        if found.shut and not without_tokens:
            missing = ", ".join(sorted(set(found.ids) - set(keys.ids))) or "?"
            here = ", ".join(keys.ids)
            raise Refused(
                "backup_keys", count=len(found.shut), missing=missing, here=here, field="secret_keys"
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
    return cli_texts()("db.told", bytes=copy.bytes, mailboxes=copy.mailboxes, messages=copy.messages)


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
    from rich.console import Console

    from backend.store import opening
    from backend.store.library import Dialect
    from backend.store.opening import place

    try:
        destination = place(target)
    except ValueError as error:
        raise Refused("db_target.address", field="target") from error
    if destination.dialect is not Dialect.POSTGRES:
        raise Refused("db_target", field="target")
    with opening.explained(destination), Console(stderr=True).status(cli_texts()("db.copying")) as progress:
        from backend.store.backup import copy  # in here, so that a missing driver is explained

        tables = asyncio.run(
            copy(
                source or read_settings().sqlite_path,
                destination.address,
                lambda table, rows: progress.update(f"{table}: {rows:,}"),
            )
        )
    titles = (cli_texts()(f"db.column_{name}") for name in ("table", "rows"))
    print_table(titles, ((one.table, f"{one.rows:,}") for one in tables))
    echo("db.copied", name=destination.name)
