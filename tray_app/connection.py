"""The connection to the server: sends unsent decisions, fetches the lists, follows events, and retries on errors."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from tray_app.errors import BackendError, Busy, Refused, SignedOut, WrongVersion
from tray_app.memory import Memory, UnsentDecision
from tray_app.ports import Backend, Event
from tray_app.state import Decision, Message, Status

# ---- Decisions not yet confirmed by the server


@dataclass(frozen=True, slots=True)
class Refusal:
    """A decision the server rejected for good, and its error."""

    item: UnsentDecision
    error: Refused


@dataclass(frozen=True, slots=True)
class FlushResult:
    """Result of `Outbox.flush`. `refetch`: the lists may differ from the server's now."""

    refusals: tuple[Refusal, ...] = ()
    refetch: bool = False


class Outbox:
    """The unsent decisions in `memory`, sent one after another.

    A decision is stored before it is sent and removed once the server has confirmed it. If the app is killed in
    between, it is sent again under the same key, which the server applies only once.
    """

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._sending = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._memory.unsent())

    def unsent(self) -> tuple[UnsentDecision, ...]:
        """Decisions not yet confirmed by the server, oldest first."""
        return self._memory.unsent()

    def decide(self, gmail_id: str, decision: Decision, text: str, expected: int = 0) -> str:
        """Store a decision and return its key. `text`: it in words; `expected`: messages it should let in."""
        key = secrets.token_urlsafe(18)
        self._memory.add(UnsentDecision(key, gmail_id, decision.value, text, expected=expected))
        return key

    def undo(self, key: str, text: str) -> None:
        """Undo a decision: remove it if it was never sent, else queue an undo behind it. `text`: the undo in words."""
        queued = self._memory.unsent()
        if any(item.key == key and item.undo for item in queued):
            return
        unsent = next((item for item in queued if item.key == key and not item.tried), None)
        if unsent:
            self._memory.remove(unsent)
        else:
            self._memory.add(UnsentDecision(key, "", "", text, undo=True))

    async def flush(self, backend: Backend) -> FlushResult:
        """Send all unsent decisions; those the server rejects are removed.

        Raises the `BackendError` that stopped it; the remaining decisions keep their order.
        """
        refusals: list[Refusal] = []
        moved_fewer = False
        async with self._sending:
            while queued := self._memory.unsent():
                item = queued[0]
                if not item.tried:
                    self._memory.mark_tried(item)
                try:
                    if item.undo:
                        await backend.undo(item.key)
                    else:
                        moved = await backend.correct(item.key, item.gmail_id, Decision(item.decision))
                        moved_fewer |= len(moved) < item.expected
                except Refused as error:
                    refusals.append(Refusal(item, error))
                self._memory.remove(item)
        return FlushResult(tuple(refusals), moved_fewer or bool(refusals))


# ---- The connection


@dataclass(frozen=True, slots=True)
class Pace:
    """Waits between attempts, in seconds: doubling from `first` to `most`; `no_hurry` where a retry hardly helps."""

    first: float = 2.0
    most: float = 60.0
    no_hurry: float = 300.0

    def wait(self, error: BackendError | None, attempt: int, jitter: Callable[[], float]) -> float:
        """Seconds to wait after failure number `attempt` in a row (from 1). `jitter` returns 0…1 and spreads the
        retries of many apps."""
        if isinstance(error, Busy):
            return error.retry_after
        if isinstance(error, SignedOut | WrongVersion | Refused):
            return self.no_hurry
        return min(self.most, self.first * 2.0 ** min(attempt - 1, 16)) * (0.5 + jitter() / 2)


class ConnectionListener(Protocol):
    """Receives what `Connection` finds. All calls come on the asyncio thread."""

    def on_status(self, status: Status) -> None: ...

    def on_lists(self, held: tuple[Message, ...], passed: tuple[Message, ...]) -> None:
        """`passed` is mail that was never held."""

    def on_event(self, event: Event) -> None:
        """A `held`, `moved` or `note` event (a sender left a note)."""

    def on_sent(self, refusals: tuple[Refusal, ...]) -> None:
        """All unsent decisions were sent; `refusals` are those the server rejected."""

    def on_failed(self, error: BackendError) -> None: ...


class Connection:
    """Keeps the app in touch with the server. `poke` sends unsent decisions, or ends the wait before a retry."""

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
        """Send unsent decisions now; retry at once if disconnected."""
        self._poked.set()

    async def run(self) -> None:
        """Connect, and reconnect, until cancelled."""
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
        """One connection: from the first call to the end of the event stream."""
        await self._send()
        status = await self._backend.status()
        self._attempt = 0
        self._listener.on_status(status)
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
        if sent.refetch:
            await self._fetch(await self._backend.status())

    async def _fetch(self, status: Status) -> None:
        """Fetch both lists. Events are then read from where `status` stood: applying one twice does no harm."""
        held = await self._backend.held()
        passed = await self._backend.passed()
        self._listener.on_lists(held, passed)
        self._after = status.event

    async def _listen(self) -> None:
        async with aclosing(self._backend.events(self._after)) as events:  # type: ignore[type-var]
            async for event in events:
                if event.name == "status":
                    self._listener.on_status(await self._backend.status())
                elif event.name == "reset":
                    status = await self._backend.status()
                    self._listener.on_status(status)
                    await self._fetch(status)
                    return  # the next stream starts at the new position
                elif event.name in ("held", "moved", "note"):
                    self._listener.on_event(event)
                self._after = event.id or self._after
