"""showing: one message as its owner sees it, fetched now and kept nowhere. The same for page and desktop app."""

from __future__ import annotations

from backend.domain.mail.message import Owner
from backend.domain.mailbox.message import MessageView
from backend.domain.reading.score import Reason, Score, Shown
from backend.pipeline.context import Context


async def shown(context: Context, view: MessageView, owner: Owner) -> Shown:
    """Text and marks of a message we know of. Raises as `Gmail.fetch` and `Reader.show` do."""
    fetched = await context.gmail.fetch(view.mailbox_id, view.gmail_id)
    return await context.reader.show(fetched, owner, weighed(view))


def weighed(view: MessageView) -> Score:
    """The score that decided, with its reasons, from what is kept of it."""
    reasons = tuple(
        Reason(str(r.get("text", "")), float(r.get("weight", 0.0)), tuple(map(str, r.get("words", ()))))
        for r in view.reasons
    )
    return Score(view.score or 0.0, 0.0, reasons, view.model)
