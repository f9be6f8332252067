"""What every route has: a rate limit, a time limit, a body limit and security headers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, WebsocketScope
from quart import Quart, Request, Response, request
from quart_rate_limiter import RateLimit, RateLimiter, rate_limit
from werkzeug.exceptions import Forbidden, NotFound, RequestEntityTooLarge, ServiceUnavailable

from backend.settings import Environment, Settings
from backend.web.limits import BoundedStore, per_minute, per_network

P = ParamSpec("P")
R = TypeVar("R")

BODY_SECONDS = 10
"""How long a body may take to arrive; a slower one gets 408."""

FORM_LIMIT = 16 * 1024

LONG_UPLOADS: dict[str, tuple[int, int]] = {"/settings/data/restore": (32 * 1024 * 1024, 25)}
"""Paths to which files are sent: how many bytes a body may have there, and how many seconds it may take."""

STRAYS, STRAYS_OF_A_NETWORK = 120, 1_200
"""How often a minute a caller, and the network around it, may ask for what is not there."""

PATIENCE = "_pitchgate_patience"
HSTS = "max-age=31536000; includeSubDomains"
POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)


class BoundedRequest(Request):
    """A request whose body is bounded by where it goes: Quart begins to read before it knows the route."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        path = args[2] if len(args) > 2 else kwargs["path"]
        longer = LONG_UPLOADS.get(path)
        if longer is not None:
            kwargs["max_content_length"], kwargs["body_timeout"] = longer
        super().__init__(*args, **kwargs)
        if longer is not None:
            self.max_content_length = longer[0]


class NoWebSocket:
    """Every WebSocket is refused (403): there is none here. Without this Quart fails at it, and the server logs the
    address, with whatever token is in it."""

    def __init__(self, app: Quart, scope: WebsocketScope) -> None:
        """As Quart makes it; neither is needed."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Close before it is open."""
        await receive()
        await send({"type": "websocket.close", "code": 1000, "reason": None})


def guarded(
    *limits: RateLimit, patience: float = 10.0
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Mark a handler with its rate limits and cut it off after `patience` seconds (503).

    Stands between the route's decorator and the handler. The time covers the handler, not a stream it
    returns.
    """

    def decorate(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @wraps(handler)
        async def within(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                async with asyncio.timeout(patience):
                    return await handler(*args, **kwargs)
            except TimeoutError as error:
                raise ServiceUnavailable(retry_after=5) from error

        setattr(within, PATIENCE, patience)
        return rate_limit(limits=list(limits))(within)  # type: ignore[type-var]

    return decorate


def content_policy(*form_targets: str, also: Mapping[str, Sequence[str]] | None = None) -> str:
    """The Content-Security-Policy. `form_targets` are origins a form of the page may lead to beside ours;
    browsers apply that to redirects after a form as well. `also`: further sources, by directive."""
    rules = dict(rule.partition(" ")[::2] for rule in (*POLICY, "form-action 'self'"))
    for name, sources in ({"form-action": form_targets} | dict(also or {})).items():
        rules[name] = " ".join((*rules.get(name, "").split(), *sources))
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def from_elsewhere() -> bool:
    """Whether another site's page makes this request. Browsers send this header and pages cannot forge it; `Origin`
    would be "null": we send no referrer."""
    return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def install(app: Quart, settings: Settings) -> None:
    """Put limits and headers on an app."""
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit
    app.config["BODY_TIMEOUT"] = BODY_SECONDS
    app.config["MAX_FORM_PARTS"] = 20
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_LIMIT
    app.asgi_websocket_class = NoWebSocket
    RateLimiter(app, store=BoundedStore())
    # The limiter looks up by endpoint. What leads nowhere, or is asked for by a wrong method, has None.
    app.view_functions[None] = _nowhere  # type: ignore[index]
    app.before_request(_refuse_early)
    headers = security_headers(settings)

    @app.after_request
    async def secure(response: Response) -> Response:
        for name, value in headers:
            response.headers.setdefault(name, value)
        return response


@guarded(per_minute(STRAYS), per_network(STRAYS_OF_A_NETWORK))
async def _nowhere() -> Response:
    """Never called: it carries the limits of addresses that lead nowhere."""
    raise NotFound


async def _refuse_early() -> None:
    length = request.content_length
    if length is not None and request.max_content_length is not None and length > request.max_content_length:
        # Quart says so only when the body is read; a handler that never reads it must refuse as well.
        raise RequestEntityTooLarge
    if request.method == "POST" and from_elsewhere():
        raise Forbidden


def security_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """What every answer carries unless its route says otherwise."""
    headers = (
        ("Content-Security-Policy", content_policy()),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("X-Robots-Tag", "noindex"),
        ("Cache-Control", "no-store"),
    )
    if settings.environment is Environment.PRODUCTION:
        return (*headers, ("Strict-Transport-Security", HSTS))
    return headers
