"""RS256 keys, the two shapes in which Google publishes them, and signed tokens."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

ISSUER = "https://accounts.google.com"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One RSA key with its id and self-signed certificate (PEM)."""

    kid: str
    private: rsa.RSAPrivateKey
    certificate: str

    @classmethod
    def generate(cls) -> "SigningKey":
        """A fresh 2048-bit key; its id is a digest of the public half."""
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        spki = private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.sandbox.invalid")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(private.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=365))
            .sign(private, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return cls(hashlib.sha256(spki).hexdigest()[:40], private, pem)

    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key."""
        numbers = self.private.public_key().public_numbers()
        return {
            "kid": self.kid,
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "n": _base64url_uint(numbers.n),
            "e": _base64url_uint(numbers.e),
        }


class KeyRing:
    """The keys in use: the newest signs, all are published until they are retired."""

    def __init__(self) -> None:
        self._keys = [SigningKey.generate()]

    @property
    def current(self) -> SigningKey:
        """The key that signs."""
        return self._keys[-1]

    def rotate(self, retire: bool = False) -> str:
        """Sign with a new key from now on; `retire` also stops publishing the old ones. Returns its id."""
        fresh = SigningKey.generate()
        self._keys = [fresh] if retire else [*self._keys[-1:], fresh]
        return fresh.kid

    def jwks(self) -> dict[str, Any]:
        """The body of /oauth2/v3/certs."""
        return {"keys": [key.jwk() for key in self._keys]}

    def pem_map(self) -> dict[str, str]:
        """The body of /oauth2/v1/certs."""
        return {key.kid: key.certificate for key in self._keys}

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact RS256 token."""
        return jwt.encode(claims, self.current.private, algorithm="RS256", headers={"kid": self.current.kid})

    def read(self, token: str) -> dict[str, Any] | None:
        """The claims of a token signed by a published key, or None. Times are not checked."""
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = next(key for key in self._keys if key.kid == kid)
            options = {"verify_aud": False, "verify_exp": False, "verify_iat": False}
            return jwt.decode(token, key.private.public_key(), algorithms=["RS256"], options=options)  # type: ignore[arg-type]
        except (jwt.PyJWTError, StopIteration):
            return None


def access_token_hash(access_token: str) -> str:
    """The `at_hash` claim: the left half of the token's SHA-256, base64url without padding."""
    digest = hashlib.sha256(access_token.encode()).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


def _base64url_uint(value: int) -> str:
    return (
        base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()
    )
