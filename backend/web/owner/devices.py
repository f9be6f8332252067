"""An owner's computers and signed-in browsers: connecting one, listing them, and ending their access."""

from __future__ import annotations

from contextlib import suppress

from quart import Blueprint, Response, request
from werkzeug.exceptions import Forbidden

from backend.domain.errors import NotFound, PitchgateError, Refused
from backend.domain.mail.message import MailboxId
from backend.locale import Words
from backend.pipeline.devices import DeviceRequest, read_request
from backend.transactions.records import Session
from backend.web import browser_session as browser
from backend.web.api.contract import service
from backend.web.browser_session import DEVICE, back, open_page, owner_page, page_texts, to_sign_in, wanted
from backend.web.guards import content_policy, from_elsewhere, guarded, origin_of, per_minute

# ---- Connecting a computer


blueprint = Blueprint("devices", __name__)
PLACES = {"settings": "/settings", "questions": "/review#ask"}
"""The pages that a sign-in ticket can lead to; any other leads to the review page."""


@blueprint.get("/connect/device")
@guarded(per_minute(60))
async def ask_to_connect() -> Response:
    """Ask the owner whether to connect an app; they sign in first if necessary. Changes nothing."""
    try:
        app_request = read_request(request.args)
    except Refused:
        return await _problem("malformed", 422)
    owner = await browser.signed_in_or_none()
    if owner is not None:
        return await confirm_page(app_request, owner.mailbox_id, owner.csrf)
    sealed = service().seal(app_request)
    return await open_page("device_sign_in.html", section="devices", name=app_request.name, sealed=sealed)


@blueprint.post("/connect/device/sign-in")
@guarded(per_minute(30))
async def sign_in_to_connect() -> Response:
    """Redirect to Google; the app's request waits in a cookie."""
    sealed = (await request.form).get("request", "")
    try:
        service().unseal(sealed)
    except PitchgateError as error:
        return await _refusal(error)
    return DEVICE.keep(await browser.remember_earlier(await to_sign_in()), sealed)


@blueprint.post("/connect/device")
@guarded(per_minute(30))
async def answer_connect() -> Response:
    """Take the owner's yes or no, and redirect to the app's listener."""
    try:
        owner, fields = await browser.signed_in_form()
    except browser.SignedOut:
        return await _problem("signed_out", 422)
    try:
        app_request = service().unseal(fields.get("request", ""))
    except PitchgateError as error:
        return await _refusal(error)
    if fields.get("answer") != "yes":
        return back(app_request.answer(error="denied"))
    return back(await service().consent(owner.mailbox_id, app_request))


@blueprint.get("/enter")
@guarded(per_minute(30))
async def enter_with_ticket() -> Response:
    """Sign this browser in with a ticket, which works once."""
    if request.method == "HEAD":
        return Response(b"", 204)
    # Only our app opens this URL. A link on another site could sign the browser in to somebody else's mailbox.
    if from_elsewhere():
        raise Forbidden
    try:
        secret, where = await service().enter(request.args.get("ticket", ""), browser.browser_name())
    except PitchgateError:
        return await _problem("ticket", 410)
    await browser.end_earlier(secret)
    return browser.keep_session(back(PLACES.get(where, "/review")), secret)


@blueprint.post("/sign-out")
@guarded(per_minute(60))
async def sign_out() -> Response:
    """End this browser's session."""
    with suppress(browser.SignedOut):
        owner, _ = await browser.signed_in_form()
        await service().sign_out(owner.session)
    return browser.drop_session(back("/"))


async def kept_request() -> DeviceRequest | None:
    """The app's request that waits in this browser's cookie, if there is a valid one."""
    sealed = DEVICE.read()
    if not sealed:
        return None
    try:
        return service().unseal(sealed)
    except PitchgateError:
        return None


async def confirm_page(app_request: DeviceRequest, mailbox_id: MailboxId, csrf: str) -> Response:
    """The page with the question. Its content policy allows the form to lead only to us and to the app's listener."""
    found = await service().overview(mailbox_id)
    response = await open_page(
        "device_confirm.html",
        section="devices",
        name=app_request.name,
        email=found.mailbox.owner.email,
        sealed=service().seal(app_request),
        csrf=csrf,
    )
    response.headers["Content-Security-Policy"] = content_policy(origin_of(app_request.redirect_uri))
    return response


@blueprint.app_errorhandler(browser.SignedOut)
async def _ask_to_sign_in(error: browser.SignedOut) -> Response:
    """The page for a visitor who is not signed in. Signing in leads to the page they asked for."""
    if isinstance(error, browser.HalfSent):
        return await open_page("opening.html", 401, section="connect")
    page = wanted(request.path) if request.method == "GET" else ""
    return await open_page("sign_in.html", 401, section="connect", page=page)


async def _refusal(error: PitchgateError) -> Response:
    code = error.code if isinstance(error, Refused) else ""
    return await _problem("code_expired" if code == "code_expired" else "malformed", 422)


async def _problem(key: str, status: int) -> Response:
    return await open_page("device_problem.html", status, section="devices", problem=key)


# ---- Computers and browsers: list and removal


sessions = Blueprint("sessions", __name__)

HANDLE = 24
"""A form names a session by so many hex digits of its hash, which are unique but cannot open the session."""

DONE = ("removed", "ended")


@sessions.get("/devices")
@guarded(per_minute(120))
async def show_devices() -> Response:
    """The owner's computers and browsers."""
    owner = await browser.signed_in()
    found = await service().overview(owner.mailbox_id)
    t = page_texts("devices")
    done, ended = request.args.get("done", ""), request.args.get("ended", "")
    if ended.isdecimal() and len(ended) < 5 and int(ended) > 0:
        done = t.count("ended_others", int(ended))
    else:
        done = t(done) if done in DONE else ""
    sessions = await service().sessions(owner.mailbox_id)
    return await owner_page(
        "devices.html",
        owner,
        found.mailbox,
        section="devices",
        here="settings",
        devices=await service().devices(owner.mailbox_id),
        own=owner.session.device_id,
        sessions=[(_handle(session), _name(session, t), session) for session in sessions],
        this=_handle(owner.session),
        done=done,
    )


@sessions.post("/devices/remove")
@guarded(per_minute(60))
async def remove_device() -> Response:
    """End a computer's access."""
    owner, fields = await browser.signed_in_form()
    try:
        await service().remove(owner.mailbox_id, fields.get("device_id", ""))
    except NotFound:
        return back("/devices", done="removed")  # it is gone already, which is what the owner wants
    return back("/devices", done="removed")


@sessions.post("/devices/browsers/end")
@guarded(per_minute(60))
async def end_browser() -> Response:
    """Sign one browser out."""
    owner, fields = await browser.signed_in_form()
    for session in await service().sessions(owner.mailbox_id):
        if _handle(session) == fields.get("session", ""):
            await service().sign_out(session)
    return back("/devices", done="ended")


@sessions.post("/devices/browsers/end-others")
@guarded(per_minute(60))
async def end_other_browsers() -> Response:
    """Sign out all browsers except this one."""
    owner, _ = await browser.signed_in_form()
    return back("/devices", ended=str(await service().end_others(owner.session)))


def _handle(session: Session) -> str:
    return session.token_hash[:HANDLE]


def _name(session: Session, t: Words) -> str:
    name, _, system = session.browser.partition("/")
    if not name:
        return t("browser_unknown")
    return t("browser_on", browser=name, system=system) if system else name
