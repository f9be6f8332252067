"""Access tokens: one refresh at a time per mailbox, kept in memory, never written down."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
import structlog
from oauthlib.oauth2 import WebApplicationClient

from backend.domain.errors import NeedsReconnect
from backend.gmail.errors import reconnect, scope_missing
from backend.gmail.scopes import lacking
from backend.gmail.token_answer import TokenAnswer, read
from backend.gmail.wire import ask_form
from backend.ports.gmail import GrantKeeper
from backend.ports.system import Clock
from backend.settings import Settings

log = structlog.get_logger(__name__)

EARLY = timedelta(seconds=120)
"""A token is renewed this long before it ends: longer than any request waits and lasts."""


@dataclass(frozen=True, slots=True)
class _Access:
    token: str = field(repr=False)
    until: datetime
    grant: bytes  # digest of the refresh token it came from


class AccessTokens:
    """Access tokens by mailbox. Belongs to one event loop."""

    def __init__(
        self, settings: Settings, session: aiohttp.ClientSession, keeper: GrantKeeper, clock: Clock
    ) -> None:
        self._settings = settings
        self._session = session
        self._keeper = keeper
        self._clock = clock
        self._held: dict[str, _Access] = {}
        self._last: dict[str, _Access] = {}  # the last one given out, held or not
        self._dead: dict[str, tuple[bytes, NeedsReconnect]] = {}
        self._current: dict[str, asyncio.Task[str]] = {}
        self._tasks: set[asyncio.Task[str]] = set()

    async def access(self, mailbox_id: str) -> str:
        """A token good for two minutes. Raises `NeedsReconnect` (final until there is a new grant), `TryLater`."""
        held = self._held.get(mailbox_id)
        if held is not None and self._clock.now() < held.until:
            return held.token
        task = self._current.get(mailbox_id)
        if task is None:
            task = asyncio.create_task(self._refresh(mailbox_id), name=f"refresh {mailbox_id}")
            self._current[mailbox_id] = task
            self._tasks.add(task)
            task.add_done_callback(lambda done: self._finished(mailbox_id, done))
        # Shielded: one caller who gives up must not take the token away from the others who wait.
        return await asyncio.shield(task)

    def discard(self, mailbox_id: str, token: str) -> None:
        """Google refused `token`. Nothing happens if another has taken its place meanwhile."""
        held = self._held.get(mailbox_id)
        if held is not None and held.token == token:
            del self._held[mailbox_id]

    def condemn(self, mailbox_id: str, token: str, error: NeedsReconnect) -> None:
        """The grant behind `token` is of no use: ask for no more until the keeper holds another.

        Nothing happens if a later token has been given out: an answer that comes late speaks of the old
        grant, and the owner may have connected again since.
        """
        last = self._last.get(mailbox_id)
        if last is None or last.token != token:
            return
        self._held.pop(mailbox_id, None)
        self._dead[mailbox_id] = (last.grant, error)

    def forget(self, mailbox_id: str) -> None:
        """There is a new grant, or none any more: the next call starts afresh."""
        for memory in (self._held, self._last, self._dead, self._current):
            memory.pop(mailbox_id, None)

    async def close(self) -> None:
        """Call off the refreshes under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _finished(self, mailbox_id: str, task: asyncio.Task[str]) -> None:
        self._tasks.discard(task)
        if self._current.get(mailbox_id) is task:
            del self._current[mailbox_id]
        if not task.cancelled():
            task.exception()  # seen: when every caller has gone nobody else looks at it

    async def _refresh(self, mailbox_id: str) -> str:
        refresh_token = await self._keeper.refresh_token(mailbox_id)
        if not refresh_token:
            raise reconnect("noGrant")
        grant = _digest(refresh_token)
        dead = self._dead.get(mailbox_id)
        if dead is not None and dead[0] == grant:
            # Google's no is final: it is not asked again for the same grant. A new one ends this by itself.
            raise NeedsReconnect(dead[1].key, reason=dead[1].reason, lost=dead[1].lost)
        try:
            answer = await self._ask(refresh_token)
            if answer.scopes is not None and lacking(answer.scopes, self._settings.scopes):
                raise scope_missing("narrowed")
        except NeedsReconnect as error:
            self._dead[mailbox_id] = (grant, error)
            log.warning("grant is dead", mailbox=mailbox_id, reason=error.reason)
            raise
        if answer.refresh_token and answer.refresh_token != refresh_token:
            await self._keeper.replace_refresh_token(mailbox_id, refresh_token, answer.refresh_token)
            refresh_token, grant = answer.refresh_token, _digest(answer.refresh_token)
        if answer.grant_life is not None:
            await self._keeper.grant_ends(mailbox_id, refresh_token, self._clock.now() + answer.grant_life)
        if self._current.get(mailbox_id) is asyncio.current_task():
            self._hold(mailbox_id, grant, answer)  # else: forgotten meanwhile, there is a newer grant
        return answer.access_token

    def _hold(self, mailbox_id: str, grant: bytes, answer: TokenAnswer) -> None:
        # A life shorter than the margin (a test's) is used for half of it.
        until = self._clock.now() + max(answer.life - EARLY, answer.life / 2)
        self._held[mailbox_id] = self._last[mailbox_id] = _Access(answer.access_token, until, grant)
        self._dead.pop(mailbox_id, None)

    async def _ask(self, refresh_token: str) -> TokenAnswer:
        client_id = self._settings.client_id
        form = WebApplicationClient(client_id).prepare_refresh_body(
            refresh_token=refresh_token,
            client_id=client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
        )
        reply = await ask_form(self._session, self._settings.token_url, form)
        return read(reply.body, client_id, refreshing=True)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8")).digest()
