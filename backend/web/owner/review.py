"""The review pages: lists by sender, one message with its text, one sender; the owner's orders there and by a digest's
link; and live updates of an open page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

from quart import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from backend.domain.errors import NotFound, Refused
from backend.domain.mailbox.decisions import Decision, LateOrder, Order, Origin, RuleKind
from backend.domain.mailbox.review import shelf_of
from backend.domain.reading.score import SCORE_BANDS
from backend.domain.watching.trial import Answer
from backend.locale import Words, catalogue
from backend.pipeline import decide as deciding
from backend.pipeline import owner_digest
from backend.pipeline.decide import MOST_ORDERED, malformed
from backend.pipeline.owner_digest import Offered
from backend.pipeline.review import ReviewService
from backend.transactions.records import Event, EventKind
from backend.web import browser_session as browser
from backend.web.api.contract import service as devices
from backend.web.api.routes import packed_cursor
from backend.web.browser_session import back, owner_page, page_texts
from backend.web.guards import guarded, per_link, per_minute, per_network
from backend.web.owner import review_show as show
from backend.web.owner.review_show import (
    DECISION_NAMES,
    VIEWS,
    WITH_EARLIER,
    list_view_from,
    plain,
    position_of,
    return_url,
    sender_address,
)
from backend.web.pages import page, words_for
from backend.web.services import Feed, line, services, streamed, streams

# ---- The pages, which change nothing


blueprint = Blueprint("review", __name__, url_prefix="/review")

PAGE = 15
SENDER_PAGE = 30


def service() -> ReviewService:
    return services().review


@blueprint.app_template_filter("plain")
def _plain(text: str) -> str:
    return show.plain(text)


@blueprint.get("")
@guarded(per_minute(120))
async def show_review() -> Response:
    """One page of a list."""
    owner = await browser.signed_in()
    look, t = list_view_from(request.args), page_texts("review")
    listed = await service().listing(owner.mailbox_id, look.wanted, look.position, PAGE)
    first = look.view == "held" and not look.narrow and not look.cursor
    notice = show.notice_from(request.args, t, listed.mailbox.lost is not None)
    return await owner_page(
        "review.html",
        owner,
        listed.mailbox,
        section="review",
        here="held",
        show=show,
        look=look,
        views=VIEWS,
        bands=SCORE_BANDS,
        listed=listed,
        asked=await devices().questions(owner.mailbox_id) if first else (),
        following=look.page_after(listed.position) if listed.position else "",
        back=look.address(),
        order=service().key(),
        most=MOST_ORDERED,
        notice=notice,
    )


@blueprint.get("/mail/<gmail_id>")
@guarded(per_minute(30), timeout=25.0)
async def show_mail(gmail_id: str) -> Response:
    """One message with its text, fetched now."""
    owner = await browser.signed_in()
    letter = await service().letter(owner.mailbox_id, gmail_id)
    theirs = await service().held_of(owner.mailbox_id, letter.view.sender)
    held = theirs.messages if letter.view.gmail_id in {one.gmail_id for one in theirs.messages} else ()
    return await owner_page(
        "review_mail.html",
        owner,
        letter.mailbox,
        section="review",
        here="held",
        show=show,
        letter=letter,
        view=letter.view,
        also=[one for one in held if one.gmail_id != letter.view.gmail_id],
        more=theirs.more > 0,
        first_held=held[-1].received_at or held[-1].first_seen_at if held else None,
        whole=f"{WITH_EARLIER}{held[0].gmail_id}" if held else "",
        pieces=show.pieces(letter.shown.text, letter.shown.marks),
        back=list_view_from(request.args).address(),
        order=service().key(),
        latest=(await service().news(owner.mailbox_id, owner.session.token_hash, None, 0)).latest,
    )


@blueprint.get("/sender")
@guarded(per_minute(120))
async def show_sender() -> Response:
    """Everything on record about one sender."""
    owner = await browser.signed_in()
    address = request.args.get("address", "")[:400]
    after = position_of(request.args.get("cursor", ""))
    found = await service().sender_profile(owner.mailbox_id, address, after, SENDER_PAGE)
    return await owner_page(
        "review_sender.html",
        owner,
        found.mailbox,
        section="review",
        here="held",
        show=show,
        found=found,
        leaving={one.gmail_id: one for one in found.unsubscriptions},
        following=sender_address(found.address, packed_cursor(found.position)) if found.position else "",
        beginning=after is None,
        back=sender_address(found.address),
        order=service().key(),
        notice=show.notice_from(request.args, page_texts("review"), found.mailbox.lost is not None),
    )


# ---- Orders on the review pages
# Plain forms. Each contains the key of its order, so that a form sent twice is applied once. All redirect to the page
# they came from, which shows what was done.


orders = Blueprint("review_orders", __name__, url_prefix="/review")

BLOCK_AND_LEAVE = "block_off"
"""Block the sender, and unsubscribe from their list with its one-click offer."""

MOST_EARLIER_ORDERS = 200
"""Most keys of earlier orders that are read. A browser keeps fewer."""

NOTHING = "nothing"
"""The order that is sent by pressing Enter in a form."""

KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")

RULES = {"allow": RuleKind.ALLOW, "block": RuleKind.BLOCK, "none": None}


@orders.post("/decide")
@guarded(per_minute(120), timeout=30.0)
async def decide() -> Response:
    """Apply a decision to one message (button `one`) or to all ticked ones (button `bulk`)."""
    owner, fields = await browser.signed_in_form()
    here = fields.get("back", "")
    if fields.get("one"):
        name, *picked = fields["one"].split()
    else:
        name = fields.get("bulk", "")
        picked = " ".join((await request.form).getlist("pick")).split()
        if picked and fields.get("all"):
            picked = await service().held_until(owner.mailbox_id, _moment(fields["all"]))
    decision = Decision.BLOCK if name == BLOCK_AND_LEAVE else name
    if name == NOTHING or not picked:
        return back(return_url(here, done=NOTHING))
    if decision not in DECISION_NAMES:
        raise Refused("malformed.decision")
    # A line of the list is named by its newest message; a prefix means that it includes the sender's earlier ones.
    ids = [one.removeprefix(WITH_EARLIER) for one in picked]
    whole = {one[1:] for one in picked if one.startswith(WITH_EARLIER)}
    order = Order(
        checked_key(fields.get("order", "")), Decision(decision), ids, Origin.PAGE, whole, _late_order(fields)
    )
    done = await deciding.carry_out(services().context, owner.mailbox_id, order)
    if name == BLOCK_AND_LEAVE and done.applied:
        await service().unsubscribe(owner.mailbox_id, done.applied[0])
    if not done.applied:
        return back(
            return_url(here, done="overruled" if done.overruled else "lost" if done.lost else "again")
        )
    also = {name: str(n) for name, n in (("lost", done.lost), ("overruled", done.overruled)) if n}
    return back(return_url(here, done=decision, n=str(len(done.applied)), **also, order=order.key))


def _moment(text: str) -> datetime:
    """The time up to which messages are meant. Raises `Refused` (malformed)."""
    try:
        return datetime.fromisoformat(text[:40]).astimezone(UTC)
    except (ValueError, OverflowError):
        raise malformed("all") from None


def checked_key(key: str) -> str:
    """`key`, if it looks like one of ours. Raises `Refused` (malformed)."""
    if not KEY.fullmatch(key):
        raise malformed("order")
    return key


def _late_order(fields: Mapping[str, str]) -> LateOrder | None:
    """Whether the page's script sends the order late. It says how long ago the owner gave it, not when, because its
    clock may differ from ours; and the keys of its earlier orders."""
    age = fields.get("age", "")
    if not (age.isascii() and age.isdecimal() and len(age) < 10):
        return None
    earlier = frozenset(fields.get("after", "").split()[:MOST_EARLIER_ORDERS])
    return LateOrder(services().context.clock.now() - timedelta(milliseconds=int(age)), earlier)


@orders.post("/answer")
@guarded(per_minute(120))
async def answer_question() -> Response:
    """Answer one of the questions about sampled messages."""
    owner, fields = await browser.signed_in_form()
    answer, _, gmail_id = fields.get("say", "").partition(" ")
    notice = "answered"
    if answer not in tuple(Answer):
        raise malformed("answer")
    try:
        await deciding.answer(services().context, owner.mailbox_id, gmail_id, Answer(answer), Origin.PAGE)
    except NotFound:
        notice = "lost"
    return back(return_url(fields.get("back", ""), done=notice))


@orders.post("/undo")
@guarded(per_minute(120))
async def undo_decision() -> Response:
    """Undo a whole order."""
    owner, fields = await browser.signed_in_form()
    notice = "undone"
    try:
        await deciding.take_back(services().context, owner.mailbox_id, checked_key(fields.get("key", "")))
    except NotFound:
        notice = "lost"
    except Refused as error:
        if error.code != "no_credit":
            raise
        notice = "no_credit"
    return back(return_url(fields.get("back", ""), done=notice))


@orders.post("/credits")
@guarded(per_minute(60))
async def change_credits() -> Response:
    """Give credits to a sender, or take some."""
    owner, fields = await browser.signed_in_form()
    amount, way, key = fields.get("amount", ""), fields.get("way", ""), fields.get("order", "")
    if way not in ("give", "take") or not (amount.isascii() and amount.isdecimal() and len(amount) < 4):
        raise malformed("amount")
    signed = int(amount) if way == "give" else -int(amount)
    try:
        balance = await deciding.give(
            services().context,
            owner.mailbox_id,
            f"page:{checked_key(key)}",
            fields.get("address", ""),
            signed,
        )
    except Refused as error:
        if error.code != "no_credit":
            raise
        return back(return_url(fields.get("back", ""), done="no_credit"))
    return back(return_url(fields.get("back", ""), done="credits", balance=str(balance), order=key))


@orders.post("/rule")
@guarded(per_minute(60))
async def save_rule() -> Response:
    """Set or remove the rule for an address or a domain. It applies to future mail only."""
    owner, fields = await browser.signed_in_form()
    if fields.get("rule") not in RULES:
        raise malformed("rule")
    kind = RULES[fields["rule"]]
    await deciding.set_rule(services().context, owner.mailbox_id, fields.get("subject", ""), kind)
    return back(return_url(fields.get("back", ""), done="rule"))


@orders.post("/unsubscribe")
@guarded(per_minute(20), timeout=30.0)
async def unsubscribe() -> Response:
    """Unsubscribe from a list again, after it has failed."""
    owner, fields = await browser.signed_in_form()
    try:
        await service().unsubscribe(owner.mailbox_id, fields.get("gmail_id", ""))
    except NotFound:
        return back(return_url(fields.get("back", ""), done="lost"))
    return back(return_url(fields.get("back", "")))


# ---- Live updates of a review page
# Server-sent events for the page's script:
# mail {"id", "shelf", "text"}  a message has moved; `text` says where to, in the page's language
# note {"id", "line"}           its sender has written a note to the owner
# lost {}                       changes were missed: the page must be loaded again


live = Blueprint("review_live", __name__, url_prefix="/review")

MOST_TABS = 4
"""Most event streams of one browser. Browsers open at most six connections to a server, and pages need some."""


@live.get("/events")
@guarded(per_minute(120))
async def stream_events() -> Response:
    """Server-sent events from `after`, or from where the browser left off."""
    owner = await browser.signed_in_or_none()
    # 204 tells a browser not to connect again, without an error in its console.
    if owner is None or streams().open[owner.session.token_hash] >= MOST_TABS:
        return Response(b"", 204)
    reviews, mailbox_id, name = service(), owner.mailbox_id, owner.session.token_hash
    return streamed(
        Feed(
            name=name,
            notifier=reviews.changed(mailbox_id),
            look=lambda after, limit: reviews.news(mailbox_id, name, after, limit),
            as_text=partial(_event, page_texts("review")),
            missed="lost",
        ),
        request.headers.get("Last-Event-ID", "") or request.args.get("after", ""),
    )


def _event(t: Words, event: Event) -> bytes:
    """A change as a server-sent event; b"" if review pages do not show it."""
    if event.kind is EventKind.STATUS:
        return b""
    if event.kind is EventKind.NOTE:
        note = plain(event.message.note) if event.message else ""
        return line(event.id, "note", {"id": event.gmail_id, "line": note})
    shelf = shelf_of(event.message) if event.message else None
    text = t(f"place_{shelf or 'none'}")
    return line(event.id, "mail", {"id": event.gmail_id, "shelf": shelf or "", "text": text})


# ---- The page behind a digest link
# Opening it changes nothing. Its button works without signing in, because somebody with the link can read the owner's
# mail anyway.


digest_links = Blueprint("digest", __name__, url_prefix="/d")


@digest_links.get("/<token>")
@guarded(per_minute(120), per_network(600))
async def show_digest(token: str) -> Response:
    """Show what the link would do, or what it has done."""
    return await _digest_link_page(await owner_digest.offered(services().context, token))


@digest_links.post("/<token>")
@guarded(per_minute(60), per_network(240), per_link(30, minutes=10))
async def use_digest(token: str) -> AnyResponse:
    """Make the link's decision, once."""
    await owner_digest.use(services().context, token)
    return redirect(url_for("digest.show_digest", token=token), 303)


@digest_links.post("/<token>/undo")
@guarded(per_minute(60), per_network(240), per_link(30, minutes=10))
async def undo_digest(token: str) -> AnyResponse:
    """Undo it, once."""
    await owner_digest.use(services().context, token, back=True)
    return redirect(url_for("digest.show_digest", token=token), 303)


async def _digest_link_page(found: Offered | None) -> Response:
    """The page in the owner's language; for an unknown link, in the browser's."""
    if found is None:
        words, state, status = words_for("digest_page", request.accept_languages), "unknown", 404
    else:
        words = Words(catalogue(found.mailbox.preferences.language).section("digest_page", "digest", "card"))
        state, status = _state(found), 410 if found.expired else 200
    response = await page("digest_act.html", status, t=words, language=words.tag, state=state, found=found)
    response.headers["Vary"] = "Accept-Language"
    return response


def _state(found: Offered) -> str:
    if found.expired:
        return "expired"
    if found.link.undone_at is not None:
        return "undone"
    return "open" if found.link.used_at is None else "done"
