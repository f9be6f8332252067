"""What every route has: a rate limit, a time limit, a body limit, security headers, and a line in the access log."""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache, wraps
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import structlog
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, WebsocketScope
from quart import Quart, Request, Response, g, request
from quart_rate_limiter import RateLimit, RateLimiter, rate_limit
from quart_rate_limiter.store import RateLimiterStoreABC
from werkzeug.exceptions import Forbidden, NotFound, RequestEntityTooLarge, ServiceUnavailable

from backend.settings import Environment, Settings
from backend.web.services import measures

# ---- Rate limits
# Counts are kept in this process. Several processes each keep their own, so the effective limit is the sum:
# counting in their database would cost a flood's every refused call two hundred times as much, where all of
# them feel it.


MOST_KEYS = 50_000

LONGEST = timedelta(hours=2)
"""More than any period of a limit."""


class BoundedStore(RateLimiterStoreABC):
    """Theoretical arrival times by key. A past one says nothing, so it is dropped when room is needed."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._times: dict[str, datetime] = {}

    async def before_serving(self) -> None:
        """Nothing to set up."""

    async def after_serving(self) -> None:
        """Nothing to close."""

    async def get(self, key: str, default: datetime) -> datetime:
        """When the next call with this key is due, or `default`, which is now."""
        return self._time(key, default)

    def _time(self, key: str, now: datetime) -> datetime:
        at = self._times.get(key, now)
        return at if at - now < LONGEST else now  # else the clock was ahead when it was noted

    async def set(self, key: str, tat: datetime) -> None:
        """Note it, making room first if the store is full."""
        if len(self._times) >= self._most and key not in self._times:
            self._make_room()
        self._times[key] = tat

    def admit(self, caller: str, limit: RateLimit) -> bool:
        """Count a call if `limit` lets it through; the same sum as quart-rate-limiter's, for who comes before it."""
        now = datetime.now(UTC)
        tat = max(self._time(caller, now), now)
        if (tat - now).total_seconds() > limit.period.total_seconds() - limit.inverse:
            return False
        if len(self._times) >= self._most and caller not in self._times:
            self._make_room()
        self._times[caller] = tat + timedelta(seconds=limit.inverse)
        return True

    def _make_room(self) -> None:
        now = datetime.now(UTC)
        alive = sorted((at, key) for key, at in self._times.items() if at > now)
        # In a flood from more networks than fit, those furthest over their limit are the ones to remember.
        self._times = {key: at for at, key in alive[-(self._most // 2) :]}

    def __len__(self) -> int:
        return len(self._times)


@lru_cache(maxsize=4096)
def network_of(client: str) -> str:
    """An IPv4 address, or the /64 an IPv6 address is in: one customer commands a whole /64."""
    address = _address(client)
    if address is None:
        return client
    return address.exploded[:19] if isinstance(address, IPv6Address) else str(address)


def _address(client: str) -> IPv4Address | IPv6Address | None:
    """What `client` is, without the name of an interface ("fe80::1%eth0"); None if it is no address."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


async def caller() -> str:
    """Whom a limit is counted for. From the connection, never from a header anybody can write: behind a
    proxy the server's own middleware has put the real address there."""
    client = request.scope.get("client") if request.scope else None
    return network_of(client[0] if client else "local")


def network_block(client: str) -> str:
    """The network around `network_of`: an IPv4 /24, an IPv6 /48. What a hoster or a company rents at once."""
    address = _address(client)
    if address is None:
        return f"around {client}"
    if isinstance(address, IPv6Address):
        return f"around {address.exploded[:14]}"
    return f"around {str(address).rpartition('.')[0]}"


async def surroundings() -> str:
    """The network the caller comes from."""
    client = request.scope.get("client") if request.scope else None
    return network_block(client[0] if client else "local")


async def link() -> str:
    """The challenge link that is used, hashed."""
    token = (request.view_args or {}).get("token", "")
    return hashlib.sha256(str(token).encode()).hexdigest()[:32]


def per_minute(count: int) -> RateLimit:
    """At most `count` a minute and caller."""
    return RateLimit(count, timedelta(minutes=1), key_function=caller)


def per_network(count: int) -> RateLimit:
    """At most `count` a minute from one network: beside `per_minute`, for callers who own many addresses."""
    return RateLimit(count, timedelta(minutes=1), key_function=surroundings)


def per_link(count: int, minutes: int) -> RateLimit:
    """At most `count` in `minutes` for one challenge link, from any address."""
    return RateLimit(count, timedelta(minutes=minutes), key_function=link)


# ---- Limits and headers of every route


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
    """Every WebSocket is refused (403): we have none. Without this Quart fails at it, and the server logs the
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


def register_guards(app: Quart, settings: Settings) -> None:
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


# ---- The access log
# One line a request, by route template. No path, query, address, header or body is in it, so no token of a link and
# nothing of a mail can be.


log = structlog.get_logger()

VARIABLE = re.compile(r"<[^>]*>")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_name() -> str:
    """The matched rule with its variables left out ("/c/…"), or "(none)"."""
    return VARIABLE.sub("…", request.url_rule.rule) if request.url_rule else "(none)"


def method_name() -> str:
    """The method, or "other": a stranger can write there whatever they like."""
    return request.method if request.method in METHODS else "other"


def register_log(app: Quart) -> None:
    """Log and measure every request of an app."""

    @app.before_request
    async def begin() -> None:
        g.began = time.perf_counter()
        # Ours, never the caller's: a stranger could write there what they like.
        structlog.contextvars.bind_contextvars(request=secrets.token_hex(8))

    @app.after_request
    async def end(response: Response) -> Response:
        seconds = time.perf_counter() - g.get("began", time.perf_counter())
        route = route_name()
        measures().request(route, method_name(), response.status_code, seconds)
        log.info(
            "request",
            route=route,
            method=method_name(),
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
        return response


def log_refusal(code: str, error: Exception) -> None:
    """Log an error that is answered with a 5xx."""
    reason = str(getattr(error, "reason", ""))[:100]  # a fixed word of Google's or of a captcha's company
    log.warning("not_served", route=route_name(), code=code, error=type(error).__name__, reason=reason)


def log_bug(error: Exception) -> None:
    """Log a bug. The log's own set-up tells it by type and place: its message may quote a mail."""
    log.error("unexpected_error", route=route_name(), exc_info=error)


def log_abuse(challenge_id: str) -> None:
    """Log that somebody finds a check or its mail wrong."""
    log.warning("abuse_reported", challenge=challenge_id)
