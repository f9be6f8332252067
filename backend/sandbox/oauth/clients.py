"""Registered OAuth clients and which redirect addresses they may use."""

import hmac
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ClientError(ValueError):
    """A client registration that Google would refuse; the text says why."""


@dataclass(slots=True)
class Client:
    """An OAuth client. A desktop client may use any loopback port; a web client only listed addresses."""

    client_id: str
    secret: str
    project: str
    kind: Literal["web", "desktop"] = "web"
    redirect_uris: list[str] = field(default_factory=list)

    def register(self, uri: str) -> None:
        """Allow a redirect address: https anywhere, http only on this machine. Raises ClientError."""
        parts = urlsplit(uri)
        allowed = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        if not allowed or not parts.hostname or parts.fragment or len(uri) > 2000:
            raise ClientError(
                f"{uri[:200]!r} may not be a redirect address: https, or http on loopback only."
            )
        if uri not in self.redirect_uris:
            self.redirect_uris.append(uri)

    def may_redirect_to(self, uri: str) -> bool:
        """Whether the address is registered, byte for byte (a desktop client: any loopback port)."""
        if self.kind == "desktop":
            parts = urlsplit(uri)
            return parts.scheme == "http" and parts.hostname in LOOPBACK
        return uri in self.redirect_uris

    def knows_secret(self, secret: str) -> bool:
        """Compare the secret in constant time."""
        return hmac.compare_digest(self.secret.encode(), secret.encode())
