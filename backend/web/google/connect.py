"""The landing page, and the ways to Google's consent page and back: to sign in, and to connect a mailbox."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.errors import PitchgateError, Refused, TryLater
from backend.domain.mailbox.mailbox import Condition, Mailbox, Mode
from backend.pipeline import connect, first_run
from backend.pipeline.connect import Connected
from backend.settings import GMAIL_MODIFY, USERINFO_EMAIL
from backend.web import browser_session, log
from backend.web.api.authentication import service
from backend.web.browser_session import DEVICE, EARLIER, WANTED, cookie_name, wanted, without_cookie
from backend.web.google.redirect_page import to_google, to_sign_in
from backend.web.guards import guarded, per_minute
from backend.web.owner import devices
from backend.web.owner.page import open_page, words
from backend.web.pages import state_of
from backend.web.services import services

blueprint = Blueprint("connect", __name__)

ANSWER_FIELDS = ("code", "state", "error", "scope", "iss")
FIELD_LIMIT = 4_096
ADDRESS_LIMIT = 254
PROBLEMS = frozenset(
    {"connect_denied", "sign_in_denied", "connect_state", "connect_expired", "connect_account"}
)
BEGINNING = frozenset({Condition.CONNECTING, Condition.INDEXING, Condition.DISCONNECTED})
"""A mailbox in one of these states has nothing to show on its pages yet."""

SCOPES = {GMAIL_MODIFY: "scope_modify", USERINFO_EMAIL: "scope_email", "openid": "scope_openid"}


@blueprint.get("/")
@guarded(per_minute(120))
async def landing() -> Response:
    """What Pitchgate does and never does, and the button to connect."""
    return await _page("landing.html")


@blueprint.get("/offline")
@guarded(per_minute(120))
async def offline() -> Response:
    """What the installed app shows where we cannot be reached; it keeps this page and no other."""
    return await _page("offline.html")


@blueprint.get("/connect")
@guarded(per_minute(120))
async def ask() -> Response:
    """Where apps and the add-on lead: one button, since a GET must not begin anything."""
    return await _page("connect.html")


@blueprint.post("/connect")
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


@blueprint.post("/connect/sign-in")
@guarded(per_minute(30))
async def sign_in() -> Response:
    """Off to Google, which is asked who this is. The form may name the `page` its owner wanted."""
    page = wanted((await request.form).get("page", "")) or "/review"
    return await browser_session.remember_earlier(WANTED.keep(DEVICE.drop(await to_sign_in()), page))


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
    log.unexpected(error)
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
