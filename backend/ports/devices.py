"""Computers and browsers an owner has let in, and the log of changes they follow.

Only hashes of tokens, codes and tickets are stored. Times are aware UTC. Each method is one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from backend.domain.mailbox.correction import Correction
from backend.domain.mailbox.mailbox import Mailbox, Preferences
from backend.domain.mailbox.message_record import MessageView


class Scope(StrEnum):
    """What a device may do."""

    READ = "read"
    CORRECT = "correct"
    SETTINGS = "settings"
    DEVICES = "devices"


class Purpose(StrEnum):
    """What a one-time code is for."""

    DEVICE = "device"  # exchanged for a device token
    TICKET = "ticket"  # signs a browser in


class EventKind(StrEnum):
    """What changed."""

    HELD = "held"
    MOVED = "moved"
    STATUS = "status"
    NOTE = "appeal"  # stored so: the sender wrote, changed or took back their line to the owner


@dataclass(frozen=True, slots=True)
class Device:
    """One connected computer."""

    id: str
    mailbox_id: str
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A computer to be let in. `token_hash` is of the token it will show."""

    id: str
    token_hash: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code or ticket. `detail` is a code's challenge or a ticket's page, `name` what the computer is called,
    `device_id` the computer that asked for a ticket."""

    code_hash: str
    mailbox_id: str
    purpose: Purpose
    detail: str
    expires_at: datetime
    name: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `browser` is what it is roughly ("Firefox on Linux"), "" if it did not say;
    `created_at` is set when it is read."""

    token_hash: str
    mailbox_id: str
    expires_at: datetime
    device_id: str = ""
    browser: str = ""
    created_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `message` is the message of a HELD or NOTE event as it is now."""

    id: int
    kind: EventKind
    gmail_id: str = ""
    placement: str = ""
    decided_by: str = ""
    message: MessageView | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a stream is told. `alive`: its device is still let in. `lost`: changes after the position asked for
    are no longer known. `latest` is the number of the latest change there is."""

    alive: bool
    lost: bool
    latest: int
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class HeldSender:
    """Held, undecided mail of one sender: how many, when the last came, and the newest of it."""

    sender: str
    count: int
    latest_at: datetime
    messages: tuple[MessageView, ...]


@dataclass(frozen=True, slots=True)
class HeldPage:
    """One page of them, newest sender first. `total` counts senders; `cursor` is () on the last page."""

    senders: tuple[HeldSender, ...]
    total: int
    cursor: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The mailbox, the counts of held, undecided mail, and the latest change, all of one moment."""

    mailbox: Mailbox
    messages: int
    senders: int
    latest: int


class Notifier(Protocol):
    """Rung when an owner's open streams have something to look for."""

    @property
    def rings(self) -> int:
        """How often it rang. Read before looking and handed to `rung`, no ring is missed."""

    async def rung(self, timeout: float, heard: int | None = None) -> bool:
        """Wait for a ring, at most `timeout` seconds; True if there was one (since `heard`, if given)."""


class DeviceStore(Protocol):
    """Devices, codes and sessions, the held mail they list, and what they are told."""

    async def device_by_token(self, token_hash: str) -> Device | None: ...

    async def device_seen(self, mailbox_id: str, device_id: str, now: datetime) -> None: ...

    async def devices(self, mailbox_id: str) -> tuple[Device, ...]:
        """Oldest first."""

    async def remove_device(self, mailbox_id: str, device_id: str) -> bool:
        """Its token, tickets and sessions are dead at once. False if there is no such device."""

    async def add_code(self, code: OneTimeCode, now: datetime) -> None:
        """Keep a code. Codes long past their life are dropped. Raises `NotFound` for an unknown mailbox."""

    async def exchange(
        self, code_hash: str, challenge: str, device: NewDevice, now: datetime
    ) -> tuple[Device, str]:
        """Use a code up and let its computer in; also gives the owner's address.

        Raises `Refused` (code_wrong: unknown, or another challenge, which uses it up too), `Expired`
        (code_expired: used or past its life), or `Refused` (too_many_devices).
        """

    async def redeem_ticket(
        self, code_hash: str, session: str, until: datetime, now: datetime, browser: str = ""
    ) -> OneTimeCode:
        """Use a ticket up and open a session with the token hash `session`. Raises `Expired` (code_expired),
        for an unknown ticket too."""

    async def add_session(self, session: Session, now: datetime) -> None:
        """Open a session."""

    async def session(self, token_hash: str, now: datetime) -> Session | None:
        """The session, if its life is not over."""

    async def extend_session(self, mailbox_id: str, token_hash: str, expires_at: datetime) -> None:
        """Let a session run to that moment."""

    async def remove_session(self, mailbox_id: str, token_hash: str) -> None: ...

    async def sessions(self, mailbox_id: str, now: datetime) -> tuple[Session, ...]:
        """Those that still run, the newest first."""

    async def remove_other_sessions(self, mailbox_id: str, token_hash: str) -> int:
        """End all but this one; returns how many."""

    async def overview(self, mailbox_id: str) -> Overview | None: ...

    async def held(self, mailbox_id: str, query: str, cursor: tuple[int, str] | None, limit: int) -> HeldPage:
        """A page of held senders. `query` is looked for in sender, name and subject, whatever its case."""

    async def correct_once(self, mailbox_id: str, correction: Correction, now: datetime) -> tuple[str, ...]:
        """As `correct`, but the same key for another decision is `Refused` (key_reused)."""

    async def change_preferences(
        self, mailbox_id: str, changes: Mapping[str, Any], now: datetime
    ) -> Preferences:
        """All of the changes, in JSON form, or none. Raises `Refused` naming the field."""

    async def news(self, mailbox_id: str, device_id: str, after: int | None, limit: int) -> News:
        """Changes after number `after` (None: only the latest number), oldest first."""

    async def review_news(
        self, mailbox_id: str, session_hash: str, after: int | None, limit: int, now: datetime
    ) -> News:
        """As `news` for a browser: `alive` while its session lives. Every event has its message as it
        is now, None for one that has no row any more."""

    def changed(self, mailbox_id: str) -> Notifier:
        """Rung after the commit of every change `news` tells of, and when a device or session of the mailbox ends.
        Other processes' commits may go unheard: look now and then all the same."""
