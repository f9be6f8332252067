"""Time and randomness, handed in so that the rest can be told what they are."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """The only source of "now"."""

    def now(self) -> datetime:
        """Aware UTC."""


class TokenSource(Protocol):
    """The only source of randomness."""

    def token(self, size: int = 24) -> str:
        """A URL-safe secret of `size` random bytes."""

    def identifier(self) -> str:
        """A new id for one of our own rows: 26 or fewer URL-safe characters, never repeated."""


class Vault(Protocol):
    """Secrets at rest. Thread-safe; both calls take microseconds."""

    def seal(self, secret: str) -> bytes:
        """Encrypt with the newest key."""

    def open(self, sealed: bytes) -> str:
        """Decrypt with whichever key fits. Raises `Refused` (code sealed) if none does."""
