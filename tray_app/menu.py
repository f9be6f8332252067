"""The menu, the notices and the local page's data, made from the state. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2s
from typing import Any

from tray_app.errors import TroubleKind
from tray_app.state import (
    NEEDS_GOOGLE,
    TEMPORARY,
    Decision,
    Icon,
    Message,
    Status,
    TrayState,
    icon_of,
    message_to_json,
    paused,
    status_sentences,
)
from tray_app.words import count, t

# ---- The menu and the icon's title


SENDERS_SHOWN = 8
QUESTIONS_SHOWN = 5
TITLE_LIMIT = 120
"""Windows cuts a tooltip at 128 UTF-16 units, the terminator included."""
LABEL_LIMIT = 60
"""Wider menus push their sub-menus off a small screen."""


class Do(StrEnum):
    """What a menu item or the review window does. Comments name the arguments."""

    DECIDE = "decide"  # gmail_id, decision
    UNDO = "undo"  # key
    REVIEW = "review"
    QUESTIONS = "questions"
    ANSWER = "answer"  # gmail_id, yes | no | unsure
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
    """What to do, and the arguments for it."""

    do: Do
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu. Without action and children it is text only. `checked` None: no check mark."""

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
    """`text` on one line of at most `limit` UTF-16 units, with "…" where it was cut; unprintable characters removed."""
    clean = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return clean if clipped(clean, limit) == clean else clipped(clean, limit - 1).rstrip() + "…"


def clipped(text: str, limit: int) -> str:
    """The first `limit` UTF-16 units of `text`, as Windows counts: an emoji takes two."""
    return text.encode("utf-16-le", "ignore")[: 2 * limit].decode("utf-16-le", "ignore")


def grouped(messages: tuple[Message, ...]) -> tuple[tuple[Message, int], ...]:
    """(newest message, count) of each sender. `messages` are newest first, and so is the result."""
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
        _question_block(state),
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
        lines += [Item(cut(sentence, LABEL_LIMIT + 20)) for sentence in status_sentences(state.status)]
    if trouble and trouble.kind in TEMPORARY:
        lines.append(Item(t("menu.retry"), Action(Do.RETRY)))
    if state.waiting:
        lines.append(Item(count("menu.waiting", state.waiting)))
    return tuple(lines)


def headline(state: TrayState, now: datetime) -> str:
    """The state in a few words: the menu's first line."""
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
    """The server's title for its condition, with our local time or the progress added."""
    title = status.title or status.condition.replace("_", " ").capitalize()
    if status.paused_until is not None and paused(status, now):
        return t("menu.paused_until", when=_clock_time(status.paused_until, now))
    if status.condition == "paused":
        title = t("menu.active")  # the pause ran out since the status was read
    if status.condition == "indexing" and status.index_total:
        title = t("menu.progress", title=title, done=status.index_done, total=status.index_total)
    elif status.condition in ("active", "observing", "paused"):
        title = t("menu.state_for", title=title, email=status.email)
    return cut(title, LABEL_LIMIT)


def _clock_time(at: datetime, now: datetime) -> str:
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
    return Item(_label(message, f" ({number})" if number > 1 else ""), children=(*why, *actions))


def _label(message: Message, times: str = "") -> str:
    return cut(f"{cut(message.who, 28)}{times}: {message.subject or t('menu.no_subject')}", LABEL_LIMIT)


def _question_block(state: TrayState) -> tuple[Item, ...]:
    """What the owner is asked about. Nothing tells where the mail went, which would lead the answer."""
    asked = state.status.questions if state.signed_in and state.status and not state.trouble else ()
    if not asked:
        return ()
    lines = [Item(count("menu.questions", len(asked)), Action(Do.QUESTIONS))]
    for message in asked[:QUESTIONS_SHOWN]:
        answers = [
            Item(t(f"menu.answer_{answer}"), Action(Do.ANSWER, (message.gmail_id, answer)))
            for answer in ("yes", "no", "unsure")
        ]
        lines.append(Item(_label(message), children=tuple(answers)))
    return tuple(lines)


def _review_block(state: TrayState, now: datetime) -> tuple[Item, ...]:
    lines = [Item(t("menu.review"), Action(Do.REVIEW), default=True)]
    status = state.status
    if state.signed_in and status and not state.trouble:
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


# ---- Notices about newly held mail


BURST_WAIT = timedelta(seconds=3)
"""How long to wait after a message for more of the same burst."""
MAX_DELAY = timedelta(seconds=15)
"""How long a steady stream of messages may delay a notice."""
NOTICE_INTERVAL = timedelta(minutes=2)
"""The least time between two notices."""
NOTICE_TITLE_LIMIT = 60
BODY_LIMIT = 240
"""Windows cuts title and body at 64 and 256 UTF-16 units, the terminators included."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as shown: sender and subject only."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages to announce, newest first. `first_at`, `last_at`: when the first and the last came in;
    `notified_at`: when the last notice was shown."""

    pending: tuple[Message, ...] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    notified_at: datetime | None = None


def with_message(batch: Batch, message: Message, now: datetime) -> Batch:
    """Add a message to announce."""
    return replace(batch, pending=(message, *batch.pending), first_at=batch.first_at or now, last_at=now)


def without_messages(batch: Batch, gmail_ids: set[str]) -> Batch:
    """Remove messages that no longer need announcing."""
    left = tuple(message for message in batch.pending if message.gmail_id not in gmail_ids)
    return replace(batch, pending=left, first_at=batch.first_at if left else None)


def due_at(batch: Batch) -> datetime | None:
    """When the next notice is to be shown; None if there is nothing to announce."""
    if not batch.pending or batch.first_at is None or batch.last_at is None:
        return None
    due = min(batch.last_at + BURST_WAIT, batch.first_at + MAX_DELAY)
    return max(due, batch.notified_at + NOTICE_INTERVAL) if batch.notified_at else due


def take_due_notice(batch: Batch, now: datetime) -> tuple[Batch, Notice | None]:
    """The batch that remains, and the notice due at `now`, if any."""
    due = due_at(batch)
    if due is None or now < due:
        return batch, None
    return Batch(notified_at=now), notice_for(batch.pending)


def notice_for(messages: Sequence[Message]) -> Notice:
    """One notice about all `messages`."""
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
    """Everything the local page shows; times as ISO 8601 in UTC. `no_tray`: why there is no icon, or ""."""
    undoable = state.undoable if state.undoable and now < state.undoable.until else None
    return {
        "server": state.server,
        "signed_in": state.signed_in,
        "connecting": state.connecting,
        "signed_out": state.trouble is not None and state.trouble.kind is TroubleKind.SIGNED_OUT,
        "headline": headline(state, now),
        "remedy": state.trouble.remedy
        if state.trouble
        else " ".join(status_sentences(state.status) if state.status else ()),
        "online": state.signed_in and state.trouble is None and state.status is not None,
        "email": state.status.email if state.status else "",
        "as_of": state.updated_at.isoformat() if state.updated_at else None,
        "waiting": state.waiting,
        "undo": {"key": undoable.key, "text": undoable.text, "until": undoable.until.isoformat()}
        if undoable
        else None,
        "held": [_page_message(message) for message in state.held],
        "passed": [_page_message(message) for message in state.passed],
        "no_tray": no_tray,
    }


def _page_message(message: Message) -> dict[str, Any]:
    """A message with its sender's avatar colour, t1 to t6, chosen as on the server's pages."""
    number = blake2s(message.sender.lower().encode(errors="replace")).digest()[0] % 6 + 1
    return message_to_json(message) | {"tint": f"t{number}"}
