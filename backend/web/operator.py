"""For operators: liveness, readiness, metrics, and the live page of messages with what happened to each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CONTENT_TYPE_LATEST
from quart import Blueprint, Quart, Response, current_app, json, jsonify, render_template, request
from werkzeug.exceptions import ServiceUnavailable

from backend.domain.challenge import Challenge, ChallengeState
from backend.domain.errors import StoreAway
from backend.domain.mailbox.decisions import IN_SPAM_OR_BIN
from backend.domain.mailbox.message import MessageView, Outcome, Placement, PolicyRow, Stage
from backend.locale import Words
from backend.transactions.store import Store
from backend.web import pages
from backend.web.guards import guarded, log_bug, per_minute
from backend.web.pages import SELLER, state_of, words_for
from backend.web.services import Streams, measures, services, streams, this_app

# ---- Health and metrics


STORE_TROUBLES = {"away": "unreachable", "full": "disk full"}
"""How /readyz names a store that cannot be written; other troubles are named as they are."""

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@guarded(per_minute(600), timeout=2.0)
async def alive() -> Response:
    """200 as long as the process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@guarded(per_minute(600), timeout=5.0)
async def ready() -> Response:
    """200 if the store can be written and a model is loaded, else 503.

    `judging` is "failing open" if none of the last 20 messages could be judged. That raises an alarm but no 503, or
    a stranger could take the server out of a load balancer with 20 unreadable messages.
    """
    model = services().context.reader.model_version
    try:
        await services().context.store.ping()
    except StoreAway as error:
        store = STORE_TROUBLES.get(error.trouble, error.trouble)
    except Exception as error:
        log_bug(error)
        store = "unreachable"
    else:
        store = "ok"
    fine = store == "ok" and bool(model)
    judging = "failing open" if services().context.verdict_metrics.nothing_is_judged else "ok"
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
    """How wrong the machine's clock is. Not a reason for a 503, since we use Google's time."""
    if not skew:
        return "ok"
    return f"{abs(skew).total_seconds():.0f} s {'ahead' if skew > timedelta(0) else 'behind'}"


@blueprint.get("/metrics")
@guarded(per_minute(120), timeout=5.0)
async def metrics() -> Response:
    """Metrics in Prometheus' text format. The proxy should not expose them."""
    context, failed = services().context, services().failed
    census = await context.store.census()
    body = measures().exposition(
        census,
        failed,
        context.verdict_metrics,
        context.web_pushed,
        context.time.skew.total_seconds(),
        len(context.looks.waiting()),
    )
    return Response(body, content_type=CONTENT_TYPE_LATEST)


# ---- Rows of the live page


LANES: Mapping[str, int] = {"inbox": 8, "held": 8, "released": 3}
"""Lanes of the diagram on the live page, and how many dots each has room for."""

REPLIES: Mapping[ChallengeState, str] = {
    ChallengeState.INTENDED: "now",
    ChallengeState.SENDING: "now",
    ChallengeState.SENT: "sent",
    ChallengeState.SOLVED: "sent",
    ChallengeState.VOIDED: "none",
    ChallengeState.FAILED: "none",
}
"""The end of the catalogue key told_reply_…: "now" while the challenge is being sent, "sent" once it was, "none" if it
will not be."""

DECIDED = ("solve", "credit", "owner", "replied", *IN_SPAM_OR_BIN)
"""Values of `MessageView.decided_by` that have a text: who decided after the verdict."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message on the live page. `mailbox` is the owner's address; `state` the end of the catalogue key state_…
    (where the message is), `said` is the sentence that says why; `score` is 0…1, None if it was not scored; `lane`
    is "" until one is known."""

    key: str
    when: datetime
    mailbox: str
    sender: str
    name: str
    subject: str
    state: str
    said: str
    score: float | None
    lane: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane of the diagram: how many messages it has had, and the keys of the latest, newest first. `older` have a
    dot but are no longer among the latest lines, `more` have no room for one."""

    name: str
    count: int
    keys: tuple[str, ...]
    older: int
    more: int


def lanes(lines: Sequence[Line], census: Mapping[str, int]) -> tuple[Lane, ...]:
    """The lanes of the diagram. `lines` are the latest messages, newest first; `census` are the store's counts."""
    passed, held, released = (
        sum(census.get(key, 0) for key in keys)
        for keys in (
            ("messages.inbox", "messages.mark"),
            ("messages.hold", "messages.challenge"),
            ("released",),
        )
    )
    counts = {"inbox": passed, "held": max(held - released, 0), "released": released}
    found = []
    for name, room in LANES.items():
        dots = min(counts[name], room)
        keys = tuple(line.key for line in lines if line.lane == name)[:dots]
        found.append(Lane(name, counts[name], keys, older=dots - len(keys), more=counts[name] - dots))
    return tuple(found)


