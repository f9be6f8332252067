"""Routes around Google: the push endpoint for Pub/Sub, and the owner's way to Google's consent page and back, to sign
in or to connect a mailbox."""

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

from backend.domain.challenge import LINK_LIFE
from backend.domain.challenge_mail import preview
from backend.domain.errors import PitchgateError, Refused, TryLater
from backend.domain.history import PushHeaders
from backend.domain.mail.message import Address, Message, Owner
from backend.domain.mailbox.mailbox import Condition, Mailbox, Mode, Preferences, Strictness
from backend.pipeline import account as accounts
from backend.pipeline import first_run, notices
from backend.pipeline.account import Connected
from backend.pipeline.act import challenge_wording
from backend.pipeline.context import Context
from backend.ports.gmail import PushCallers
from backend.settings import GMAIL_MODIFY, USERINFO_EMAIL
from backend.web import browser_session
from backend.web.api.contract import service
from backend.web.api.routes import VERSION
from backend.web.browser_session import (
    DEVICE,
    EARLIER_SESSION,
    WANTED_PAGE,
    open_page,
    page_texts,
    state_cookie,
    to_google,
    to_sign_in,
    wanted,
    without_state_cookie,
)
from backend.web.guards import BoundedStore, guarded, log_bug, network_of, per_minute
from backend.web.owner import devices
from backend.web.pages import state_of
from backend.web.services import Measures, measures, services

# ---- Fast path for pushes
# A push within the size limit is handled at the ASGI layer, before Quart builds a request. It is rate-limited, logged
# and counted like any request. All other requests, and pushes that raise an error, go on to Quart's route.


TIMEOUT = 8.0
"""Seconds a push may take; below Pub/Sub's shortest acknowledgement deadline of 10."""

LIMIT = per_minute(600_000)
"""Far above what one core can handle, since all pushes of a project may come from a few addresses."""

ERROR_KEY = "pitchgate.push"
"""Key in the ASGI scope passed on to Quart: the error that its route raises."""

