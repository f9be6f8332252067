"""The clock held against Google's, the operating system's randomness, and its file descriptors."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# ---- The real clock, and the same held against Google's.


BELIEVED = timedelta(minutes=1)
"""Smaller differences are ignored: nothing here depends on them, and Google tells whole seconds."""

AGREE = 3
"""So many answers in a row must name the same difference before ours is the time that is wrong."""

FRESH = 3600.0
"""Seconds for which an answer's time counts."""


class SystemClock:
    """`backend.ports.system.Clock` by the machine's own time."""

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.now(UTC)


def _passed() -> float:
    """Seconds that go on evenly whatever the clock is set to; on Linux also while the machine sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class GuidedClock:
    """`Clock` and `TimeCheck`: the machine's time, put right where Google's differs from it by more than a minute.

    Somebody may set the machine's clock while we run. Ours then goes on as if nothing had happened, and is not settled
    until an answer of Google's has said who is right.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] | None = None,
        passed: Callable[[], float] = _passed,
    ) -> None:
        self._wall, self._passed = wall or SystemClock().now, passed
        self._seen = self._wall(), passed()
        self._added = timedelta(0)
        self._doubts: list[timedelta] = []
        self._settled_at: float | None = None

    @property
    def settled(self) -> bool:
        """See `TimeCheck`."""
        self.now()
        return self._settled_at is not None and self._passed() - self._settled_at < FRESH

    @property
    def skew(self) -> timedelta:
        """See `TimeCheck`."""
        self.now()
        return -self._added

    def now(self) -> datetime:
        """Aware UTC."""
        wall, passed = self._wall(), self._passed()
        set_by = wall - self._seen[0] - timedelta(seconds=passed - self._seen[1])
        if abs(set_by) > BELIEVED:
            self._added -= set_by
            self._settled_at = None
        self._seen = wall, passed
        return wall + self._added

    def heard(self, date: datetime) -> None:
        """Google's time was this just now."""
        ours = self.now()
        wall, passed = self._seen
        if abs(date - ours) > BELIEVED:
            self._doubt(date - wall)
            return
        self._doubts.clear()
        self._settled_at = passed
        if abs(date - wall) <= BELIEVED / 2:
            self._added = timedelta(0)  # the machine's own time is right again

    def _doubt(self, difference: timedelta) -> None:
        """One answer that differs may be a mistake of somebody's: nothing is deleted meanwhile."""
        agree = [one for one in self._doubts if abs(one - difference) <= BELIEVED / 4]
        self._doubts = [*agree, difference][-AGREE:]
        self._settled_at = None
        if len(self._doubts) == AGREE:
            self._added, self._settled_at = difference, self._seen[1]
            self._doubts.clear()


# ---- Randomness from the operating system.


_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no letter is taken for a digit
_LENGTH = 26
_RANDOM_BITS = 80


class SystemTokens:
    """`backend.ports.system.TokenSource` by `secrets`."""

    def token(self, size: int = 24) -> str:
        """A URL-safe secret of `size` random bytes."""
        return secrets.token_urlsafe(size)

    def identifier(self) -> str:
        """26 characters that sort by the millisecond they were made in; 80 of their bits are random.

        Sorted ids keep new rows together in an index, where random ones would touch every page of it.
        """
        milliseconds = time.time_ns() // 1_000_000
        number = milliseconds << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(_LENGTH)))


# ---- Limits on open files
# Without one left nothing works: the store cannot be opened, no module imported, no caller answered. So of few each
# has its part, and those that come in, which anybody may open, never take the others'.


NEEDED = 512
"""At work: 200 connections to Google, `OWN`, and those that come in."""

OWN = 48
"""For the store, the processes that read, logs, locks, and a file that is read in passing."""

MOST = 65_536


def raise_limit() -> int:
    """As many as the system lets us have by ourselves; returns how many. `MOST` where there is no such limit."""
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


def for_google(limit: int) -> int:
    """How many of so many are for connections to Google."""
    return 200 if limit >= NEEDED else max(8, (limit - OWN) // 2)


def for_callers(limit: int) -> int:
    """How many of so many are for connections that come in."""
    return max(8, limit - OWN - for_google(limit))
