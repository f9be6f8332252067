"""What changes while a review page is open, as server-sent events for the page's own script.

mail     {"id", "shelf", "text"}   a message stands elsewhere now; `text` says where, in the page's language
note     {"id", "line"}            its sender has written a line to the owner
lost     {}                        changes were missed: the page is to be loaded again
"""

from __future__ import annotations

from functools import partial

from quart import Blueprint, Response, request

from backend.domain.mailbox.review import shelf_of
from backend.locale.words import Words
from backend.transactions.records import Event, EventKind
from backend.web import browser_session as browser
from backend.web.guards import guarded
from backend.web.limits import per_minute
from backend.web.owner.page import words
from backend.web.owner.review_routes import service
from backend.web.owner.review_show import plain
from backend.web.streams import Feed, line, streamed, streams

blueprint = Blueprint("review_live", __name__, url_prefix="/review")

MOST_TABS = 4
"""Streams of one browser. It opens six connections to a server at most, and pages need some of them."""


@blueprint.get("/events")
@guarded(per_minute(120))
async def events() -> Response:
    """Server-sent events from `after`, or from where the browser left off."""
    owner = await browser.present()
    # 204 tells a browser not to come again, where an error would stand in its console.
    if owner is None or streams().open[owner.session.token_hash] >= MOST_TABS:
        return Response(b"", 204)
    here, mailbox_id, name = service(), owner.mailbox_id, owner.session.token_hash
    return streamed(
        Feed(
            name=name,
            notifier=here.changed(mailbox_id),
            look=lambda after, limit: here.news(mailbox_id, name, after, limit),
            as_text=partial(_event, words("review")),
            missed="lost",
        ),
        request.headers.get("Last-Event-ID", "") or request.args.get("after", ""),
    )


def _event(t: Words, event: Event) -> bytes:
    """The bytes of one change; b"" for one that no review page shows."""
    if event.kind is EventKind.STATUS:
        return b""
    if event.kind is EventKind.NOTE:
        note = plain(event.message.note) if event.message else ""
        return line(event.id, "note", {"id": event.gmail_id, "line": note})
    stands = shelf_of(event.message) if event.message else None
    text = t(f"place_{stands or 'none'}")
    return line(event.id, "mail", {"id": event.gmail_id, "shelf": stands or "", "text": text})
