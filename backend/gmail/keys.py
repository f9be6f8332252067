"""Google's signing keys: fetched rarely, by one caller at a time, and never at a forger's command."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.domain.errors import TryLater
from backend.gmail.unreadable import AnswerUnreadable
from backend.gmail.wire import AnswerTooLarge, ask
from backend.ports.system import Clock

log = structlog.get_logger(__name__)

SHORTEST_LIFE = timedelta(minutes=1)
LONGEST_LIFE = timedelta(hours=24)
LIFE_UNTOLD = timedelta(hours=1)
UNKNOWN_PAUSE = timedelta(seconds=60)
"""Between two fetches for the sake of key ids we do not know: whoever forges those cannot make us fetch faster."""
FAILURE_PAUSE = timedelta(seconds=5)
KEYLESS_PAUSE = timedelta(seconds=1)
"""The same while there are no keys at all: an owner who signs in and every push wait for them."""
STALE_GRACE = timedelta(hours=24)
"""Keys past their life still count for this long while Google's keys cannot be fetched."""
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.I)
_SMALLEST_KEY = 2_048
_MOST_KEYS = 50
_ACCEPT = {"accept": "application/json", "accept-encoding": "gzip"}


class GoogleKeys:
    """RSA keys by key id from a JWKS address. Belongs to one event loop."""

    def __init__(self, session: aiohttp.ClientSession, url: str, clock: Clock) -> None:
        self._session = session
        self._url = url
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = {}
        self._fetched: datetime | None = None
        self._until: datetime | None = None
        self._failed: datetime | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> RSAPublicKey | None:
        """The key of that id, or None when Google has none. Raises `TryLater` when the keys cannot be had."""
        if not self._due(kid):
            return self._keys.get(kid)
        async with self._lock:
            if self._due(kid):  # else: another caller fetched while we waited
                await self._renew()
        return self._keys.get(kid)

    def _due(self, kid: str) -> bool:
        now = self._clock.now()
        if self._fetched is None or self._until is None or now >= self._until:
            return True
        return kid not in self._keys and now - self._fetched >= UNKNOWN_PAUSE

    async def _renew(self) -> None:
        now = self._clock.now()
        pause = FAILURE_PAUSE if self._keys else KEYLESS_PAUSE
        if self._failed is not None and now - self._failed < pause:
            return self._make_do(now, "recentFailure")
        try:
            keys, life = await self._fetch()
        except (aiohttp.ClientError, OSError, AnswerTooLarge, AnswerUnreadable) as error:
            self._failed = now
            return self._make_do(now, type(error).__name__)
        self._keys, self._fetched, self._until, self._failed = keys, now, now + life, None
        return None

    def _make_do(self, now: datetime, reason: str) -> None:
        """Go on with the keys at hand, if they are not too old."""
        if self._until is None or now >= self._until + STALE_GRACE:
            raise TryLater("later.keys", reason=reason)
        log.warning("signing keys not renewed", reason=reason, keys=len(self._keys))

    async def _fetch(self) -> tuple[dict[str, RSAPublicKey], timedelta]:
        reply = await ask(self._session, "GET", self._url, headers=_ACCEPT)
        if reply.status != 200:
            raise AnswerUnreadable(f"http{reply.status}")
        keys = _keys(reply.json_object())
        if not keys:
            raise AnswerUnreadable("no usable key")
        return keys, _life(reply.headers)


def _keys(data: Mapping[str, Any]) -> dict[str, RSAPublicKey]:
    """The keys meant for RS256 signatures; everything else in the set is passed over."""
    found: dict[str, RSAPublicKey] = {}
    entries = data.get("keys")
    for entry in entries[:_MOST_KEYS] if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not isinstance(kid := entry.get("kid"), str):
            continue
        if (
            entry.get("kty") != "RSA"
            or entry.get("use", "sig") != "sig"
            or entry.get("alg", "RS256") != "RS256"
        ):
            continue
        try:
            key = jwt.PyJWK(entry, algorithm="RS256").key
        except jwt.PyJWTError:
            continue
        if isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_KEY:
            found[kid] = key
    return found


def _life(headers: Mapping[str, str]) -> timedelta:
    control = headers.get("Cache-Control", "")
    match = _MAX_AGE.search(control)
    if match is None:
        return SHORTEST_LIFE if "no-store" in control or "no-cache" in control else LIFE_UNTOLD
    age = headers.get("Age", "")
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 9 else 0
    return min(max(timedelta(seconds=int(match.group(1)) - spent), SHORTEST_LIFE), LONGEST_LIFE)