METADATA = (b"x-goog-pubsub-subscription-name", b"x-goog-pubsub-message-id")
App = Callable[[Any, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]


class PushGate:
    """ASGI middleware that answers pushes itself and passes everything else to `app`.

    The outermost, so that it sees the scope as the server made it.
    """

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
        # Security headers are left out on purpose: Pub/Sub is not a browser.
        self._start: HTTPResponseStartEvent = {"type": "http.response.start", "status": 204, "headers": []}
        self._end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}

    async def __call__(self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer a push; pass everything else on."""
        if scope["type"] != "http" or scope["path"] != self._path or scope["method"] != "POST":
            return await self._app(scope, receive, send)
        began = time.perf_counter()
        headers = dict(_lower_names(scope["headers"]))
        length = _length(headers)
        caller = _caller(scope, headers.get(b"x-forwarded-for", b""), self._hops)
        cross_site = headers.get(b"sec-fetch-site") in (b"cross-site", b"same-site")
        if not 0 <= length <= self._most or cross_site or not self._limits.admit(caller, LIMIT):
            return await self._app(scope, receive, send)
        try:
            async with asyncio.timeout(TIMEOUT):
                body = await _read_body(receive)
                if body is None:
                    return None
                names = (headers.get(name, b"").decode("latin-1") for name in METADATA)
                authorization = headers.get(b"authorization", b"").decode("latin-1")
                fate = await self._push(authorization, body, PushHeaders(*names))
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
        return await self._app({**scope, ERROR_KEY: broken}, receive, send)


def _lower_names(headers: Headers) -> Iterable[tuple[bytes, bytes]]:
    """The headers with names in lower case; several x-forwarded-for are joined into one."""
    forwarded: list[bytes] = []
    for original, value in headers:
        name = original.lower()
        if name == b"x-forwarded-for":
            forwarded.append(value)
            yield name, b",".join(forwarded)
        else:
            yield name, value


def _length(headers: Mapping[bytes, bytes]) -> int:
    """The Content-Length; -1 if it is missing or invalid."""
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) < 10 else -1


def _caller(scope: HTTPScope, forwarded: bytes, hops: int) -> str:
    """The network the push comes from; behind `hops` trusted proxies, the one that the outermost of them saw."""
    addresses = forwarded.decode("latin-1").split(",") if forwarded and hops else []
    client = scope.get("client")
    peer = client[0] if client else "local"
    return network_of(addresses[-hops].strip() if hops <= len(addresses) and hops else peer)


async def _read_body(receive: ASGIReceiveCallable) -> bytes | None:
    """The body; None if the caller disconnected. Hypercorn bounds it by the Content-Length, which was checked."""
    body = b""
    while True:
        event: Any = await receive()
        if event["type"] != "http.request":
            return None
        body += bytes(event.get("body", b""))
        if not event.get("more_body", False):
            return body


# ---- The push route
# Verify, store, acknowledge; no call to Gmail. Most pushes are answered by `PushGate` and never come here.


push_routes = Blueprint("push", __name__)


@push_routes.post("/hooks/gmail")
@guarded(LIMIT, timeout=TIMEOUT)
async def receive() -> Response:
    """204 acknowledges a push: stored, known already, or malformed (counted). 401: not from our subscription. 503:
    Pub/Sub sends it again."""
    broken = cast("dict[str, object]", request.scope).get(ERROR_KEY)
    if isinstance(broken, Exception):
        raise broken
    body = cast(bytes, await request.get_data(as_text=False))
    headers = request.headers
    metadata = PushHeaders(
        headers.get("x-goog-pubsub-subscription-name", ""), headers.get("x-goog-pubsub-message-id", "")
    )
    app = services()
    fate = await notices.push(app.context, app.push_callers, headers.get("Authorization", ""), body, metadata)
    measures().push(fate.value if fate is not None else "malformed")
    return Response(b"", 204)  # b"" because Quart would iterate over a missing body in a thread


# ---- On the way to Google's consent page and back


consent_routes = Blueprint("connect", __name__)

ANSWER_FIELDS = ("code", "state", "error", "scope", "iss")
FIELD_LIMIT = 4_096
ADDRESS_LIMIT = 254
PROBLEMS = frozenset(
    {"connect_denied", "sign_in_denied", "connect_state", "connect_expired", "connect_account"}
)
NOTHING_TO_SHOW = frozenset({Condition.CONNECTING, Condition.INDEXING, Condition.DISCONNECTED})
"""Conditions in which a mailbox's pages have nothing to show yet."""

SCOPES = {GMAIL_MODIFY: "scope_modify", USERINFO_EMAIL: "scope_email", "openid": "scope_openid"}

EXAMPLE_OWNER = Owner("ana@harbourlane.example", "Ana Duarte")
EXAMPLE_ROWS = (
    ("Grace Hall", "grace@leadpilot.example", 9, "picture_a", "looks", "phrase.claims_result", 0.98, 1),
    ("Mira Lindgren", "mira@rankrocket.example", 5, "picture_b", "looks", "phrase.search_ranking", 0.96, 2),
    (
        "Oliver Brandt",
        "oliver@brandtphoto.example",
        1,
        "picture_d",
        "speaks",
        "phrase.picks_up_known",
        0.58,
        3,
    ),
    ("Nadia Petrov", "nadia@pressreach.example", 2, "picture_c", "looks", "phrase.flatters_for_fee", 0.74, 5),
)
"""Invented senders, shown on the landing page like the review list: name; address; count; catalogue keys of subject,
verdict and reason; score; days ago (days, since the reader's time zone is not known yet)."""


@consent_routes.get("/")
@guarded(per_minute(120))
async def landing() -> Response:
    """The landing page: what Pitchgate does and never does, what it holds, its reply to a seller, and the button to
    connect."""
    t, now = browser_session.page_texts("connect"), services().context.clock.now()
    base = services().context.settings.public_url
    reply = preview(
        EXAMPLE_OWNER,
        Message(from_=(Address("sam@pitchworks.example", "Sam Okafor"),), subject=t("reply_subject")),
        link=f"{base}/c/…",
        explained=f"{base}/explained",
        wording=challenge_wording(t.language, now + LINK_LIFE, Preferences().credits_per_solve),
        own="",
    )
    return await _page(
        "landing.html",
        now=now,
        rows=[(*row, timedelta(days=ago)) for *row, ago in EXAMPLE_ROWS],
        review=browser_session.page_texts("review"),
        state=browser_session.page_texts("state"),
        replying=EXAMPLE_OWNER,
        reply=reply,
        cost=services().context.reader.cost(Strictness.NORMAL),
        release=VERSION,
        source=services().context.settings.source_url,
    )


@consent_routes.get("/offline")
@guarded(per_minute(120))
async def offline() -> Response:
    """The page that the installed web app shows when offline, the only one it caches."""
    return await _page("offline.html")


@consent_routes.get("/connect")
@guarded(per_minute(120))
async def ask() -> Response:
    """The page that apps and the add-on link to. It has only a button, since a GET must not start anything."""
    return await _page("connect.html")


@consent_routes.post("/connect")
@guarded(per_minute(30))
async def begin() -> Response:
    """Send the browser to Google's consent page for a mailbox.

    The form may name the `account` to reconnect: any other is then refused. For somebody who signed in without a
    mailbox it may keep the `page` they wanted, or a desktop app's `request`.
    """
    form = await request.form
    account, app_request = form.get("account", ""), form.get("request", "")
    if len(account) > ADDRESS_LIMIT or len(app_request) > FIELD_LIMIT:
        return await _problem("connect_state", 422)
    response = WANTED_PAGE.keep(
        DEVICE.keep(await to_google(account), app_request), wanted(form.get("page", ""))
    )
    return await browser_session.remember_earlier(response)


@consent_routes.post("/connect/sign-in")
@guarded(per_minute(30))
async def sign_in() -> Response:
    """Send the browser to Google's sign-in. The form may name the `page` to show afterwards."""
    page = wanted((await request.form).get("page", "")) or "/review"
    return await browser_session.remember_earlier(WANTED_PAGE.keep(DEVICE.drop(await to_sign_in()), page))


@consent_routes.get("/connect/callback")
@guarded(per_minute(60), timeout=30.0)
async def finish() -> Response:
    """The browser comes back from Google. The only GET that stores something; the sealed state proves that we sent the
    browser there."""
    if request.method == "HEAD":
        return Response(b"", 204)
    query = {name: request.args[name] for name in ANSWER_FIELDS if name in request.args}
    if any(len(value) > FIELD_LIMIT for value in query.values()):
        return await _problem("connect_state", 422)
    try:
        connected = await accounts.finish(
            services().context, services().authorizer, request.cookies.get(state_cookie(), ""), query
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
        fields = (("page", wanted(WANTED_PAGE.read())), ("request", DEVICE.read()))
        return without_state_cookie(await _page("connect.html", email=connected.email, kept=fields))
    # Google has identified the owner: give this browser a new session.
    secret = await service().sign_in(connected.mailbox.id, browser_session.browser_name())
    browser_session.session_begun(secret)
    await browser_session.end_earlier(secret)
    await first_run.order_first(services().context, connected.mailbox)  # the preview of their inbox
    pending = await devices.kept_request()
    if pending is None:
        response = await _connected(connected.email, connected.mailbox)
    else:
        # Not a redirect: browsers would count it as started by Google and send no strict cookie.
        response = await devices.confirm_page(
            pending, connected.mailbox.id, browser_session.form_token(secret)
        )
    for cookie in (DEVICE, EARLIER_SESSION, WANTED_PAGE):
        response = cookie.drop(response)
    return browser_session.keep_session(without_state_cookie(response), secret)


async def _connected(email: str, mailbox: Mailbox) -> Response:
    context = services().context
    skew = context.skew_for_owner()  # of this machine's clock, if the owner can set it
    state = state_of(mailbox, page_texts("connect").language, context.clock.now(), skew=skew)
    page = wanted(WANTED_PAGE.read())
    if page and state.condition not in NOTHING_TO_SHOW:
        return await _page("signed_in.html", email=email, page=page)
    observing = mailbox.preferences.mode is Mode.OBSERVE
    return await _page("connected.html", email=email, state=state, observing=observing)


async def _problem(key: str, status: int, scopes: list[str] | None = None) -> Response:
    t = page_texts("connect")
    reasons = [t(SCOPES[scope]) if scope in SCOPES else scope for scope in scopes or []]
    return without_state_cookie(await _page("connect_problem.html", status, problem=key, reasons=reasons))


async def _page(template: str, status: int = 200, **values: object) -> Response:
    return await open_page(template, status, section="connect", **values)
