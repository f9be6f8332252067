"""preview: one message fetched again for its owner to read, with what weighed in it. Nothing is stored or moved."""

from __future__ import annotations

from dataclasses import dataclass

from backend.domain.mailbox import Mailbox
from backend.domain.marking import Mark, marks
from backend.domain.message import Arrival
from backend.domain.score import Score
from backend.domain.wording import body, names_of
from backend.pipeline.kit import Kit
from backend.pipeline.screen import scored


@dataclass(frozen=True, slots=True)
class Preview:
    """`text` is what a reader of the mail sees (hidden HTML dropped, plain text, not escaped); `marks` point into it.

    `score` is by the model in use now, which may not be the one that decided; None (and no marks) when the
    message cannot be scored.
    """

    arrival: Arrival
    text: str
    score: Score | None
    marks: tuple[Mark, ...]


async def preview(kit: Kit, mailbox: Mailbox, gmail_id: str) -> Preview:
    """Fetch (the one Gmail call), score and mark. May be repeated; costs a fetch each time.

    Raises `Gone`, `Rejected`, `NeedsReconnect` or `TryLater` as the fetch does.
    """
    arrival = await kit.gmail.fetch(mailbox.id, gmail_id)
    score, _ = await scored(kit, mailbox, arrival)
    text = body(arrival.message)
    found = marks(text, score, names_of(arrival.message, mailbox.owner)) if score else ()
    return Preview(arrival, text, score, found)
