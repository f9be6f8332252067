"""Shares the reading processes fairly between mailboxes: which message is read next, and which senders' mail is read
only in part. So mail that is made to be slow delays only its own mailbox."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

REMEMBERED = 30 * 86_400.0
"""Seconds for which mail of a sender is read in part at once, after some could not be read in full."""

MOST_SENDERS = 50
"""Most such senders remembered for a mailbox."""

MOST_MAILBOXES = 10_000

LONG_READING = 0.1
"""Seconds after which a reading counts as long; ordinary messages take a twentieth of it."""

WARN_AFTER = 3
"""After so many emails of a sender that could not be read in full, it is logged."""


class Turns:
    """Gives at most `places` places for readings to mailboxes, in turn. While a mailbox has a reading that is already
    long, it does not get the last free place, which stays for other mailboxes."""

    def __init__(self, places: int, now: Callable[[], float]) -> None:
        self._free = places
        self._now = now
        self._started: dict[str, list[float]] = {}
        self._waiting: OrderedDict[str, deque[asyncio.Future[float]]] = OrderedDict()

    async def take(self, mailbox: str) -> float:
        """Wait for a place. Returns the time when it was taken, which `give_back` needs."""
        if self._may_start(mailbox) and self._next() is None:
            return self._start(mailbox)
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(mailbox, deque()).append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(mailbox, turn.result())
            elif turn in (others := self._waiting.get(mailbox, deque())):
                others.remove(turn)
                if not others:
                    del self._waiting[mailbox]
            raise

    def give_back(self, mailbox: str, began: float) -> None:
        """Free a place and give it to the next waiting mailbox."""
        self._free += 1
        self._started[mailbox].remove(began)
        if not self._started[mailbox]:
            del self._started[mailbox]
        if mailbox in self._waiting:
            # Its first message did not wait, so other mailboxes come before its second one.
            self._waiting.move_to_end(mailbox)
        while (following := self._next()) is not None:
            turns = self._waiting.pop(following)
            turn = turns.popleft()
            if turns:
                self._waiting[following] = (
                    turns  # at the end, so that other mailboxes come before its next message
                )
            if not turn.done():
                turn.set_result(self._start(following))

    def _start(self, mailbox: str) -> float:
        self._free -= 1
        began = self._now()
        self._started.setdefault(mailbox, []).append(began)
        return began

    def _may_start(self, mailbox: str) -> bool:
        if self._free != 1 or mailbox not in self._started:
            return self._free > 0
        return self._now() - min(self._started[mailbox]) < LONG_READING

    def _next(self) -> str | None:
        return next(filter(self._may_start, self._waiting), None) if self._free else None


@dataclass(slots=True)
class _Record:
    at: float
    times: int = 0


class CostlySenders:
    """Remembers, for each mailbox, senders whose mail recently reached a limit of time or memory. Kept in memory
    only, with bounded size."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._senders: OrderedDict[str, OrderedDict[str, _Record]] = OrderedDict()

    def of(self, mailbox: str) -> frozenset[str]:
        """The senders of a mailbox whose mail is read in part at once."""
        senders = self._senders.get(mailbox)
        if senders is None:
            return frozenset()
        oldest = self._now() - REMEMBERED
        return frozenset(sender for sender, record in senders.items() if record.at > oldest)

    def note(self, mailbox: str, sender: str) -> bool:
        """Note that another email of the sender could not be read in full; returns whether to log it."""
        senders = self._senders.setdefault(mailbox, OrderedDict())
        self._senders.move_to_end(mailbox)
        record = senders.setdefault(sender, _Record(0.0))
        if record.at <= self._now() - REMEMBERED:
            record.times = 0
        record.at, record.times = self._now(), record.times + 1
        senders.move_to_end(sender)
        if len(senders) > MOST_SENDERS:
            senders.popitem(last=False)
        if len(self._senders) > MOST_MAILBOXES:
            self._senders.popitem(last=False)
        return record.times == WARN_AFTER
