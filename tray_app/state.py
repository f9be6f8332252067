"""What the tray app knows, how it changes, and messages as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from tray_app.errors import WrongVersion
from tray_app.words import t

# ---- What the app knows, as one frozen value, and every way it can change


UNDO_FOR = timedelta(seconds=30)
HELD_LIMIT = 5_000
"""Held messages kept in memory and on disk. Older ones are on the review page."""
PASSED_LIMIT = 50


class Icon(StrEnum):
    """What the tray icon shows."""

    ACTIVE = "active"
    NEW_HELD = "new_held"
    PAUSED = "paused"
    OFFLINE = "offline"
    ATTENTION = "attention"


class TroubleKind(StrEnum):
    """Why the app is cut off."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    SERVER = "server"
    BUSY = "busy"
    SIGNED_OUT = "signed_out"
    WRONG_VERSION = "wrong_version"
    OTHER = "other"


OUT_OF_REACH = frozenset({TroubleKind.UNREACHABLE, TroubleKind.SLOW, TroubleKind.SERVER, TroubleKind.BUSY})
"""Troubles that pass by themselves; the others need the owner."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong right now, in words for the owner."""

    kind: TroubleKind
    title: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the server tells of it. `domain` is "" where no rule for the domain is offered, `told`
    the one reason to show, `note` what the sender themselves had to say."""

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
        """The sender as a person reads it."""
        return self.sender_name or self.sender


@dataclass(frozen=True, slots=True)
class Status:
    """The mailbox's state at the server, in the server's words. `who` has to do something: nobody, owner or
    pitchgate. `event` is the id of the latest event seen there."""

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
    questions: int = 0
    index_done: int = 0
    index_total: int = 0
    event: str = ""


class Decision(StrEnum):
    """What the owner may say of a message; the words of docs/reference/api.md."""

    RELEASE = "release"
    ALLOW = "allow"
    ALLOW_DOMAIN = "allow_domain"
    BLOCK = "block"
    BLOCK_DOMAIN = "block_domain"
    KEEP = "keep"
    SALES = "sales"


WIDE = (Decision.ALLOW, Decision.ALLOW_DOMAIN)
"""Those that let in every held message of a sender or a domain."""


@dataclass(frozen=True, slots=True)
class Undoable:
    """The decision that can still be taken back, with the messages it took off the list."""

    key: str
    text: str
    until: datetime
    taken: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class TrayState:
    """Everything the screens are made from. `held` is newest first; `unseen` are ids not yet looked at."""

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
    recovered: str = ""  # told once after the state file had to be mended
    updated_at: datetime | None = field(default=None, compare=False)


NEEDS_GOOGLE = ("needs_reconnect", "watch_lapsed", "disconnected")
"""Conditions that connecting Gmail again mends."""


def explained(status: Status) -> tuple[str, ...]:
    """Cause, remedy and warnings, as far as there is anything the owner should know."""
    reasons = (status.cause, status.remedy) if status.who != "nobody" else ()
    return tuple(sentence for sentence in (*reasons, *status.warnings) if sentence)


def icon_of(state: TrayState, now: datetime) -> Icon:
    """The icon for this state: what the owner must mend, then what passes by itself, then what is new."""
    if not state.signed_in:
        return Icon.ATTENTION
    if state.trouble:
        return Icon.OFFLINE if state.trouble.kind in OUT_OF_REACH else Icon.ATTENTION
    status = state.status
    if status and (status.condition in (*NEEDS_GOOGLE, "delayed") or status.who == "owner"):
        return Icon.ATTENTION
    if status and paused(status, now):
        return Icon.PAUSED
    return Icon.NEW_HELD if state.unseen else Icon.ACTIVE


def paused(status: Status, now: datetime) -> bool:
    """Whether screening is paused at `now`."""
    return status.paused_until is not None and now < status.paused_until


def reached(state: TrayState, status: Status, now: datetime) -> TrayState:
    """The server answered with `status`: whatever was wrong is over."""
    return replace(state, signed_in=True, trouble=None, status=status, updated_at=now)


def failed(state: TrayState, trouble: Trouble) -> TrayState:
    """The server cannot be used for the reason in `trouble`; the last known list stays."""
    return replace(state, trouble=trouble)


def listed(state: TrayState, held: tuple[Message, ...], *, first: bool) -> TrayState:
    """The server's whole list. With `first` (no list was known) nothing in it is news."""
    taken = state.undoable.taken if state.undoable else ()  # decided, and not done: it is back, and no news
    known = {message.gmail_id for message in (*state.held, *taken)}
    fresh = {message.gmail_id for message in held} - known
    kept = state.unseen & {message.gmail_id for message in held}
    return replace(state, held=held[:HELD_LIMIT], unseen=kept if first else kept | fresh)


