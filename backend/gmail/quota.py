"""Google's quota, kept on our side: quota units per user and per project, and requests in flight per mailbox.

Google counts units a minute, enforces more finely than that, and refuses what comes after. So we never
ask for more than we may: units flow into a bucket at 95% of the allowed rate, and the bucket is small
(a thirtieth of a minute's worth), because bursts of half a minute's worth have been refused. In any
60 seconds that is at most 95% and a burst, which leaves room for requests that bunch up on the way.
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
DEAREST = 100
"""Units of the dearest method. The bucket must hold it, or it could never be paid."""
LEAST_ALLOWANCE = 3 * DEAREST
FIRST_FILL = 0.25
"""How full the bucket of a fresh process is: it cannot know what its forerunner used a moment ago."""
PATIENCE = 20.0
"""Seconds a request waits for its turn before it is given back to its lane, which stops a job after 48."""

_SAME = {
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
NEW_PRICES = {**_SAME, "gmail.users.messages.get": 20, "gmail.users.threads.get": 40}
"""Projects made since May 2026."""
OLD_PRICES = {**_SAME, "gmail.users.messages.get": 5, "gmail.users.threads.get": 10}
"""Projects that used the API before."""


def prices(old: bool) -> dict[str, int]:
    """Quota units by method."""
    return OLD_PRICES if old else NEW_PRICES


class Handle(Protocol):
    """A timer that can be called off."""

    def cancel(self) -> None:
        """Call it off."""


class Timer(Protocol):
    """Monotonic seconds and call-backs at a time: what an asyncio loop offers, or a test."""

    def time(self) -> float:
        """Seconds, never running backwards."""

    def call_at(self, when: float, callback: Callable[[], None], /) -> Handle:
        """Call `callback` at `when`."""


class Bucket:
    """A token bucket over `allowance` units a minute. Pure: the time is handed in."""

    def __init__(self, allowance: int, now: float) -> None:
        """Raises ValueError for an allowance that could not pay the dearest method."""
        if allowance < LEAST_ALLOWANCE:
            raise ValueError(
                f"a quota of {allowance} units a minute is too small; {LEAST_ALLOWANCE} is the least"
            )
        self.burst = max(allowance * BURST_SHARE, float(DEAREST))
        # A small allowance pays for the room the dearest method needs with a slower flow.
        self.rate = min(allowance * RATE_SHARE, allowance - 1.25 * self.burst) / MINUTE
        self._level = self.burst * FIRST_FILL
        self._at = now

    def hold(self, other: Bucket, now: float) -> None:
        """Go on as a bucket of the other's size; what is in it stays, as far as it fits."""
        self._flow(now)
        self.burst, self.rate = other.burst, other.rate
        self._level = min(self._level, self.burst)

    def wait(self, units: float, now: float) -> float:
        """Seconds until `units` can be taken; 0 when they can now. More than a burst never can."""
        self._flow(now)
        missing = units - self._level
        return max(0.0, missing / self.rate) if units <= self.burst else float("inf")

    def take(self, units: float, now: float) -> bool:
        """Take `units` if they are there."""
        self._flow(now)
        if units > self._level + 1e-9:
            return False
        self._level -= units
        return True

    def empty(self, now: float) -> None:
        """Google refused: what we believed was left is not there."""
        self._flow(now)
        self._level = min(self._level, 0.0)

    def _flow(self, now: float) -> None:
        if now > self._at:
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
            self._at = now


@dataclass(order=True, slots=True)
class _Waiting:
    priority: int
    number: int
    units: float = field(compare=False)
    turn: asyncio.Future[None] = field(compare=False)


class Gate:
    """One mailbox's way to Google: a request passes when its units and a free slot are there, by priority."""

    def __init__(self, own: Bucket, shared: Bucket, slots: int, timer: Timer) -> None:
        self._own = own
        self._shared = shared
        self._free = slots
        self._timer = timer
        self._queue: list[_Waiting] = []
        self._number = 0
        self._alarm: Handle | None = None

    @asynccontextmanager
    async def admitted(self, units: float, priority: int, patience: float = PATIENCE) -> AsyncIterator[None]:
        """Hold a slot for the body, once `units` have been paid. Raises `TryLater` when patience ends first."""
        await self._turn(units, priority, patience)
        try:
            yield
        finally:
            self._free += 1
            self._serve()

    def refused(self) -> None:
        """Google refused a request of this mailbox for want of quota."""
        self._own.empty(self._timer.time())

    def hold(self, size: Bucket, now: float) -> None:
        """Another allowance from now on."""
        self._own.hold(size, now)
        self._serve()

    async def _turn(self, units: float, priority: int, patience: float) -> None:
        if not self._queue and self._wait(units, self._timer.time()) <= 0 < self._free:
            self._admit(units, self._timer.time())
            return
        self._number += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = _Waiting(priority, self._number, units, turn)
        heapq.heappush(self._queue, waiting)
        self._serve()
        deadline = self._timer.call_at(self._timer.time() + patience, lambda: _give_up(turn))
        try:
            await turn
        except (asyncio.CancelledError, TryLater):
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # Admitted and cancelled in the same step: the slot goes back, the units are spent.
                self._free += 1
            turn.cancel()
            self._serve()  # the next in the queue may need less than this one did
            raise
        finally:
            deadline.cancel()

    def _serve(self) -> None:
        """Admit from the head of the queue while units and slots last; else set the alarm for the head."""
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
                return  # the next to leave calls again
            if pause > 0:
                self._alarm = self._timer.call_at(now + max(pause, 0.001), self._serve)
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
    """The gates of all mailboxes, and the bucket they share. Belongs to one event loop."""

    def __init__(self, per_user: int, per_project: int, slots: int, timer: Timer) -> None:
        self._allowed = (per_user, per_project)
        self._among = 1
        self._slots = slots
        self._timer = timer
        self._shared = self._bucket(per_project)
        self._gates: dict[str, Gate] = {}

    def divide(self, among: int) -> None:
        """So many servers share the allowance from now on: each takes its part, of a mailbox's and of the project's.
        A part is never too small for the dearest call."""
        if among == self._among:
            return
        self._among, now = among, self._timer.time()
        per_user, per_project = self._allowed
        self._shared.hold(self._bucket(per_project), now)
        for gate in self._gates.values():
            gate.hold(self._bucket(per_user), now)

    def _bucket(self, allowance: int) -> Bucket:
        return Bucket(max(allowance // self._among, LEAST_ALLOWANCE), self._timer.time())

    def gate(self, mailbox_id: str) -> Gate:
        """The mailbox's own gate."""
        gate = self._gates.get(mailbox_id)
        if gate is None:
            own = self._bucket(self._allowed[0])
            gate = self._gates[mailbox_id] = Gate(own, self._shared, self._slots, self._timer)
        return gate

    def forget(self, mailbox_id: str) -> None:
        """Drop the gate of a mailbox that has left."""
        self._gates.pop(mailbox_id, None)
