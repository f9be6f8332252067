"""The review page: held mail by sender, why it was held, and the owner's word on it. Plain forms, no script."""

from __future__ import annotations

from urllib.parse import urlencode

from quart import Blueprint, Response, request

from backend.domain.condition import explain
from backend.domain.correction import Decision
from backend.domain.errors import NotFound, Refused
from backend.pipeline.devices import rule_domain
from backend.web import browser_session as browser
from backend.web.api.door import desk
from backend.web.api.reading import packed_cursor, read_cursor
from backend.web.context import services
from backend.web.device_routes import ask_to_sign_in
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.pages import page

blueprint = Blueprint("review", __name__, url_prefix="/review")

PAGE = 25
QUERY_MOST = 200
DONE = {
    Decision.RELEASE: "Released: the mail is on its way to your inbox.",
    Decision.ALLOW: "Allowed: this sender comes to your inbox from now on.",
    Decision.ALLOW_DOMAIN: "Allowed: the whole domain comes to your inbox from now on.",
    Decision.BLOCK: "Blocked: this sender stays held, without an answer.",
    Decision.BLOCK_DOMAIN: "Blocked: the whole domain stays held, without an answer.",
    Decision.SALES: "Held after all.",
}


@blueprint.get("")
@guarded(per_minute(120))
async def review() -> Response:
    """One page of held senders."""
    owner = await browser.signed_in()
    if owner is None:
        return await ask_to_sign_in()
    query = request.args.get("q", "").strip()[:QUERY_MOST]
    try:
        cursor = read_cursor(request.args.get("cursor", ""))
    except Refused:
        cursor = None
    found = await desk().overview(owner.mailbox_id)
    held = await desk().held(owner.mailbox_id, query, cursor, PAGE)
    done = request.args.get("done", "")
    return await page(
        "review.html",
        mailbox=found.mailbox,
        state=explain(found.mailbox, services().clock.now()),
        counts=found,
        held=held,
        domains={group.sender: rule_domain(group.sender) for group in held.senders},
        following=urlencode({"q": query, "cursor": packed_cursor(held.cursor)}) if held.cursor else "",
        beginning=cursor is None,
        query=query,
        csrf=owner.csrf,
        done=DONE.get(Decision(done)) if done in DONE else None,
        key=request.args.get("key", ""),
        undone="undone" in request.args,
        lost="lost" in request.args,
    )


@blueprint.get("/mail/<gmail_id>")
@guarded(per_minute(30), patience=25.0)
async def mail(gmail_id: str) -> Response:
    """One message with its text, fetched now."""
    owner = await browser.signed_in()
    if owner is None:
        return await ask_to_sign_in()
    view = await desk().message(owner.mailbox_id, gmail_id)
    return await page(
        "review_mail.html",
        view=view,
        domain=rule_domain(view.sender),
        preview=await desk().preview(owner.mailbox_id, gmail_id),
        csrf=owner.csrf,
    )


@blueprint.post("/decide")
@guarded(per_minute(120))
async def decide() -> Response:
    """The owner's word on one message and, where he says so, on its sender or domain."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    if fields.get("decision") not in DONE:
        raise Refused("There is no such decision.", "Go back and choose one of the buttons.")
    decision = Decision(fields["decision"])
    try:
        key = await desk().decide(owner.mailbox_id, fields.get("gmail_id", ""), decision)
    except NotFound:
        return _back(lost="1")
    return _back(done=decision, key=key)


@blueprint.post("/undo")
@guarded(per_minute(120))
async def undo() -> Response:
    """Take a decision back."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    try:
        await desk().undo(owner.mailbox_id, fields.get("key", ""))
    except NotFound:
        return _back(lost="1")
    return _back(undone="1")


def _back(**told: str) -> Response:
    return Response(b"", 303, headers={"Location": f"/review?{urlencode(told)}"})
