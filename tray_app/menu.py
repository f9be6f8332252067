"""What the owner sees, as data: the menu, notices, and what the local page shows. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2s
from typing import Any

from tray_app.state import (
    NEEDS_GOOGLE,
    OUT_OF_REACH,
    Decision,
    Icon,
    Message,
    Status,
    TrayState,
    TroubleKind,
    explained,
    icon_of,
    message_to_json,
    paused,
)
from tray_app.words import count, t

# ---- The menu and the icon's title, made from the state as plain data


SENDERS_SHOWN = 8
TITLE_LIMIT = 120
"""Windows cuts a tooltip at 128 UTF-16 units, the closing NUL among them."""
LABEL_LIMIT = 60
"""Wider menus push their sub-menus off a small screen."""


class Do(StrEnum):
    """What a menu item, or the review window, asks for."""

    DECIDE = "decide"  # gmail_id, decision
    UNDO = "undo"  # key
    REVIEW = "review"
    QUESTIONS = "questions"
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
    line = headline(state, now)
    title = f"Pitchgate: {line}" + (f", {count('menu.new_held', badge)}" if badge else "")
    return Screen(icon, badge, cut(title, TITLE_LIMIT), _menu(state, line, version, now))


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


def _menu(state: TrayState, line: str, version: str, now: datetime) -> tuple[Item, ...]:
    blocks = [
        _state_block(state, line),
        _held_block(state, now),
        _review_block(state, now),
        _switches(state, version),
        _account_block(state),
        (
            Item(t("menu.about", version=version), Action(Do.ABOUT)),
            Item(t("menu.quit"), Action(Do.QUIT)),
        ),
    ]
    items: list[Item] = []
    for block in blocks:
        if block:
            items += [SEPARATOR, *block] if items else block
    return tuple(items)


def _state_block(state: TrayState, line: str) -> tuple[Item, ...]:
    lines = [Item(line)]
    trouble = state.trouble
    if trouble and trouble.remedy:
        lines.append(Item(cut(trouble.remedy, LABEL_LIMIT + 20)))
    elif state.signed_in and state.status and not trouble:
        lines += [Item(cut(sentence, LABEL_LIMIT + 20)) for sentence in explained(state.status)]
    if trouble and trouble.kind in OUT_OF_REACH:
        lines.append(Item(t("menu.retry"), Action(Do.RETRY)))
    if state.waiting:
        lines.append(Item(count("menu.waiting", state.waiting)))
    return tuple(lines)


def headline(state: TrayState, now: datetime) -> str:
    """The state in a few words."""
    if state.connecting:
        return t("menu.browser")
    if not state.signed_in:
        return t("menu.not_connected")
    if state.trouble:
        return state.trouble.title
    if state.status is None:
        return t("menu.starting")
    return _condition(state.status, now)


def _condition(status: Status, now: datetime) -> str:
    """The title comes from the server; whether a pause is over is decided here, by our clock."""
    title = status.title or status.condition.replace("_", " ").capitalize()
    if status.paused_until is not None and paused(status, now):
        return t("menu.paused_until", when=_when(status.paused_until, now))
    if status.condition == "paused":
        title = t("menu.active")  # the pause ran out since the status was read
    if status.condition == "indexing" and status.index_total:
        title = t("menu.progress", title=title, done=status.index_done, total=status.index_total)
    elif status.condition in ("active", "observing", "paused"):
        title = t("menu.state_for", title=title, email=status.email)
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
        lines.append(
            Item(cut(t("menu.undo", what=undoable.text), LABEL_LIMIT), Action(Do.UNDO, (undoable.key,)))
        )
    senders = grouped(state.held)
    if not senders:
        return (*lines, Item(t("menu.nothing_held")))
    lines.append(Item(t("menu.held")))
    lines += [_sender(message, count) for message, count in senders[:SENDERS_SHOWN]]
    if (more := len(senders) - SENDERS_SHOWN) > 0:
        lines.append(Item(count("menu.more_senders", more), Action(Do.REVIEW)))
    return tuple(lines)


def _sender(message: Message, number: int) -> Item:
    times = f" ({number})" if number > 1 else ""
    label = cut(f"{cut(message.who, 28)}{times}: {message.subject or t('menu.no_subject')}", LABEL_LIMIT)
    address = cut(message.sender, LABEL_LIMIT - 20)
    choices = [
        (t("menu.allow", who=address), Decision.ALLOW),
        (t("menu.release_newest" if number > 1 else "menu.release"), Decision.RELEASE),
        (t("menu.block", who=address), Decision.BLOCK),
        (t("menu.keep"), Decision.KEEP),
    ]
    if message.domain:
        choices.insert(1, (t("menu.allow_domain", domain=cut(message.domain, 36)), Decision.ALLOW_DOMAIN))
    why = [Item(cut(message.told, LABEL_LIMIT))] if message.told else []
    if message.note:
        why.append(Item(cut(t("menu.note", text=message.note), LABEL_LIMIT)))
    actions = [Item(text, Action(Do.DECIDE, (message.gmail_id, what))) for text, what in choices]
    return Item(label, children=(*why, *actions))


def _review_block(state: TrayState, now: datetime) -> tuple[Item, ...]:
    lines = [Item(t("menu.review"), Action(Do.REVIEW), default=True)]
    status = state.status
    if state.signed_in and status and not state.trouble:
        if status.questions:
            lines.append(Item(count("menu.questions", status.questions), Action(Do.QUESTIONS)))
        if paused(status, now):
            lines.append(Item(t("menu.resume"), Action(Do.RESUME)))
        else:
            lengths = tuple(Item(t(f"menu.pause_{a}"), Action(Do.PAUSE, (a,))) for a in ("hour", "tomorrow"))
            lines.append(Item(t("menu.pause"), children=lengths))
        levels = ("relaxed", "normal", "strict")
        lines.append(
            Item(
                t("menu.strictness"),
                children=tuple(
                    Item(
                        t(f"menu.{level}"),
                        Action(Do.STRICTNESS, (level,)),
                        checked=status.strictness == level,
                        radio=True,
                    )
                    for level in levels
                ),
            )
        )
    return tuple(lines)


def _switches(state: TrayState, version: str) -> tuple[Item, ...]:
    lines = [Item(t("menu.notices"), Action(Do.NOTICES), checked=state.notices)]
    if state.autostart is not None:
        lines.append(Item(t("menu.at_login"), Action(Do.AUTOSTART), checked=state.autostart))
    lines.append(Item(t("menu.updates"), Action(Do.UPDATES), checked=state.update_check))
    status = state.status
    if state.update_check and status and _newer(status.version, version):
        lines.append(Item(t("menu.newer", version=cut(status.version, 20))))
    return tuple(lines)


def _newer(theirs: str, ours: str) -> bool:
    def numbers(version: str) -> tuple[int, ...]:
        return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())

    return numbers(theirs) > numbers(ours)


def _account_block(state: TrayState) -> tuple[Item, ...]:
    if not state.signed_in:
        label = t("menu.connect_again" if state.connecting else "menu.connect")
        return (Item(label, Action(Do.CONNECT)),)
    lines: list[Item] = []
    if state.trouble and state.trouble.kind == "signed_out":
        lines.append(Item(t("menu.reconnect"), Action(Do.CONNECT)))
    elif state.status and state.status.condition in NEEDS_GOOGLE:
        lines.append(Item(t("menu.gmail"), Action(Do.GMAIL)))
    lines.append(Item(t("menu.devices"), Action(Do.DEVICES)))
    lines.append(Item(t("menu.sign_out"), Action(Do.SIGN_OUT)))
    return tuple(lines)


# ---- When to tell the owner of newly held mail, and in which words


SETTLE = timedelta(seconds=3)
"""How long to wait for more of a burst."""
AT_MOST = timedelta(seconds=15)
"""How long a steady trickle may put a notice off."""
APART = timedelta(minutes=2)
"""The least time between two notices."""
NOTICE_TITLE_LIMIT = 60
BODY_LIMIT = 240
"""Windows cuts at 64 and 256 wide characters, the ends included."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it is shown: sender and subject, never more of the mail."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages to announce. `first_at` and `last_at` are when the first and the last came in."""

    pending: tuple[Message, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    told_at: datetime | None = None


def arrived(batch: Batch, message: Message, now: datetime) -> Batch:
    """One more to tell of."""
    return replace(batch, pending=(message, *batch.pending), first_at=batch.first_at or now, last_at=now)


def dropped(batch: Batch, gmail_ids: set[str]) -> Batch:
    """These were decided before they were announced."""
    left = tuple(message for message in batch.pending if message.gmail_id not in gmail_ids)
    return replace(batch, pending=left, first_at=batch.first_at if left else None)


def due_at(batch: Batch) -> datetime | None:
    """When the next notice is to be shown; None: nothing to tell."""
    if not batch.pending or batch.first_at is None or batch.last_at is None:
        return None
    due = min(batch.last_at + SETTLE, batch.first_at + AT_MOST)
    return max(due, batch.told_at + APART) if batch.told_at else due


def take(batch: Batch, now: datetime) -> tuple[Batch, Notice | None]:
    """The notice that is due at `now`, and the batch without it."""
    due = due_at(batch)
    if due is None or now < due:
        return batch, None
    return Batch(told_at=now), worded(batch.pending)


def worded(messages: Sequence[Message]) -> Notice:
    """One notice about all of them."""
    if len(messages) == 1:
        subject = messages[0].subject or t("menu.no_subject")
        return Notice(
            cut(t("notice.held", who=messages[0].who), NOTICE_TITLE_LIMIT), cut(subject, BODY_LIMIT)
        )
    senders = grouped(tuple(messages))
    names = [cut(message.who, 40) + (f" ({number})" if number > 1 else "") for message, number in senders]
    shown = ", ".join(names[:4])
    if len(names) > 4:
        shown = t("notice.more", names=shown, count=len(names) - 4)
    return Notice(count("notice.messages", len(messages)), cut(shown, BODY_LIMIT))


# ---- The state as JSON for the local review page


def snapshot(state: TrayState, now: datetime, no_tray: str = "") -> dict[str, Any]:
    """Everything the page shows; times as ISO 8601 in UTC. `no_tray` says why there is no icon, "" if there is."""
    undoable = state.undoable if state.undoable and now < state.undoable.until else None
    return {
        "server": state.server,
        "signed_in": state.signed_in,
        "connecting": state.connecting,
        "signed_out": state.trouble is not None and state.trouble.kind is TroubleKind.SIGNED_OUT,
        "headline": headline(state, now),
        "remedy": state.trouble.remedy
        if state.trouble
        else " ".join(explained(state.status) if state.status else ()),
        "online": state.signed_in and state.trouble is None and state.status is not None,
        "email": state.status.email if state.status else "",
        "as_of": state.updated_at.isoformat() if state.updated_at else None,
        "waiting": state.waiting,
        "undo": {"key": undoable.key, "text": undoable.text, "until": undoable.until.isoformat()}
        if undoable
        else None,
        "held": [_shown(message) for message in state.held],
        "passed": [_shown(message) for message in state.passed],
        "no_tray": no_tray,
    }


def _shown(message: Message) -> dict[str, Any]:
    """A message with the colour class of its sender's initials, t1 to t6, the same as on the server's pages."""
    number = blake2s(message.sender.lower().encode(errors="replace")).digest()[0] % 6 + 1
    return message_to_json(message) | {"tint": f"t{number}"}
