"""The link to the server: fetch, listen, send what waits; after an error report it, wait and start over."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from tray_app.errors import BackendError, Busy, Refused, SignedOut, WrongVersion
from tray_app.memory import Memory, Waiting
from tray_app.ports import Backend, Event
from tray_app.state import Decision, Message, Status

# ---- Decisions on their way to the server


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

    def decide(self, gmail_id: str, decision: Decision, text: str, expected: int = 0) -> str:
        """Store a decision; returns its key. `text` is shown to the owner should the server refuse it.
        `expected`: how many messages it should let in; the server may let in fewer, for it lets in no forged ones."""
        key = secrets.token_urlsafe(18)
        self._memory.add(Waiting(key, gmail_id, decision.value, text, expected=expected))
        return key

    def undo(self, key: str, text: str) -> None:
        """Take a decision back: drop it if it was never sent, else queue its undoing behind it."""
        waiting = self._memory.waiting()
        if any(item.key == key and item.undo for item in waiting):
            return
        unsent = next((item for item in waiting if item.key == key and not item.tried), None)
        if unsent:
            self._memory.remove(unsent)
        else:
            self._memory.add(Waiting(key, "", "", text, undo=True))

    async def flush(self, backend: Backend) -> Sent:
        """Send everything that waits; what is refused for good is dropped.

        Raises the `BackendError` that stopped it; what is left stays in order.
        """
        refusals: list[Refusal] = []
        fewer = False
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
                        fewer |= len(moved) < item.expected
                except Refused as error:
                    refusals.append(Refusal(item, error))
                self._memory.remove(item)
        return Sent(tuple(refusals), fewer or bool(refusals))


# ---- The link to the server


@dataclass(frozen=True, slots=True)
class Pace:
    """Waits between tries, in seconds: doubling from `first` to `most`; `hopeless` where trying soon is useless."""

    first: float = 2.0
    most: float = 60.0
    hopeless: float = 300.0

    def wait(self, error: BackendError | None, attempt: int, jitter: Callable[[], float]) -> float:
        """The wait after the `attempt`th failure in a row (from 1). `jitter` gives
        a random number from 0 to 1, so that many apps do not all try again at the same moment."""
        if isinstance(error, Busy):
            return error.retry_after
        if isinstance(error, SignedOut | WrongVersion | Refused):
            return self.hopeless
        return min(self.most, self.first * 2.0 ** min(attempt - 1, 16)) * (0.5 + jitter() / 2)


class ConnectionListener(Protocol):
    """Receives what the connection learns. All calls come on the asyncio thread."""

    def on_reached(self, status: Status) -> None: ...

    def on_lists(self, held: tuple[Message, ...], passed: tuple[Message, ...]) -> None:
        """`passed` is mail that was never held."""

    def on_event(self, event: Event) -> None:
        """A `held`, `moved` or `note` event."""

    def on_sent(self, refusals: tuple[Refusal, ...]) -> None:
        """Everything that waited has been sent; `refusals` are the decisions the server will never take."""

    def on_failed(self, error: BackendError) -> None: ...


class Connection:
    """Runs until cancelled. `poke` sends what waits, or ends a wait between two tries."""

    def __init__(
        self,
        backend: Backend,
        outbox: Outbox,
        listener: ConnectionListener,
        pace: Pace = Pace(),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._backend = backend
        self._outbox = outbox
        self._listener = listener
        self._pace = pace
        self._jitter = jitter
        self._poked = asyncio.Event()
        self._after = ""
        self._attempt = 0

    def poke(self) -> None:
        """There is something to send, or the owner does not want to wait."""
        self._poked.set()

    async def run(self) -> None:
        """Stay connected for ever."""
        while True:
            error: BackendError | None = None
            try:
                await self._round()
            except BackendError as failure:
                error = failure
                self._listener.on_failed(failure)
            self._attempt += 1
            wait = self._pace.wait(error, self._attempt, self._jitter)
            try:
                async with asyncio.timeout(wait):
                    await self._poked.wait()
            except TimeoutError:
                pass

    async def _round(self) -> None:
        """From a first call to the end of the event stream."""
        await self._send()
        status = await self._backend.status()
        self._attempt = 0
        self._listener.on_reached(status)
        if not self._after:
            await self._fetch(status)
        listening = asyncio.create_task(self._listen())
        try:
            while not listening.done():
                poked = asyncio.create_task(self._poked.wait())
                await asyncio.wait({listening, poked}, return_when=asyncio.FIRST_COMPLETED)
                poked.cancel()
                if self._poked.is_set():
                    await self._send()
            listening.result()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _send(self) -> None:
        self._poked.clear()
        sent = await self._outbox.flush(self._backend)
        self._listener.on_sent(sent.refusals)
        if sent.look_again:
            await self._fetch(await self._backend.status())

    async def _fetch(self, status: Status) -> None:
        """Everything, then listen from where the status was read: an event told twice does no harm."""
        held = await self._backend.held()
        passed = await self._backend.passed()
        self._listener.on_lists(held, passed)
        self._after = status.event

    async def _listen(self) -> None:
        async with aclosing(self._backend.events(self._after)) as events:  # type: ignore[type-var]
            async for event in events:
                if event.name == "status":
                    self._listener.on_reached(await self._backend.status())
                elif event.name == "reset":
                    status = await self._backend.status()
                    self._listener.on_reached(status)
                    await self._fetch(status)
                    return  # the stream goes on from the new position
                elif event.name in ("held", "moved", "note"):
                    self._listener.on_event(event)
                self._after = event.id or self._after
