"""Tokens Google signs: Pub/Sub's pushes, the sign-in's id token, and what the add-on host sends.

Only the signature is left to PyJWT. Times are checked here, against the clock the product is told, and every
claim by a constant-time compare. The public answer is one and the same whichever check failed; which it was
goes to the log.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NoReturn

import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from backend.domain.errors import Refused, Unauthenticated
from backend.domain.moments import clock_off
from backend.gmail.keys import GoogleKeys
from backend.ports.system import Clock
from backend.settings import Settings

log = structlog.get_logger(__name__)

ISSUERS = ("https://accounts.google.com", "accounts.google.com")
LONGEST_TOKEN = 8_192
MOST_KEPT = 256
"""Tokens whose signature is remembered. Pub/Sub sends one again and again for minutes."""
LONGEST_LIFE = timedelta(hours=2)
"""Google's tokens live one hour. One that claims much more was not made for this."""
_SIGNATURE_ONLY: Any = {
    "verify_signature": True,
    **dict.fromkeys(
        ("verify_exp", "verify_iat", "verify_nbf", "verify_aud", "verify_iss", "verify_sub", "verify_jti"),
        False,
    ),
}


class GoogleTokens:
    """Checks a token that Google signed."""

    def __init__(self, keys: GoogleKeys, clock: Clock, skew: float) -> None:
        """`skew` in seconds: how far Google's clock and ours may differ."""
        self._keys = keys
        self._clock = clock
        self._skew = skew
        self._signed_before: dict[bytes, tuple[str, RSAPublicKey, Mapping[str, Any]]] = {}

    async def verify(self, token: str, audience: str, *, email: str | None = None) -> Mapping[str, Any]:
        """The claims of `token`, meant for exactly `audience` and, if given, issued to `email`.

        Raises `Unauthenticated` (always the same), `TryLater` when Google's keys cannot be had.
        """
        claims = await self._signed(token)
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
        """What to say of our clock if an answer's Date is further from it than times in tokens may be."""
        return clock_off(self._clock.now(), date, self._skew)

    async def _signed(self, token: str) -> Mapping[str, Any]:
        """The claims, once the signature is known to be Google's: by sum, or from having been so before under a key
        that Google still has."""
        if len(token) > LONGEST_TOKEN or not token.isascii():
            refuse("form")
        mark = hashlib.sha256(token.encode("ascii")).digest()
        if known := self._signed_before.get(mark):
            kid, used, claims = known
            if await self._keys.key(kid) is used:
                return claims
            del self._signed_before[mark]
        kid, key = await self._key_of(token)
        try:
            claims = jwt.decode(token, key, algorithms=["RS256"], options=_SIGNATURE_ONLY)
        except jwt.PyJWTError:
            refuse("signature")
        if len(self._signed_before) >= MOST_KEPT:
            del self._signed_before[next(iter(self._signed_before))]  # the oldest
        self._signed_before[mark] = kid, key, claims
        return claims

    async def _key_of(self, token: str) -> tuple[str, RSAPublicKey]:
        """The key the token says it is signed with, and its id."""
        try:
            header = jwt.get_unverified_header(token)
        except jwt.PyJWTError:
            refuse("form")
        # Before any key is looked up: none and HS256 are the two classic forgeries.
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
        if expires - issued > LONGEST_LIFE.total_seconds():
            refuse("life")


class PushVerifier:
    """`backend.ports.gmail.PushCallers` for Pub/Sub's signed push."""

    def __init__(self, settings: Settings, tokens: GoogleTokens) -> None:
        self._audience = settings.expected_audience
        self._account = settings.push_account
        self._subscription = settings.subscription
        self._tokens = tokens

    async def verify_push(self, authorization: str, subscription: str | None) -> None:
        """Raise `Unauthenticated` unless header and subscription (None: none is named) are ours; `TryLater` without
        Google's keys.

        The account is checked as well as the audience: anybody's Google service account can have a token made
        for our audience.
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
    """The one answer to every forgery."""
    log.info("caller refused", check=check)
    raise Unauthenticated("unauthenticated") from None


def _same(claim: object, expected: str) -> bool:
    given = claim if isinstance(claim, str) else ""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8")) and bool(expected)


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e11
