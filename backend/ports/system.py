"""Time, randomness and encryption, passed in so that tests can choose them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The only source of "now"."""

    def now(self) -> datetime:
        """The current time, in UTC."""


class TimeCheck(Protocol):
    """How the machine's clock compares with the time in Google's answers."""

    @property
    def settled(self) -> bool:
        """Whether `Clock.now` agrees with Google's time of the last hour. Until it does, nothing is deleted or ended
        because of its age."""

    @property
    def skew(self) -> timedelta:
        """How far the machine's clock is ahead of (negative: behind) `Clock.now`."""


class TokenSource(Protocol):
    """The only source of randomness."""

    def token(self, size: int = 24) -> str:
        """A URL-safe secret of `size` random bytes."""

    def identifier(self) -> str:
        """A new id for one of our own rows: 26 or fewer URL-safe characters, never repeated."""


class Vault(Protocol):
    """Encrypts secrets at rest. Thread-safe; both calls take microseconds."""

    def seal(self, secret: str) -> bytes:
        """Encrypt with the newest key."""

    def open(self, sealed: bytes) -> str:
        """Decrypt with the key that fits. Raises `Refused` (code sealed) if none does."""


class DecisionKeys(Protocol):
    """Keys of the logs of decisions, known in plain text to this process alone. Thread-safe; cheap after the first
    call."""

    def fresh(self, mailbox_id: str) -> tuple[bytes, bytes]:
        """A new key for a mailbox: encrypted, to be stored, and in plain text."""

    def open(self, sealed: bytes, mailbox_id: str) -> bytes | None:
        """The key in plain text; None if no secret key decrypts it, or if it belongs to another mailbox."""

    def salt(self) -> bytes:
        """Random bytes for one entry of the log."""
