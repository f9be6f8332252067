"""Rate limits, time limits, body limits, security headers and the access log of all routes."""

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
# Counts are kept in this process. Several processes each have their own, so the effective limit is their sum. Counting
# in the database would make every refused call of a flood two hundred times as expensive, and slow down all processes.


MOST_KEYS = 50_000

LONGEST = timedelta(hours=2)
"""Longer than the period of any limit."""


class BoundedStore(RateLimiterStoreABC):
    """quart-rate-limiter's store, for at most `most` keys. By key: when all its calls are free again (GCRA's `tat`)."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._times: dict[str, datetime] = {}

    async def before_serving(self) -> None:
        """Nothing to set up."""

    async def after_serving(self) -> None:
        """Nothing to close."""

    async def get(self, key: str, default: datetime) -> datetime:
        return self._time(key, default)

    def _time(self, key: str, now: datetime) -> datetime:
        at = self._times.get(key, now)
        return at if at - now < LONGEST else now  # further ahead: our clock was wrong when it was stored

    async def set(self, key: str, tat: datetime) -> None:
        """Store the time of a key, making room first if the store is full."""
        if len(self._times) >= self._most and key not in self._times:
            self._make_room()
        self._times[key] = tat

    def admit(self, caller: str, limit: RateLimit) -> bool:
        """Count a call if `limit` allows it; whether it does. Calculated as by quart-rate-limiter, for `PushGate`,
        which answers before that runs."""
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
        # Past times no longer limit anybody. If too many remain, keep those furthest over their limit.
        self._times = {key: at for at, key in alive[-(self._most // 2) :]}

    def __len__(self) -> int:
        return len(self._times)


@lru_cache(maxsize=4096)
def network_of(client: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address, since one customer has a whole /64."""
    address = _address(client)
    if address is None:
        return client
    return address.exploded[:19] if isinstance(address, IPv6Address) else str(address)


def _address(client: str) -> IPv4Address | IPv6Address | None:
    """`client` as an address, without the name of an interface ("fe80::1%eth0"); None if it is not an address."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


async def caller() -> str:
    """The key of limits per caller: the network of the connection. Never from a header, which anybody can write;
    behind a trusted proxy our middleware has replaced the connection's address."""
    client = request.scope.get("client") if request.scope else None
    return network_of(client[0] if client else "local")


def network_block(client: str) -> str:
    """The IPv4 /24 or IPv6 /48 around an address: what one company usually rents."""
    address = _address(client)
    if address is None:
        return f"around {client}"
    if isinstance(address, IPv6Address):
        return f"around {address.exploded[:14]}"
    return f"around {str(address).rpartition('.')[0]}"


async def caller_block() -> str:
    """The key of limits per network: the caller's `network_block`."""
    client = request.scope.get("client") if request.scope else None
    return network_block(client[0] if client else "local")


async def link_key() -> str:
    """The key of limits per challenge link: a hash of its token."""
    token = (request.view_args or {}).get("token", "")
    return hashlib.sha256(str(token).encode()).hexdigest()[:32]


def per_minute(count: int) -> RateLimit:
    return RateLimit(count, timedelta(minutes=1), key_function=caller)


def per_network(count: int) -> RateLimit:
    """At most `count` calls a minute for each network, against callers with many addresses."""
    return RateLimit(count, timedelta(minutes=1), key_function=caller_block)


def per_link(count: int, minutes: int) -> RateLimit:
    """At most `count` calls in `minutes` for each challenge link, from all addresses together."""
    return RateLimit(count, timedelta(minutes=minutes), key_function=link_key)


# ---- Limits and headers of every route


P = ParamSpec("P")
R = TypeVar("R")

BODY_SECONDS = 10
"""Seconds a body may take to arrive; a slower one gets 408."""

FORM_LIMIT = 16 * 1024

LONG_UPLOADS: dict[str, tuple[int, int]] = {"/settings/data/restore": (32 * 1024 * 1024, 25)}
"""Limits of uploads by path: bytes of the body, and seconds it may take."""

NOT_FOUND_LIMIT, NOT_FOUND_LIMIT_OF_A_NETWORK = 120, 1_200
"""Requests for unknown addresses allowed per minute: for a caller, and for their network."""

