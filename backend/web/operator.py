"""For supervisors and operators: alive, ready, what is counted, and the live page of messages walking through the
stages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from prometheus_client import CONTENT_TYPE_LATEST
from quart import Blueprint, Quart, Response, current_app, json, jsonify, render_template, request
from werkzeug.exceptions import ServiceUnavailable

from backend.domain.entry.challenge import Challenge, ChallengeState
from backend.domain.errors import StoreAway
from backend.domain.mailbox.decisions import AWAY
from backend.domain.mailbox.message import MessageView, Outcome, Placement, RowName, Stage
from backend.locale import Words
from backend.transactions.store import Store
from backend.web.guards import guarded, log_bug, per_minute
from backend.web.pages import state_of, words_for
from backend.web.services import measures, services

# ---- Health and metrics


TROUBLES = {"away": "unreachable", "full": "disk full"}
"""What is said of a store that takes nothing; "damaged" and "unwritable" are said as they are."""

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@guarded(per_minute(600), patience=2.0)
async def alive() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@guarded(per_minute(600), patience=5.0)
async def ready() -> Response:
    """The store can be written and a model is loaded; 503 otherwise, with what is missing.

    `judging` says whether messages can be judged. That none of the last 20 could be is no 503: a stranger can send
    20 messages that cannot be read, and that must not take the server out of a balancer. It raises an alarm instead.
    """
    model = services().context.reader.model_version
    try:
        await services().context.store.ping()
    except StoreAway as error:
        store = TROUBLES.get(error.trouble, error.trouble)
    except Exception as error:
        log_bug(error)
        store = "unreachable"
    else:
        store = "ok"
    fine = store == "ok" and bool(model)
    judging = "failing open" if services().context.judged.nothing_is_judged else "ok"
    response = jsonify(
        status="ready" if fine else "not ready",
        store=store,
        model=model or "none",
        judging=judging,
        clock=_clock(services().context.time.skew),
    )
    response.status_code = 200 if fine else 503
    return response


def _clock(skew: timedelta) -> str:
    """No reason for a 503: we go by Google's time."""
    if not skew:
        return "ok"
    return f"{abs(skew).total_seconds():.0f} s {'ahead' if skew > timedelta(0) else 'behind'}"


@blueprint.get("/metrics")
@guarded(per_minute(120), patience=5.0)
async def metrics() -> Response:
    """Prometheus' text format: requests, pushes, what was not judged, the store's census. Keep it behind the proxy."""
    context, failed = services().context, services().failed
    census = await context.store.census()
    body = measures().exposition(
        census,
        failed,
        context.judged,
        context.web_pushed,
        context.time.skew.total_seconds(),
        len(context.looks.waiting()),
    )
    return Response(body, content_type=CONTENT_TYPE_LATEST)


# ---- Rows of the live page
# Pure.


class StepState(StrEnum):
    """How far one step of a message's walk is."""

    DONE = "done"
    NOW = "now"
    WAITING = "waiting"  # for the sender
    FAILED = "failed"
    NONE = "none"


STEPS = ("push", "sync", "screen", "act", "challenge", "solve", "release")

COUNTERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("arrived", tuple(f"messages.{word}" for word in ("undecided", "inbox", "mark", "hold", "challenge"))),
    ("challenged", ("challenges.sent", "challenges.solved")),
    ("solved", ("challenges.solved",)),
)
"""What is counted below the picture, from keys of the store's census."""

CHALLENGE_STATES: Mapping[ChallengeState, StepState] = {
    ChallengeState.INTENDED: StepState.NOW,
    ChallengeState.SENDING: StepState.NOW,
    ChallengeState.SENT: StepState.DONE,
    ChallengeState.SOLVED: StepState.DONE,
    ChallengeState.VOIDED: StepState.NONE,
    ChallengeState.FAILED: StepState.FAILED,
}

LANES: Mapping[str, int] = {"inbox": 8, "held": 8, "released": 3}
"""Lanes of the picture, and how many dots there is room for in each."""

DECIDED = ("solve", "credit", "owner", "replied", *AWAY)
"""Who may have decided after the verdict: values of `MessageView.decided_by` that have words."""


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of one message."""

    name: str
    state: StepState


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the live page shows it. `score` is the share, None if it was not scored; `since` is
    what was decided after the verdict."""

    key: str
    when: datetime
    mailbox: str
    sender: str
    subject: str
    verdict: str
    since: str
    score: float | None
    tone: str
    lane: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of the picture: how many messages have come there, and the keys of the latest, newest first."""

    name: str
    count: int
    keys: tuple[str, ...]


def lanes(lines: Sequence[Line], census: Mapping[str, int]) -> tuple[Lane, ...]:
    """The picture. `lines` are the latest messages, newest first; `census` is the store's."""
    passed, held, released = (
        sum(census.get(key, 0) for key in keys)
        for keys in (
            ("messages.inbox", "messages.mark"),
            ("messages.hold", "messages.challenge"),
            ("released",),
        )
    )
    come = {"inbox": passed, "held": max(held - released, 0), "released": released}
    return tuple(
        Lane(name, come[name], tuple(line.key for line in lines if line.lane == name)[:room])
        for name, room in LANES.items()
    )


