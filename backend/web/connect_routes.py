"""The landing page, and the way to Google's consent page and back."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.condition import explain
from backend.domain.errors import PitchgateError, Refused, TryLater
from backend.pipeline.connect import LIFE, Connected
from backend.web import log
from backend.web.context import services
from backend.web.guards import content_policy, guarded, origin_of
from backend.web.limits import per_minute
from backend.web.pages import page
from backend.web.texts import owner

blueprint = Blueprint("connect", __name__)

ANSWER_FIELDS = ("code", "state", "error", "scope", "iss")
FIELD_LIMIT = 4_096
ADDRESS_LIMIT = 254


@blueprint.get("/")
@guarded(per_minute(120))
async def landing() -> Response:
    """What Pitchgate does and never does, and the button to connect."""
    return await _page("landing.html")


@blueprint.post("/connect")
@guarded(per_minute(30))
async def begin() -> Response:
    """Off to Google, with the sealed state in a cookie only this way back can use.

    The form may name the `account` that is to be connected again: another one is then refused.
    """
    account = (await request.form).get("account", "")
    if len(account) > ADDRESS_LIMIT:
        return await _problem("connect_state", 422)
    url, state = await services().pipeline.begin_connect(account)
    response = Response(b"", 303, headers={"Location": url})
    response.set_cookie(
        _cookie_name(),
        state,
        max_age=int(LIFE.total_seconds()),
        path="/",
        secure=_secure(),
        httponly=True,
        # Lax, not Strict: the way back is a navigation that Google begins.
        samesite="Lax",
    )
    return response


@blueprint.get("/connect/callback")
@guarded(per_minute(60), patience=30.0)
async def finish() -> Response:
    """Back from Google. The one GET that stores something; the sealed state proves it was begun here."""
    if request.method == "HEAD":
        return Response(b"", 204)
    query = {name: request.args[name] for name in ANSWER_FIELDS if name in request.args}
    if any(len(value) > FIELD_LIMIT for value in query.values()):
        return await _problem("connect_state", 422)
    try:
        connected = await services().pipeline.finish_connect(request.cookies.get(_cookie_name(), ""), query)
    except PitchgateError as error:
        return await _refusal(error)
    return await _outcome(connected)


async def _refusal(error: PitchgateError) -> Response:
    if isinstance(error, TryLater):
        return await _problem("unavailable", 503)
    if isinstance(error, Refused):
        return await _problem(error.code if error.code in owner.PROBLEMS else "other", 422)
    log.unexpected(error)
    return await _problem("other", 502)


async def _outcome(connected: Connected) -> Response:
    if connected.mailbox is None:
        reasons = [owner.scope_reason(scope) for scope in sorted(connected.missing)]
        return await _problem("missing", 422, reasons)
    state = explain(connected.mailbox, services().clock.now())
    response = await _page("connected.html", email=connected.email, state=state)
    return _without_cookie(response)


async def _problem(key: str, status: int, reasons: list[str] | None = None) -> Response:
    title, text = owner.PROBLEMS[key]
    return _without_cookie(
        await _page("connect_problem.html", status, title=title, text=text, reasons=reasons or [])
    )


async def _page(template: str, status: int = 200, **values: object) -> Response:
    response = await page(template, status, **values)
    # The Connect button posts to us and is redirected to Google, which browsers count as the form's target.
    target = origin_of(services().settings.authorize_url)
    response.headers["Content-Security-Policy"] = content_policy(target)
    return response


def _without_cookie(response: Response) -> Response:
    response.delete_cookie(_cookie_name(), path="/", secure=_secure(), httponly=True, samesite="Lax")
    return response


def _secure() -> bool:
    return services().settings.public_url.startswith("https://")


def _cookie_name() -> str:
    # The prefix makes browsers refuse one that a neighbouring subdomain or plain http tries to plant.
    return "__Host-pitchgate-connect" if _secure() else "pitchgate-connect"
