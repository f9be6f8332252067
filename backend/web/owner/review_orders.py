"""What an owner orders on the review pages. Plain forms; each carries the key its order is known by, so that the same
form sent twice is one order. All lead back to the page they came from, which tells what was done."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.decisions import Decision, Origin, RuleKind
from backend.domain.watching.trial import Answer
from backend.pipeline.review import malformed
from backend.web import browser_session as browser
from backend.web.api.authentication import service as devices
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.entry import back, visitor_form
from backend.web.owner.review_look import way_back
from backend.web.owner.review_routes import service
from backend.web.owner.review_show import ORDERS, WITH_EARLIER

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
    owner, fields = await browser.signed_in_form()
    here = fields.get("back", "")
    if fields.get("one"):
        name, *picked = fields["one"].split()
    else:
        name = fields.get("bulk", "")
        picked = " ".join((await request.form).getlist("pick")).split()
    decision = Decision.BLOCK if name == BLOCK_AND_LEAVE else name
    if name == NOTHING or not picked:
        return back(way_back(here, done=NOTHING))
    if decision not in ORDERS:
        raise Refused("malformed.decision")
    key = fields.get("order", "")
    # A line of the list is named by its newest message, with a sign that it stands for the sender's earlier ones.
    ids = [one.removeprefix(WITH_EARLIER) for one in picked]
    whole = {one[1:] for one in picked if one.startswith(WITH_EARLIER)}
    done = await service().order(owner.mailbox_id, key, Decision(decision), ids, whole)
    if name == BLOCK_AND_LEAVE and done.applied:
        await service().unsubscribe(owner.mailbox_id, done.applied[0])
    if not done.applied:
        return back(way_back(here, done="lost" if done.lost else "again"))
    lost = str(done.lost) if done.lost else ""
    return back(way_back(here, done=decision, n=str(len(done.applied)), lost=lost, order=key))


@blueprint.post("/answer")
@guarded(per_minute(120))
async def say() -> Response:
    """Answer one of the questions about messages that were drawn."""
    owner, fields = await browser.signed_in_form()
    answer, _, gmail_id = fields.get("say", "").partition(" ")
    notice = "answered"
    if answer not in tuple(Answer):
        raise malformed("answer")
    try:
        await devices().say(owner.mailbox_id, gmail_id, Answer(answer), Origin.PAGE)
    except NotFound:
        notice = "lost"
    return back(way_back(fields.get("back", ""), done=notice))


@blueprint.post("/welcome")
@guarded(per_minute(60))
async def welcome() -> Response:
    """Welcome one more topic."""
    (owner, mailbox), fields = await visitor_form()
    wanted = sorted(mailbox.preferences.welcome | {fields.get("topic", "")})
    await devices().prefer(owner.mailbox_id, {"welcome": wanted})
    return back(way_back(fields.get("back", ""), done="welcome"))


@blueprint.post("/undo")
@guarded(per_minute(120))
async def undo() -> Response:
    """Take an order back, all of it."""
    owner, fields = await browser.signed_in_form()
    notice = "undone"
    try:
        await service().undo(owner.mailbox_id, fields.get("key", ""))
    except NotFound:
        notice = "lost"
    except Refused as error:
        if error.code != "no_credit":
            raise
        notice = "no_credit"
    return back(way_back(fields.get("back", ""), done=notice))


@blueprint.post("/credits")
@guarded(per_minute(60))
async def credits() -> Response:
    """Give a sender credits, or take some."""
    owner, fields = await browser.signed_in_form()
    amount, way, key = fields.get("amount", ""), fields.get("way", ""), fields.get("order", "")
    if way not in ("give", "take") or not (amount.isascii() and amount.isdecimal() and len(amount) < 4):
        raise malformed("amount")
    signed = int(amount) if way == "give" else -int(amount)
    try:
        balance = await service().give(owner.mailbox_id, key, fields.get("address", ""), signed)
    except Refused as error:
        if error.code != "no_credit":
            raise
        return back(way_back(fields.get("back", ""), done="no_credit"))
    return back(way_back(fields.get("back", ""), done="credits", balance=str(balance), order=key))


@blueprint.post("/rule")
@guarded(per_minute(60))
async def rule() -> Response:
    """Set or drop the rule for an address or a domain, about mail to come."""
    owner, fields = await browser.signed_in_form()
    if fields.get("rule") not in RULES:
        raise malformed("rule")
    await service().set_rule(owner.mailbox_id, fields.get("subject", ""), RULES[fields["rule"]])
    return back(way_back(fields.get("back", ""), done="rule"))


@blueprint.post("/unsubscribe")
@guarded(per_minute(20), patience=30.0)
async def unsubscribe() -> Response:
    """Order it again, where it did not work."""
    owner, fields = await browser.signed_in_form()
    try:
        await service().unsubscribe(owner.mailbox_id, fields.get("gmail_id", ""))
    except NotFound:
        return back(way_back(fields.get("back", ""), done="lost"))
    return back(way_back(fields.get("back", "")))
