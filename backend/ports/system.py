"""Time and randomness, handed in so that tests choose what they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The only source of "now"."""

    def now(self) -> datetime:
        """Aware UTC."""


class TimeCheck(Protocol):
    """What is known of the machine's own time, by that of Google's answers."""

    @property
    def settled(self) -> bool:
        """Whether `Clock.now` agrees with Google's time of the last hour. Until it does nothing is deleted, and
        nothing ends, for its age."""

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
    """Secrets at rest. Thread-safe; both calls take microseconds."""

    def seal(self, secret: str) -> bytes:
        """Encrypt with the newest key."""

    def open(self, sealed: bytes) -> str:
        """Decrypt with whichever key fits. Raises `Refused` (code sealed) if none does."""


class DecisionKeys(Protocol):
    """Keys of the logs, each known in the clear to this process alone. Thread-safe; cheap after the first call."""

    def fresh(self, mailbox_id: str) -> tuple[bytes, bytes]:
        """A new key of a mailbox: sealed, to be kept, and in the clear."""

    def open(self, sealed: bytes, mailbox_id: str) -> bytes | None:
        """The key in the clear; None if no secret key opens it, or it is another mailbox's."""

    def salt(self) -> bytes:
        """Random bytes for one entry."""
