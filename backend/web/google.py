"""Google itself: where Pub/Sub pushes to; and owners on their way to the consent page and back, to sign in and to
connect a mailbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, cast

import structlog
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
)
from quart import Blueprint, Response, request
from werkzeug.exceptions import ServiceUnavailable

from backend.domain.entry.challenge import LIFE
from backend.domain.entry.challenge_mail import preview
from backend.domain.errors import PitchgateError, Refused, TryLater
from backend.domain.history import Metadata
from backend.domain.mail.message import Address, Message, Owner
from backend.domain.mailbox.mailbox import Condition, Mailbox, Mode, Preferences, Strictness
from backend.pipeline import connect, first_run, notices
from backend.pipeline.challenge import challenge_wording
from backend.pipeline.connect import Connected
from backend.pipeline.context import Context
from backend.ports.gmail import PushCallers
from backend.settings import GMAIL_MODIFY, USERINFO_EMAIL
from backend.web import browser_session
from backend.web.api.authentication import service
from backend.web.api.routes import VERSION
from backend.web.browser_session import (
    DEVICE,
    EARLIER,
    WANTED,
    cookie_name,
    open_page,
    to_google,
    to_sign_in,
    wanted,
    without_cookie,
    words,
)
from backend.web.guards import BoundedStore, guarded, log_bug, network_of, per_minute
from backend.web.owner import devices
from backend.web.pages import state_of
from backend.web.services import Measures, measures, services

# ---- Fast path for pushes
# Handled at the ASGI layer, before Quart builds a request: a POST of known length, within the limit, that is stored.
# It is rate-limited, logged and counted like any request. All else, pipeline errors included, goes to Quart's route.


PATIENCE = 8.0
"""Seconds; below Pub/Sub's shortest acknowledgement deadline of 10."""

LIMIT = per_minute(600_000)
"""All pushes of a project may come from few addresses: far above what a core can take, a bound all the same."""

BROKEN = "pitchgate.push"
"""In the scope handed on: the error that is to be answered."""

METADATA = (b"x-goog-pubsub-subscription-name", b"x-goog-pubsub-message-id")
App = Callable[[Any, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


class PushGate:
    """In front of `app`, outside any middleware that rewrites the scope."""

    def __init__(self, app: App, context: Context, callers: PushCallers, measures: Measures) -> None:
        settings = context.settings
        self._app = app
        self._path = settings.push_path
        self._most = settings.body_limit
        self._hops = settings.trusted_proxies
        self._push = partial(notices.push, context, callers)
        self._measures = measures
        self._limits = BoundedStore()
        self._log = structlog.get_logger().bind(route=self._path, method="POST")
        # No security headers: they are for browsers, and Pub/Sub is not one.
        self._start: HTTPResponseStartEvent = {"type": "http.response.start", "status": 204, "headers": []}
        self._end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}

    async def __call__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer a usual push; hand on everything else."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        began = time.perf_counter()
        headers = dict(_told(scope["headers"]))
        length = _length(headers)
        caller = _caller(scope, headers.get(b"x-forwarded-for", b""), self._hops)
        elsewhere = headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site")
        if not 0 <= length <= self._most or elsewhere or not self._limits.admit(caller, LIMIT):
            return await self._app(scope, receive, send)
        try:
            async with asyncio.timeout(PATIENCE):
                body = await _whole(receive)
                if body is None:
                    return None
                names = (headers.get(name, b"").decode("latin-1") for name in METADATA)
                authorization = headers.get(b"authorization", b"").decode("latin-1")
                fate = await self._push(authorization, body, Metadata(*names))
        except TimeoutError:
            broken: Exception = ServiceUnavailable(retry_after=5)
        except Exception as error:
            broken = error
        else:
            await send(self._start)
            await send(self._end)
            seconds = time.perf_counter() - began
            self._measures.push(fate.value if fate is not None else "malformed")
            self._measures.request(self._path, "POST", 204, seconds)
            self._log.info("request", status=204, ms=round(seconds * 1000, 1))
            return None
        return await self._app({**scope, BROKEN: broken}, receive, send)


def _told(headers: Headers) -> Iterable[tuple[bytes, bytes]]:
    """Headers by their lower-case names; an address that was forwarded in several is one list."""
    forwarded: list[bytes] = []
    for spelt, value in headers:
        name = spelt.lower()
        if name == b"x-forwarded-for":
            forwarded.append(value)
            yield name, b",".join(forwarded)
        else:
            yield name, value


def _length(headers: Mapping[bytes, bytes]) -> int:
    """Of the body; -1 when it is not told, or told as nothing that is usual."""
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) < 10 else -1


