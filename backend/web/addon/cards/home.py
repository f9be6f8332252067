"""The card Gmail shows when no message is open: state, held mail, pause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.domain.mailbox.message import MessageView
from backend.pipeline.addon import Home
from backend.web.addon.cards import widgets
from backend.web.addon.cards.frame import Frame
from backend.web.addon.cards.state import review_address, state_line, state_title, trouble, warnings
from backend.web.addon.cards.widgets import Json, shown

MORNING = timedelta(hours=8)


def home_card(frame: Frame, mailbox: Mailbox, home: Home, undo_key: str = "") -> Json:
    """The home card. `undo_key` is the decision just made on it."""
    condition = mailbox.condition(frame.now)
    return widgets.card(
        "home",
        "Pitchgate",
        state_title(frame, mailbox),
        (
            trouble(frame, mailbox) or _state(frame, mailbox, condition),
            widgets.section(warnings(frame, mailbox)),
            _undo(frame, undo_key),
            *_held(frame, home),
            _marked(frame, home),
            _pause(frame, mailbox, condition),
            _elsewhere(frame, home),
        ),
    )


def _state(frame: Frame, mailbox: Mailbox, condition: Condition) -> Json | None:
    """What the title does not tell."""
    return None if condition is Condition.ACTIVE else widgets.section((state_line(frame, mailbox),))


def _undo(frame: Frame, key: str) -> Json | None:
    button = frame.act("undo", {"act": "undo", "key": key, "card": "home"}) if key else None
    return widgets.section((widgets.buttons((button,)),))


def _held(frame: Frame, home: Home) -> Iterator[Json | None]:
    if not home.emails:
        yield widgets.section((widgets.paragraph(widgets.escaped(frame.words["nobody"])),))
        return
    counted = widgets.line(
        widgets.escaped(frame.t.count("held_emails", home.emails)),
        bottom=widgets.escaped(frame.t.count("held_senders", home.senders)),
        icon="EMAIL",
        button=widgets.link(frame.words["review"], review_address(frame.base)),
    )
    yield widgets.section((counted,))
    piles = [_one(frame, pile.messages[0], pile.count) for pile in home.recent if pile.messages]
    yield widgets.section(piles, frame.words["recent"])


def _marked(frame: Frame, home: Home) -> Json | None:
    """While it observes: what it would have held. Its mail is in the inbox, so there is nothing to let in."""
    return widgets.section([_one(frame, view, release=False) for view in home.marked], frame.words["marked"])


def _elsewhere(frame: Frame, home: Home) -> Json | None:
    settings = frame.act("settings", {"act": "settings"})
    ours = None if home.emails else widgets.link(frame.words["open"], review_address(frame.base))
    return widgets.section((widgets.buttons((settings, ours)),))


def _one(frame: Frame, view: MessageView, count: int = 1, *, release: bool = True) -> Json:
    """One sender with so many emails and their latest, which a click shows, and the button that lets it in."""
    who = shown(view.sender_name or view.sender, 80) or widgets.escaped(frame.words["unknown_sender"])
    subject = shown(view.subject, 80) or widgets.escaped(frame.words["no_subject"])
    version = f"home.{int(view.changed_at.timestamp() * 1_000_000)}"
    told = {"act": "release", "message": view.gmail_id, "version": version, "card": "home"}
    when = frame.t.short(view.received_at or view.first_seen_at, frame.now)
    told_below = when if view.score is None else f"{frame.score(view.score)} · {when}"
    button = frame.act("release", told) if release else None
    more = frame.click({"act": "show", "message": view.gmail_id})
    many = f", {widgets.escaped(frame.t.count('of_sender', count))}" if count > 1 else ""
    return widgets.line(f"<b>{who}</b>{many}<br>{subject}", bottom=told_below, button=button, click=more)


def _pause(frame: Frame, mailbox: Mailbox, condition: Condition) -> Json | None:
    if mailbox.paused(frame.now):
        told = {"act": "resume", "version": frame.version}
        return widgets.section(
            (widgets.buttons((frame.act("resume", told, "FILLED"),)),), frame.words["pause"]
        )
    if condition in (Condition.NEEDS_RECONNECT, Condition.DISCONNECTED):
        return None
    # The end is a time, not a length: the same click sent again later must not pause for longer.
    hour = frame.now + timedelta(hours=1)
    morning = frame.midnight + timedelta(days=1) + MORNING
    offered = [
        frame.act(key, {"act": "pause", "until": end.isoformat(timespec="seconds"), "version": frame.version})
        for key, end in (("pause_hour", hour), ("pause_day", morning))
    ]
    return widgets.section((widgets.buttons(offered),), frame.words["pause"])
