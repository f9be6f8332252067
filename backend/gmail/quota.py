"""Keeps our requests within Google's quota: units per user and per project, and requests in flight per mailbox.

Google states units per minute but enforces shorter spans and refuses what exceeds them. A token bucket is filled at
95% of the allowed rate and holds two seconds' worth of units, because Google refused bursts of 30 seconds' worth. So
any 60 seconds use at most 95% and one burst, which leaves room for requests that are delayed and arrive together.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from backend.domain.errors import TryLater

MINUTE = 60.0
RATE_SHARE = 0.95
BURST_SHARE = 1 / 30
HIGHEST_COST = 100
"""Units of the most expensive method. A bucket must hold as many, or that method could never run."""
SMALLEST_ALLOWANCE = 3 * HIGHEST_COST
START_LEVEL = 0.25
"""How full a bucket is at the start: the previous process may have used units a moment ago."""
LONGEST = 20.0
"""Seconds a request waits for its turn before it fails with `TryLater`; its lane stops a job after 48."""

_COMMON_COSTS = {
    "gmail.users.getProfile": 1,
    "gmail.users.watch": 100,
    "gmail.users.stop": 50,
    "gmail.users.history.list": 2,
    "gmail.users.messages.list": 5,
    "gmail.users.messages.modify": 5,
    "gmail.users.messages.send": 100,
    "gmail.users.messages.insert": 25,
    "gmail.users.labels.list": 1,
    "gmail.users.labels.create": 5,
    "gmail.users.settings.sendAs.list": 1,
    "gmail.users.settings.getVacation": 1,
    "gmail.users.settings.filters.list": 1,
}
NEW_PRICES = {**_COMMON_COSTS, "gmail.users.messages.get": 20, "gmail.users.threads.get": 40}
"""Units by method for Google Cloud projects created since May 2026."""
OLD_PRICES = {**_COMMON_COSTS, "gmail.users.messages.get": 5, "gmail.users.threads.get": 10}
"""Units by method for projects that used the API before."""


def prices(old: bool) -> dict[str, int]:
    return OLD_PRICES if old else NEW_PRICES


class Handle(Protocol):
    """A scheduled call that can be cancelled."""

    def cancel(self) -> None:
        """Cancel the call."""


class Timer(Protocol):
    """A monotonic clock with callbacks, as an asyncio loop provides."""

    def time(self) -> float:
        """Monotonic time in seconds."""

    def call_at(self, when: float, callback: Callable[[], None], /) -> Handle:
        """Call `callback` at `when`."""


class Bucket:
    """A token bucket of `allowance` units a minute. `now` is monotonic time in seconds."""

    def __init__(self, allowance: int, now: float) -> None:
        """Raises ValueError for an allowance too small for the most expensive method."""
        if allowance < SMALLEST_ALLOWANCE:
            raise ValueError(
                f"a quota of {allowance} units a minute is too small; {SMALLEST_ALLOWANCE} is the least"
            )
        self.burst = max(allowance * BURST_SHARE, float(HIGHEST_COST))
        # The burst must pay for the most expensive method. Of a small allowance that is a large part, so the bucket is
        # refilled more slowly: a burst and a minute's refill stay within the allowance, with a quarter burst to spare.
        self.rate = min(allowance * RATE_SHARE, allowance - 1.25 * self.burst) / MINUTE
        self._level = self.burst * START_LEVEL
        self._at = now

    def resize_to(self, other: Bucket, now: float) -> None:
        """Take over the size and rate of `other`, keeping the units that fit."""
        self._refill(now)
        self.burst, self.rate = other.burst, other.rate
        self._level = min(self._level, self.burst)

    def wait(self, units: float, now: float) -> float:
        """Seconds until `units` can be taken; infinite for more than a burst."""
        self._refill(now)
        missing = units - self._level
        return max(0.0, missing / self.rate) if units <= self.burst else float("inf")

    def take(self, units: float, now: float) -> bool:
        """Take `units` if the bucket holds them; whether it did."""
        self._refill(now)
        if units > self._level + 1e-9:
            return False
        self._level -= units
        return True

    def empty(self, now: float) -> None:
        """Empty the bucket: Google refused a request although we thought units were left."""
        self._refill(now)
        self._level = min(self._level, 0.0)

    def _refill(self, now: float) -> None:
        if now > self._at:
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
            self._at = now


@dataclass(order=True, slots=True)
class _Waiter:
    priority: int
    number: int
    units: float = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class Gate:
    """Admits one mailbox's requests, by priority, when both buckets hold their units and one of `slots` is free."""

    def __init__(self, own: Bucket, shared: Bucket, slots: int, timer: Timer) -> None:
        self._own = own
        self._shared = shared
        self._free = slots
        self._timer = timer
        self._queue: list[_Waiter] = []
        self._number = 0
        self._alarm: Handle | None = None

    @asynccontextmanager
    async def admitted(self, units: float, priority: int, seconds: float = LONGEST) -> AsyncIterator[None]:
        """Wait for `units` and a slot; the slot is held during the body. Raises `TryLater` after `seconds`."""
        await self._wait_turn(units, priority, seconds)
        try:
            yield
        finally:
            self._free += 1
            self._admit_next()

    def refused(self) -> None:
        """Google refused a request of this mailbox: its quota is used up."""
        self._own.empty(self._timer.time())

    def resize_to(self, size: Bucket, now: float) -> None:
        """Use the size and rate of `size` for the mailbox's own bucket from now on."""
        self._own.resize_to(size, now)
        self._admit_next()

    async def _wait_turn(self, units: float, priority: int, seconds: float) -> None:
        if not self._queue and self._wait(units, self._timer.time()) <= 0 < self._free:
            self._admit(units, self._timer.time())
            return
        self._number += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = _Waiter(priority, self._number, units, turn)
        heapq.heappush(self._queue, waiting)
        self._admit_next()
        deadline = self._timer.call_at(self._timer.time() + seconds, lambda: _give_up(turn))
        try:
            await turn
        except (asyncio.CancelledError, TryLater):
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # Admitted and cancelled at the same time: free the slot; the units are lost.
                self._free += 1
            turn.cancel()
            self._admit_next()  # the next in the queue may need less than this one did
            raise
        finally:
            deadline.cancel()

    def _admit_next(self) -> None:
        """Admit requests from the head of the queue while units and slots last, then set a timer for the next."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        while self._queue:
            head = self._queue[0]
            if head.turn.done():
                heapq.heappop(self._queue)
                continue
            now = self._timer.time()
            pause = self._wait(head.units, now)
            if self._free <= 0:
                return  # the next request that ends calls this again
            if pause > 0:
                self._alarm = self._timer.call_at(now + max(pause, 0.001), self._admit_next)
                return
            self._admit(head.units, now)
            heapq.heappop(self._queue)
            head.turn.set_result(None)

    def _wait(self, units: float, now: float) -> float:
        return max(self._own.wait(units, now), self._shared.wait(units, now))

    def _admit(self, units: float, now: float) -> None:
        self._own.take(units, now)
        self._shared.take(units, now)
        self._free -= 1


def _give_up(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(TryLater("later.limits", reason="ownQuota"))


class Quota:
    """The gates of all mailboxes and the bucket they share. `slots`: requests in flight per mailbox. Belongs to one
    event loop."""

    def __init__(self, per_user: int, per_project: int, slots: int, timer: Timer) -> None:
        self._allowed = (per_user, per_project)
        self._servers = 1
        self._slots = slots
        self._timer = timer
        self._shared = self._bucket(per_project)
        self._gates: dict[str, Gate] = {}

    def share_between(self, servers: int) -> None:
        """Use a 1/`servers` share of each allowance from now on, but never less than the most expensive method
        needs."""
        if servers == self._servers:
            return
        self._servers, now = servers, self._timer.time()
        per_user, per_project = self._allowed
        self._shared.resize_to(self._bucket(per_project), now)
        for gate in self._gates.values():
            gate.resize_to(self._bucket(per_user), now)

    def _bucket(self, allowance: int) -> Bucket:
        return Bucket(max(allowance // self._servers, SMALLEST_ALLOWANCE), self._timer.time())

    def gate(self, mailbox_id: str) -> Gate:
        """The gate of a mailbox, created at its first request."""
        gate = self._gates.get(mailbox_id)
        if gate is None:
            own = self._bucket(self._allowed[0])
            gate = self._gates[mailbox_id] = Gate(own, self._shared, self._slots, self._timer)
        return gate

    def forget(self, mailbox_id: str) -> None:
        self._gates.pop(mailbox_id, None)
