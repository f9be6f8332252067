"""The real clock, and the same held against Google's."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BELIEVED = timedelta(minutes=1)
"""A difference up to this is none: nothing we do depends on less, and Google tells whole seconds."""

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
