"""Opens the configured store for one command; finds the mailboxes a command is about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from backend.domain.errors import NotFound, Refused
from backend.settings_read import read_settings

if TYPE_CHECKING:
    from backend.domain.mailbox.mailbox import Mailbox
    from backend.transactions.store import Store

T = TypeVar("T")
P = ParamSpec("P")

of_mailbox = click.option("--mailbox", "email")
"""Option of commands about one mailbox or all of them; `chosen` finds them."""


def with_store(work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store, run `work` with it and return its result. Raises `Refused` if there is no database: a new
    one would show no mailboxes, and hide that the settings are wrong."""
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


def stored(command: Callable[Concatenate[Store, P], Coroutine[Any, Any, T]]) -> Callable[P, T]:
    """Decorator: run the command with the open store as its first argument."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return with_store(lambda store: command(store, *args, **kwargs))

    return run


async def named(store: Store, email: str) -> Mailbox:
    """The mailbox with this address. Raises `NotFound`."""
    mailbox = await store.mailbox_by_email(email)
    if mailbox is None:
        raise NotFound("no_mailbox", email=email)
    return mailbox


async def chosen(store: Store, email: str | None) -> Sequence[Mailbox]:
    """The mailbox with this address; all mailboxes without one. Raises `NotFound`."""
    return [await named(store, email)] if email else await store.mailboxes()
