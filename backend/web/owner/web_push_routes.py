"""Notifications in a browser, switched on and off by its owner; and the new address of one that has got another."""

from __future__ import annotations

from quart import Blueprint, Response, request
from werkzeug.exceptions import Forbidden

from backend.pipeline.devices import WebPushService
from backend.web import browser_session as browser
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.entry import back
from backend.web.owner.page import words
from backend.web.services import services

blueprint = Blueprint("web_push", __name__, url_prefix="/settings/notifications")


@blueprint.post("/on")
@guarded(per_minute(20))
async def on() -> Response:
    """Tell this browser from now on."""
    owner, fields = await browser.signed_in_form()
    where, key = _address(fields), fields.get("key", "")
    await service().switch_on(owner.session, *where, key, words("settings").language)
    return back("/settings", done="notified")


@blueprint.post("/off")
@guarded(per_minute(20))
async def off() -> Response:
    """Tell it nothing more."""
    sent = await browser.signed_in_form()
    await service().switch_off(sent[0].session)
    return back("/settings", done="not_notified")


@blueprint.post("/moved")
@guarded(per_minute(20))
async def moved() -> Response:
    """The browser's own worker, which has no page and so no form token, tells of a new address. What is asked of it
    instead no page of another site can send."""
    if request.headers.get("Sec-Fetch-Site") != "same-origin":
        raise Forbidden
    owner = await browser.signed_in()
    fields = {name: str(value) for name, value in (await request.form).items()}
    await service().moved(owner.session, *_address(fields))
    return Response(b"", 204)


def service() -> WebPushService:
    """That of this app."""
    return services().web_push


def _address(fields: dict[str, str]) -> tuple[str, str, str]:
    return fields.get("endpoint", ""), fields.get("p256dh", ""), fields.get("auth", "")
