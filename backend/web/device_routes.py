"""In the browser: letting a computer in, entering by ticket, and the list of computers."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.errors import Expired, NotFound, PitchgateError, Refused
from backend.pipeline.connect import LIFE
from backend.pipeline.device_request import DeviceRequest, read_request
from backend.web import browser_session as browser
from backend.web.api.door import desk
from backend.web.context import services
from backend.web.google_way import leading_to_google, secure, to_google
from backend.web.guards import content_policy, guarded, origin_of
from backend.web.limits import per_minute
from backend.web.pages import page

blueprint = Blueprint("devices", __name__)

KEPT = "pitchgate-device"
"""The cookie that keeps an app's request while its owner signs in at Google."""


@blueprint.get("/connect/device")
@guarded(per_minute(60))
async def ask() -> Response:
    """What an app wants, for the owner to confirm; he signs in first if he has not. Changes nothing."""
    try:
        asked = read_request(request.args)
    except Refused as error:
        return await _problem(error, 422)
    owner = await browser.signed_in()
    return await (_sign_in(asked) if owner is None else confirm(asked, owner.mailbox_id, owner.csrf))


@blueprint.post("/connect/device/sign-in")
@guarded(per_minute(30))
async def sign_in() -> Response:
    """Off to Google; the request waits in a cookie."""
    sealed = (await request.form).get("request", "")
    try:
        desk().unseal(sealed)
    except PitchgateError as error:
        return await _problem(error, 422)
    response = await to_google()
    response.set_cookie(
        KEPT,
        sealed,
        max_age=int(LIFE.total_seconds()),
        path="/connect",
        secure=secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@blueprint.post("/connect/device")
@guarded(per_minute(30))
async def answer() -> Response:
    """The owner's yes or no: back to the app's listener."""
    sent = await browser.signed_in_form()
    try:
        if sent is None:
            raise Expired("You were signed out meanwhile.", "Begin again in the app.")
        owner, fields = sent
        asked = desk().unseal(fields.get("request", ""))
    except PitchgateError as error:
        return await _problem(error, 422)
    if fields.get("answer") != "yes":
        return _see(asked.answer(error="denied"))
    return _see(await desk().consent(owner.mailbox_id, asked))


@blueprint.get("/enter")
@guarded(per_minute(30))
async def enter() -> Response:
    """A ticket signs this browser in, once."""
    if request.method == "HEAD":
        return Response(b"", 204)
    try:
        secret, where = await desk().enter(request.args.get("ticket", ""))
    except PitchgateError:
        gone = Expired("This link was used already, or is too old.", "Open the page from the app once more.")
        return await _problem(gone, 410)
    return browser.keep(_see("/devices" if where == "settings" else "/review"), secret)


@blueprint.get("/devices")
@guarded(per_minute(120))
async def devices() -> Response:
    """The owner's computers."""
    owner = await browser.signed_in()
    if owner is None:
        return await ask_to_sign_in()
    found = await desk().overview(owner.mailbox_id)
    return await page(
        "devices.html",
        email=found.mailbox.owner.email,
        devices=await desk().devices(owner.mailbox_id),
        own=owner.session.device_id,
        csrf=owner.csrf,
    )


@blueprint.post("/devices/remove")
@guarded(per_minute(60))
async def remove() -> Response:
    """End a computer's access."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    try:
        await desk().remove(owner.mailbox_id, fields.get("device_id", ""))
    except NotFound:
        return _see("/devices")  # it is gone, which is what was wanted
    return _see("/devices")


@blueprint.post("/sign-out")
@guarded(per_minute(60))
async def sign_out() -> Response:
    """End this browser's session."""
    sent = await browser.signed_in_form()
    if sent is not None:
        await desk().sign_out(sent[0].session)
    return browser.drop(_see("/"))


async def kept_request() -> DeviceRequest | None:
    """The app's request this browser has kept, if it keeps one that still counts."""
    sealed = request.cookies.get(KEPT, "")
    if not sealed or services().devices is None:
        return None
    try:
        return desk().unseal(sealed)
    except PitchgateError:
        return None


def without_request(response: Response) -> Response:
    """Let the browser forget it, if it keeps one."""
    if KEPT in request.cookies:
        response.delete_cookie(KEPT, path="/connect", secure=secure(), httponly=True, samesite="Lax")
    return response


async def confirm(asked: DeviceRequest, mailbox_id: str, csrf: str) -> Response:
    """The page with the question. Its form leads to us and on to the app's listener, and nowhere else."""
    found = await desk().overview(mailbox_id)
    response = await page(
        "device_confirm.html",
        name=asked.name,
        email=found.mailbox.owner.email,
        sealed=desk().seal(asked),
        csrf=csrf,
    )
    google = origin_of(services().settings.authorize_url)
    response.headers["Content-Security-Policy"] = content_policy(origin_of(asked.redirect_uri), google)
    return response


async def ask_to_sign_in() -> Response:
    """A page for an owner we do not know yet."""
    response = await page("sign_in.html", 401)
    return leading_to_google(response)


async def _sign_in(asked: DeviceRequest) -> Response:
    return leading_to_google(await page("device_sign_in.html", name=asked.name, sealed=desk().seal(asked)))


async def _problem(error: PitchgateError, status: int) -> Response:
    return await page("device_problem.html", status, title=error.title, text=error.remedy)


def _see(where: str) -> Response:
    return Response(b"", 303, headers={"Location": where})
