"""The clock, corrected by Google's time; random tokens; and the limit on open files."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

# ---- The clock


TOLERANCE = timedelta(minutes=1)
"""Smaller differences from Google's clock are ignored: nothing depends on them, and Google sends whole seconds."""

ANSWERS_NEEDED = 3
"""Answers in a row that must show the same difference before our clock counts as wrong."""

VALID_SECONDS = 3600.0
"""Seconds for which an answer confirms our clock."""


class SystemClock:
    """`backend.ports.system.Clock` by the machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


_BOOT = getattr(time, "CLOCK_BOOTTIME", None)
_passed: Callable[[], float] = time.monotonic if _BOOT is None else partial(time.clock_gettime, _BOOT)
"""Monotonic seconds, unaffected by setting the clock; on Linux they include time asleep."""


class CorrectedClock:
    """`Clock` and `TimeCheck`: the machine's time, corrected if Google's differs by more than a minute.

    If somebody sets the machine's clock while we run, ours continues as before, and is not `settled` until an answer
    from Google shows which is right.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] | None = None,
        passed: Callable[[], float] = _passed,
    ) -> None:
        self._wall, self._passed = wall or SystemClock().now, passed
        self._last = self._wall(), passed()  # the previous readings of both clocks
        self._correction = timedelta(0)
        self._differences: list[timedelta] = []
        self._settled_at: float | None = None

    @property
    def settled(self) -> bool:
        self.now()
        return self._settled_at is not None and self._passed() - self._settled_at < VALID_SECONDS

    @property
    def skew(self) -> timedelta:
        self.now()
        return -self._correction

    def now(self) -> datetime:
        """The current time, in UTC."""
        wall, passed = self._wall(), self._passed()
        jump = wall - self._last[0] - timedelta(seconds=passed - self._last[1])
        if abs(jump) > TOLERANCE:  # somebody has set the machine's clock
            self._correction -= jump
            self._settled_at = None
        self._last = wall, passed
        return wall + self._correction

    def observe(self, date: datetime) -> None:
        """Compare with `date`, Google's time just now."""
        ours = self.now()
        wall, passed = self._last
        if abs(date - ours) > TOLERANCE:
            self._doubt(date - wall)
            return
        self._differences.clear()
        self._settled_at = passed
        if abs(date - wall) <= TOLERANCE / 2:
            self._correction = timedelta(0)  # the machine's clock is right again

    def _doubt(self, difference: timedelta) -> None:
        """Record a difference; correct the clock after `ANSWERS_NEEDED` similar ones, since a single one may be
        wrong. Until then the clock is not settled."""
        similar = [one for one in self._differences if abs(one - difference) <= TOLERANCE / 4]
        self._differences = [*similar, difference][-ANSWERS_NEEDED:]
        self._settled_at = None
        if len(self._differences) == ANSWERS_NEEDED:
            self._correction, self._settled_at = difference, self._last[1]
            self._differences.clear()


# ---- Randomness


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, without letters that look like digits
_LENGTH = 26
_RANDOM_BITS = 80


class SystemTokens:
    """`backend.ports.system.TokenSource` with the operating system's randomness."""

    def token(self, size: int = 24) -> str:
        return secrets.token_urlsafe(size)

    def identifier(self) -> str:
        """An id of 26 characters that sorts by the millisecond of its creation, with 80 random bits (as a ULID).

        New rows then stay together in an index, where random ids would be spread over all its pages.
        """
        milliseconds = time.time_ns() // 1_000_000
        number = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))


# ---- The limit on open files
# Without a free file descriptor nothing works. So connections to Google, incoming connections (which anybody can open)
# and our own files each have their share.


MIN_OPEN_FILES = 512
"""File descriptors a server needs: 200 for connections to Google, `OWN`, and the rest for incoming connections."""

OWN = 48
"""File descriptors for the store, the reading processes, logs, locks and other files."""

MOST = 65_536


def raise_file_limit() -> int:
    """Raise the limit on open files as far as the system allows, at most to `MOST`; returns the limit."""
    try:
        import resource
    except ImportError:  # Windows
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST
    wanted = MOST if hard == resource.RLIM_INFINITY else min(MOST, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def google_connections(limit: int) -> int:
    """How many of `limit` file descriptors are for connections to Google."""
    return 200 if limit >= MIN_OPEN_FILES else max(8, (limit - OWN) // 2)


def caller_connections(limit: int) -> int:
    """How many of `limit` file descriptors are for incoming connections."""
    return max(8, limit - OWN - google_connections(limit))
