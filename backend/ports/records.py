"""What goes into the store and comes out of it: jobs, pages of a sync, the facts kept of a message. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.domain.mailbox.correction import Correction
from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.mailbox import Gap, Preferences


class Stage(StrEnum):
    """What is still to be done for one message."""

    LEARN = "learn"  # the owner's own mail: learn whom they write to
    SCREEN = "screen"
    ACT = "act"
    CHALLENGE = "challenge"
    RELEASE = "release"


class Duty(StrEnum):
    """What is to be done for a mailbox, again and again or once."""

    SYNC = "sync"
    WATCH = "watch"
    INDEX = "index"
    LEAVE = "leave"
    RETAIN = "retain"
    DELIVER = "deliver"  # when a wait ends that follows a typed code
    PREVIEW = "preview"  # once, when the owner asks what would have been held


class PushFate(StrEnum):
    """What became of a push notice. All of them are acknowledged."""

    NEW = "new"
    REPEAT = "repeat"  # Pub/Sub's message id is known
    STALE = "stale"  # the change it speaks of has been listed already; what followed it perhaps not
    UNKNOWN = "unknown"  # no such mailbox here


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """An owner who came back from Google's consent page, with their refresh token sealed."""

    id: str
    sub: str
    email: str
    name: str
    sealed_token: bytes
    scopes: frozenset[str]
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class Notice:
    """One verified push. `history_id` is a hint only."""

    push_id: str
    email: str
    history_id: str


@dataclass(frozen=True, slots=True)
class DutyJob:
    """A claimed duty. `wanted` is the count of requests seen at the claim."""

    mailbox_id: str
    duty: Duty
    attempt: int
    lease: str
    wanted: int


@dataclass(frozen=True, slots=True)
class MessageJob:
    """A claimed message. `labels` are those history told of, or None; `attempt` counts from 1.

    `revision` goes up whenever an owner or a solve changes what is meant to happen; a stage that finishes
    with an older revision leaves the newer order standing. `deaths` is how many workers in a row have not given
    it back before their lease ended, `error` what made the last try fail, "" if nothing did.
    """

    mailbox_id: str
    gmail_id: str
    thread_id: str
    stage: Stage
    attempt: int
    lease: str
    revision: int
    labels: frozenset[str] | None
    placement: Placement | None
    backlog: bool
    first_seen_at: datetime
    deaths: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message id to be looked at. `stage` is SCREEN for incoming mail and LEARN for the owner's own."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str] | None
    stage: Stage = Stage.SCREEN


@dataclass(frozen=True, slots=True)
class SyncPage:
    """What one page of history or of a re-list amounts to.

    `cursor` is the new position, or "" while pages are still to come; then `page_token`/`page_start` say
    where to go on. `backlog` marks mail that was not fresh when found: it may be held, never answered.
    `gap` is the report of a re-list that ends with this page.
    """

    sightings: tuple[Sighting, ...] = ()
    corrections: tuple[Correction, ...] = ()
    deleted: tuple[str, ...] = ()
    cursor: str = ""
    page_token: str = ""
    page_start: str = ""
    safe_since: datetime | None = None
    backlog: bool = False
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class Screened:
    """Facts of a screened message that are kept: no body, ever."""

    sender: str
    sender_name: str
    sender_domain: str
    subject: str
    message_id: str
    received_at: datetime
    authenticated: bool
    references: tuple[str, ...] = ()
    reply_to: str = ""  # where a challenge would go; "" = the sender's own address
    language: str = "en"  # of the message, for the wording of a challenge
    appeal: str = ""  # read only: what its sender has said since; recording a verdict leaves it alone


@dataclass(frozen=True, slots=True)
class Solved:
    """What a solve did: the messages now on their way back (oldest first), the credits left, and how many messages
    still wait for the next solve behind the same link."""

    released: tuple[str, ...]
    balance: int
    sender: str
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as screens show it."""

    mailbox_id: str
    gmail_id: str
    thread_id: str
    stage: Stage | None
    placement: Placement | None
    outcome: str
    row: str
    score: float | None
    reasons: tuple[Mapping[str, Any], ...]
    guards: tuple[str, ...]
    cause: str
    sender: str
    sender_name: str
    subject: str
    model: str
    first_seen_at: datetime
    received_at: datetime | None
    decided_at: datetime | None
    changed_at: datetime
    set_aside: bool
    decided_by: str  # "" while undecided; solve, credit, owner, replied
    appeal: str = (
        ""  # the sender's own line to the owner, one line of their making: to be escaped like a subject
    )
