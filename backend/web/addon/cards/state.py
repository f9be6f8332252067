"""The mailbox's state in words, and what the owner must mend."""

from __future__ import annotations

from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.web.addon.cards import widgets
from backend.web.addon.cards.frame import Frame
from backend.web.addon.cards.widgets import Json
from backend.web.state_words import state_of

TO_MEND = (Condition.NEEDS_RECONNECT, Condition.WATCH_LAPSED, Condition.DELAYED)


def connect_address(base: str) -> str:
    """Our page with one button, and behind it Google's consent page."""
    return f"{base}/connect"


def review_address(base: str) -> str:
    """Our page of held mail; it asks for a sign-in first."""
    return f"{base}/review"


def warnings(frame: Frame, mailbox: Mailbox) -> tuple[Json, ...]:
    """What is no state and should be known."""
    told = state_of(mailbox, frame.language, frame.now, frame.t.moment).warnings
    return tuple(widgets.line(widgets.escaped(warning)) for warning in told)


def state_line(frame: Frame, mailbox: Mailbox) -> Json:
    """The state in one or two sentences."""
    state = state_of(mailbox, frame.language, frame.now, frame.t.moment)
    paused = state.condition is Condition.PAUSED
    return widgets.line(widgets.escaped(state.line), frame.words["state"], icon="CLOCK" if paused else "")


def state_title(frame: Frame, mailbox: Mailbox) -> str:
    """The same in two or three words."""
    return state_of(mailbox, frame.language, frame.now).title


def trouble(frame: Frame, mailbox: Mailbox) -> Json | None:
    """A warning on top of a card, with the way out; None if all is well."""
    condition = mailbox.condition(frame.now)
    way_out = widgets.link(frame.words["reconnect"], connect_address(frame.base), "FILLED")
    if condition not in TO_MEND:
        return widgets.section((widgets.buttons((way_out,)),)) if mailbox.grant_ends(frame.now) else None
    return widgets.section(
        (
            state_line(frame, mailbox),
            widgets.buttons((way_out,)) if condition is Condition.NEEDS_RECONNECT else None,
        )
    )
