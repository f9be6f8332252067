"""All checks in their order. What stands on something broken is not looked at."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import aiohttp

from backend.bootstrap import StoredGrants
from backend.doctor import machine, network
from backend.doctor.machine import Finding, State, refused, skipped
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Link, Notices
from backend.gmail.client import open_google
from backend.settings import Settings
from backend.settings_read import read_settings
from backend.store import opening
from backend.store.library import Dialect
from backend.system import SystemClock
from backend.transactions.store import Store
from backend.vault import MultiFernetVault

__all__ = ["Finding", "State", "examine"]


async def examine(*, offline: bool = False) -> list[Finding]:
    """Everything, in the order in which a person would mend it."""
    try:
        settings = read_settings()
    except PitchgateError as error:
        return [refused("settings", error)]
    found = [
        *machine.of_settings(settings),
        *machine.of_disk(settings),
        *machine.of_descriptors(),
        *machine.of_model(settings),
    ]
    database = await machine.of_database(settings)
    found += database
    usable = all(finding.state in (State.WELL, State.WARNING) for finding in database)
    vault = machine.vault_of(settings)
    if isinstance(vault, Finding):
        found.append(vault)
    async with AsyncExitStack() as stack:
        store = None
        try:
            store = await _store(settings, stack) if usable else None
        except (
            PitchgateError
        ) as error:  # a full disk, say: it can be read, and not be opened as a server does
            found.append(refused("database", error))
        if isinstance(vault, MultiFernetVault):
            pending = any(finding.key == "pending" for finding in database)
            found += await machine.of_keys(store, vault, pending)
        if store is not None:
            found += await machine.of_jobs(store)
        if offline:
            return [*found, skipped("network", "offline")]
        found += await _over_the_network(settings)
        if store is not None and isinstance(vault, MultiFernetVault):
            found += await _at_google(settings, store, vault)
    return found


async def _store(settings: Settings, stack: AsyncExitStack) -> Store | None:
    """The open store; None where its schema would first have to be changed."""
    where = opening.configured(settings)
    if where.dialect is Dialect.SQLITE and not where.path.exists():
        return None
    from backend.store.schema import status

    if (await status(where)).pending:
        return None
    store = await opening.open_configured(settings)
    stack.push_async_callback(store.close)
    return store


async def _over_the_network(settings: Settings) -> list[Finding]:
    async with aiohttp.ClientSession(timeout=network.PATIENCE) as http:
        clock = await network.of_clock(http, settings)
        if clock.key == "unreachable":
            return [clock, *await network.of_address(http, settings)]
        return [
            clock,
            await network.of_client(settings),
            await network.of_redirect(http, settings),
            *await network.of_address(http, settings),
        ]


async def _at_google(settings: Settings, store: Store, vault: MultiFernetVault) -> list[Finding]:
    boxes = await store.mailboxes()
    found: list[Finding] = []
    if settings.notices is Notices.PULL:
        found += await network.of_credentials(boxes)
    if not boxes:
        return [*found, skipped("access", "nobody", address=settings.public_url)]
    now = datetime.now(UTC)
    async with open_google(settings, StoredGrants(store, vault), SystemClock()) as google:
        found += await network.of_access(google, settings, boxes)
        found += network.of_grants(boxes, now)
        found += network.of_watches(settings, boxes, now)
        found += network.of_silence(settings, boxes, now)
        well = next((box for box in boxes if box.link is Link.CONNECTED), None)
        if settings.notices.watched and well is not None:
            before, began = await store.last_notice(well.id), datetime.now(UTC)
            topic = await network.of_topic(google, settings, well)
            found.append(topic)
            if topic.state is State.WELL:
                found.append(await network.of_round_trip(store, settings, well, before, began))
    return found
