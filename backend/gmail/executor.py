"""Sends the requests the library built, over one aiohttp session, and turns answers into values or domain errors."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import aiohttp
import structlog

from backend.domain.errors import GoogleError, NeedsReconnect, Refused, Rejected, TryLater
from backend.gmail.answers import AnswerUnreadable, read_answer, reconnect, send_uncertain, translate
from backend.gmail.quota import Quota
from backend.gmail.requests import GmailCall
from backend.ports.system import Clock
from backend.settings import Settings, on_this_machine

# ---- The HTTP session to Google


FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
SMALL_ANSWER = 1_000_000
"""Bytes; more than any answer about tokens or keys."""
CONNECTIONS = 200
KEEP_ALIVE = 30.0
"""Seconds an idle connection is kept. Shorter than Google keeps its end open, so ours is the one that closes."""


TOO_LARGE = "answerTooLarge"
"""The reason of a refusal of ours: the answer is larger than one may be."""


class AnswerTooLarge(Exception):
    """The answer passed the limit; reading stopped there."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object, {} for an empty body. Raises `AnswerUnreadable`."""
        if not self.body.strip():
            return {}
        try:
            data = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise AnswerUnreadable("not JSON") from error
        if not isinstance(data, dict):
            raise AnswerUnreadable("no JSON object")
        return data


def check_addresses(settings: Settings) -> None:
    """Refuse (code insecure_url) an address where tokens would travel unencrypted, unless it is this machine's."""
    for name in ("authorize_url", "token_url", "revoke_url", "jwks_url", "gmail_url", "pubsub_url"):
        parts = urlsplit(getattr(settings, name))
        if parts.scheme == "https" and parts.hostname:
            continue
        if parts.scheme == "http" and on_this_machine(getattr(settings, name)):
            continue
        raise Refused("insecure_url", name=name, setting=name.upper(), field=name)


@asynccontextmanager
async def open_session(
    settings: Settings, traces: Sequence[aiohttp.TraceConfig] = (), connections: int = CONNECTIONS
) -> AsyncIterator[aiohttp.ClientSession]:
    """One session for everything we ask Google. No cookies, no proxy or netrc from the environment."""
    connector = aiohttp.TCPConnector(limit=connections, keepalive_timeout=KEEP_ALIVE)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=settings.request_timeout),
        trace_configs=list(traces),
    ) as session:
        yield session


