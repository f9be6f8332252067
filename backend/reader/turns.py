"""Who is read next, and whose mail is read the cheap way, so that what is made to cost much costs its own mailbox."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

REMEMBERED = 30 * 86_400.0
"""Seconds for which a sender whose mail could not be read in full is read the cheap way at once."""

MOST_SENDERS = 50
"""Senders of a mailbox that are remembered, the latest ones."""

MOST_MAILBOXES = 10_000

LONG = 0.1
"""Seconds: ordinary messages are read in a twentieth of it."""

ALARM = 3
"""Emails of one sender that could not be read in full, after which it is told."""


class Turns:
    """Readings under way, at most `places`, given out to mailboxes in turn. A mailbox with a reading that takes `LONG`
    already leaves the last of several places for another's next message."""

    def __init__(self, places: int, now: Callable[[], float]) -> None:
        self._free = places
        self._now = now
        self._begun: dict[str, list[float]] = {}
        self._waiting: OrderedDict[str, deque[asyncio.Future[float]]] = OrderedDict()

    async def take(self, whose: str) -> float:
        """Wait for a place; when it was taken, with which it must be given back."""
        if self._may(whose) and self._next() is None:
            return self._enter(whose)
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(whose, deque()).append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(whose, turn.result())
            elif turn in (others := self._waiting.get(whose, deque())):
                others.remove(turn)
                if not others:
                    del self._waiting[whose]
            raise

    def give_back(self, whose: str, began: float) -> None:
        """A place is free again: the next waiting mailbox has it."""
        self._free += 1
        self._begun[whose].remove(began)
        if not self._begun[whose]:
            del self._begun[whose]
        if whose in self._waiting:
            # Its first message waited for nobody: the others come before its second one too.
            self._waiting.move_to_end(whose)
        while (following := self._next()) is not None:
            turns = self._waiting.pop(following)
            turn = turns.popleft()
            if turns:
                self._waiting[following] = turns  # at the end: the others come before its next message
            if not turn.done():
                turn.set_result(self._enter(following))

    def _enter(self, whose: str) -> float:
        self._free -= 1
        began = self._now()
        self._begun.setdefault(whose, []).append(began)
        return began

    def _may(self, whose: str) -> bool:
        if self._free != 1 or whose not in self._begun:
            return self._free > 0
        return self._now() - min(self._begun[whose]) < LONG

    def _next(self) -> str | None:
        return next(filter(self._may, self._waiting), None)


@dataclass(slots=True)
class _Struck:
    at: float
    times: int = 0


class CostlySenders:
    """Whose mail reached a limit of time or memory lately, by mailbox; in memory, and no more than a few."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._of: OrderedDict[str, OrderedDict[str, _Struck]] = OrderedDict()

    def of(self, mailbox: str) -> frozenset[str]:
        """The senders of a mailbox that are read the cheap way."""
        senders = self._of.get(mailbox)
        if senders is None:
            return frozenset()
        oldest = self._now() - REMEMBERED
        return frozenset(sender for sender, struck in senders.items() if struck.at > oldest)

    def note(self, mailbox: str, sender: str) -> bool:
        """Another email of theirs could not be read in full; whether that is to be told."""
        senders = self._of.setdefault(mailbox, OrderedDict())
        self._of.move_to_end(mailbox)
        struck = senders.setdefault(sender, _Struck(0.0))
        if struck.at <= self._now() - REMEMBERED:
            struck.times = 0
        struck.at, struck.times = self._now(), struck.times + 1
        senders.move_to_end(sender)
        if len(senders) > MOST_SENDERS:
            senders.popitem(last=False)
        if len(self._of) > MOST_MAILBOXES:
            self._of.popitem(last=False)
        return struck.times == ALARM
