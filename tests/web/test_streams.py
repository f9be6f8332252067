"""The one loop behind all streams: told at once, asleep while nothing happens, resumed, ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backend.domain.mailbox.decisions import Decision
from backend.transactions.records import Event, EventKind, News
from backend.transactions.script import Notifier
from backend.web import services as module
from backend.web.services import BATCH, KEY, QUIET_TICKS, TICK, Feed, Streams, follow, line
from tests.web.service import Caller, Office, office

SECONDS = 60.0


@dataclass
class FakeNotifier(Notifier):
    """Notes how long it was waited for. Only `tick` and `ring` end a wait, never time."""

    timeouts: list[float] = field(default_factory=list)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        super().__init__()
        self._ticked = asyncio.Event()

    async def rung(self, timeout: float, heard: int | None = None) -> bool:
        self.timeouts.append(timeout)
        self._ticked.clear()
        self.waiting.set()
        ring = asyncio.create_task(super().rung(SECONDS, heard))
        tick = asyncio.create_task(self._ticked.wait())
        try:
            await asyncio.wait((ring, tick), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ring.cancel()
            tick.cancel()
        return True

    def tick(self) -> None:
        self._ticked.set()


@dataclass
class Log:
    """A mailbox's changes, as a feed looks at them."""

    latest: int = 0
    first: int = 1
    alive: bool = True
    looks: list[int] = field(default_factory=list)
    added: bytes = b""
    notifier: FakeNotifier = field(default_factory=FakeNotifier)
    streams: Streams = field(default_factory=lambda: Streams(asyncio.Event()))

    async def look(self, after: int, limit: int) -> News:
        self.looks.append(after)
        if after < self.first - 1:
            return News(self.alive, True, self.latest)
        numbers = range(after + 1, min(self.latest, after + limit) + 1)
        events = tuple(Event(n, EventKind.STATUS, "", "", "", None) for n in numbers)
        return News(self.alive, False, self.latest, events)

    async def extra_event(self) -> bytes:
        added, self.added = self.added, b""
        return added

    def happens(self, count: int = 1) -> None:
        self.latest += count
        self.notifier.ring()

    def stream(self, after: int = 0) -> AsyncIterator[bytes]:
        as_text = lambda event: line(event.id, "told", {})  # noqa: E731
        return follow(
            self.streams, Feed("d1", self.notifier, self.look, as_text, "missed", self.extra_event), after
        )


