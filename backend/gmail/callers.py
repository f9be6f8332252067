"""Verifies callers from Google: the signed tokens of Pub/Sub pushes and of the add-on, and Google's signing keys."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn

import aiohttp
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.domain.errors import Refused, TryLater, Unauthenticated
from backend.gmail.answers import AnswerUnreadable
from backend.gmail.executor import AnswerTooLarge, ask
from backend.ports.system import Clock, clock_off
from backend.settings import Settings

# ---- Google's signing keys
# Fetched rarely and by one caller at a time, so that forged tokens cannot make us fetch often.


log = structlog.get_logger(__name__)

KEYS_SHORTEST_LIFE = timedelta(minutes=1)
KEYS_LONGEST_LIFE = timedelta(hours=24)
KEYS_DEFAULT_LIFE = timedelta(hours=1)
UNKNOWN_KEY_PAUSE = timedelta(seconds=60)
"""Least time between two fetches caused by unknown key ids, which a forger may invent."""
FAILURE_PAUSE = timedelta(seconds=5)
KEYLESS_PAUSE = timedelta(seconds=1)
"""Least time after a failed fetch while there are no keys at all: every sign-in and every push waits for them."""
STALE_GRACE = timedelta(hours=24)
"""How long expired keys are still used while new ones cannot be fetched."""
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
        self._fetched_at: datetime | None = None
        self._expire_at: datetime | None = None
        self._failed_at: datetime | None = None
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> RSAPublicKey | None:
        """The key with the id `kid`, or None if Google has none. Raises `TryLater` if the keys cannot be fetched."""
        if not self._must_fetch(kid):
            return self._keys.get(kid)
        async with self._lock:
            if self._must_fetch(kid):  # again: another caller may have fetched while we waited
                await self._renew()
        return self._keys.get(kid)

    def _must_fetch(self, kid: str) -> bool:
        now = self._clock.now()
        if self._fetched_at is None or self._expire_at is None or now >= self._expire_at:
            return True
        return kid not in self._keys and now - self._fetched_at >= UNKNOWN_KEY_PAUSE

    async def _renew(self) -> None:
        now = self._clock.now()
        pause = FAILURE_PAUSE if self._keys else KEYLESS_PAUSE
        if self._failed_at is not None and now - self._failed_at < pause:
            return self._keep_old_keys(now, "recentFailure")
        try:
            keys, life = await self._fetch()
        except (aiohttp.ClientError, OSError, AnswerTooLarge, AnswerUnreadable) as error:
            self._failed_at = now
            return self._keep_old_keys(now, type(error).__name__)
        self._keys, self._fetched_at, self._expire_at, self._failed_at = keys, now, now + life, None
        return None

    def _keep_old_keys(self, now: datetime, reason: str) -> None:
        """Go on with the keys we have, or raise if they are too old."""
        if self._expire_at is None or now >= self._expire_at + STALE_GRACE:
            raise TryLater("later.keys", reason=reason)
        log.warning("signing_keys_not_renewed", reason=reason, keys=len(self._keys))

    async def _fetch(self) -> tuple[dict[str, RSAPublicKey], timedelta]:
        reply = await ask(self._session, "GET", self._url, headers=_ACCEPT)
        if reply.status != 200:
            raise AnswerUnreadable(f"http{reply.status}")
        keys = _keys(reply.json_object())
        if not keys:
            raise AnswerUnreadable("no usable key")
        return keys, _life(reply.headers)


def _keys(data: Mapping[str, Any]) -> dict[str, RSAPublicKey]:
    """The usable RS256 signature keys of a JWKS; others are ignored."""
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
        return KEYS_SHORTEST_LIFE if "no-store" in control or "no-cache" in control else KEYS_DEFAULT_LIFE
    age = headers.get("Age", "")
    spent = int(age) if age.isascii() and age.isdigit() and len(age) < 9 else 0
    return min(max(timedelta(seconds=int(match.group(1)) - spent), KEYS_SHORTEST_LIFE), KEYS_LONGEST_LIFE)


# ---- Tokens signed by Google
# PyJWT checks only the signature. Times are checked here with the injected clock, and claims in constant time. The
# caller gets the same answer whichever check failed; the log names the check.


ISSUERS = ("https://accounts.google.com", "accounts.google.com")
LONGEST_TOKEN = 8_192
MOST_REMEMBERED = 256
"""Tokens whose signature is remembered as valid. Pub/Sub sends the same one for minutes."""
TOKENS_LONGEST_LIFE = timedelta(hours=2)
"""Longest accepted life of a token. Google's live one hour."""
_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    **dict.fromkeys(
        ("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss", "verify_sub", "verify_jti"),
        False,
    ),
}


