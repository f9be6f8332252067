"""Values that the store takes and returns, besides those of the domain; none is a database row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from backend.domain.challenge import ChallengeIntent
from backend.domain.mail.message import MailboxId, Owner
from backend.domain.mailbox.decisions import Correction, TakenBack
from backend.domain.mailbox.mailbox import AccessState, Gap, Mailbox, NoticeHint, Preferences
from backend.domain.mailbox.message import (
    LabelIds,
    MessageView,
    Placement,
    Screened,
    Stage,
    Verdict,
)
from backend.domain.policy.table import Standing
from backend.domain.watching.audit import Chain, LogEntry

# ---- Jobs
# Every method of the store is one transaction, and every query names its mailbox; times are aware UTC (stored as
# integer microseconds). Unless said otherwise, a method may run again with the same arguments without a second effect.
# Jobs live in the rows they are about: a message's row is its dedup record, its job and its audit in one, so a result
# and the next job cannot disagree. A mailbox's lane, in the one process that owns it, runs what is due. A method that
# takes a job raises `LaneLost`, and writes nothing, if another process owns the mailbox, or the job has ended or its
# row was deleted.


class Duty(StrEnum):
    """A job about a whole mailbox, repeated or done once."""

    SYNC = "sync"
    WATCH = "watch"
    INDEX = "index"  # the owner's correspondents, from their sent mail
    OWED = "owed"  # captcha links that a daily limit kept back
    LEAVE = "leave"  # disconnect the mailbox
    RETAIN = "retain"  # delete rows that are old enough
    DELIVER = "deliver"  # release mail when the wait after a typed code is over
    DIGEST = "digest"  # a digest of newly held mail, placed in the owner's inbox
    WEB_PUSH = "web_push"  # notify subscribed browsers of new senders
    PREVIEW = "preview"  # once, when the owner asks what would have been held


class PushFate(StrEnum):
    """What became of a push notice. All are acknowledged."""

    NEW = "new"
    REPEAT = "repeat"  # a repeated delivery
    STALE = "stale"  # its change has been listed already; later ones may still be unread
    UNKNOWN = "unknown"  # no such mailbox here


@dataclass(frozen=True, slots=True)
class DutyJob:
    """A due duty. `attempt` counts from 1, `error` is why the last try failed, "" if it did not; `wanted` goes up each
    time it is asked for."""

    mailbox_id: MailboxId
    duty: Duty
    attempt: int
    due_at: datetime
    wanted: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class MessageJob:
    """A message's due stage. `labels` are those from history, or None; `attempt` counts from 1. `revision` goes up when
    an owner or a solve changes the order; a stage that ends with an older revision leaves the newer order standing.
    `deaths` is how many processes in a row died while running it, as far as that was marked, `error` what made the last
    try fail, "" if nothing did. `marked`: the commit that made this job marked its challenge as being sent, so it has
    not left yet; a job read from the store does not know that."""

    mailbox_id: MailboxId
    gmail_id: str
    thread_id: str
    stage: Stage
    attempt: int
    revision: int
    labels: frozenset[str] | None
    placement: Placement | None
    backlog: bool
    first_seen_at: datetime
    due_at: datetime
    deaths: int = 0
    error: str = ""
    marked: bool = False


@dataclass(frozen=True, slots=True)
class LaneWork:
    """What a mailbox has to do, each kind in order of time, due or still to come."""

    messages: tuple[MessageJob, ...]
    duties: tuple[DutyJob, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A message to process: `stage` is SCREEN for incoming mail, LEARN for the owner's own."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str] | None
    stage: Stage = Stage.SCREEN


@dataclass(frozen=True, slots=True)
class SyncPage:
    """The result of one page of history or of a re-list.

    `cursor` is the new position, or "" while pages are still to come; then `page_token`/`page_start` say where to go
    on. `backlog` marks mail that was old when found: it may be held, but not answered. `gap` is the report of a re-list
    that ends with this page. What was `returned` from spam or bin is handled before the `corrections`. Up to
    `safe_since` nothing can be missing.
    """

    sightings: tuple[Sighting, ...] = ()
    corrections: tuple[Correction, ...] = ()
    returned: tuple[TakenBack, ...] = ()
    deleted: tuple[str, ...] = ()
    cursor: str = ""
    page_token: str = ""
    page_start: str = ""
    safe_since: datetime | None = None
    backlog: bool = False
    gap: Gap | None = None


class LookBasis(NamedTuple):
    """What a look at a mailbox's history rests on: how far it had been listed, and what new messages are judged by."""

    cursor: str
    page_token: str
    owner: Owner
    link: AccessState
    preferences: Preferences
    labels: LabelIds
    watch_expires_at: datetime | None
    indexed_at: datetime | None

    @classmethod
    def of(cls, mailbox: Mailbox) -> LookBasis:
        return cls._make(_look_basis(mailbox))


_look_basis = attrgetter(*LookBasis._fields)


@dataclass(frozen=True, slots=True)
class HistoryContext:
    """What a page of history is compared with: which of its messages are challenges we sent (`ours`), the views of the
    `known` ones, the `hint` of the last notices and, as in a `ScreeningContext`, what new ones are screened with."""

    ours: frozenset[str]
    known: Mapping[str, MessageView]
    hint: NoticeHint | None
    blocks: bool


