"""Signed tokens, service accounts that request them, and the answers of the token endpoint."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.sandbox.mail.mailbox import Owner
from backend.sandbox.oauth.grants import (
    EMAIL,
    IDENTITY,
    PROFILE,
    AccessToken,
    Client,
    GrantError,
    RefreshToken,
)

if TYPE_CHECKING:
    from backend.sandbox.world import World


# ---- The signing key


ISSUER = "https://accounts.google.com"


class SigningKey:
    """A new 2048-bit RSA key; its id is a hash of its public half."""

    def __init__(self) -> None:
        self.private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        spki = self.private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.kid = hashlib.sha256(spki).hexdigest()[:40]

    def jwks(self) -> dict[str, Any]:
        """The body of /oauth2/v3/certs: the public half as a JSON Web Key."""
        numbers = self.private.public_key().public_numbers()
        key = {"kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig"}
        return {"keys": [key | {"n": _base64url_uint(numbers.n), "e": _base64url_uint(numbers.e)}]}

    def sign(self, claims: dict[str, Any], kid: str = "") -> str:
        """A compact RS256 token; with `kid` it claims to be signed by the key of that id."""
        return jwt.encode(claims, self.private, algorithm="RS256", headers={"kid": kid or self.kid})


def access_token_hash(access_token: str) -> str:
    """The `at_hash` claim: the left half of the token's SHA-256, base64url without padding."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _base64url_uint(value: int) -> str:
    return (
        base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    )


# ---- Service accounts


LIFETIME = 3600.0
GOOGLE_AUDIENCE = "https://oauth2.googleapis.com/token"
"""The audience that google-auth always names, whatever address the key file has."""
PUBSUB = "https://www.googleapis.com/auth/pubsub"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True, slots=True)
class CloudToken:
    """An access token of a service account. `expires` is epoch seconds."""

    account: str
    scopes: frozenset[str]
    expires: float


@dataclass(slots=True)
class ServiceAccounts:
    """All service accounts and their tokens. While there is no account, Pub/Sub needs no token."""

    _keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    _tokens: dict[str, CloudToken] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def create(self, email: str, project: str, token_uri: str) -> dict[str, Any]:
        """A new account, or a new key for it: the JSON key file, as from Google's console."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._keys[email] = key
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": project,
            "private_key_id": secrets.token_hex(20),
            "private_key": pem.decode(),
            "client_email": email,
            "client_id": str(secrets.randbelow(10**21)),
            "token_uri": token_uri,
        }

    def grant(self, assertion: str, audience: str, now: float) -> dict[str, Any]:
        """grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer. Raises GrantError."""
        try:
            issuer = str(jwt.decode(assertion, options={"verify_signature": False}).get("iss"))
            key = self._keys[issuer].public_key()
            claims = jwt.decode(assertion, key, ["RS256"], audience=[audience, GOOGLE_AUDIENCE], leeway=60)
        except (jwt.PyJWTError, KeyError) as error:
            raise GrantError("invalid_grant", "Invalid JWT Signature.") from error
        scopes = frozenset(str(claims.get("scope", "")).split())
        text = f"ya29.c.{secrets.token_urlsafe(40)}"
        self._tokens[text] = CloudToken(issuer, scopes, now + LIFETIME)
        return {"access_token": text, "expires_in": int(LIFETIME), "token_type": "Bearer"}

    def caller(self, authorization: str, now: float) -> CloudToken | None:
        """The account whose token a header contains; None without a valid one."""
        scheme, _, text = authorization.partition(" ")
        token = self._tokens.get(text.strip()) if scheme.lower() == "bearer" else None
        return token if token is not None and token.expires > now else None


# ---- The answers of the token endpoint


ID_TOKEN_LIFETIME = 3600


def exchange_code(world: World, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    """grant_type=authorization_code. Raises GrantError."""
    for name in ("code", "redirect_uri"):
        if not form.get(name):
            raise GrantError("invalid_request", f"Missing required parameter: {name}")
    code = world.grants.redeem(
        form["code"], client.client_id, form["redirect_uri"], form.get("code_verifier"), world.clock.now()
    )
    answer = _access_answer(world, client, code.account, code.scopes, code.nonce)
    if code.offline:
        refresh = world.grants.issue_refresh(
            code.account, client.project, client.client_id, code.scopes, expires=_refresh_expiry(world)
        )
        answer |= {"refresh_token": refresh.token} | _expires_in(world, refresh)
    return answer


def refresh_access(world: World, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    """grant_type=refresh_token; the refresh token stays the same."""
    if not form.get("refresh_token"):
        raise GrantError("invalid_request", "Missing required parameter: refresh_token")
    token = world.grants.refresh(form["refresh_token"], client.client_id, world.clock.now())
    scopes = world.grants.effective_scopes(token)
    wanted = frozenset(form.get("scope", "").split())
    if wanted - scopes:
        raise GrantError("invalid_scope", "Some requested scopes were not granted.")
    return _access_answer(world, client, token.account, wanted or scopes, None) | _expires_in(world, token)


def mint(
    world: World, client: Client, account: str, scopes: frozenset[str], given: str = ""
) -> dict[str, Any]:
    """Tokens without a consent page, for tests about something else. `given` is the refresh token to use, "" for a new
    one."""
    world.grants.consent(account, client.project, scopes)
    answer = _access_answer(world, client, account, scopes, None)
    answer["refresh_token"] = world.grants.issue_refresh(
        account, client.project, client.client_id, scopes, given
    ).token
    return answer


def _refresh_expiry(world: World) -> float | None:
    """When a refresh token issued now expires: after seven days with a consent screen in Testing."""
    lifetime = world.knobs.refresh_token_lifetime
    return world.clock.now() + lifetime if lifetime else None


def _expires_in(world: World, token: RefreshToken) -> dict[str, int]:
    if token.expires is None:
        return {}
    return {"refresh_token_expires_in": max(0, int(token.expires - world.clock.now()))}


def _access_answer(
    world: World, client: Client, account: str, scopes: frozenset[str], nonce: str | None
) -> dict[str, Any]:
    lifetime = world.knobs.access_token_lifetime
    token = world.grants.issue_access(
        account, client.project, client.client_id, scopes, world.clock.now() + lifetime
    )
    answer: dict[str, Any] = {
        "access_token": token.token,
        "expires_in": int(lifetime),
        "scope": " ".join(sorted(scopes)),
        "token_type": "Bearer",
    }
    mailbox = world.mailboxes.get(account)
    if mailbox is not None and scopes & IDENTITY:
        answer["id_token"] = _id_token(world, client, mailbox.owner, token, nonce)
    return answer


def _id_token(world: World, client: Client, owner: Owner, token: AccessToken, nonce: str | None) -> str:
    issued = int(world.clock.real())
    if world.clock.skew and nonce is not None:
        world.faults.counts["skewed_sign_in"] += 1
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "azp": client.client_id,
        "aud": client.client_id,
        "sub": owner.sub,
        "at_hash": access_token_hash(token.token),
        "iat": issued,
        "exp": issued + ID_TOKEN_LIFETIME,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return world.key.sign(claims | _profile(owner, token.scopes))


def _profile(owner: Owner, scopes: frozenset[str]) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    if owner.hd:
        claims["hd"] = owner.hd
    if EMAIL in scopes:
        claims |= {"email": owner.email, "email_verified": True}
    if PROFILE in scopes:
        claims |= {"name": owner.name, "given_name": owner.name.partition(" ")[0]}
    return claims