def _caller(scope: HTTPScope, forwarded: bytes, hops: int) -> str:
    """The network the push comes from: behind `hops` of our own proxies, what the outermost saw."""
    seen = forwarded.decode("latin-1").split(",") if forwarded and hops else []
    client = scope.get("client")
    near = client[0] if client else "local"
    return network_of(seen[-hops].strip() if hops <= len(seen) and hops else near)


async def _whole(receive: ASGIReceiveCallable) -> bytes | None:
    """The body; None when the caller went away. Its length is bounded by the server, which knows what was announced."""
    body = b""
    while True:
        event: Any = await receive()
        if event["type"] != "http.request":
            return None
        body += bytes(event.get("body", b""))
        if not event.get("more_body", False):
            return body


# ---- The push route
# Verify, store, acknowledge; no Gmail call. What is usual is answered before it comes here (`push_gate`); this is the
# long way, for all the rest.


push_routes = Blueprint("push", __name__)


@push_routes.post("/hooks/gmail")
@guarded(LIMIT, patience=PATIENCE)
async def receive() -> Response:
    """204 acknowledges: stored, known, or malformed beyond understanding (counted). 401: not from our
    subscription. 503: push it again."""
    broken = cast("dict[str, object]", request.scope).get(BROKEN)
    if isinstance(broken, Exception):
        raise broken
    body = cast(bytes, await request.get_data(as_text=False))
    heads = request.headers
    metadata = Metadata(
        heads.get("x-goog-pubsub-subscription-name", ""), heads.get("x-goog-pubsub-message-id", "")
    )
    here = services()
    fate = await notices.push(here.context, here.push_callers, heads.get("Authorization", ""), body, metadata)
    measures().push(fate.value if fate is not None else "malformed")
    return Response(b"", 204)  # with no body at all Quart would iterate over one in a thread


# ---- On the way to Google's consent page and back


consent_routes = Blueprint("connect", __name__)

ANSWER_FIELDS = ("code", "state", "error", "scope", "iss")
FIELD_LIMIT = 4_096
ADDRESS_LIMIT = 254
PROBLEMS = frozenset(
    {"connect_denied", "sign_in_denied", "connect_state", "connect_expired", "connect_account"}
)
BEGINNING = frozenset({Condition.CONNECTING, Condition.INDEXING, Condition.DISCONNECTED})
"""A mailbox in one of these states has nothing to show on its pages yet."""

SCOPES = {GMAIL_MODIFY: "scope_modify", USERINFO_EMAIL: "scope_email", "openid": "scope_openid"}


OWNER = Owner("ana@harbourlane.example", "Ana Duarte")
ROWS = (
    (
        "Grace Hall",
        "grace@leadpilot.example",
        9,
        "picture_a",
        "phrase.claims_result",
        0.98,
        timedelta(minutes=7),
    ),
    (
        "Mira Lindgren",
        "mira@rankrocket.example",
        5,
        "picture_b",
        "phrase.search_ranking",
        0.96,
        timedelta(minutes=40),
    ),
    (
        "Nadia Petrov",
        "nadia@pressreach.example",
        2,
        "picture_c",
        "phrase.flatters_for_fee",
        0.74,
        timedelta(days=5),
    ),
)
"""Invented mail, drawn with the words and the parts of the review list: name, address, count, the keys of subject and
reason, score and age."""


@consent_routes.get("/")
@guarded(per_minute(120))
async def landing() -> Response:
    """What Pitchgate does and never does, what it catches, the reply a seller gets, and the button to connect."""
    t, now = browser_session.words("connect"), services().context.clock.now()
    ours = services().context.settings.public_url
    reply = preview(
        OWNER,
        Message(from_=(Address("sam@pitchworks.example", "Sam Okafor"),), subject=t("reply_subject")),
        link=f"{ours}/c/…",
        explained=f"{ours}/explained",
        wording=challenge_wording(t.language, now + LIFE, Preferences().credits_per_solve),
        own="",
    )
    return await _page(
        "landing.html",
        now=now,
        rows=ROWS,
        replying=OWNER,
        reply=reply,
        cost=services().context.reader.cost(Strictness.NORMAL),
        release=VERSION,
    )


