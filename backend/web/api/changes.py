"""GET events: what changes, as it changes, and from where a reader left off."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from quart import Quart, Response, current_app, json, request

from backend.ports.devices import Event, EventKind, Scope
from backend.ports.system import Clock
from backend.web.api.answers import message_json, refusal
from backend.web.api.asked import Resumption
from backend.web.api.described import described
from backend.web.api.door import Call, blueprint, per_device, with_device
from backend.web.api.reading import NETWORK
from backend.web.context import services
from backend.web.guards import guarded

KEY = "pitchgate_streams"
MOST_STREAMS = 5
BEAT = 0.5
"""Seconds between two looks at the log."""

QUIET_BEATS = 30
"""Looks without news after which a comment is sent, so that a dead connection shows."""

AT_ONCE = 200
NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(slots=True)
class Streams:
    """Open streams by device, and whether the server is stopping."""

    stopping: asyncio.Event
    open: Counter[str] = field(default_factory=Counter)


def install(app: Quart, stopping: asyncio.Event) -> None:
    """Keep the count with the app."""
    app.extensions[KEY] = Streams(stopping)


@blueprint.get("/events")
@described(bytes, scope=Scope.READ, headers=Resumption)
@guarded(per_device(120), NETWORK)
@with_device(Scope.READ)
async def events(call: Call) -> Response:
    """Server-sent events. `Last-Event-ID: n` begins behind n, otherwise it begins now."""
    streams = cast(Streams, current_app.extensions[KEY])
    if streams.open[call.device.id] >= MOST_STREAMS:
        return refusal("rate_limited", **{"Retry-After": "10"})
    given = request.headers.get("Last-Event-ID", "")
    # A number that is none is as good as one nobody remembers.
    after = int(given) if NUMBER.fullmatch(given) else -1
    if not given:
        after = (await call.desk.news(call.device, None, 0)).latest
    response = Response(_stream(streams, services().clock, call, after), content_type="text/event-stream")
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _stream(streams: Streams, clock: Clock, call: Call, after: int) -> AsyncIterator[bytes]:
    streams.open[call.device.id] += 1
    quiet, condition = 0, ""
    try:
        yield b"retry: 3000\n\n"
        while not streams.stopping.is_set():
            news = await call.desk.news(call.device, after, AT_ONCE)
            if not news.alive:
                return
            if news.lost:
                after = news.latest
                yield _told(after, "reset", {})
            for event in news.events:
                after = event.id
                if told := _event(event):
                    yield told
            quiet = 0 if news.events else quiet + 1
            if quiet == 1 or quiet > QUIET_BEATS:
                # A pause that ends and a watch that lapses are changes nobody writes down.
                now = (await call.desk.overview(call.mailbox_id)).mailbox.condition(clock.now())
                if condition not in ("", now):
                    yield b"event: status\ndata: {}\n\n"
                condition = now
            if quiet > QUIET_BEATS:
                quiet = 1
                yield b": still here\n\n"
            if len(news.events) < AT_ONCE:
                await _pause(streams.stopping)
    finally:
        streams.open[call.device.id] -= 1
        if not streams.open[call.device.id]:
            del streams.open[call.device.id]


def _event(event: Event) -> bytes:
    """The bytes of one change; b"" for mail whose row is gone."""
    if event.kind is EventKind.STATUS:
        return _told(event.id, "status", {})
    if event.kind is EventKind.MOVED:
        moved = {"gmail_id": event.gmail_id, "placement": event.placement, "decided_by": event.decided_by}
        return _told(event.id, "moved", moved)
    view = event.message
    if view is None:
        return b""
    if event.kind is EventKind.APPEAL:
        return _told(event.id, "appeal", message_json(view))
    # Told as it was then: whatever has happened to it since comes behind, as an event of its own.
    return _told(event.id, "held", message_json(view) | {"placement": "held", "decided_by": ""})


def _told(number: int, name: str, data: Mapping[str, object]) -> bytes:
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _pause(stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), BEAT)
    except TimeoutError:
        return
