"""The access log: one line a request, by route template. No path, query, address, header or body is in it,
so no token of a link and nothing of a mail can be."""

from __future__ import annotations

import re
import secrets
import time

import structlog
from quart import Quart, Response, g, request

from backend.web.services import measures

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


def refused(code: str, error: Exception) -> None:
    """Log an error of ours that is answered with a 5xx."""
    reason = str(getattr(error, "reason", ""))[:100]  # a fixed word of Google's or of a captcha's company
    log.warning("not_served", route=route_name(), code=code, error=type(error).__name__, reason=reason)


def unexpected(error: Exception) -> None:
    """Log a bug. The log's own set-up tells it by type and place: its message may quote a mail."""
    log.error("unexpected_error", route=route_name(), exc_info=error)


def abuse(challenge_id: str) -> None:
    """Log that somebody finds a check or its mail wrong."""
    log.warning("abuse_reported", challenge=challenge_id)
