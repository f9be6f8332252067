"""Puts the adapter together; the only thing a wiring module needs to know of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from backend.gmail.callers import GoogleKeys, GoogleTokens, PushVerifier
from backend.gmail.client import GmailClient
from backend.gmail.executor import CONNECTIONS, Executor, check_addresses, open_session
from backend.gmail.oauth import AccessTokens, GoogleAuthorizer
from backend.gmail.quota import Quota, prices
from backend.ports.gmail import GrantKeeper
from backend.ports.system import Clock
from backend.settings import Settings

TIME_PATIENCE = aiohttp.ClientTimeout(total=3)


@dataclass(frozen=True, slots=True)
class Google:
    """The open adapter. Belongs to the event loop it was opened in."""

    gmail: GmailClient
    authorizer: GoogleAuthorizer
    push_callers: PushVerifier
    tokens: GoogleTokens
    _access: AccessTokens
    _executor: Executor
    _quota: Quota
    _session: aiohttp.ClientSession
    _keys_url: str

    async def ask_time(self) -> bool:
        """Ask for what costs nothing: whoever listens to `telling_time` hears it. False if Google is away."""
        try:
            async with self._session.get(self._keys_url, allow_redirects=False, timeout=TIME_PATIENCE):
                return True
        except (aiohttp.ClientError, OSError):  # TimeoutError too
            return False

    def divide(self, among: int) -> None:
        """So many servers share Google's quota from now on."""
        self._quota.divide(among)

    def forget(self, mailbox_id: str) -> None:
        """The mailbox has a new grant, or has left: drop its access token, refusals and waiting times."""
        self._access.forget(mailbox_id)
        self._executor.forget(mailbox_id)


@asynccontextmanager
async def open_google(
    settings: Settings,
    keeper: GrantKeeper,
    clock: Clock,
    *,
    traces: Sequence[aiohttp.TraceConfig] = (),
    connections: int = CONNECTIONS,
) -> AsyncIterator[Google]:
    """Open the adapter. Raises `Refused` (code insecure_url) when tokens would travel unencrypted."""
    check_addresses(settings)
    async with open_session(settings, traces, connections) as session:
        access = AccessTokens(settings, session, keeper, clock)
        quota = Quota(
            settings.quota_per_user_minute,
            settings.quota_per_project_minute,
            settings.requests_in_flight,
            asyncio.get_running_loop(),
        )
        executor = Executor(
            session,
            access,
            quota,
            clock,
            prices(settings.old_prices),
            settings.response_limit,
            timedelta(seconds=settings.daily_limit_wait),
        )
        tokens = GoogleTokens(GoogleKeys(session, settings.jwks_url, clock), clock, settings.clock_skew)
        try:
            yield Google(
                gmail=GmailClient(executor, settings.gmail_url, settings.topic, clock),
                authorizer=GoogleAuthorizer(settings, session, keeper, access, tokens),
                push_callers=PushVerifier(settings, tokens),
                tokens=tokens,
                _access=access,
                _executor=executor,
                _quota=quota,
                _session=session,
                _keys_url=settings.jwks_url,
            )
        finally:
            await access.close()
