"""The card Gmail shows when no message is open: state, held mail, pause."""

from __future__ import annotations

from datetime import timedelta

from backend.domain.mailbox.mailbox import Condition, Mailbox
from backend.domain.mailbox.message_record import MessageView
from backend.pipeline.addon import Home
from backend.web.addon.cards import widgets
from backend.web.addon.cards.frame import Frame
from backend.web.addon.cards.state import review_address, state_line, trouble, warnings
from backend.web.addon.cards.widgets import Json, shown

MOST_SENDERS = 6
MORNING = timedelta(hours=8)


def home_card(frame: Frame, mailbox: Mailbox, home: Home, undo_key: str = "") -> Json:
    """The home card. `undo_key` is the decision just made on it."""
    condition = mailbox.condition(frame.now)
    return widgets.card(
        "home",
        "Pitchgate",
        mailbox.owner.email,
        (
            trouble(frame, mailbox) or widgets.section((state_line(frame, mailbox),)),
            widgets.section(warnings(frame, mailbox)),
            _undo(frame, undo_key),
            _held(frame, home),
            _marked(frame, home),
            _pause(frame, mailbox, condition),
            _elsewhere(frame),
        ),
    )


def _undo(frame: Frame, key: str) -> Json | None:
    button = frame.act("undo", {"act": "undo", "key": key, "card": "home"}) if key else None
    return widgets.section((widgets.buttons((button,)),))


def _held(frame: Frame, home: Home) -> Json | None:
    words = frame.words
    if not home.waiting:
        return widgets.section((widgets.paragraph(widgets.escaped(words["nobody"])),), words["held"])
    counted = widgets.escaped(words["held_today"], today=home.today, all=home.waiting)
    lines = [_one(frame, view) for view in home.recent[:MOST_SENDERS]]
    return widgets.section(
        (widgets.paragraph(counted), *lines),
        words["recent"],
    )


def _marked(frame: Frame, home: Home) -> Json | None:
    """While it observes: what it would have held. Its mail is in the inbox, so there is nothing to let in."""
    lines = [_one(frame, view, release=False) for view in home.marked[:MOST_SENDERS]]
    return widgets.section(lines, frame.words["marked"])


def _elsewhere(frame: Frame) -> Json | None:
    settings = frame.act("settings", {"act": "settings"})
    return widgets.section(
        (widgets.buttons((settings, widgets.link(frame.words["open"], review_address(frame.base)))),)
    )


def _one(frame: Frame, view: MessageView, *, release: bool = True) -> Json:
    """One sender with their latest message, which a click shows, and the button that lets it in."""
    who = shown(view.sender_name or view.sender, 80) or widgets.escaped(frame.words["unknown_sender"])
    subject = shown(view.subject, 80) or widgets.escaped(frame.words["no_subject"])
    version = f"home.{int(view.changed_at.timestamp() * 1_000_000)}"
    told = {"act": "release", "message": view.gmail_id, "version": version, "card": "home"}
    when = frame.t.short(view.received_at or view.first_seen_at, frame.now)
    told_below = when if view.score is None else f"{frame.score(view.score)} · {when}"
    button = frame.act("release", told) if release else None
    more = frame.click({"act": "show", "message": view.gmail_id})
    return widgets.line(f"<b>{who}</b><br>{subject}", bottom=told_below, button=button, click=more)


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
