"""An owner's computers and signed-in browsers: who may see their held mail, and ending that."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.errors import NotFound
from backend.locale.words import Words
from backend.transactions.records import Session
from backend.web import browser_session as browser
from backend.web.api.authentication import service
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.entry import back
from backend.web.owner.page import owner_page, words

blueprint = Blueprint("sessions", __name__)

HANDLE = 24
"""Hex digits of its hash that name a session in a form: enough to be unique, and of no use to open one."""

DONE = ("removed", "ended")


@blueprint.get("/devices")
@guarded(per_minute(120))
async def devices() -> Response:
    """The owner's computers and browsers."""
    owner = await browser.signed_in()
    found = await service().overview(owner.mailbox_id)
    t = words("devices")
    done, ended = request.args.get("done", ""), request.args.get("ended", "")
    if ended.isdecimal() and int(ended[:4]) > 0:
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


@blueprint.post("/devices/remove")
@guarded(per_minute(60))
async def remove() -> Response:
    """End a computer's access."""
    owner, fields = await browser.signed_in_form()
    try:
        await service().remove(owner.mailbox_id, fields.get("device_id", ""))
    except NotFound:
        return back("/devices", done="removed")  # it is gone, which is what was wanted
    return back("/devices", done="removed")


@blueprint.post("/devices/browsers/end")
@guarded(per_minute(60))
async def end() -> Response:
    """Sign one browser out."""
    owner, fields = await browser.signed_in_form()
    for session in await service().sessions(owner.mailbox_id):
        if _handle(session) == fields.get("session", ""):
            await service().sign_out(session)
    return back("/devices", done="ended")


@blueprint.post("/devices/browsers/end-others")
@guarded(per_minute(60))
async def end_others() -> Response:
    """Sign every browser out but this one."""
    sent = await browser.signed_in_form()
    return back("/devices", ended=str(await service().end_others(sent[0].session)))


def _handle(session: Session) -> str:
    return session.token_hash[:HANDLE]


def _name(session: Session, t: Words) -> str:
    name, _, system = session.browser.partition("/")
    if not name:
        return t("browser_unknown")
    return t("browser_on", browser=name, system=system) if system else name
