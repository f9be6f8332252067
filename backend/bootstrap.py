"""Opens the adapters and connects them to the application; the only module that chooses adapters.

    async with open_application(settings) as application:
        application.services   used by the web
        application.lanes      do what is due in mailboxes

Everything opened here is closed here, in reverse order.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from backend.captcha.vendors import open_captchas
from backend.domain.errors import Refused, TryLater
from backend.domain.mail.sender import load_suffixes
from backend.domain.mailbox.mailbox import NoticeMode
from backend.gmail.answers import cannot_decrypt
from backend.gmail.callers import AddonVerifier
from backend.gmail.client import Google, open_google
from backend.gmail.pubsub import open_pull_source
from backend.lanes.in_step import ModelFollower, Timekeeping
from backend.lanes.lanes import Lanes
from backend.pipeline import notices
from backend.pipeline.account import ArchiveService
from backend.pipeline.addon import AddonService
from backend.pipeline.context import Context
from backend.pipeline.devices import DeviceService, WebPushService
from backend.pipeline.notices import Fetcher
from backend.pipeline.review import InsightService, ReviewService
from backend.pipeline.solve import Checks
from backend.ports.system import Clock, Vault
from backend.public_post import OneClickUnsubscribe, VapidPush
from backend.reader.pool import ReadingPool, open_reader
from backend.settings import Settings
from backend.store.opening import open_configured
from backend.system import (
    MIN_OPEN_FILES,
    CorrectedClock,
    SystemClock,
    SystemTokens,
    google_connections,
    raise_file_limit,
)
from backend.transactions.store import Store
from backend.vault import MultiFernetVault, VaultKeys, can_open, load_or_make_keys
from backend.web.services import Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Application:
    """The open parts of one server process."""

    settings: Settings
    context: Context
    google: Google
    services: Services
    lanes: Lanes
    models: ModelFollower  # keeps the reader on the models that the store names
    fetcher: Fetcher | None = None
    timekeeping: Timekeeping | None = None  # compares our clock with Google's

    async def work(self, stop: asyncio.Event) -> None:
        """Run everything but the web, until `stop` is set."""
        await asyncio.to_thread(self.google.gmail.prepare)  # slow, so only once the port is open
        await asyncio.to_thread(load_suffixes)
        # Switch mailboxes to the way of getting notices in the settings. If the database is unreachable, the next start
        # or the daily watch renewal does this.
        with contextlib.suppress(TryLater):
            await notices.change_over(self.context)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.lanes.run(stop))
            group.create_task(self.models.run(stop))
            if self.fetcher is not None:
                group.create_task(self.fetcher.run(stop))
            if self.timekeeping is not None:
                group.create_task(self.timekeeping.run(stop))


class StoredGrants:
    """`backend.ports.gmail.GrantKeeper`: refresh tokens in the store, encrypted by the vault."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    async def refresh_token(self, mailbox_id: str) -> str | None:
        """The decrypted token, or None. Raises `NeedsReconnect` if no key decrypts it."""
        sealed = await self._store.sealed_token(mailbox_id)
        try:
            return self._vault.open(sealed) if sealed else None
        except Refused as error:
            raise cannot_decrypt() from error

    async def replace_refresh_token(self, mailbox_id: str, old: str, new: str) -> None:
        """Store the token `new`, unless `old` has been replaced meanwhile."""
        sealed = await self._store.sealed_token(mailbox_id)
        if sealed and self._vault.open(sealed) == old:
            await self._store.swap_sealed_token(
                mailbox_id, sealed, self._vault.seal(new), SystemClock().now()
            )

    async def grant_ends(self, mailbox_id: str, token: str, at: datetime) -> None:
        """Store when the grant ends, unless its token has been replaced meanwhile."""
        sealed = await self._store.sealed_token(mailbox_id)
        if sealed and self._vault.open(sealed) == token:
            await self._store.save_grant_expiry(mailbox_id, sealed, at)


async def check_keys(store: Store, vault: Vault) -> None:
    """Raise `Refused` (field secret_keys) if there are tokens and the keys decrypt none of them. Otherwise every
    owner would be asked to reconnect because of what is most likely a wrong setting."""
    sealed = await store.sealed_tokens()
    if sealed and not any(can_open(vault, token) for token in sealed):
        raise Refused("secret_keys.open_none", count=len(sealed), field="secret_keys")


@asynccontextmanager
async def open_application(
    settings: Settings, clock: Clock | None = None, running: ReadingPool | None = None
) -> AsyncIterator[Application]:
    """Open the store, Google, the captcha and the reader (`running`: one that runs already). Raises a `PitchgateError`
    that says what is wrong and what to do."""
    async with AsyncExitStack() as stack:
        corrected, tokens = None if clock else CorrectedClock(), SystemTokens()
        clock = clock or corrected or SystemClock()
        keys = load_or_make_keys(settings)
        vault = MultiFernetVault(keys)
        reader = await stack.enter_async_context(open_reader(settings)) if running is None else running
        store = await open_configured(settings, VaultKeys(vault))  # the keys of decision logs
        stack.push_async_callback(store.close)
        # Mailboxes that were disconnected after this database was backed up must not come back.
        if removed := await store.keep_away():
            log.warning("kept_away", mailboxes=removed)
        await check_keys(store, vault)
        models = ModelFollower(store, reader, settings.model_path)
        await models.look()  # switch to the models that the store names
        if (limit := raise_file_limit()) < MIN_OPEN_FILES:
            log.error(
                "few_descriptors", limit=limit, needed=MIN_OPEN_FILES, remedy="LimitNOFILE= or ulimit -n"
            )
        google = await stack.enter_async_context(
            open_google(
                settings,
                StoredGrants(store, vault),
                clock,
                connections=google_connections(limit),
                on_date=corrected.observe if corrected else None,
            )
        )
        wake = asyncio.Event()  # set when a lane may have something to do
        web_push = VapidPush(settings.public_url.replace("http:", "https:"), clock)
        context = Context(
            settings, store, google.gmail, reader, clock, tokens, vault, web_push, wake.set, clock.now()
        )
        timekeeping = None
        if corrected is not None:
            # Compare the clock with Google's before anything else: `started` needs the corrected time.
            context = replace(context, time=corrected)
            timekeeping = Timekeeping(context, google.ask_time)
            await timekeeping.begin()
            context = replace(context, started=clock.now())
        captcha, typed_codes = await stack.enter_async_context(
            open_captchas(settings, keys[0].get_secret_value(), vault, tokens)
        )
        checks = Checks(captcha, typed_codes, settings.captcha_code_after)
        store.ownership.join(google.divide)  # the server processes share Google's quota
        lanes = Lanes(context, google.authorizer, wake)
        services = _services(settings, context, google, checks, lanes)
        fetcher = None
        if settings.notices is NoticeMode.PULL:
            fetcher = Fetcher(context, await stack.enter_async_context(open_pull_source(settings)))
        yield Application(settings, context, google, services, lanes, models, fetcher, timekeeping)


def _services(settings: Settings, context: Context, google: Google, checks: Checks, lanes: Lanes) -> Services:
    """The services that the routes use."""
    return Services(
        context,
        google.authorizer,
        google.push_callers,
        checks,
        DeviceService(context),
        ReviewService(context, OneClickUnsubscribe()),
        InsightService(context),
        ArchiveService(context),
        WebPushService(context),
        AddonService(context, AddonVerifier(settings, google.tokens)) if settings.addon else None,
        lanes.failed,
    )
