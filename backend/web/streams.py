"""The loop of all server-sent event streams, which send a mailbox's changes from where the client left off.

A stream sleeps until the store's notifier wakes it. Changes by other processes on the same SQLite file and those that
only time brings do not, so it also reads the store every few seconds.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from quart import Quart, Response, current_app, json

from backend.transactions.driver import Notifier
from backend.transactions.records import Event, News

KEY = "pitchgate_streams"

TICK = 5.0
"""Seconds after which a stream reads the store although nothing woke it."""

QUIET_TICKS = 3
"""Reads without changes after which a comment is sent, to reveal a broken connection."""

BURST_SECONDS = 0.1
"""Seconds between changes and the next read, so that a burst takes few reads."""

BATCH = 200
NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True)
class Streams:
    """The number of open streams by device or browser, and whether the server is stopping."""

    stopping: asyncio.Event
    open: Counter[str] = field(default_factory=Counter)


def register_streams(app: Quart, stopping: asyncio.Event) -> None:
    """Store the count of open streams in the app."""
    app.extensions[KEY] = Streams(stopping)


def streams() -> Streams:
    """The streams of the current app."""
    return cast(Streams, current_app.extensions[KEY])


async def nothing() -> bytes:
    """The default of `Feed.extra_event`: no event."""
    return b""


@dataclass(frozen=True, slots=True)
class Feed:
    """What one stream sends.

    Streams are counted by `name`. `look(after, limit)` reads the changes after a number; `as_text` formats one (b"" if
    this stream leaves it out). `missed` is the name of the event sent if older changes are no longer stored.
    `extra_event` is called while there are no changes and may return an event of its own.
    """

    name: str
    notifier: Notifier
    look: Callable[[int, int], Awaitable[News]]
    as_text: Callable[[Event], bytes]
    missed: str
    extra_event: Callable[[], Awaitable[bytes]] = nothing


def streamed(feed: Feed, given: str, now: int = -1) -> Response:
    """The streaming answer, with the changes after the number `given`, or after `now` if none is given.

    Anything but a number counts as one too old.
    """
    after = int(given) if NUMBER.fullmatch(given) else -1 if given else now
    response = Response(follow(streams(), feed, after), content_type="text/event-stream")
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def follow(streams: Streams, feed: Feed, after: int) -> AsyncIterator[bytes]:
    """The events of a stream, until its device or session ends, the server stops or the client disconnects."""
    streams.open[feed.name] += 1
    quiet = 0
    try:
        yield b"retry: 3000\n\n"
        while not streams.stopping.is_set():
            heard = feed.notifier.rings
            news = await feed.look(after, BATCH)
            if not news.alive:
                return
            if news.lost:
                after = news.latest
                yield line(after, feed.missed, {})
            for event in news.events:
                after = event.id
                if text := feed.as_text(event):
                    yield text
            quiet = 0 if news.events else quiet + 1
            if (quiet == 1 or quiet > QUIET_TICKS) and (added := await feed.extra_event()):
                yield added
            if quiet > QUIET_TICKS:
                quiet = 1
                yield b": still here\n\n"
            if len(news.events) < BATCH:
                await _wait_for_news(streams.stopping, feed.notifier, heard, bool(news.events))
    finally:
        streams.open[feed.name] -= 1
        if not streams.open[feed.name]:
            del streams.open[feed.name]


def line(number: int, name: str, data: Mapping[str, object]) -> bytes:
    """A server-sent event with its id, name and data."""
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _wait_for_news(stopping: asyncio.Event, notifier: Notifier, heard: int, busy: bool) -> None:
    """Wait until there may be changes or the server stops; after changes (`busy`) only `BURST_SECONDS`."""
    news = asyncio.sleep(BURST_SECONDS) if busy else notifier.rung(TICK, heard)
    waits = (asyncio.create_task(stopping.wait()), asyncio.create_task(news))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