def worth_showing(view: MessageView) -> bool:
    """Whether this is incoming mail; the owner's own and what Gmail has sorted out already is left away."""
    return view.outcome != Outcome.IGNORE and view.stage is not Stage.LEARN


def line(view: MessageView, mailbox: str, challenge: Challenge | None, t: Words) -> Line:
    """A message as a row. `mailbox` is its owner's address, `t` has the live page's words and the cards'."""
    name, address = view.sender_name, view.sender
    waiting = "being_read" if view.stage else "gone_before"
    return Line(
        key=view.gmail_id,
        when=view.first_seen_at,
        mailbox=mailbox,
        sender=f"{name} <{address}>" if name and address else name or address,
        subject=view.subject or t(_nameless(view)),
        verdict=t(f"row_{view.row}" if f"row_{view.row}" in t else waiting),
        since=t(f"decided_{view.decided_by}")
        if view.decided_by in DECIDED and view.row != RowName.CREDIT
        else "",
        score=view.score,
        tone=_tone(view),
        lane=_lane(view),
        steps=_steps(view, challenge),
    )


def _was_read(view: MessageView) -> bool:
    """Whether it was looked into: what is left to Gmail, or came in a pause, is decided without that."""
    return bool(view.outcome and view.sender)


def _nameless(view: MessageView) -> str:
    if not view.outcome:
        return "new_message"
    return "no_subject" if _was_read(view) else "not_read"


def _tone(view: MessageView) -> str:
    if view.dead_letter:
        return "failed"
    if view.placement is Placement.HELD:
        return "held"
    if view.decided_by:
        return "released"
    return "passed" if view.outcome else "open"


def _lane(view: MessageView) -> str:
    if not view.outcome or view.dead_letter:
        return ""
    if view.placement is Placement.HELD:
        return "held"
    return "released" if view.outcome in (Outcome.HOLD, Outcome.CHALLENGE) and view.decided_by else "inbox"


def _steps(view: MessageView, challenge: Challenge | None) -> tuple[Step, ...]:
    states = {
        "push": StepState.DONE,
        "sync": StepState.DONE,
        "screen": _screen(view),
        "act": _act(view),
        "challenge": _challenge(view, challenge),
        "solve": _solve(view, challenge),
        "release": _release(view),
    }
    if view.dead_letter:
        pending = view.stage.value if view.stage else "screen"
        states[pending if pending in states else "screen"] = StepState.FAILED
    return tuple(Step(name, states[name]) for name in STEPS)


def _screen(view: MessageView) -> StepState:
    if view.outcome:
        return StepState.DONE if _was_read(view) else StepState.NONE
    return StepState.NOW if view.stage else StepState.NONE


def _act(view: MessageView) -> StepState:
    if view.stage is Stage.ACT:
        return StepState.NOW
    return (
        StepState.DONE if view.outcome in (Outcome.MARK, Outcome.HOLD, Outcome.CHALLENGE) else StepState.NONE
    )


def _challenge(view: MessageView, challenge: Challenge | None) -> StepState:
    if view.outcome != Outcome.CHALLENGE or view.stage is Stage.ACT:
        return StepState.NONE
    if challenge is None:
        return StepState.NOW
    return CHALLENGE_STATES[challenge.state]


def _solve(view: MessageView, challenge: Challenge | None) -> StepState:
    if view.decided_by == "solve" or (challenge and challenge.state is ChallengeState.SOLVED):
        return StepState.DONE
    waits = challenge is not None and challenge.state is ChallengeState.SENT and not view.decided_by
    return StepState.WAITING if waits else StepState.NONE


def _release(view: MessageView) -> StepState:
    if view.stage is Stage.RELEASE:
        return StepState.NOW
    back = view.decided_by and view.placement is not Placement.HELD
    return StepState.DONE if back and view.outcome in (Outcome.HOLD, Outcome.CHALLENGE) else StepState.NONE


# ---- The live page
# Shows senders and subjects without a sign-in, so it is installed only when the settings say so.


live_page = Blueprint("live", __name__, url_prefix="/live")

KEY = "pitchgate_live"
MOST_LINES = 40
MOST_MAILBOXES = 20
MOST_STREAMS = 20
BEAT = 1.0
"""Seconds between two looks at the store."""

BEATS = 300
"""Looks a stream makes before it ends. The browser comes back by itself."""


class LiveStreams:
    """How many streams are open, and whether the server is stopping."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self.open = 0


def register_live_page(app: Quart, stopping: asyncio.Event) -> None:
    """Add the live page to an app."""
    app.extensions[KEY] = LiveStreams(stopping)
    app.register_blueprint(live_page)


@live_page.get("")
@guarded(per_minute(120))
async def page() -> str:
    """The whole page; without JavaScript it reloads itself."""
    t = words_for("live", request.accept_languages)
    return await render_template(
        "live.html", t=t, language=t.tag, board=await _board(services().context.store, t)
    )


@live_page.get("/events")
@guarded(per_minute(60))
async def events() -> Response:
    """Server-sent events: `board` with the new inner HTML, whenever it changes."""
    streams = cast(LiveStreams, current_app.extensions[KEY])
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


async def _stream(app: Quart, streams: LiveStreams, store: Store, t: Words) -> AsyncIterator[bytes]:
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
