"""The mailbox's state in words, and what the owner must mend."""

from __future__ import annotations

from backend.domain.mailbox.failing import Failing
from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.web.addon.cards import widgets
from backend.web.addon.cards.frame import Frame
from backend.web.addon.cards.lost import lost_key
from backend.web.addon.cards.widgets import Json

TO_MEND = (Condition.NEEDS_RECONNECT, Condition.WATCH_LAPSED, Condition.DELAYED)


def delay_key(late: Failing) -> str:
    """The key of the text that says what waits."""
    return "state_delayed" if late.reads else "state_delayed_some"


def connect_address(base: str) -> str:
    """Our page with one button, and behind it Google's consent page."""
    return f"{base}/connect"


def review_address(base: str) -> str:
    """Our page of held mail; it asks for a sign-in first."""
    return f"{base}/review"


def state_line(frame: Frame, mailbox: Mailbox) -> Json:
    """The state in one or two sentences."""
    condition, until = mailbox.condition(frame.now), mailbox.preferences.paused_until
    late = mailbox.trouble(frame.now)
    if condition is Condition.DELAYED and late is not None:
        why = frame.words[f"delay_{late.blame}"]
        text = widgets.said(frame.words[delay_key(late)], since=frame.clock(late.since), why=why)
    else:
        key = f"state_{condition}"
        if condition is Condition.NEEDS_RECONNECT:
            key = lost_key(mailbox.link_cause)
        text = widgets.said(frame.words[key], until=frame.clock(until) if until else "")
    return widgets.line(text, frame.words["state"], icon="CLOCK" if condition is Condition.PAUSED else "")


def trouble(frame: Frame, mailbox: Mailbox) -> Json | None:
    """A warning on top of a card, with the way out; None if all is well."""
    condition = mailbox.condition(frame.now)
    if condition not in TO_MEND:
        return None
    way_out = widgets.link(frame.words["reconnect"], connect_address(frame.base), "FILLED")
    return widgets.section(
        (
            state_line(frame, mailbox),
            widgets.buttons((way_out,)) if condition is Condition.NEEDS_RECONNECT else None,
        )
    )
