"""Time, randomness and secrets for tests: the twins of `backend.ports.system`, told what to be."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta

from backend.domain.errors import PitchgateError, Refused
from backend.domain.mailbox.mailbox import Grant
from backend.domain.watching.audit import Chain
from backend.ports.gmail import Access

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
"""A Monday morning."""


class FixedClock:
    """Stands still until a test moves it. Never goes back."""

    def __init__(self, now: datetime = START) -> None:
        if now.tzinfo is None:
            raise ValueError("a clock tells aware times")
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float = 0.0, **parts: float) -> datetime:
        """Go on by `seconds`, or by timedelta's own parts (`hours=2`); returns the new time."""
        step = timedelta(seconds=seconds, **parts)
        if step < timedelta(0):
            raise ValueError("a clock does not go back")
        self._now += step
        return self._now


class SeededTokens:
    """Secrets and ids of the real shape, drawn from a seed: the same in every run, never one twice."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._made = 0

    def token(self, size: int = 24) -> str:
        """A URL-safe text of `size` drawn bytes."""
        return base64.urlsafe_b64encode(self._random.randbytes(size)).rstrip(b"=").decode()

    def identifier(self) -> str:
        """26 characters that sort in the order they were made in."""
        self._made += 1
        return f"{self._made:010d}{self._random.getrandbits(64):016x}"


class GlassVault:
    """Seals so that a test can see through it: the sealed form is the secret, backwards, behind a mark."""

    MARK = b"sealed:"

    def seal(self, secret: str) -> bytes:
        return self.MARK + secret[::-1].encode()

    def open(self, sealed: bytes) -> str:
        """Undo `seal`. Raises `Refused` (code sealed) for what it did not seal."""
        if not sealed.startswith(self.MARK):
            raise Refused("sealed")
        return sealed.removeprefix(self.MARK).decode()[::-1]


class NoAuthorizer:
    """Google's consent where nobody authorizes: only a grant may be taken back."""

    def __init__(self) -> None:
        self.revoked: list[str] = []

    def consent_url(
        self, access: Access, *, state: str, nonce: str, verifier: str, login_hint: str = ""
    ) -> str:
        """Asked by nobody."""
        raise AssertionError("nobody connects here")

    async def redeem(self, access: Access, *, code: str, verifier: str, nonce: str) -> Grant:
        """Asked by nobody."""
        raise AssertionError("nobody connects here")

    async def revoke(self, mailbox_id: str) -> None:
        self.revoked.append(mailbox_id)


class PlainKeys:
    """`backend.ports.system.DecisionKeys` whose sealed form is the key behind a mark; forgets on request."""

    def __init__(self) -> None:
        self.made = 0
        self.lost: set[bytes] = set()
        self.heads: dict[str, Chain] = {}

    def fresh(self, mailbox_id: str) -> tuple[bytes, bytes]:
        """Keys that are numbered."""
        self.made += 1
        key = self.made.to_bytes(32, "big")
        return b"sealed" + key, key

    def open(self, sealed: bytes, mailbox_id: str) -> bytes | None:
        """Without the mark."""
        return None if sealed in self.lost else sealed.removeprefix(b"sealed")

    def salt(self) -> bytes:
        """Always the same."""
        return bytes(16)


def in_english(error: PitchgateError) -> str:
    """What happened and what to do, as a person reads it."""
    # Needs Babel, which Windows' Python does without in the desktop's tests.
    from backend.locale import error_words

    return " ".join(error_words("en", error)).strip()
