"""`pitchgate keys`: the keys that seal secrets at rest."""

from __future__ import annotations

import click

from backend.commands.opened import with_store
from backend.ports.store import Store
from backend.settings import read_settings
from backend.system.clock import SystemClock
from backend.system.vault import MultiFernetVault, load_or_make_keys, make_key


@click.group("keys")
def keys_group() -> None:
    """Make and rotate the keys that seal refresh tokens."""


@keys_group.command("new")
def new_command() -> None:
    """Print a new key for PITCHGATE_SECRET_KEYS (put it first, keep the old ones behind it)."""
    click.echo(make_key())


@keys_group.command("rotate")
def rotate_command() -> None:
    """Seal every stored refresh token anew with the first key. May run again, and while the server runs."""
    vault = MultiFernetVault(load_or_make_keys(read_settings()))

    async def work(store: Store) -> int:
        count = 0
        for mailbox in await store.mailboxes():
            sealed = await store.sealed_token(mailbox.id)
            # An owner who connects again meanwhile has stored a newer one, sealed with the newest key already.
            if sealed is not None and await store.swap_sealed_token(
                mailbox.id, sealed, vault.rotate(sealed), SystemClock().now()
            ):
                count += 1
        return count

    click.echo(f"{with_store(work)} refresh tokens sealed with the newest key.")
