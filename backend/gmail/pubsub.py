"""Pulls notices from Pub/Sub with this machine's Google Cloud credentials."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import aiohttp

from backend.domain.errors import TryLater
from backend.domain.mailbox.mailbox import PullFailure
from backend.gmail.answers import AnswerUnreadable
from backend.gmail.executor import AnswerTooLarge, Reply, ask, google_service
from backend.ports.gmail import PulledNotice
from backend.settings import Settings

# ---- Application default credentials


class CloudCredentials:
    """Access tokens for `scopes` from application default credentials. Belongs to one event loop."""

    def __init__(self, scopes: Sequence[str]) -> None:
        self._scopes = tuple(scopes)
        self._credentials: Any = None
        self._lock = asyncio.Lock()

    async def token(self) -> str:
        """A valid token. Raises `TryLater`: its reason is `CREDENTIALS` if they are missing or refused, `CONNECTION`
        if Google cannot be reached."""
        async with self._lock:
            if self._credentials is None or not self._credentials.valid:
                await asyncio.to_thread(self._refresh)
            return str(self._credentials.token)

    def discard(self) -> None:
        """Load the credentials again: their token was refused."""
        self._credentials = None

    def _refresh(self) -> None:
        import google.auth
        from google.auth import exceptions
        from google.auth.transport.requests import Request

        try:
            credentials = self._credentials
            if credentials is None:
                credentials, _ = google.auth.default(scopes=self._scopes)
            credentials.refresh(Request())
        except exceptions.TransportError as error:
            raise TryLater("later.away", reason=PullFailure.CONNECTION) from error
        except (exceptions.GoogleAuthError, OSError, ValueError) as error:
            self._credentials = None
            raise TryLater("later.credentials", reason=PullFailure.CREDENTIALS) from error
        self._credentials = credentials


# ---- Pulling notices from Pub/Sub


SCOPE = "https://www.googleapis.com/auth/pubsub"
TIMEOUT = 100.0
"""Seconds one pull may take. Pub/Sub answers as soon as there is a message, or after at most 90 s."""
LARGEST = 4_000_000
"""Limit in bytes of one answer; a hundred notices take about 40,000."""

_BY_STATUS = {
    401: PullFailure.CREDENTIALS,
    403: PullFailure.PERMISSION,
    404: PullFailure.SUBSCRIPTION,
    400: PullFailure.SUBSCRIPTION,  # a push subscription cannot be pulled
}


class PubSubSource:
    """`backend.ports.gmail.NoticeSource` of one subscription. Belongs to the event loop of `session`."""

    def __init__(
        self, session: aiohttp.ClientSession, root: str, subscription: str, credentials: CloudCredentials
    ) -> None:
        self._session = session
        document = resources.files("googleapiclient").joinpath("discovery_cache/documents/pubsub.v1.json")
        self._subscriptions = google_service(document, root).projects().subscriptions()
        self._credentials = credentials
        self.subscription = subscription

    async def fetch(self, limit: int) -> tuple[PulledNotice, ...]:
        """See `NoticeSource`. Messages without data are returned too, so that they get acknowledged."""
        request = self._subscriptions.pull(subscription=self.subscription, body={"maxMessages": limit})
        try:
            received = (await self._run(request)).json_object().get("receivedMessages", [])
        except AnswerUnreadable as error:
            raise _try_later(PullFailure.CONNECTION) from error
        return tuple(
            PulledNotice(one["ackId"], self._envelope(one.get("message")))
            for one in (received if isinstance(received, list) else [])
            if isinstance(one, dict) and isinstance(one.get("ackId"), str)
        )

    async def acknowledge(self, receipts: Sequence[str]) -> None:
        body = {"ackIds": list(receipts)}
        await self._run(self._subscriptions.acknowledge(subscription=self.subscription, body=body))

    def _envelope(self, message: object) -> bytes:
        return json.dumps({"message": message, "subscription": self.subscription}).encode()

    async def _run(self, request: Any) -> Reply:
        token = await self._credentials.token()
        headers = {**request.headers, "authorization": f"Bearer {token}"}
        body = request.body.encode() if isinstance(request.body, str) else request.body
        try:
            reply = await ask(
                self._session, request.method, request.uri, headers=headers, body=body, limit=LARGEST
            )
        except (aiohttp.ClientError, OSError, AnswerTooLarge, AnswerUnreadable) as error:
            raise _try_later(PullFailure.CONNECTION) from error
        if reply.status == 401:
            self._credentials.discard()
        if not 200 <= reply.status < 300:
            raise _try_later(_BY_STATUS.get(reply.status, PullFailure.CONNECTION))
        return reply


@asynccontextmanager
async def open_pull_source(settings: Settings) -> AsyncIterator[PubSubSource]:
    """The configured subscription, with its own session because a pull waits longer than other requests."""
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False, timeout=timeout
    ) as session:
        yield PubSubSource(session, settings.pubsub_url, settings.subscription, CloudCredentials((SCOPE,)))


def _try_later(what: PullFailure) -> TryLater:
    return TryLater(f"later.pubsub_{what}", reason=what)
