"""That the database takes nothing, told to the log once, then each minute, and when it is over.

A full disk fails every job, push and look of every process many times a second; each says the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog

from backend.domain.errors import StoreAway

log = structlog.get_logger()

REMINDER = 60.0
"""Seconds between two lines about one outage."""

QUIET = 5.0
"""Seconds without a failure, after which a write that succeeds ends it: on a full disk small ones may still pass."""


class Outage:
    """Whether there is one. `now` tells seconds that never go back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.error: StoreAway | None = None
        """The last failure, while it lasts."""
        self._began = self._failed_at = self._told_at = 0.0
        self._failures = 0

    def met(self, error: StoreAway) -> None:
        """A transaction failed."""
        now = self._now()
        if self.error is None or self.error.trouble != error.trouble:
            self._began, self._told_at, self._failures = now, now, 0
            log.error("store_fails", trouble=error.trouble, cause=error.reason)
        self.error, self._failed_at = error, now
        self._failures += 1
        if now - self._told_at >= REMINDER:
            self._told_at = now
            log.error("store_still_fails", trouble=error.trouble, failures=self._failures, **self._since(now))

    def written(self) -> None:
        """A write was committed."""
        if self.error is None or (now := self._now()) - self._failed_at < QUIET:
            return
        log.warning("store_back", trouble=self.error.trouble, failures=self._failures, **self._since(now))
        self.error = None

    def _since(self, now: float) -> dict[str, int]:
        return {"seconds": round(now - self._began)}