def newly_held(state: TrayState, message: Message) -> TrayState:
    """One more held message. Told of twice, it is there once."""
    others = tuple(known for known in state.held if known.gmail_id != message.gmail_id)
    return replace(
        state,
        held=(message, *others)[:HELD_LIMIT],
        passed=without(state.passed, {message.gmail_id}),
        unseen=state.unseen | {message.gmail_id} if others == state.held else state.unseen,
    )


def retold(state: TrayState, message: Message) -> TrayState:
    """A held message as it is now; one that is not listed stays unlisted."""
    held = tuple(message if known.gmail_id == message.gmail_id else known for known in state.held)
    return replace(state, held=held)


def gone(state: TrayState, gmail_ids: set[str]) -> TrayState:
    """These are no longer held, or no longer undecided."""
    return replace(state, held=without(state.held, gmail_ids), unseen=state.unseen - gmail_ids)


def without(messages: tuple[Message, ...], gmail_ids: set[str]) -> tuple[Message, ...]:
    """`messages` less those with these ids."""
    return tuple(message for message in messages if message.gmail_id not in gmail_ids)


def seen(state: TrayState) -> TrayState:
    """The owner has looked."""
    return replace(state, unseen=frozenset())


def find(state: TrayState, gmail_id: str) -> Message | None:
    """The held or passed message with this id."""
    return next((m for m in (*state.held, *state.passed) if m.gmail_id == gmail_id), None)


def affected(messages: tuple[Message, ...], about: Message, decision: Decision) -> tuple[Message, ...]:
    """Those of the held `messages` that a decision about one of them settles.

    A rule reaches further: to the held mail of the address, or of the domain; keeping held, to what is older of it.
    This foresees what the server will do, so that the list is right at once, offline too; the server may let in less.
    """
    if decision in (Decision.ALLOW_DOMAIN, Decision.BLOCK_DOMAIN) and about.domain:
        return tuple(message for message in messages if message.domain == about.domain)
    if decision in (Decision.ALLOW, Decision.BLOCK):
        return tuple(message for message in messages if message.sender == about.sender)
    if decision is Decision.KEEP:  # what is listed of a sender stands newest first
        theirs = tuple(message for message in messages if message.sender == about.sender)
        return theirs[theirs.index(about) :] if about in theirs else ()
    return tuple(message for message in messages if message.gmail_id == about.gmail_id)


def decided(state: TrayState, about: Message, decision: Decision, key: str, now: datetime) -> TrayState:
    """The owner decided: take what that settles off the list and offer to undo it for `UNDO_FOR`."""
    if decision is Decision.SALES:
        taken = tuple(m for m in state.passed if m.gmail_id == about.gmail_id)
        state = replace(state, passed=without(state.passed, {about.gmail_id}))
    else:
        taken = affected(state.held, about, decision)
        state = gone(state, {message.gmail_id for message in taken})
    return replace(state, undoable=Undoable(key, done_sentence(about, decision), now + UNDO_FOR, taken))


def undone(state: TrayState, key: str) -> TrayState:
    """The owner took it back: what was taken off the list is on it again, in its old order."""
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
    """Drop the offer to undo once its time is over."""
    over = state.undoable is not None and now >= state.undoable.until
    return replace(state, undoable=None) if over else state


def signed_out(state: TrayState) -> TrayState:
    """This computer was disconnected: forget everything about the mailbox."""
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


# ---- JSON of docs/reference/api.md to these values, and back for the state file and the local page


def unreadable() -> WrongVersion:
    """The error for an answer that cannot be trusted."""
    return WrongVersion(
        t("error.not_understood"),
        t("error.not_understood_remedy"),
    )


def status_from_json(data: Mapping[str, Any]) -> Status:
    """The answer of GET /status."""
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
            questions=int(data.get("questions") or 0),
            index_done=int(index.get("done", 0)),
            index_total=int(index.get("total", 0)),
            event=str(data["event"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable() from error


def message_from_json(data: Mapping[str, Any]) -> Message:
    """One message."""
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
    """Inverse of `message_from_json` for what is kept."""
    return {
        "gmail_id": message.gmail_id,
        "sender": message.sender,
        "sender_name": message.sender_name,
        "domain": message.domain,
        "subject": message.subject,
        "placement": message.placement,
        "score": message.score,
        "told": message.told,
        "received_at": message.received_at.isoformat() if message.received_at else None,
        "decided_by": message.decided_by,
        "note": message.note,
    }


def _time(value: Any) -> datetime | None:
    if not value:
        return None
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
