"""Where Pub/Sub pushes to, with a fast path at the ASGI layer: verify, store, acknowledge; no Gmail call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
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

from backend.domain.history import Metadata
from backend.pipeline import notices
from backend.pipeline.context import Context
from backend.ports.gmail import PushCallers
from backend.web.guards import BoundedStore, guarded, network_of, per_minute
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
        # None of the headers that tell a browser what it may do with a page: Pub/Sub is none, and there is no page.
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
    """The network the push comes from: behind `hops` proxies of ours, what the outermost of them saw."""
    seen = forwarded.decode("latin-1").split(",") if forwarded and hops else []
    client = scope.get("client")
    near = client[0] if client else "local"
    return network_of(seen[-hops].strip() if hops <= len(seen) and hops else near)


async def _whole(receive: ASGIReceiveCallable) -> bytes | None:
    """The body; None when the caller went away. Its length is bounded by the server, which knows what was told."""
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


blueprint = Blueprint("push", __name__)


@blueprint.post("/hooks/gmail")
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
