"""The mailbox's state in words, and what the owner must mend."""

from __future__ import annotations

from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.web.cards import widgets
from backend.web.cards.frame import Frame
from backend.web.cards.lost import lost_key
from backend.web.cards.widgets import Json

TO_MEND = (Condition.NEEDS_RECONNECT, Condition.WATCH_LAPSED)


def connect_address(base: str) -> str:
    """Our page with one button, and behind it Google's consent page."""
    return f"{base}/connect"


def review_address(base: str) -> str:
    """Our page of held mail; it asks for a sign-in first."""
    return f"{base}/review"


def state_line(frame: Frame, condition: Condition, until: str = "", lost: str = "") -> Json:
    """The state in one sentence. `lost` is why the link with Google was, if it was."""
    key = lost_key(lost) if condition is Condition.NEEDS_RECONNECT else f"state_{condition}"
    text = widgets.said(frame.words[key], until=until)
    return widgets.line(text, frame.words["state"], icon="CLOCK" if condition is Condition.PAUSED else "")


def trouble(frame: Frame, mailbox: Mailbox) -> Json | None:
    """A warning on top of a card, with the way out; None if all is well."""
    condition = mailbox.condition(frame.now)
    if condition not in TO_MEND:
        return None
    way_out = widgets.link(frame.words["reconnect"], connect_address(frame.base), "FILLED")
    return widgets.section(
        (
            state_line(frame, condition, lost=mailbox.link_cause),
            widgets.buttons((way_out,)) if condition is Condition.NEEDS_RECONNECT else None,
        )
    )