class GoogleTokens:
    """Verifies tokens that Google signed. `skew`: seconds by which Google's clock and ours may differ."""

    def __init__(self, keys: GoogleKeys, clock: Clock, skew: float) -> None:
        self._keys = keys
        self._clock = clock
        self._skew = skew
        self._verified: dict[bytes, tuple[str, RSAPublicKey, Mapping[str, Any]]] = {}

    async def verify(self, token: str, audience: str, *, email: str | None = None) -> Mapping[str, Any]:
        """The claims of `token`, if it is valid for `audience` and, if given, issued to `email`.

        Raises `Unauthenticated` without naming the failed check, `TryLater` if Google's keys cannot be fetched.
        """
        claims = await self._verify_signature(token)
        self._check_times(claims)
        if not _same(claims.get("aud"), audience):
            refuse("aud")
        if not any(_same(claims.get("iss"), issuer) for issuer in ISSUERS):
            refuse("iss")
        if email is not None:
            if claims.get("email_verified") is not True:
                refuse("email_verified")
            if not _same(claims.get("email"), email):
                refuse("email")
        return claims

    def clock_off(self, date: str) -> Refused | None:
        """The error to report in place of a refusal if the fault lies with our clock: it differs by more than the skew
        from `date`, the Date header of the answer that brought the token. None if it does not."""
        return clock_off(self._clock.now(), date, self._skew)

    async def _verify_signature(self, token: str) -> Mapping[str, Any]:
        """The claims, once the signature is verified. That of a token seen before is not checked again while Google
        still publishes its key."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            refuse("form")
        digest = hashlib.sha256(token.encode("ascii")).digest()
        if known := self._verified.get(digest):
            kid, used, claims = known
            if await self._keys.key(kid) is used:
                return claims
            del self._verified[digest]
        kid, key = await self._key_of(token)
        try:
            claims = jwt.decode(token, key, algorithms=["RS256"], options=_SIGNATURE_ONLY)
        except jwt.PyJWTError:
            refuse("signature")
        if len(self._verified) >= MOST_REMEMBERED:
            del self._verified[next(iter(self._verified))]  # the oldest
        self._verified[digest] = kid, key, claims
        return claims

    async def _key_of(self, token: str) -> tuple[str, RSAPublicKey]:
        """The id of the key that the token names, and that key."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            refuse("form")
        # Checked before the key is fetched: `none` and HS256 are the two classic forgeries.
        if header.get("alg") != "RS256" or "crit" in header:
            refuse("alg")
        kid = header.get("kid")
        key = await self._keys.key(kid) if isinstance(kid, str) and len(kid) <= 200 else None
        if key is None:
            refuse("kid")
        return str(kid), key

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        issued, expires, not_before = claims.get("iat"), claims.get("exp"), claims.get("nbf", 0)
        if not (_is_time(issued) and _is_time(expires) and _is_time(not_before)):
            refuse("times")
        assert issued is not None
        assert expires is not None
        if now >= expires + self._skew:
            refuse("exp")
        if issued > now + self._skew or not_before > now + self._skew:
            refuse("iat")
        if expires - issued > TOKENS_LONGEST_LIFE.total_seconds():
            refuse("life")


class PushVerifier:
    """`backend.ports.gmail.PushCallers`: verifies the token of a Pub/Sub push."""

    def __init__(self, settings: Settings, tokens: GoogleTokens) -> None:
        self._audience = settings.expected_audience
        self._account = settings.push_account
        self._subscription = settings.subscription
        self._tokens = tokens

    async def verify_push(self, authorization: str, subscription: str | None) -> None:
        """Raise `Unauthenticated` unless the token and the subscription (None: not given) are ours; `TryLater` if
        Google's keys cannot be fetched.

        The audience alone is not enough: any Google service account can get a token for our audience.
        """
        await self._tokens.verify(bearer(authorization), self._audience, email=self._account)
        if subscription is not None and not _same(subscription, self._subscription):
            refuse("subscription")


def bearer(authorization: str) -> str:
    """The token of an Authorization header. Raises `Unauthenticated`."""
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token:
        refuse("bearer")
    return token


def refuse(check: str) -> NoReturn:
    """Raise the same error for every failed `check`, and log which it was."""
    log.info("caller_refused", check=check)
    raise Unauthenticated("unauthenticated") from None


def _same(claim: object, expected: str) -> bool:
    given = claim if isinstance(claim, str) else ""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8")) and bool(expected)


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e11


# ---- The add-on's two tokens


class AddonVerifier:
    """`backend.ports.gmail.AddonCallers`: verifies the tokens of a call from the Gmail add-on."""

    def __init__(self, settings: Settings, tokens: GoogleTokens) -> None:
        self._account = settings.addon_account
        self._client_id = settings.addon_client_id
        self._tokens = tokens

    async def verify_system(self, authorization: str, audience: str) -> None:
        """Raise `Unauthenticated` unless Google calls for our add-on: its service account, and the endpoint `audience`.

        The audience alone is not enough: tokens of other add-ons are signed by the same keys.
        """
        await self._tokens.verify(bearer(authorization), audience, email=self._account)

    async def verify_user(self, token: str) -> str:
        """The person who uses the add-on, as the `sub` of their id token, which must be for the add-on's client."""
        claims = await self._tokens.verify(token, self._client_id)
        sub = claims.get("sub")
        if not isinstance(sub, str) or not 0 < len(sub) <= 255:
            refuse("sub")
        return sub
