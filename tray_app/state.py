"""The tray app's state, its changes, and messages as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from tray_app.errors import TroubleKind, WrongVersion
from tray_app.words import t

# ---- The state. A function named after an event (`status_received`, `decided` …) returns the state after it.


UNDO_FOR = timedelta(seconds=30)
HELD_LIMIT = 5_000
"""Most held messages kept in memory and on disk. Older ones are on the review page only."""
PASSED_LIMIT = 50


class Icon(StrEnum):
    """What the tray icon shows."""

    ACTIVE = "active"
    NEW_HELD = "new_held"
    PAUSED = "paused"
    OFFLINE = "offline"
    ATTENTION = "attention"


TEMPORARY = frozenset({TroubleKind.UNREACHABLE, TroubleKind.SLOW, TroubleKind.SERVER, TroubleKind.BUSY})
"""Troubles that need no action from the owner."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong right now, in words for the owner."""

    kind: TroubleKind
    title: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the server describes it. `domain` is "" where no rule for the domain is offered; `told` is the one
    reason to show; `note` is what the sender wrote on the challenge page."""

    gmail_id: str
    sender: str
    sender_name: str = ""
    domain: str = ""
    subject: str = ""
    placement: str = "held"
    score: float | None = None
    told: str = ""
    received_at: datetime | None = None
    decided_by: str = ""
    note: str = ""

    @property
    def who(self) -> str:
        """The sender's name, or their address."""
        return self.sender_name or self.sender


@dataclass(frozen=True, slots=True)
class Status:
    """The mailbox's state at the server. `title`, `cause`, `remedy` and `warnings` are the server's sentences. `who`
    must act: nobody, owner or pitchgate. `questions`: mail of which the owner is asked whether it was a pitch. `event`
    is the id of the server's latest event."""

    version: str
    email: str
    condition: str
    title: str = ""
    cause: str = ""
    remedy: str = ""
    who: str = "nobody"
    warnings: tuple[str, ...] = ()
    mode: str = "observe"
    strictness: str = "normal"
    paused_until: datetime | None = None
    held_messages: int = 0
    held_senders: int = 0
    questions: tuple[Message, ...] = ()
    index_done: int = 0
    index_total: int = 0
    event: str = ""


class Decision(StrEnum):
    """What the owner may decide about a message, named as in docs/reference/api.md."""

    RELEASE = "release"
    ALLOW = "allow"
    ALLOW_DOMAIN = "allow_domain"
    BLOCK = "block"
    BLOCK_DOMAIN = "block_domain"
    KEEP = "keep"
    SALES = "sales"


