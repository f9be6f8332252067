"""What changes while a review page is open, as server-sent events for the page's own script.

mail     {"id", "shelf", "text"}   a message stands elsewhere now; `text` says where, in the page's language
appeal   {"id", "line"}            its sender has written a line to the owner
lost     {}                        changes were missed: the page is to be loaded again
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import cast

from quart import Blueprint, Response, current_app, request

from backend.pipeline.review import ReviewDesk
from backend.ports.devices import Event, EventKind
from backend.ports.review import shelf_of
from backend.web import browser_session as browser
from backend.web.api.changes import AT_ONCE, BEAT, KEY, NUMBER, QUIET_BEATS, Streams
from backend.web.browser_session import SignedIn
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.page import words
from backend.web.owner.review_routes import desk
from backend.web.owner.review_show import plain
from backend.web.texts.owner.words import Words

blueprint = Blueprint("review_live", __name__, url_prefix="/review")

MOST_TABS = 4
"""Streams of one browser. It opens six connections to a server at most, and pages need some of them."""


@blueprint.get("/events")
@guarded(per_minute(120))
async def events() -> Response:
    """Server-sent events from `after`, or from where the browser left off."""
    owner = await browser.signed_in()
    streams = cast(Streams, current_app.extensions[KEY])
    # 204 tells a browser not to come again, where an error would stand in its console.
    if owner is None or streams.open[owner.session.token_hash] >= MOST_TABS:
        return Response(b"", 204)
    given = request.headers.get("Last-Event-ID", "") or request.args.get("after", "")
    after = int(given) if NUMBER.fullmatch(given) else -1
    response = Response(
        _stream(streams, desk(), owner, words("review"), after), content_type="text/event-stream"
    )
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _stream(
    streams: Streams, desk: ReviewDesk, owner: SignedIn, t: Words, after: int
) -> AsyncIterator[bytes]:
    name = owner.session.token_hash
    streams.open[name] += 1
    quiet = 0
    try:
        yield b"retry: 3000\n\n"
        while not streams.stopping.is_set():
            news = await desk.news(owner.mailbox_id, name, after, AT_ONCE)
            if not news.alive:
                return
            if news.lost:
                after = news.latest
                yield _line(after, "lost", {})
            for event in news.events:
                after = event.id
                if told := _told(event, t):
                    yield told
            quiet = 0 if news.events else quiet + 1
            if quiet > QUIET_BEATS:
                quiet = 0
                yield b": still here\n\n"
            if len(news.events) < AT_ONCE:
                await _pause(streams.stopping)
    finally:
        streams.open[name] -= 1
        if not streams.open[name]:
            del streams.open[name]


def _told(event: Event, t: Words) -> bytes:
    """The bytes of one change; b"" for one that no review page shows."""
    if event.kind is EventKind.STATUS:
        return b""
    if event.kind is EventKind.APPEAL:
        line = plain(event.message.appeal) if event.message else ""
        return _line(event.id, "appeal", {"id": event.gmail_id, "line": line})
    stands = shelf_of(event.message) if event.message else None
    text = t(f"place_{stands or 'none'}")
    return _line(event.id, "mail", {"id": event.gmail_id, "shelf": stands or "", "text": text})


def _line(number: int, name: str, data: Mapping[str, object]) -> bytes:
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


async def _pause(stopping: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), BEAT)
    except TimeoutError:
        return
