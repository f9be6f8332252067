"""The landing page, and the way to Google's consent page and back."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.condition import explain
from backend.domain.errors import PitchgateError, Refused, TryLater
from backend.domain.mailbox import Mailbox
from backend.pipeline.connect import Connected
from backend.web import browser_session, device_routes, log
from backend.web.api.door import desk
from backend.web.context import services
from backend.web.google_way import cookie_name, leading_to_google, to_google, without_cookie
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.pages import page
from backend.web.texts.owner import connect_en as owner

blueprint = Blueprint("connect", __name__)

ANSWER_FIELDS = ("code", "state", "error", "scope", "iss")
FIELD_LIMIT = 4_096
ADDRESS_LIMIT = 254


@blueprint.get("/")
@guarded(per_minute(120))
async def landing() -> Response:
    """What Pitchgate does and never does, and the button to connect."""
    return await _page("landing.html")


@blueprint.get("/connect")
@guarded(per_minute(120))
async def ask() -> Response:
    """Where apps and the add-on lead: one button, since a GET must not begin anything."""
    return await _page("connect.html")


@blueprint.post("/connect")
@guarded(per_minute(30))
async def begin() -> Response:
    """Off to Google, with the sealed state in a cookie only this way back can use.

    The form may name the `account` that is to be connected again: another one is then refused.
    """
    account = (await request.form).get("account", "")
    if len(account) > ADDRESS_LIMIT:
        return await _problem("connect_state", 422)
    return device_routes.without_request(await to_google(account))


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
        connected = await services().pipeline.finish_connect(request.cookies.get(cookie_name(), ""), query)
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
    if services().devices is None:
        return without_cookie(await _connected(connected.email, connected.mailbox))
    # Google has vouched for him: this browser is his from now on.
    secret = await desk().sign_in(connected.mailbox.id)
    asked = await device_routes.kept_request()
    if asked is None:
        response = await _connected(connected.email, connected.mailbox)
    else:
        # In this very answer: a redirect would still count as begun by Google, and bring no strict cookie.
        response = await device_routes.confirm(asked, connected.mailbox.id, browser_session.csrf_of(secret))
        response = device_routes.without_request(response)
    return browser_session.keep(without_cookie(response), secret)


async def _connected(email: str, mailbox: Mailbox) -> Response:
    state, review = explain(mailbox, services().clock.now()), services().devices is not None
    return await _page("connected.html", email=email, state=state, review=review)


async def _problem(key: str, status: int, reasons: list[str] | None = None) -> Response:
    title, text = owner.PROBLEMS[key]
    return without_cookie(
        await _page("connect_problem.html", status, title=title, text=text, reasons=reasons or [])
    )


async def _page(template: str, status: int = 200, **values: object) -> Response:
    return leading_to_google(await page(template, status, **values))
