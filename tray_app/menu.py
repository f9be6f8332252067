"""The menu and the icon's title, made from the state as plain data. Pure; `pystray_view` draws it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tray_app.state import (
    NEEDS_GOOGLE,
    OUT_OF_REACH,
    Decision,
    Icon,
    Message,
    Status,
    TrayState,
    explained,
    icon_of,
    paused,
)

SENDERS_SHOWN = 8
TITLE_LIMIT = 120
"""Windows cuts a tooltip at 128 wide characters, its end included."""
LABEL_LIMIT = 60
"""Wider menus push their sub-menus off a small screen."""


class Do(StrEnum):
    """What a menu item, or the review window, asks for."""

    DECIDE = "decide"  # gmail_id, decision
    UNDO = "undo"  # key
    REVIEW = "review"
    PAUSE = "pause"  # hour | tomorrow
    RESUME = "resume"
    STRICTNESS = "strictness"  # relaxed | normal | strict
    NOTICES = "notices"
    AUTOSTART = "autostart"
    UPDATES = "updates"
    CONNECT = "connect"
    GMAIL = "gmail"  # connect or reconnect Gmail itself, in the browser
    DEVICES = "devices"
    SIGN_OUT = "sign_out"
    RETRY = "retry"
    ABOUT = "about"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Action:
    """One order with its words."""

    do: Do
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu. No action and no children: a line to read. `checked` None: no check mark."""

    label: str
    action: Action | None = None
    children: tuple[Item, ...] = ()
    checked: bool | None = None
    radio: bool = False
    default: bool = False

    @property
    def enabled(self) -> bool:
        """Whether it can be chosen."""
        return self.action is not None or bool(self.children)


SEPARATOR = Item("")


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything the tray shows. Equal screens need no redraw."""

    icon: Icon
    badge: int
    title: str
    menu: tuple[Item, ...]


def screen(state: TrayState, version: str, now: datetime) -> Screen:
    """What to show for `state` at `now`."""
    icon = icon_of(state, now)
    badge = len(state.unseen) if icon is Icon.NEW_HELD else 0
    told = headline(state, now)
    title = f"Pitchgate: {told}" + (f", {badge} new held" if badge else "")
    return Screen(icon, badge, cut(title, TITLE_LIMIT), _menu(state, told, version, now))


def cut(text: str, limit: int) -> str:
    """`text` on one line within `limit` wide characters, the cut marked; unprintable characters dropped."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return clean if clipped(clean, limit) == clean else clipped(clean, limit - 1).rstrip() + "…"


def clipped(text: str, limit: int) -> str:
    """The beginning of `text`, at most `limit` wide characters: UTF-16 units, of which an emoji takes two."""
    return text.encode("utf-16-le", "ignore")[: 2 * limit].decode("utf-16-le", "ignore")


def grouped(messages: tuple[Message, ...]) -> tuple[tuple[Message, int], ...]:
    """(newest message, count) of each sender, in the order of the newest."""
    counts: dict[str, int] = {}
    newest: dict[str, Message] = {}
    for message in messages:
        newest.setdefault(message.sender, message)
        counts[message.sender] = counts.get(message.sender, 0) + 1
    return tuple((message, counts[sender]) for sender, message in newest.items())


def _menu(state: TrayState, told: str, version: str, now: datetime) -> tuple[Item, ...]:
    blocks = [
        _state_block(state, told),
        _held_block(state, now),
        _review_block(state, now),
        _switches(state, version),
        _account_block(state),
        (Item(f"About Pitchgate {version}", Action(Do.ABOUT)), Item("Quit", Action(Do.QUIT))),
    ]
    items: list[Item] = []
    for block in blocks:
        if block:
            items += [SEPARATOR, *block] if items else block
    return tuple(items)


def _state_block(state: TrayState, told: str) -> tuple[Item, ...]:
    lines = [Item(told)]
    trouble = state.trouble
    if trouble and trouble.remedy:
        lines.append(Item(cut(trouble.remedy, LABEL_LIMIT + 20)))
    elif state.signed_in and state.status and not trouble:
        lines += [Item(cut(sentence, LABEL_LIMIT + 20)) for sentence in explained(state.status)]
    if trouble and trouble.kind in OUT_OF_REACH:
        lines.append(Item("Try again now", Action(Do.RETRY)))
    if state.waiting:
        noun = "decision waits" if state.waiting == 1 else "decisions wait"
        lines.append(Item(f"{state.waiting} {noun} to be sent"))
    return tuple(lines)


def headline(state: TrayState, now: datetime) -> str:
    """The state in a few words."""
    if state.connecting:
        return "Waiting for your browser"
    if not state.signed_in:
        return "Not connected"
    if state.trouble:
        return state.trouble.title
    if state.status is None:
        return "Starting"
    return _condition(state.status, now)