@dataclass(frozen=True, slots=True)
class ScreeningContext:
    """What a screening begins with: the mailbox (None: deleted), and whether its owner blocks anybody."""

    mailbox: Mailbox | None
    blocks: bool


# ---- Messages, challenges and lists


@dataclass(frozen=True, slots=True)
class SenderRecord:
    """A sender's history: their messages `held` now, and how many checks they were sent and `solved`."""

    held: int = 0
    challenged: int = 0
    solved: int = 0


@dataclass(frozen=True, slots=True)
class CardData:
    """One message and its sender, from one snapshot. `version` changes with every decision."""

    view: MessageView
    version: int
    standing: Standing
    record: SenderRecord


@dataclass(frozen=True, slots=True)
class Reached:
    """A verdict on a message, with the facts kept of it and the challenge to send."""

    job: MessageJob
    verdict: Verdict
    screened: Screened | None
    challenge: ChallengeIntent | None = None

    @property
    def stays(self) -> bool:
        """Whether the verdict leaves the message where it is: no label, no credit, no reply."""
        return not self.verdict.relabels and not self.verdict.spends_credit


@dataclass(frozen=True, slots=True)
class Debt:
    """A message whose sender gets a link later, since only a daily limit was against it."""

    gmail_id: str
    thread_id: str
    sender: str
    sender_domain: str


# ---- Owners and their mailboxes


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """An owner back from Google's consent page, with their refresh token sealed."""

    id: MailboxId
    sub: str
    email: str
    name: str
    sealed_token: bytes
    scopes: frozenset[str]
    preferences: Preferences
    grant_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A mailbox and the version of its row, which changes with its settings."""

    mailbox: Mailbox
    version: int


class GrantEnd(StrEnum):
    """What became of Google's grant when an owner left."""

    REVOKED = "revoked"
    WAS_GONE = "was_gone"  # withdrawn at Google before
    REFUSED = "refused"  # Google refused the request; the rows were deleted all the same


@dataclass(frozen=True, slots=True)
class DisconnectReceipt:
    """How a mailbox ended, for its receipts."""

    grant_end: GrantEnd
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a disconnect that the owner asked for at `asked_at`. `left_at` is None while it is under way; `deleted`
    counts rows by table."""

    mailbox_id: MailboxId
    asked_at: datetime
    left_at: datetime | None
    grant_end: GrantEnd | None
    deleted: Mapping[str, int] = field(default_factory=dict)


# ---- Computers and browsers
# Only hashes of tokens, codes and tickets are stored. Times are aware UTC. Each method is one transaction.


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
    """A connected computer."""

    id: str
    mailbox_id: MailboxId
    name: str
    scopes: frozenset[Scope]
    created_at: datetime
    last_seen_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A computer about to be connected. `token_hash` is the hash of its token."""

    id: str
    token_hash: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class OneTimeCode:
    """A code or ticket. `detail` is a code's PKCE challenge or a ticket's page, `name` the computer's name, `device_id`
    the computer that asked for a ticket."""

    code_hash: str
    mailbox_id: MailboxId
    purpose: Purpose
    detail: str
    expires_at: datetime
    name: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `browser` is roughly what it is ("Firefox on Linux"), "" if unknown; `created_at` is set
    when it is read."""

    token_hash: str
    mailbox_id: MailboxId
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
    """What a stream gets. `alive`: its device is still connected. `lost`: changes after the requested position are no
    longer stored. `latest` is the number of the latest change."""

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
    """One page of held senders, newest first. `total` counts senders; `cursor` is None on the last page."""

    senders: tuple[HeldSender, ...]
    total: int
    cursor: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class Overview:
    """The mailbox, the counts of held, undecided mail, and the latest change, from one snapshot."""

    mailbox: Mailbox
    messages: int
    senders: int
    latest: int


# ---- The log of decisions


@dataclass(frozen=True, slots=True)
class Log:
    """The log of decisions at one moment: the chain, None before the first; entries in order; the `settings` that
    entries refer to, JSON by hash (`audit.content_name`); the sealed counts, by an entry's number."""

    chain: Chain | None
    entries: tuple[LogEntry, ...]
    settings: Mapping[str, str]
    counts: Mapping[int, bytes]


# ---- Models


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model's bytes, checked again when loaded: their digest must be `digest`. `name` is the original file name."""

    version: str
    digest: str
    name: str
    file: bytes = field(repr=False)


# ---- Browser notifications


@dataclass(frozen=True, slots=True)
class WebPush:
    """A subscribed browser. `session` is the hash of its session, with which it ends. `sealed` holds its
    `PushSubscription`, `browser` is what it calls itself, `language` a two-letter code. Mail held before `told_until`
    has been announced; `told_at` is when it was last notified; `failing_since` when notifications began to fail."""

    id: str
    session: str
    sealed: bytes
    browser: str
    language: str
    told_until: datetime
    told_at: datetime | None = None
    failing_since: datetime | None = None