def trace_dates(heard: Callable[[datetime], None]) -> aiohttp.TraceConfig:
    """Calls `heard` with the time at which an answer was given, once for each second that answers name."""
    trace, last = aiohttp.TraceConfig(), ""

    async def answered(_: object, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        nonlocal last
        date = params.response.headers.get("Date", "")
        if date != last and (at := date_of(params.response.headers)) is not None:
            last = date
            heard(at)

    trace.on_request_end.append(answered)
    return trace


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """By its own words the time of an answer, wherever it was kept on its way. None if it does not say."""
    age = headers.get("Age", "").strip()
    try:
        at = parsedate_to_datetime(headers.get("Date", ""))
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        return at + timedelta(seconds=int(age[:9]) if age.isascii() and age.isdigit() else 0)
    except (ValueError, TypeError, OverflowError):
        return None


async def ask(
    session: aiohttp.ClientSession,
    verb: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    limit: int = SMALL_ANSWER,
) -> Reply:
    """Send once and read the whole answer.

    Raises aiohttp.ClientError, TimeoutError or OSError when the network fails, `AnswerTooLarge` beyond
    `limit` bytes (packed or unpacked), `AnswerUnreadable` for broken packing.
    """
    async with session.request(verb, url, data=body, headers=headers, allow_redirects=False) as response:
        content = await _read(response, limit)
        return Reply(response.status, response.headers, content)


async def ask_form(session: aiohttp.ClientSession, url: str, form: str) -> Reply:
    """POST an OAuth form. Raises `TryLater` for anything but a whole answer below 500."""
    try:
        reply = await ask(session, "POST", url, headers=FORM, body=form.encode("ascii"))
    except (
        aiohttp.ClientError,
        OSError,
        AnswerTooLarge,
        AnswerUnreadable,
    ) as error:  # OSError: TimeoutError too
        raise TryLater("later.away", reason=type(error).__name__) from error
    if reply.status >= 500 or reply.status == 429 or 300 <= reply.status < 400:
        raise TryLater("later.trouble", reason=f"http{reply.status}")
    return reply


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    if packing not in ("", "identity", "gzip"):
        raise AnswerUnreadable(f"unknown packing {packing[:20]}")
    # Unpacked here, chunk by chunk against the limit: a few kilobytes can hold gigabytes of zeros.
    unpack = zlib.decompressobj(wbits=31) if packing == "gzip" else None
    pieces: list[bytes] = []
    size = 0
    while chunk := await response.content.readany():
        try:
            piece = unpack.decompress(chunk, limit - size + 1) if unpack else chunk
        except zlib.error as error:
            raise AnswerUnreadable("broken gzip") from error
        size += len(piece)
        if size > limit:
            raise AnswerTooLarge(f"more than {limit} bytes")
        pieces.append(piece)
    if unpack is not None and size and not unpack.eof:
        raise AnswerUnreadable("gzip ends early")
    return b"".join(pieces)


# ---- Sending requests


log = structlog.get_logger(__name__)

_NOT_CONNECTED = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
"""Failures that come before a byte of the request has left."""
_SPENT = ("later.limits", "later.daily_quota")
"""Refusals that mean: too much was asked."""


class AccessTokenSource(Protocol):
    """Where access tokens come from; `backend.gmail.oauth.AccessTokens`."""

    async def access(self, mailbox_id: str) -> str:
        """A token believed valid. Raises `NeedsReconnect`, `TryLater`."""

    def discard(self, mailbox_id: str, token: str) -> None:
        """Google refused `token`."""

    def condemn(self, mailbox_id: str, token: str, error: NeedsReconnect) -> None:
        """The grant behind `token` is of no use: no refresh until there is another."""


class Executor:
    """One request, one answer. The only repeat is a read or label change after its access token was refused.

    (aiohttp itself repeats a GET once when a kept connection turns out dead; never a POST, so never a send.)
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        tokens: AccessTokenSource,
        quota: Quota,
        clock: Clock,
        prices: Mapping[str, int],
        response_limit: int,
        daily_wait: timedelta = timedelta(hours=1),
    ) -> None:
        self._session = session
        self._tokens = tokens
        self._quota = quota
        self._clock = clock
        self._prices = prices
        self._limit = response_limit
        self._daily_wait = daily_wait
        self._not_before: dict[tuple[str, bool], datetime] = {}

    async def run(self, mailbox_id: str, call: GmailCall) -> dict[str, Any]:
        """The JSON object Google answered, {} for an empty body. Raises `GoogleError` of every kind."""
        return self._value(call, await self._ask(mailbox_id, call))

    async def raw(self, mailbox_id: str, call: GmailCall) -> bytes:
        """The body of Google's answer as it came. Raises `GoogleError` of every kind."""
        return (await self._ask(mailbox_id, call)).body

    async def _ask(self, mailbox_id: str, call: GmailCall) -> Reply:
        self._respect_stated_time(mailbox_id, call)
        token = await self._tokens.access(mailbox_id)
        reply = await self._send(mailbox_id, call, token)
        if reply.status == 401:
            self._tokens.discard(mailbox_id, token)
            token = await self._tokens.access(mailbox_id)
            if call.is_send:
                # Refused, so nothing left; but a send is given back to its stage, which knows what it did.
                raise TryLater("later.token", reason="authError")
            reply = await self._send(mailbox_id, call, token)
            if reply.status == 401:
                self._tokens.discard(mailbox_id, token)
                dead = reconnect("authError")
                self._tokens.condemn(mailbox_id, token, dead)
                raise dead
        if 200 <= reply.status < 300:
            return reply
        raise self._error(mailbox_id, call, reply, token)

    def forget(self, mailbox_id: str) -> None:
        """Drop what is remembered of a mailbox."""
        for is_send in (False, True):
            self._not_before.pop((mailbox_id, is_send), None)
        self._quota.forget(mailbox_id)

    async def _send(self, mailbox_id: str, call: GmailCall, token: str) -> Reply:
        units = self._prices[call.method]
        async with self._quota.gate(mailbox_id).admitted(units, call.priority):
            try:
                return await ask(
                    self._session,
                    call.verb,
                    call.url,
                    headers={**call.headers, "authorization": f"Bearer {token}"},
                    body=call.body,
                    limit=self._limit,
                )
            except _NOT_CONNECTED as error:
                raise TryLater("later.away", reason=type(error).__name__) from error
            except AnswerTooLarge as error:
                raise self._too_large(call) from error
            except (aiohttp.ClientError, OSError, AnswerUnreadable) as error:  # OSError: TimeoutError too
                raise _broken(call, type(error).__name__) from error

    def _value(self, call: GmailCall, reply: Reply) -> dict[str, Any]:
        try:
            return reply.json_object()
        except AnswerUnreadable as error:
            raise _broken(call, "unreadable") from error

    def _too_large(self, call: GmailCall) -> GoogleError:
        if call.is_send:
            return send_uncertain(TOO_LARGE)
        return Rejected("rejected.large", limit=self._limit, reason=TOO_LARGE)

    def _error(self, mailbox_id: str, call: GmailCall, reply: Reply, token: str) -> GoogleError:
        now = self._clock.now()
        answer = read_answer(reply.status, reply.headers, reply.body, now)
        error = translate(answer, call.method, now, self._daily_wait)
        log.info(
            "google_refused",
            mailbox=mailbox_id,
            method=call.method,
            status=reply.status,
            reason=answer.reason,
        )
        if isinstance(error, TryLater) and error.key in _SPENT:
            self._quota.gate(mailbox_id).refused()
            if error.retry_at is not None:
                # Sending has limits of its own, which must not stop the reading.
                self._not_before[mailbox_id, call.is_send] = error.retry_at
        if isinstance(error, NeedsReconnect):
            self._tokens.condemn(mailbox_id, token, error)
        return error

    def _respect_stated_time(self, mailbox_id: str, call: GmailCall) -> None:
        at = self._not_before.get((mailbox_id, call.is_send))
        if at is None:
            return
        if self._clock.now() >= at:
            del self._not_before[mailbox_id, call.is_send]
            return
        raise TryLater("later.limits", reason="statedTime", retry_at=at)


def _broken(call: GmailCall, reason: str) -> GoogleError:
    if call.is_send:
        return send_uncertain(reason)
    return TryLater("later.broke", reason=reason)