class Reader:
    """Reads a stream in a task, as the server does for a client."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._task = asyncio.create_task(self._read(stream))

    async def _read(self, stream: AsyncIterator[bytes]) -> None:
        async for piece in stream:
            self.heard.put_nowait(piece)

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.heard.get(), SECONDS)

    async def end(self) -> None:
        await asyncio.wait_for(self._task, SECONDS)

    async def go(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    monkeypatch.setattr(module, "BURST_SECONDS", 0.0)
    return Log()


async def at_rest(log: Log) -> None:
    await asyncio.wait_for(log.notifier.waiting.wait(), SECONDS)
    log.notifier.waiting.clear()


async def test_while_nothing_happens_it_looks_once_and_waits(log: Log) -> None:
    reader = Reader(log.stream())
    await at_rest(log)
    assert log.looks == [0], "one look, and then only the notifier"
    assert log.notifier.timeouts == [TICK]
    assert TICK >= 5
    await reader.go()


async def test_a_change_is_told_at_once_and_costs_two_looks(log: Log) -> None:
    reader = Reader(log.stream())
    await at_rest(log)
    log.happens()
    assert await reader.next() == b"retry: 3000\n\n"
    assert await reader.next() == line(1, "told", {})
    await at_rest(log)
    assert log.looks == [0, 0, 1]
    await reader.go()


async def test_a_change_during_the_look_is_not_slept_through(log: Log) -> None:
    plain = log.look

    async def look(after: int, limit: int) -> News:
        news = await plain(after, limit)
        if len(log.looks) == 1:
            log.happens()
        return news

    log.look = look  # type: ignore[method-assign]
    reader = Reader(log.stream())
    assert [await reader.next() for _ in range(2)][1] == line(1, "told", {})
    await reader.go()


async def test_another_replicas_change_is_found_by_the_next_tick(log: Log) -> None:
    reader = Reader(log.stream())
    await at_rest(log)
    log.latest = 1  # and no notifier rings here
    log.notifier.tick()
    assert [await reader.next() for _ in range(2)][1] == line(1, "told", {})
    await reader.go()


async def test_a_dead_connection_shows_by_a_comment_now_and_then(log: Log) -> None:
    reader = Reader(log.stream())
    await reader.next()
    for _ in range(QUIET_TICKS):
        await at_rest(log)
        assert reader.heard.empty()
        log.notifier.tick()
    assert await reader.next() == b": still here\n\n"
    await reader.go()


async def test_what_nobody_writes_down_is_asked_for_when_it_is_quiet(log: Log) -> None:
    log.added = b"event: status\n\n"
    log.latest = 1
    reader = Reader(log.stream())
    found = [await reader.next() for _ in range(3)]
    assert found[1:] == [line(1, "told", {}), b"event: status\n\n"], "after the news, not between them"
    await reader.go()


async def test_a_long_absence_is_told_in_portions_without_a_rest(log: Log) -> None:
    log.latest = 2 * BATCH + 1
    reader = Reader(log.stream())
    for _ in range(log.latest + 1):
        await reader.next()
    await at_rest(log)
    assert log.looks == [0, BATCH, 2 * BATCH, log.latest]
    await reader.go()


async def test_it_goes_on_behind_the_number_given_or_says_that_changes_were_missed(log: Log) -> None:
    log.latest, log.first = 50, 40
    resumed, late = Reader(log.stream(48)), Reader(log.stream(3))
    assert [await resumed.next() for _ in range(3)][1:] == [line(n, "told", {}) for n in (49, 50)]
    assert [await late.next() for _ in range(2)][1] == line(50, "missed", {})
    await resumed.go()
    await late.go()


async def test_it_is_counted_until_the_client_is_gone(log: Log) -> None:
    one, other = Reader(log.stream()), Reader(log.stream())
    await one.next()
    await other.next()
    assert log.streams.open["d1"] == 2
    await one.go()
    assert log.streams.open["d1"] == 1
    await other.go()
    assert "d1" not in log.streams.open


@pytest.mark.parametrize("why", ["stopped", "not let in any more"])
async def test_it_ends_by_itself(log: Log, why: str) -> None:
    reader = Reader(log.stream())
    await at_rest(log)
    if why == "stopped":
        log.streams.stopping.set()
    else:
        log.alive = False
        log.notifier.ring()
    await reader.end()
    assert "d1" not in log.streams.open


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """Everything real, but no tick in a test's lifetime: whatever comes, the notifier brought it."""
    monkeypatch.setattr(module, "TICK", 3_600.0)
    async with office(tmp_path) as opened:
        yield opened


async def until_told(stream: Any, name: bytes) -> dict[str, Any]:
    heard = b""
    while (mark := b"event: " + name + b"\ndata: ") not in heard or not heard.endswith(b"\n\n"):
        heard += await asyncio.wait_for(stream.receive(), SECONDS)
    found: dict[str, Any] = json.loads(heard.partition(mark)[2].partition(b"\n")[0])
    return found


def listening(here: Office, caller: Caller) -> Any:
    return here.app.test_client().request(
        "/api/v1/events", headers={"Authorization": f"Bearer {caller.token}"}
    )


async def begun(stream: Any) -> None:
    await stream.send_complete()
    assert (await asyncio.wait_for(stream.receive(), SECONDS)).startswith(b"retry:")


async def test_a_computer_and_a_page_hear_of_a_decision_without_any_tick(here: Office) -> None:
    await here.hold("m1")
    caller, browser = await here.caller("ana"), await here.browser()
    start = (await here.store.overview("ana")).latest  # type: ignore[union-attr]
    async with listening(here, caller) as app, browser.request(f"/review/events?after={start}") as page:
        await begun(app)
        await begun(page)
        await here.story.decide("ana", "m1", Decision.RELEASE)
        assert (await until_told(app, b"moved"))["gmail_id"] == "m1"
        assert (await until_told(page, b"mail"))["shelf"] == "let_in"
        await app.disconnect()
        await page.disconnect()


async def test_a_computer_that_is_removed_hears_the_end_at_once(here: Office) -> None:
    caller, other = await here.caller("ana"), await here.caller("ana")
    async with listening(here, caller) as stream:
        await begun(stream)
        (device,) = [one for one in await here.store.devices("ana") if one.id.endswith(caller.token[:8])]
        await other.request("DELETE", f"devices/{device.id}", 204)
        await asyncio.wait_for(stream.as_response(), SECONDS)
    assert not here.app.extensions[KEY][2].open