TIMEOUT = "_pitchgate_timeout"
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
    """A request with the body limits of its path. Set here because Quart starts reading before it matches the route."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        path = args[2] if len(args) > 2 else kwargs["path"]
        limits = LONG_UPLOADS.get(path)
        if limits is not None:
            kwargs["max_content_length"], kwargs["body_timeout"] = limits
        super().__init__(*args, **kwargs)
        if limits is not None:
            self.max_content_length = limits[0]


class NoWebSocket:
    """Refuses every WebSocket (403), as we have none. Otherwise Quart would fail, and the server log the address, which
    may contain a token."""

    def __init__(self, app: Quart, scope: WebsocketScope) -> None:
        """Quart passes both; neither is used."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1000, "reason": None})


def guarded(
    *limits: RateLimit, timeout: float = 10.0
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Decorator for a handler's rate limits and its time limit of `timeout` seconds (503).

    Comes between the route's decorator and the handler. The time limit does not apply to a stream the handler
    returns.
    """

    def decorate(handler: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @wraps(handler)
        async def within(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                async with asyncio.timeout(timeout):
                    return await handler(*args, **kwargs)
            except TimeoutError as error:
                raise ServiceUnavailable(retry_after=5) from error

        setattr(within, TIMEOUT, timeout)
        return rate_limit(limits=list(limits))(within)  # type: ignore[type-var]

    return decorate


def content_policy(*form_targets: str, also: Mapping[str, Sequence[str]] | None = None) -> str:
    """The Content-Security-Policy. `form_targets`: other origins that forms of the page may post or redirect to.
    `also`: further sources, by directive."""
    rules = dict(rule.partition(" ")[::2] for rule in (*POLICY, "form-action 'self'"))
    for name, sources in ({"form-action": form_targets} | dict(also or {})).items():
        rules[name] = " ".join((*rules.get(name, "").split(), *sources))
    return "; ".join(f"{name} {sources}" for name, sources in rules.items())


def from_elsewhere() -> bool:
    """Whether another site's page makes this request. Pages cannot forge the header. `Origin` would not help: it is
    "null" because we send no referrer."""
    return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def register_guards(app: Quart, settings: Settings) -> None:
    """Register limits and security headers on an app."""
    app.request_class = BoundedRequest
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit
    app.config["BODY_TIMEOUT"] = BODY_SECONDS
    app.config["MAX_FORM_PARTS"] = 20
    app.config["MAX_FORM_MEMORY_SIZE"] = FORM_LIMIT
    app.asgi_websocket_class = NoWebSocket
    RateLimiter(app, store=BoundedStore())
    # The rate limiter finds limits by endpoint, which is None for an unknown address or a wrong method.
    app.view_functions[None] = _not_found  # type: ignore[index]
    app.before_request(_refuse_early)
    headers = security_headers(settings)

    @app.after_request
    async def secure(response: Response) -> Response:
        for name, value in headers:
            response.headers.setdefault(name, value)
        return response


@guarded(per_minute(NOT_FOUND_LIMIT), per_network(NOT_FOUND_LIMIT_OF_A_NETWORK))
async def _not_found() -> Response:
    """Never called: it only carries the rate limits of unknown addresses."""
    raise NotFound


async def _refuse_early() -> None:
    length = request.content_length
    if length is not None and request.max_content_length is not None and length > request.max_content_length:
        # Quart would refuse only when the body is read, which some handlers never do.
        raise RequestEntityTooLarge
    if request.method == "POST" and from_elsewhere():
        raise Forbidden


def security_headers(settings: Settings) -> tuple[tuple[str, str], ...]:
    """The headers of every answer, unless its route sets them otherwise."""
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
# One line per request, with the route's template. Paths, queries, addresses, headers and bodies are left out on
# purpose: they may contain a link's token or text from an email.


log = structlog.get_logger()

VARIABLE = re.compile(r"<[^>]*>")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def route_name() -> str:
    """The matched route without its variables ("/c/…"), or "(none)"."""
    return VARIABLE.sub("…", request.url_rule.rule) if request.url_rule else "(none)"


def method_name() -> str:
    """The method if it is a standard one, else "other": a stranger can send any word."""
    return request.method if request.method in METHODS else "other"


def register_log(app: Quart) -> None:

    @app.before_request
    async def begin() -> None:
        g.began = time.perf_counter()
        # Our own request id, never one from the caller, which could be any text.
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
    reason = str(getattr(error, "reason", ""))[:100]  # a fixed word from Google or the captcha vendor
    log.warning("not_served", route=route_name(), code=code, error=type(error).__name__, reason=reason)


def log_bug(error: Exception) -> None:
    """Log an unexpected error. `logs` writes only its type and place, since its message may quote an email."""
    log.error("unexpected_error", route=route_name(), exc_info=error)


def log_abuse(challenge_id: str) -> None:
    log.warning("abuse_reported", challenge=challenge_id)
