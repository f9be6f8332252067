"""Waking workers when a job became due."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Bell:
    """Rung in the event loop after a commit that made a job due.

    A worker reads `rings` before it looks for work and hands it to `wait`: a ring between the look and the
    wait is then not missed.
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

    async def wait(self, timeout: float, heard: int | None = None) -> bool:
        """Wait for a ring, at most `timeout` seconds; True if there was one (since `heard`, if given)."""
        if heard is not None and heard != self.rings:
            return True
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True