ALLOW_DECISIONS = (Decision.ALLOW, Decision.ALLOW_DOMAIN)
"""Decisions that let in every held message of a sender or a domain."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """The decision that can still be undone, and the messages it removed from the list (`taken`)."""

    key: str
    text: str
    until: datetime
    taken: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class TrayState:
    """Everything the screens are made from. `held` is newest first; `unseen`: ids the owner has not looked at;
    `waiting`: number of unsent decisions."""

    server: str = ""
    signed_in: bool = False
    connecting: bool = False
    trouble: Trouble | None = None
    status: Status | None = None
    held: tuple[Message, ...] = ()
    passed: tuple[Message, ...] = ()
    unseen: frozenset[str] = frozenset()
    waiting: int = 0
    undoable: Undoable | None = None
    notices: bool = True
    autostart: bool | None = None  # None: this platform has none
    update_check: bool = False
    recovered: str = ""  # see `AtomicStorage`
    updated_at: datetime | None = field(default=None, compare=False)


NEEDS_GOOGLE = ("needs_reconnect", "watch_lapsed", "disconnected")
"""Conditions that reconnecting Gmail ends."""


def status_sentences(status: Status) -> tuple[str, ...]:
    """Cause and remedy, if somebody must act, and all warnings: sentences for the owner."""
    reasons = (status.cause, status.remedy) if status.who != "nobody" else ()
    return tuple(sentence for sentence in (*reasons, *status.warnings) if sentence)


def icon_of(state: TrayState, now: datetime) -> Icon:
    """The icon for this state. What needs the owner comes before a pause, and a pause before new mail."""
    if not state.signed_in:
        return Icon.ATTENTION
    if state.trouble:
        return Icon.OFFLINE if state.trouble.kind in TEMPORARY else Icon.ATTENTION
    status = state.status
    if status and (status.condition in (*NEEDS_GOOGLE, "delayed") or status.who == "owner"):
        return Icon.ATTENTION
    if status and paused(status, now):
        return Icon.PAUSED
    return Icon.NEW_HELD if state.unseen else Icon.ACTIVE


def paused(status: Status, now: datetime) -> bool:
    """Whether screening is paused at `now`."""
    return status.paused_until is not None and now < status.paused_until


def status_received(state: TrayState, status: Status, now: datetime) -> TrayState:
    """The server answered with `status`: any trouble is over."""
    return replace(state, signed_in=True, trouble=None, status=status, updated_at=now)


def failed(state: TrayState, trouble: Trouble) -> TrayState:
    """The server cannot be used because of `trouble`; the last known lists stay."""
    return replace(state, trouble=trouble)


def list_received(state: TrayState, held: tuple[Message, ...], *, first: bool) -> TrayState:
    """The server sent the whole list `held`. With `first` (no list was known before) nothing in it is unseen."""
    taken = state.undoable.taken if state.undoable else ()  # may be listed again: the owner has seen them
    known = {message.gmail_id for message in (*state.held, *taken)}
    fresh = {message.gmail_id for message in held} - known
    kept = state.unseen & {message.gmail_id for message in held}
    return replace(state, held=held[:HELD_LIMIT], unseen=kept if first else kept | fresh)


def message_held(state: TrayState, message: Message) -> TrayState:
    """One more message was held. A repeated event adds it only once."""
    others = tuple(known for known in state.held if known.gmail_id != message.gmail_id)
    return replace(
        state,
        held=(message, *others)[:HELD_LIMIT],
        passed=without(state.passed, {message.gmail_id}),
        unseen=state.unseen | {message.gmail_id} if others == state.held else state.unseen,
    )


def message_updated(state: TrayState, message: Message) -> TrayState:
    """A held message changed. One that is not listed is not added."""
    held = tuple(message if known.gmail_id == message.gmail_id else known for known in state.held)
    return replace(state, held=held)


def messages_removed(state: TrayState, gmail_ids: set[str]) -> TrayState:
    """These messages are no longer held, or were decided."""
    return replace(state, held=without(state.held, gmail_ids), unseen=state.unseen - gmail_ids)


def without(messages: tuple[Message, ...], gmail_ids: set[str]) -> tuple[Message, ...]:
    """`messages` without those with these ids."""
    return tuple(message for message in messages if message.gmail_id not in gmail_ids)


def marked_seen(state: TrayState) -> TrayState:
    """The owner looked at the list."""
    return replace(state, unseen=frozenset())


def find(state: TrayState, gmail_id: str) -> Message | None:
    """The held or passed message with this id."""
    return next((m for m in (*state.held, *state.passed) if m.gmail_id == gmail_id), None)


def affected(messages: tuple[Message, ...], about: Message, decision: Decision) -> tuple[Message, ...]:
    """Those of the held `messages` that a decision about one of them (`about`) covers.

    Allowing or blocking covers all mail of the address or the domain; keeping covers this message and the sender's
    older ones. This predicts the server's result, so that the list is right at once, offline too.
    """
    if decision in (Decision.ALLOW_DOMAIN, Decision.BLOCK_DOMAIN) and about.domain:
        return tuple(message for message in messages if message.domain == about.domain)
    if decision in (Decision.ALLOW, Decision.BLOCK):
        return tuple(message for message in messages if message.sender == about.sender)
    if decision is Decision.KEEP:  # `messages` are newest first, so the older ones follow
        theirs = tuple(message for message in messages if message.sender == about.sender)
        return theirs[theirs.index(about) :] if about in theirs else ()
    return tuple(message for message in messages if message.gmail_id == about.gmail_id)


def decided(state: TrayState, about: Message, decision: Decision, key: str, now: datetime) -> TrayState:
    """The owner decided about a message: remove what that covers from its list, and offer to undo it for `UNDO_FOR`."""
    if decision is Decision.SALES:
        taken = tuple(m for m in state.passed if m.gmail_id == about.gmail_id)
        state = replace(state, passed=without(state.passed, {about.gmail_id}))
    else:
        taken = affected(state.held, about, decision)
        state = messages_removed(state, {message.gmail_id for message in taken})
    return replace(state, undoable=Undoable(key, done_sentence(about, decision), now + UNDO_FOR, taken))


def undone(state: TrayState, key: str) -> TrayState:
    """The owner undid the decision: its messages are listed again, in their old order."""
    last = state.undoable
    if last is None or last.key != key:
        return state
    back = {message.gmail_id: message for message in last.taken}
    if any(message.placement != "held" for message in last.taken):
        passed = (*last.taken, *without(state.passed, set(back)))
        return replace(state, passed=passed[:PASSED_LIMIT], undoable=None)
    held = sorted((*without(state.held, set(back)), *back.values()), key=_newest_first)
    return replace(state, held=tuple(held), undoable=None)


def _newest_first(message: Message) -> float:
    return -message.received_at.timestamp() if message.received_at else 0.0


def expired(state: TrayState, now: datetime) -> TrayState:
    """Withdraw the offer to undo once its time is over."""
    over = state.undoable is not None and now >= state.undoable.until
    return replace(state, undoable=None) if over else state


def signed_out(state: TrayState) -> TrayState:
    """This computer was disconnected: remove everything about the mailbox."""
    return replace(
        state,
        signed_in=False,
        trouble=None,
        status=None,
        held=(),
        passed=(),
        unseen=frozenset(),
        undoable=None,
        updated_at=None,
    )


def done_sentence(about: Message, decision: Decision) -> str:
    """The decision as a sentence in the past tense."""
    who = about.who if decision in (Decision.RELEASE, Decision.SALES) else about.sender
    return t(f"done.{decision}", who=who, domain=about.domain or about.sender)


# ---- From the JSON of docs/reference/api.md, and to JSON for the state file and the local page


def unreadable() -> WrongVersion:
    """The error for an answer this app does not understand."""
    return WrongVersion(t("error.not_understood"), t("error.not_understood_remedy"))


def status_from_json(data: Mapping[str, Any], questions: tuple[Message, ...] = ()) -> Status:
    """A `Status` from the answer of GET /status, and the questions that it counts."""
    try:
        preferences, held, index = data["preferences"], data["held"], data.get("index") or {}
        return Status(
            version=str(data["version"]),
            email=str(data["email"]),
            condition=str(data["condition"]),
            title=str(data.get("title") or ""),
            cause=str(data.get("cause") or ""),
            remedy=str(data.get("remedy") or ""),
            who=str(data.get("who") or "nobody"),
            warnings=tuple(str(sentence) for sentence in data.get("warnings") or ()),
            mode=str(preferences["mode"]),
            strictness=str(preferences["strictness"]),
            paused_until=_time(preferences.get("paused_until")),
            held_messages=int(held["messages"]),
            held_senders=int(held["senders"]),
            questions=questions,
            index_done=int(index.get("done", 0)),
            index_total=int(index.get("total", 0)),
            event=str(data["event"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable() from error


_NAMES = tuple(each.name for each in fields(Message))


def message_from_json(data: Mapping[str, Any]) -> Message:
    """A `Message` from the server's or our own JSON."""
    try:
        return Message(
            gmail_id=str(data["gmail_id"]),
            sender=str(data["sender"]),
            sender_name=str(data.get("sender_name") or ""),
            domain=str(data.get("domain") or ""),
            subject=str(data.get("subject") or ""),
            placement=str(data.get("placement") or "inbox"),
            score=None if data.get("score") is None else float(data["score"]),
            told=str(data.get("told") or ""),
            received_at=_time(data.get("received_at")),
            decided_by=str(data.get("decided_by") or ""),
            note=str(data.get("note") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable() from error


def message_to_json(message: Message) -> dict[str, Any]:
    """The inverse of `message_from_json`. Not by `asdict`, which copies each value and takes ten times as long."""
    at = message.received_at
    row = {name: getattr(message, name) for name in _NAMES}
    return row | {"received_at": at.isoformat() if at else None}


def _time(value: Any) -> datetime | None:
    if not value:
        return None
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
