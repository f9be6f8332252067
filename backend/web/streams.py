"""Server-sent events: what changes, as it changes, and from where a reader left off. The one loop of all such streams.

A stream sleeps until the store's notifier tells of news in its mailbox. Other processes on the same file wake nothing
here, and time wakes nothing at all, so it looks now and then by itself too.
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
"""Seconds after which a stream looks though nothing rang."""

QUIET_TICKS = 3
"""Looks without news after which a comment is sent, so that a dead connection shows."""

GATHERED = 0.1
"""Seconds between news and the next look: a burst takes few looks."""

AT_ONCE = 200
NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True)
class Streams:
    """Open streams by device or browser, and whether the server is stopping."""

    stopping: asyncio.Event
    open: Counter[str] = field(default_factory=Counter)


def register_streams(app: Quart, stopping: asyncio.Event) -> None:
    """Keep the count with the app."""
    app.extensions[KEY] = Streams(stopping)


def streams() -> Streams:
    """Those of this app."""
    return cast(Streams, current_app.extensions[KEY])


async def nothing() -> bytes:
    """Nothing to add."""
    return b""


@dataclass(frozen=True, slots=True)
class Feed:
    """What one stream tells.

    `name` is what streams are counted by. `look(after, limit)` gives the changes behind a number, `as_text` the bytes
    of one (b"" for one that is not told here). `missed` is the event that says that some are forgotten. `besides` is
    asked whenever the stream has fallen quiet, and while it is: what nobody writes down as a change.
    """

    name: str
    notifier: Notifier
    look: Callable[[int, int], Awaitable[News]]
    as_text: Callable[[Event], bytes]
    missed: str
    besides: Callable[[], Awaitable[bytes]] = nothing


def streamed(feed: Feed, given: str, now: int = -1) -> Response:
    """The answer: what comes behind the number `given`, or behind `now` if none is given.

    What is not a number counts like one from too long ago.
    """
    after = int(given) if NUMBER.fullmatch(given) else -1 if given else now
    response = Response(follow(streams(), feed, after), content_type="text/event-stream")
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def follow(streams: Streams, feed: Feed, after: int) -> AsyncIterator[bytes]:
    """The stream itself. It ends when its device or session does, when the server stops, or when nobody reads."""
    streams.open[feed.name] += 1
    quiet = 0
    try:
        yield b"retry: 3000\n\n"
        while not streams.stopping.is_set():
            heard = feed.notifier.rings
            news = await feed.look(after, AT_ONCE)
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
            if (quiet == 1 or quiet > QUIET_TICKS) and (added := await feed.besides()):
                yield added
            if quiet > QUIET_TICKS:
                quiet = 1
                yield b": still here\n\n"
            if len(news.events) < AT_ONCE:
                await _rest(streams.stopping, feed.notifier, heard, bool(news.events))
    finally:
        streams.open[feed.name] -= 1
        if not streams.open[feed.name]:
            del streams.open[feed.name]


def line(number: int, name: str, data: Mapping[str, object]) -> bytes:
    """One event as it is sent."""
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _rest(stopping: asyncio.Event, notifier: Notifier, heard: int, busy: bool) -> None:
    """Until there may be news or the server stops. After news only long enough for what comes with them."""
    news = asyncio.sleep(GATHERED) if busy else notifier.rung(TICK, heard)
    waits = (asyncio.create_task(stopping.wait()), asyncio.create_task(news))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
