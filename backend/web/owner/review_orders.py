"""What an owner orders on the review pages. Plain forms; each carries the key its order is known by, so that the same
form sent twice is one order. All lead back to the page they came from, which tells what was done."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.correction import Decision, RuleKind
from backend.pipeline.review import malformed
from backend.web import browser_session as browser
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.device_routes import ask_to_sign_in
from backend.web.owner.review_look import way_back
from backend.web.owner.review_routes import service
from backend.web.owner.review_show import ORDERS

blueprint = Blueprint("review_orders", __name__, url_prefix="/review")

BLOCK_AND_LEAVE = "block_off"
"""Block the sender and have them told, by their own list's one click."""

NOTHING = "nothing"
"""What Enter in a form orders."""

RULES = {"allow": RuleKind.ALLOW, "block": RuleKind.BLOCK, "none": None}


@blueprint.post("/decide")
@guarded(per_minute(120), patience=30.0)
async def decide() -> Response:
    """One decision about one message (button `one`) or about all that are ticked (button `bulk`)."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    back = fields.get("back", "")
    if fields.get("one"):
        name, _, gmail_id = fields["one"].partition(" ")
        picked = [gmail_id]
    else:
        name, picked = fields.get("bulk", ""), (await request.form).getlist("pick")
    decision = Decision.BLOCK if name == BLOCK_AND_LEAVE else name
    if name == NOTHING or not picked:
        return _to(way_back(back, told=NOTHING))
    if decision not in ORDERS:
        raise Refused("There is no such decision.", "Go back and choose one of the buttons.")
    key = fields.get("order", "")
    done = await service().order(owner.mailbox_id, key, Decision(decision), picked)
    if name == BLOCK_AND_LEAVE and done.applied:
        await service().unsubscribe(owner.mailbox_id, done.applied[0])
    if not done.applied:
        return _to(way_back(back, told="lost" if done.lost else "again"))
    lost = str(done.lost) if done.lost else ""
    return _to(way_back(back, told=decision, n=str(len(done.applied)), lost=lost, order=key))


@blueprint.post("/undo")
@guarded(per_minute(120))
async def undo() -> Response:
    """Take an order back, all of it."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    told = "undone"
    try:
        await service().undo(owner.mailbox_id, fields.get("key", ""))
    except NotFound:
        told = "lost"
    except Refused as error:
        if error.code != "no_credit":
            raise
        told = "no_credit"
    return _to(way_back(fields.get("back", ""), told=told))


@blueprint.post("/credits")
@guarded(per_minute(60))
async def credits() -> Response:
    """Give a sender credits, or take some."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    amount, way, key = fields.get("amount", ""), fields.get("way", ""), fields.get("order", "")
    if way not in ("give", "take") or not (amount.isascii() and amount.isdecimal() and len(amount) < 4):
        raise malformed("amount")
    signed = int(amount) if way == "give" else -int(amount)
    try:
        balance = await service().give(owner.mailbox_id, key, fields.get("address", ""), signed)
    except Refused as error:
        if error.code != "no_credit":
            raise
        return _to(way_back(fields.get("back", ""), told="no_credit"))
    return _to(way_back(fields.get("back", ""), told="credits", balance=str(balance), order=key))


@blueprint.post("/rule")
@guarded(per_minute(60))
async def rule() -> Response:
    """Set or drop the rule for an address or a domain, about mail to come."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    if fields.get("rule") not in RULES:
        raise malformed("rule")
    await service().set_rule(owner.mailbox_id, fields.get("subject", ""), RULES[fields["rule"]])
    return _to(way_back(fields.get("back", ""), told="rule"))


@blueprint.post("/unsubscribe")
@guarded(per_minute(20), patience=30.0)
async def unsubscribe() -> Response:
    """Order it again, where it did not work."""
    sent = await browser.signed_in_form()
    if sent is None:
        return await ask_to_sign_in()
    owner, fields = sent
    try:
        await service().unsubscribe(owner.mailbox_id, fields.get("gmail_id", ""))
    except NotFound:
        return _to(way_back(fields.get("back", ""), told="lost"))
    return _to(way_back(fields.get("back", "")))


def _to(where: str) -> Response:
    return Response(b"", 303, headers={"Location": where})
