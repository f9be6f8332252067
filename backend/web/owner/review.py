"""The review pages: lists by sender, one message with its text, one sender. They change nothing."""

from __future__ import annotations

from quart import Blueprint, Response, request

from backend.domain.reading.score import LIKENESS
from backend.pipeline.decide import MOST_ORDERED
from backend.pipeline.review import ReviewService
from backend.web import browser_session as browser
from backend.web.api.authentication import service as devices
from backend.web.api.routes import packed_cursor
from backend.web.browser_session import owner_page, words
from backend.web.guards import guarded, per_minute
from backend.web.owner import review_show as show
from backend.web.owner.review_show import VIEWS, WITH_EARLIER, list_view_from, position_of, sender_address
from backend.web.services import services

blueprint = Blueprint("review", __name__, url_prefix="/review")

PAGE = 15
SENDER_PAGE = 30


def service() -> ReviewService:
    """Those of this app."""
    return services().review


@blueprint.app_template_filter("plain")
def _plain(text: str) -> str:
    return show.plain(text)


@blueprint.get("")
@guarded(per_minute(120))
async def review() -> Response:
    """One page of a list."""
    owner = await browser.signed_in()
    look, t = list_view_from(request.args), words("review")
    listed = await service().listing(owner.mailbox_id, look.wanted, look.position, PAGE)
    first = look.view == "held" and not look.narrow and not look.cursor
    notice = show.notice(request.args, t, listed.mailbox.lost is not None)
    return await owner_page(
        "review.html",
        owner,
        listed.mailbox,
        section="review",
        here="held",
        show=show,
        look=look,
        views=VIEWS,
        bands=LIKENESS,
        listed=listed,
        asked=await devices().questions(owner.mailbox_id) if first else (),
        following=look.behind(listed.position) if listed.position else "",
        back=look.address(),
        order=service().key(),
        most=MOST_ORDERED,
        notice=notice,
    )


@blueprint.get("/mail/<gmail_id>")
@guarded(per_minute(30), patience=25.0)
async def mail(gmail_id: str) -> Response:
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
async def sender() -> Response:
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
        notice=show.notice(request.args, words("review"), found.mailbox.lost is not None),
    )