def worth_showing(view: MessageView) -> bool:
    """Whether this is incoming mail that we screen; not the owner's own, nor what Gmail put into spam or a category
    left alone."""
    return view.outcome != Outcome.IGNORE and view.stage is not Stage.LEARN


def line(view: MessageView, mailbox: str, challenge: Challenge | None, t: Words) -> Line:
    """A message as a row. `mailbox` is the owner's address; `t` has the texts of the live page and the cards."""
    lane = _lane(view)
    return Line(
        key=view.gmail_id,
        when=view.first_seen_at,
        mailbox=mailbox,
        sender=view.sender,
        name=view.sender_name,
        subject=view.subject or t(_missing_subject(view)),
        # Without a lane: "read" while it is being screened, "gone" if it disappeared from Gmail before that.
        state="failed" if view.dead_letter else lane or ("read" if view.stage else "gone"),
        said=t(_sentence_key(view, lane, challenge)),
        score=view.score,
        lane=lane,
    )


def _missing_subject(view: MessageView) -> str:
    """The text shown instead of a missing subject. A decided message without a sender was never read: it was left to
    Gmail, or came during a pause."""
    if not view.outcome:
        return "new_message"
    return "no_subject" if view.sender else "not_read"


def _lane(view: MessageView) -> str:
    if not view.outcome or view.dead_letter:
        return ""
    if view.placement is Placement.HELD:
        return "held"
    return "released" if view.outcome in (Outcome.HOLD, Outcome.CHALLENGE) and view.decided_by else "inbox"


def _sentence_key(view: MessageView, lane: str, challenge: Challenge | None) -> str:
    """The catalogue key of the sentence: who decided last, else the verdict's reason."""
    if view.dead_letter:
        return "told_failed"
    if not lane:
        return "told_read" if view.stage else "told_gone"
    # The row "credit" itself says that a credit decided.
    if view.decided_by in DECIDED and view.row != PolicyRow.CREDIT:
        return f"decided_{view.decided_by}"
    if lane == "held" and view.row == PolicyRow.CHALLENGE:
        return f"told_reply_{REPLIES[challenge.state] if challenge else 'now'}"
    return f"row_{view.row}"


# ---- The live page
# It shows senders and subjects without a sign-in, so it exists only if the settings enable it.


live_page = Blueprint("live", __name__, url_prefix="/live")

LIVE = "live"
"""The name under which the page's streams are counted."""

MOST_LINES = 40
MOST_MAILBOXES = 20
MOST_STREAMS = 20
POLL_SECONDS = 1.0
"""Seconds between two reads of the store."""

MOST_POLLS = 300
"""Reads after which a stream ends. The browser reconnects by itself."""


@live_page.get("")
@guarded(per_minute(120))
async def page() -> Response:
    """The live page. Without JavaScript it reloads itself."""
    t = words_for("live", request.accept_languages)
    board = await _board(services().context.store, t)
    return await pages.page("live.html", t=t, language=t.tag, board=board)


@live_page.get("/events")
@guarded(per_minute(60))
async def events() -> Response:
    """Server-sent events: `board` with the page's new content, whenever it changes."""
    if streams().open[LIVE] >= MOST_STREAMS:
        raise ServiceUnavailable(retry_after=10)
    response = Response(
        _stream(this_app(), streams(), services().context.store, words_for("live", request.accept_languages)),
        content_type="text/event-stream",
    )
    response.timeout = None
    response.headers["X-Accel-Buffering"] = "no"
    return response


async def _stream(app: Quart, streams: Streams, store: Store, t: Words) -> AsyncIterator[bytes]:
    streams.open[LIVE] += 1
    shown = ""
    try:
        yield b"retry: 2000\n\n"
        for _ in range(MOST_POLLS):
            async with app.app_context():  # the request's own has ended by now
                board = await _board(store, t)
            if board != shown:
                shown = board
                yield f"event: board\ndata: {json.dumps(board)}\n\n".encode()
            else:
                yield b": still here\n\n"  # only sending reveals a broken connection
            if await _stopped(streams.stopping):
                return
    finally:
        streams.open[LIVE] -= 1


async def _stopped(stopping: asyncio.Event) -> bool:
    try:
        await asyncio.wait_for(stopping.wait(), POLL_SECONDS)
    except TimeoutError:
        return False
    return True


async def _board(store: Store, t: Words) -> str:
    census = await store.census()
    now = services().context.clock.now()
    boxes = (await store.mailboxes())[:MOST_MAILBOXES]
    states = [(box.owner.email, state_of(box, t.language, now)) for box in boxes]
    lines = await _lines(store, t)
    return await render_template(
        "live_board.html",
        t=t,
        lines=lines,
        lanes=lanes(lines, census),
        states=states,
        now=now,
        seller=current_app.extensions.get(SELLER, ""),
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