def _condition(status: Status, now: datetime) -> str:
    """The server's words; only the clock is ours."""
    title = status.title or status.condition.replace("_", " ").capitalize()
    if status.paused_until is not None and paused(status, now):
        return f"Paused until {_when(status.paused_until, now)}"
    if status.condition == "paused":
        title = "Active"  # the pause ran out since the status was read
    if status.condition == "indexing" and status.index_total:
        title = f"{title} ({status.index_done} of {status.index_total})"
    elif status.condition in ("active", "observing", "paused"):
        title = f"{title} for {status.email}"
    return cut(title, LABEL_LIMIT)


def _when(at: datetime, now: datetime) -> str:
    local, today = at.astimezone(), now.astimezone()
    return local.strftime("%H:%M") if local.date() == today.date() else local.strftime("%a %H:%M")


def _held_block(state: TrayState, now: datetime) -> tuple[Item, ...]:
    if not state.signed_in:
        return ()
    lines: list[Item] = []
    undoable = state.undoable
    if undoable and now < undoable.until:
        lines.append(Item(cut(f"Undo: {undoable.text}", LABEL_LIMIT), Action(Do.UNDO, (undoable.key,))))
    senders = grouped(state.held)
    if not senders:
        return (*lines, Item("Nothing is held"))
    lines.append(Item("Held, waiting for you"))
    lines += [_sender(message, count) for message, count in senders[:SENDERS_SHOWN]]
    if (more := len(senders) - SENDERS_SHOWN) > 0:
        lines.append(Item(f"{more} more sender{'s' if more > 1 else ''}…", Action(Do.REVIEW)))
    return tuple(lines)


def _sender(message: Message, count: int) -> Item:
    times = f" ({count})" if count > 1 else ""
    label = cut(f"{cut(message.who, 28)}{times}: {message.subject or '(no subject)'}", LABEL_LIMIT)
    address = cut(message.sender, LABEL_LIMIT - 20)
    choices = [
        (f"Allow {address}", Decision.ALLOW),
        ("Release the newest, without a rule" if count > 1 else "Release, without a rule", Decision.RELEASE),
        (f"Block {address}", Decision.BLOCK),
    ]
    if message.domain:
        choices.insert(1, (f"Allow everyone at {cut(message.domain, 36)}", Decision.ALLOW_DOMAIN))
    why = [Item(f"Why: {cut(', '.join(message.reasons), LABEL_LIMIT)}")] if message.reasons else []
    if message.appeal:
        why.append(Item(cut(f"The sender says: {message.appeal}", LABEL_LIMIT)))
    actions = [Item(text, Action(Do.DECIDE, (message.gmail_id, what))) for text, what in choices]
    return Item(label, children=(*why, *actions))


def _review_block(state: TrayState, now: datetime) -> tuple[Item, ...]:
    lines = [Item("Review…", Action(Do.REVIEW), default=True)]
    status = state.status
    if state.signed_in and status and not state.trouble:
        if paused(status, now):
            lines.append(Item("Resume", Action(Do.RESUME)))
        else:
            choices = (("For 1 hour", "hour"), ("Until tomorrow", "tomorrow"))
            lines.append(Item("Pause", children=tuple(Item(t, Action(Do.PAUSE, (a,))) for t, a in choices)))
        levels = (("Relaxed", "relaxed"), ("Normal", "normal"), ("Strict", "strict"))
        lines.append(
            Item(
                "Strictness",
                children=tuple(
                    Item(
                        text, Action(Do.STRICTNESS, (level,)), checked=status.strictness == level, radio=True
                    )
                    for text, level in levels
                ),
            )
        )
    return tuple(lines)


def _switches(state: TrayState, version: str) -> tuple[Item, ...]:
    lines = [Item("Notify me of held mail", Action(Do.NOTICES), checked=state.notices)]
    if state.autostart is not None:
        lines.append(Item("Open at login", Action(Do.AUTOSTART), checked=state.autostart))
    lines.append(Item("Tell me of updates", Action(Do.UPDATES), checked=state.update_check))
    status = state.status
    if state.update_check and status and _newer(status.version, version):
        lines.append(Item(f"The server has version {cut(status.version, 20)}: update this app"))
    return tuple(lines)


def _newer(theirs: str, ours: str) -> bool:
    def numbers(version: str) -> tuple[int, ...]:
        return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())

    return numbers(theirs) > numbers(ours)


def _account_block(state: TrayState) -> tuple[Item, ...]:
    if not state.signed_in:
        label = "Connect again…" if state.connecting else "Connect…"
        return (Item(label, Action(Do.CONNECT)),)
    lines: list[Item] = []
    if state.trouble and state.trouble.kind == "signed_out":
        lines.append(Item("Connect this computer again…", Action(Do.CONNECT)))
    elif state.status and state.status.condition in NEEDS_GOOGLE:
        lines.append(Item("Connect Gmail again…", Action(Do.GMAIL)))
    lines.append(Item("Connected computers…", Action(Do.DEVICES)))
    lines.append(Item("Disconnect this computer", Action(Do.SIGN_OUT)))
    return tuple(lines)
