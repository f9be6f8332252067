"""Service accounts: a key file, the assertion a program signs with it, and the access token it gets for that."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.sandbox.oauth.grants import GrantError

LIFETIME = 3600.0
GOOGLES = "https://oauth2.googleapis.com/token"
"""What google-auth names as the audience, whatever address the key file gives."""
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
    """All of them, and the tokens they hold. Where there is none, Pub/Sub asks nobody who they are."""

    _keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    _tokens: dict[str, CloudToken] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._keys)

    def create(self, email: str, project: str, token_uri: str) -> dict[str, Any]:
        """A new account, or a new key for it: what Google's console gives as a JSON file."""
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

    def forget(self, email: str) -> None:
        """Delete an account; its tokens die with it. Raises KeyError."""
        del self._keys[email]
        self._tokens = {text: token for text, token in self._tokens.items() if token.account != email}

    def grant(self, assertion: str, audience: str, now: float) -> dict[str, Any]:
        """grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer. Raises GrantError."""
        try:
            issuer = str(jwt.decode(assertion, options={"verify_signature": False}).get("iss"))
            key = self._keys[issuer].public_key()
            claims = jwt.decode(assertion, key, algorithms=["RS256"], audience=[audience, GOOGLES], leeway=60)
        except (jwt.PyJWTError, KeyError) as error:
            raise GrantError("invalid_grant", "Invalid JWT Signature.") from error
        scopes = frozenset(str(claims.get("scope", "")).split())
        text = f"ya29.c.{secrets.token_urlsafe(40)}"
        self._tokens[text] = CloudToken(issuer, scopes, now + LIFETIME)
        return {"access_token": text, "expires_in": int(LIFETIME), "token_type": "Bearer"}

    def caller(self, authorization: str, now: float) -> CloudToken | None:
        """Whose token a header carries, None for none that is good."""
        scheme, _, text = authorization.partition(" ")
        token = self._tokens.get(text.strip()) if scheme.lower() == "bearer" else None
        return token if token is not None and token.expires > now else None
