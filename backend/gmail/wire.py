"""The HTTP session to Google and the one way an answer is read: bounded, unpacked by us, no redirects."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from backend.domain.errors import Refused, TryLater
from backend.gmail.unreadable import AnswerUnreadable
from backend.setting_kinds import on_this_machine
from backend.settings import Settings

FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
SMALL_ANSWER = 1_000_000
"""Bytes; more than any answer about tokens or keys."""
CONNECTIONS = 200
KEEP_ALIVE = 30.0
"""Seconds an idle connection is kept. Shorter than Google keeps its end open, so ours is the one that closes."""


class AnswerTooLarge(Exception):
    """The answer passed the limit; reading stopped there."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object, {} when there is none. Raises `AnswerUnreadable`."""
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


def telling_time(heard: Callable[[datetime], None]) -> aiohttp.TraceConfig:
    """Calls `heard` with the time at which an answer was given, once for each second that answers name."""
    trace, last = aiohttp.TraceConfig(), ""

    async def answered(_: object, __: object, params: aiohttp.TraceRequestEndParams) -> None:
        nonlocal last
        date = params.response.headers.get("Date", "")
        if date != last and (at := told_at(params.response.headers)) is not None:
            last = date
            heard(at)

    trace.on_request_end.append(answered)
    return trace


def told_at(headers: Mapping[str, str]) -> datetime | None:
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
