"""`pitchgate keys`: the keys that seal secrets at rest."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import click

from backend.commands.with_store import with_store
from backend.settings_read import read_settings
from backend.system import SystemClock
from backend.terminal import WordedGroup, confirms, echo, print_table, words

if TYPE_CHECKING:
    from backend.transactions.store import Store


@click.group("keys", cls=WordedGroup)
def keys_group() -> None:
    """Make and rotate the keys that seal refresh tokens."""


@keys_group.command("new")
def new_command() -> None:
    """Print a new key for PITCHGATE_SECRET_KEYS (put it first, keep the old ones behind it)."""
    from backend.vault import make_key  # here and below: help needs no cryptography

    click.echo(make_key())


@keys_group.command("list")
def list_command() -> None:
    """Show the ids of the keys there are, newest first, and how many refresh tokens each opens. Ids are no secret."""
    from backend.vault import configured_vault

    vault = configured_vault(read_settings())
    sealed = with_store(lambda store: store.sealed_tokens())
    counts = Counter(vault.key_of(token) for token in sealed)
    titles = (words()(f"keys.column_{name}") for name in ("key", "tokens"))
    print_table(titles, ((name, str(counts[name])) for name in vault.ids))
    if counts[None]:
        echo("keys.shut", count=counts[None])


@keys_group.command("rotate")
def rotate_command() -> None:
    """Seal refresh tokens, keys of the logs of decisions and addresses of browsers again with the first key. May run
    again, and while the server runs."""
    from backend.vault import configured_vault, opens

    vault = configured_vault(read_settings())

    async def work(store: Store) -> tuple[int, int]:
        count = shut = 0
        for mailbox_id, sealed in await _kept(store):
            if not opens(vault, sealed):
                shut += 1
            # An owner who connects again meanwhile has stored a newer one, sealed with the newest key already.
            elif await store.swap_sealed_token(mailbox_id, sealed, vault.rotate(sealed), SystemClock().now()):
                count += 1
        for mailbox in await store.mailboxes():
            chain = await store.decision_chain(mailbox.id)
            if chain is not None and opens(vault, chain.sealed_key):
                await store.swap_chain_key(mailbox.id, chain.sealed_key, vault.rotate(chain.sealed_key))
            for push in await store.web_pushes(mailbox.id, SystemClock().now()):
                if opens(vault, push.sealed):
                    await store.swap_web_push(mailbox.id, push.id, push.sealed, vault.rotate(push.sealed))
        return count, shut

    count, shut = with_store(work)
    echo("keys.rotated", count=count)
    if shut:
        echo("keys.shut", count=shut)


@keys_group.command("lost")
@confirms("keys.lost_really")
def lost_command() -> None:
    """Forget the refresh tokens that no key opens any more, so that the server starts with the keys there are."""
    from backend.vault import configured_vault, opens

    vault = configured_vault(read_settings())

    async def work(store: Store) -> int:
        count = 0
        for mailbox_id, sealed in await _kept(store):
            if not opens(vault, sealed):
                count += await store.swap_sealed_token(mailbox_id, sealed, b"", SystemClock().now())
        return count

    echo("keys.forgotten", count=with_store(work))


async def _kept(store: Store) -> list[tuple[str, bytes]]:
    kept = []
    for mailbox in await store.mailboxes():
        if sealed := await store.sealed_token(mailbox.id):
            kept.append((mailbox.id, sealed))
    return kept
