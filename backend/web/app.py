"""The web application: its blueprints, guards and log put together, and how errors are answered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hypercorn.middleware import ProxyFixMiddleware
from quart import Quart, Response, json, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from backend.domain import errors
from backend.locale import error_words
from backend.web import addon_routes, google, guards, operator, pages, sender
from backend.web.api import contract
from backend.web.api import routes as api
from backend.web.api.contract import PREFIX, http_error, retry_after
from backend.web.guards import log_bug, log_refusal
from backend.web.owner import devices, insights, lists, review, start
from backend.web.owner import settings as owner_settings
from backend.web.pages import language_of, page, sender_words, wants_page, words_for
from backend.web.services import Services, register_services

BLUEPRINTS = (
    google.push_routes,
    google.consent_routes,
    sender.blueprint,
    sender.explanation,
    operator.blueprint,
    api.blueprint,
    devices.blueprint,
    review.blueprint,
    review.digest_links,
    devices.sessions,
    owner_settings.blueprint,
    owner_settings.notifications,
    lists.blueprint,
    start.blueprint,
    start.leaving,
    review.orders,
    review.live,
    insights.blueprint,
    start.data,
    addon_routes.blueprint,
)


def create_app(services: Services, stopping: asyncio.Event | None = None) -> Quart:
    """An app that uses `services`, which the caller opens and closes.

    `stopping` is set when the server is to stop: open streams then end at once instead of delaying it.
    """
    app = Quart(__name__, static_folder=None)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    settings, stopping = services.context.settings, stopping or asyncio.Event()
    measures = register_services(app, services, stopping)
    guards.register_log(app)
    guards.register_guards(app, settings)
    app.register_error_handler(errors.PitchgateError, _pitchgate_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)
    pages.register_static(app)
    pages.register_filters(app)
    contract.register_openapi(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.live_page:
        app.register_blueprint(operator.live_page)
    if settings.story_url:
        pages.register_story(app, settings.story_url)
    if hops := settings.trusted_proxies:
        trusting = ProxyFixMiddleware(app.asgi_app, mode="legacy", trusted_hops=hops)
        app.asgi_app = trusting  # type: ignore[method-assign]
    gate = google.PushGate(app.asgi_app, services.context, services.push_callers, measures)
    app.asgi_app = gate  # type: ignore[method-assign, assignment]
    return app


# ---- Answers to errors: one table for our errors, one for HTTP errors
# A browser gets a page, other callers a JSON problem: `status`, `code`, `title`, `detail`, and `field` if one is
# invalid.


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """What the caller gets. `own_words`: the error's own title and remedy may be shown."""

    status: int
    code: str
    own_words: bool = False


TABLE: dict[type[errors.PitchgateError], ErrorAnswer] = {
    errors.PitchgateError: ErrorAnswer(500, "broken"),
    errors.Refused: ErrorAnswer(422, "refused", own_words=True),
    errors.Unauthenticated: ErrorAnswer(401, "unauthenticated"),
    errors.NotFound: ErrorAnswer(404, "not_found", own_words=True),
    errors.Expired: ErrorAnswer(410, "expired", own_words=True),
    errors.Conflict: ErrorAnswer(409, "conflict"),
    errors.LaneLost: ErrorAnswer(409, "conflict"),
    errors.GoogleError: ErrorAnswer(502, "google"),
    errors.Gone: ErrorAnswer(404, "not_found"),
    errors.HistoryGone: ErrorAnswer(502, "google"),
    errors.TryLater: ErrorAnswer(503, "unavailable"),
    errors.Unexplained: ErrorAnswer(503, "unavailable"),
    errors.StoreAway: ErrorAnswer(503, "unavailable"),
    errors.NotYet: ErrorAnswer(503, "unavailable"),
    errors.SendUncertain: ErrorAnswer(502, "google"),
    errors.NeedsReconnect: ErrorAnswer(409, "needs_reconnect", own_words=True),
    errors.Rejected: ErrorAnswer(502, "google"),
}

HTTP_CODES = {
    400: "bad_request",
    403: "cross_site",
    404: "not_found",
    405: "wrong_method",
    408: "too_slow",
    413: "too_large",
    429: "too_many",
    503: "unavailable",
}
KEPT_HEADERS = ("Allow", "Retry-After")


def answer_for(error: errors.PitchgateError) -> ErrorAnswer:
    """The entry for the error's nearest base class in `TABLE`; with the error's own code if that may be shown."""
    row = next(TABLE[kind] for kind in type(error).__mro__ if kind in TABLE)
    own = isinstance(error, errors.Refused) and row.own_words
    return ErrorAnswer(row.status, error.code, own_words=True) if own else row


async def problem(status: int, error: errors.PitchgateError, code: str = "", **headers: str) -> Response:
    """An error answer, as a page or as JSON, in the words of `error`. `code` replaces the error's own code."""
    title, detail = error_words(language_of(request.accept_languages), error)
    if wants_page():
        words = sender_words(request.accept_languages)
        public_code = code or error.code
        more = {
            "code": public_code,
            "following": words.get(f"{public_code}_next", ""),
            "back": _way_back(status),
        }
        response = await page("problem.html", status, title=title, detail=detail, words=words, **more)
    else:
        field = error.field if isinstance(error, errors.Refused) else ""
        fields = {
            "status": status,
            "code": code or error.code,
            "title": title,
            "detail": detail,
            "field": field,
        }
        content = json.dumps({key: value for key, value in fields.items() if value != ""})
        response = Response(content, status, content_type="application/problem+json")
    response.headers.extend(headers)
    return response


def _way_back(status: int) -> tuple[str, str] | None:
    """The address and the text of the link away from an error page; None if there is none, as on a sender's pages."""
    if status not in (404, 405, 500) or request.path.startswith("/c/"):
        return None
    if request.path.startswith("/review"):
        return "/review", words_for("review", request.accept_languages)("back_to_list")
    return "/", words_for("frame", request.accept_languages)("home")


async def _pitchgate_error(error: errors.PitchgateError) -> Response:
    answer = answer_for(error)
    if answer.status >= 500 and not isinstance(error, errors.StoreAway):  # the store logs that itself
        log_refusal(answer.code, error)
    headers = retry_after(error)
    shown = error if answer.own_words else errors.PitchgateError(answer.code)
    return await problem(answer.status, shown, answer.code, **headers)


async def _http_error(error: HTTPException) -> Response | AnyResponse:
    status = error.code or 500
    if status < 400:
        return error.get_response()
    if request.path.startswith(f"{PREFIX}/"):
        return await http_error(error)
    headers = {name: value for name, value in error.get_headers() if name in KEPT_HEADERS}
    return await problem(status, errors.PitchgateError(HTTP_CODES.get(status, "broken")), **headers)


async def _bug(error: Exception) -> Response:
    log_bug(error)
    return await problem(500, errors.PitchgateError("broken"))
