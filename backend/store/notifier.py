"""Waking workers when a job became due, and streams when there is something to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakValueDictionary


class Notifier:
    """Rung in the event loop after a commit that somebody may be waiting for.

    Who waits reads `rings` before they look and hands it to `rung`: a ring between the look and the wait is
    then not missed.
    """

    def __init__(self) -> None:
        self.rings = 0
        self._listeners: list[Callable[[], None]] = []
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody. To be called in the event loop's thread."""
        self.rings += 1
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()
        for listener in self._listeners:
            listener()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` at every ring."""
        self._listeners.append(listener)

    async def rung(self, timeout: float, heard: int | None = None) -> bool:
        """Wait for a ring, at most `timeout` seconds; True if there was one (since `heard`, if given)."""
        if heard is not None and heard != self.rings:
            return True
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True


class Notifiers:
    """A notifier for each mailbox that anybody waits for; it is forgotten when nobody holds it any more."""

    def __init__(self) -> None:
        self._notifiers: WeakValueDictionary[str, Notifier] = WeakValueDictionary()

    def of(self, mailbox_id: str) -> Notifier:
        """The notifier of a mailbox, the same for all who hold it."""
        return self._notifiers.setdefault(mailbox_id, Notifier())

    def ring(self, mailbox_id: str) -> None:
        """Wake who waits for this mailbox. To be called in the event loop's thread."""
        notifier = self._notifiers.get(mailbox_id)
        if notifier is not None:
            notifier.ring()

    def ring_all(self) -> None:
        """Wake everybody: something may have been missed."""
        for notifier in list(self._notifiers.values()):
            notifier.ring()
