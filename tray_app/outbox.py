"""Decisions on their way to the server: in order, once each, however often the app or the network dies."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass

from tray_app.errors import Refused
from tray_app.memory import Memory, Waiting
from tray_app.ports import Backend
from tray_app.state import Decision


@dataclass(frozen=True, slots=True)
class Refusal:
    """A decision the server will never take, and why."""

    item: Waiting
    error: Refused


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a flush. `look_again`: what the owner sees may not be what the server has."""

    refusals: tuple[Refusal, ...] = ()
    look_again: bool = False


class Outbox:
    """The waiting decisions in `memory`, sent one after another.

    A decision is stored before it is sent, and removed after the server confirmed it. Killed in between, it is
    sent again under the same key, which the server applies once.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._sending = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._memory.waiting())

    def waiting(self) -> tuple[Waiting, ...]:
        """What is still to be sent, in order."""
        return self._memory.waiting()

    def decide(self, gmail_id: str, decision: Decision, text: str, reach: int = 0) -> str:
        """Store a decision; returns its key. `reach`: how many messages it is foreseen to let in."""
        key = secrets.token_urlsafe(18)
        self._memory.add(Waiting(key, gmail_id, decision.value, text, reach=reach))
        return key

    def undo(self, key: str, text: str) -> None:
        """Take a decision back: drop it if it was never sent, else queue its undoing behind it."""
        waiting = self._memory.waiting()
        if any(item.key == key and item.undo for item in waiting):
            return
        unsent = next((item for item in waiting if item.key == key and not item.tried), None)
        if unsent:
            self._memory.settled(unsent)
        else:
            self._memory.add(Waiting(key, "", "", text, undo=True))

    async def flush(self, backend: Backend) -> Sent:
        """Send everything that waits; what is refused for good is dropped.

        Raises the `BackendError` that stopped it; what is left stays in order.
        """
        refusals: list[Refusal] = []
        short = False
        async with self._sending:
            while waiting := self._memory.waiting():
                item = waiting[0]
                if not item.tried:
                    self._memory.mark_tried(item)
                try:
                    if item.undo:
                        await backend.undo(item.key)
                    else:
                        moved = await backend.correct(item.key, item.gmail_id, Decision(item.decision))
                        short |= len(moved) < item.reach
                except Refused as error:
                    refusals.append(Refusal(item, error))
                self._memory.settled(item)
        return Sent(tuple(refusals), short or bool(refusals))
