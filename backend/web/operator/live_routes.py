"""The live page: each message walking through the stages. Shows senders and subjects without a sign-in, so it
is installed only when the settings say so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from quart import Blueprint, Quart, Response, current_app, json, render_template, request
from werkzeug.exceptions import ServiceUnavailable

from backend.domain.mailbox.verdict import Outcome
from backend.locale.words import Words
from backend.transactions.store import Store
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.operator.live_view import COUNTERS, Line, lanes, line, worth_showing
from backend.web.services import services
from backend.web.state_words import state_of
from backend.web.words import words_for

blueprint = Blueprint("live", __name__, url_prefix="/live")

KEY = "pitchgate_live"
MOST_LINES = 40
MOST_MAILBOXES = 20
MOST_STREAMS = 20
BEAT = 1.0
"""Seconds between two looks at the store."""

BEATS = 300
"""Looks a stream makes before it ends. The browser comes back by itself."""


class Streams:
    """How many streams are open, and whether the server is stopping."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self.open = 0


def install(app: Quart, stopping: asyncio.Event) -> None:
    """Add the live page to an app."""
    app.extensions[KEY] = Streams(stopping)
    app.register_blueprint(blueprint)


@blueprint.get("")
@guarded(per_minute(120))
async def page() -> str:
    """The whole page; without JavaScript it reloads itself."""
    t = words_for("live", request.accept_languages)
    return await render_template(
        "live.html", t=t, language=t.tag, board=await _board(services().context.store, t)
    )


@blueprint.get("/events")
@guarded(per_minute(60))
async def events() -> Response:
    """Server-sent events: `board` with the new inner HTML, whenever it changes."""
    streams = cast(Streams, current_app.extensions[KEY])
    if streams.open >= MOST_STREAMS:
        raise ServiceUnavailable(retry_after=10)
    proxy: Any = current_app  # its type differs between releases of Quart
    app: Quart = proxy._get_current_object()
    response = Response(
        _stream(app, streams, services().context.store, words_for("live", request.accept_languages)),
        content_type="text/event-stream",
    )
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _stream(app: Quart, streams: Streams, store: Store, t: Words) -> AsyncIterator[bytes]:
    streams.open += 1
    shown = ""
    try:
        yield b"retry: 2000\n\n"
        for _ in range(BEATS):
            async with app.app_context():  # the request's own has ended by now
                board = await _board(store, t)
            if board != shown:
                shown = board
                yield f"event: board\ndata: {json.dumps(board)}\n\n".encode()
            else:
                yield b": still here\n\n"  # a dead connection shows only when something is sent
            if await _stopped(streams.stopping):
                return
    finally:
        streams.open -= 1


async def _stopped(stopping: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), BEAT)
    except TimeoutError:
        return False
    return True


async def _board(store: Store, t: Words) -> str:
    census = await store.census()
    counters = [(label, sum(census.get(key, 0) for key in keys)) for label, keys in COUNTERS]
    now = services().context.clock.now()
    boxes = (await store.mailboxes())[:MOST_MAILBOXES]
    states = [(box.owner.email, state_of(box, t.language, now)) for box in boxes]
    lines = await _lines(store, t)
    return await render_template(
        "live_board.html", t=t, lines=lines, lanes=lanes(lines, census), counters=counters, states=states
    )


async def _lines(store: Store, t: Words) -> list[Line]:
    found: list[Line] = []
    for mailbox in (await store.mailboxes())[:MOST_MAILBOXES]:
        for view in await store.messages(mailbox.id, limit=MOST_LINES):
            if not worth_showing(view):
                continue
            challenged = view.outcome == Outcome.CHALLENGE
            challenge = await store.challenge_of(mailbox.id, view.gmail_id) if challenged else None
            found.append(line(view, mailbox.owner.email, challenge, t))
    return sorted(found, key=lambda row: (row.when, row.key), reverse=True)[:MOST_LINES]