@consent_routes.get("/offline")
@guarded(per_minute(120))
async def offline() -> Response:
    """What the installed app shows where we cannot be reached; it keeps this page and no other."""
    return await _page("offline.html")


@consent_routes.get("/connect")
@guarded(per_minute(120))
async def ask() -> Response:
    """Where apps and the add-on lead: one button, since a GET must not begin anything."""
    return await _page("connect.html")


@consent_routes.post("/connect")
@guarded(per_minute(30))
async def begin() -> Response:
    """Off to Google for access to a mailbox, with the sealed state in a cookie only this way back can use.

    The form may name the `account` that is to be connected again: another one is then refused. It may carry on what
    somebody wanted who signed in and had no mailbox yet: a `page`, or an app's `request`.
    """
    form = await request.form
    account, asked = form.get("account", ""), form.get("request", "")
    if len(account) > ADDRESS_LIMIT or len(asked) > FIELD_LIMIT:
        return await _problem("connect_state", 422)
    response = WANTED.keep(DEVICE.keep(await to_google(account), asked), wanted(form.get("page", "")))
    return await browser_session.remember_earlier(response)


@consent_routes.post("/connect/sign-in")
@guarded(per_minute(30))
async def sign_in() -> Response:
    """Off to Google, which is asked who this is. The form may name the `page` its owner wanted."""
    page = wanted((await request.form).get("page", "")) or "/review"
    return await browser_session.remember_earlier(WANTED.keep(DEVICE.drop(await to_sign_in()), page))


@consent_routes.get("/connect/callback")
@guarded(per_minute(60), patience=30.0)
async def finish() -> Response:
    """Back from Google. The one GET that stores something; the sealed state proves it was begun here."""
    if request.method == "HEAD":
        return Response(b"", 204)
    query = {name: request.args[name] for name in ANSWER_FIELDS if name in request.args}
    if any(len(value) > FIELD_LIMIT for value in query.values()):
        return await _problem("connect_state", 422)
    try:
        connected = await connect.finish(
            services().context, services().authorizer, request.cookies.get(cookie_name(), ""), query
        )
    except PitchgateError as error:
        return await _refusal(error)
    return await _outcome(connected)


async def _refusal(error: PitchgateError) -> Response:
    if isinstance(error, TryLater):
        return await _problem("unavailable", 503)
    if isinstance(error, Refused):
        return await _problem(error.code if error.code in PROBLEMS else "other", 422)
    log_bug(error)
    return await _problem("other", 502)


async def _outcome(connected: Connected) -> Response:
    if connected.missing:
        return await _problem("missing", 422, sorted(connected.missing))
    if connected.mailbox is None:
        kept = (("page", wanted(WANTED.read())), ("request", DEVICE.read()))
        return without_cookie(await _page("connect.html", email=connected.email, kept=kept))
    # Google has vouched for them: this browser is theirs from now on, under a new secret.
    secret = await service().sign_in(connected.mailbox.id, browser_session.browser_name())
    browser_session.opened(secret)
    await browser_session.end_earlier(secret)
    await first_run.order_first(services().context, connected.mailbox)
    pending = await devices.kept_request()
    if pending is None:
        response = await _connected(connected.email, connected.mailbox)
    else:
        # In this very answer: a redirect would still count as begun by Google, and bring no strict cookie.
        response = await devices.confirm(pending, connected.mailbox.id, browser_session.form_token(secret))
    for note in (DEVICE, EARLIER, WANTED):
        response = note.drop(response)
    return browser_session.keep(without_cookie(response), secret)


async def _connected(email: str, mailbox: Mailbox) -> Response:
    context = services().context
    skew = context.skew_for_owner()
    state = state_of(mailbox, words("connect").language, context.clock.now(), skew=skew)
    page = wanted(WANTED.read())
    if page and state.condition not in BEGINNING:
        return await _page("signed_in.html", email=email, page=page)
    observing = mailbox.preferences.mode is Mode.OBSERVE
    return await _page("connected.html", email=email, state=state, observing=observing)


async def _problem(key: str, status: int, scopes: list[str] | None = None) -> Response:
    t = words("connect")
    reasons = [t(SCOPES[scope]) if scope in SCOPES else scope for scope in scopes or []]
    return without_cookie(await _page("connect_problem.html", status, problem=key, reasons=reasons))


async def _page(template: str, status: int = 200, **values: object) -> Response:
    return await open_page(template, status, section="connect", **values)
