"""Values that the pipeline's stages exchange with the store. None is a database row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from backend.domain.entry.challenge import Challenge, ChallengeIntent
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import Correction, Returned
from backend.domain.mailbox.mailbox import Gap, Mailbox, NoticeHint, Preferences
from backend.domain.mailbox.message import PLACEMENT_OF, MessageView, Placement, Screened, Stage, Verdict
from backend.domain.policy.table import Standing
from backend.domain.watching.audit import Chain, LogEntry

# ---- Jobs
# For every method of the store: it is one transaction, every query names its mailbox, times are aware UTC (stored as
# integer microseconds). Unless said otherwise a method may run again with the same arguments without a second effect.
# The jobs live in the rows they are about: a message's row is its dedup record, its job and its audit in one, so a
# result and the next job cannot disagree. What is due in a mailbox is done by its lane, in the one process that owns
# it. A method that takes a job raises `LaneLost`, and writes nothing, where that is another process, or what the job
# was about has ended or gone.


class Duty(StrEnum):
    """A job about a whole mailbox, repeated or done once."""

    SYNC = "sync"
    WATCH = "watch"
    INDEX = "index"  # the owner's correspondents, from their sent mail
    OWED = "owed"  # captcha links that were not sent because a limit of the day was reached
    LEAVE = "leave"  # disconnect the mailbox
    RETAIN = "retain"  # delete what is past its time
    DELIVER = "deliver"  # release mail when the wait after a typed code is over
    DIGEST = "digest"  # what was held since the last time, put into the owner's inbox
    WEB_PUSH = "web_push"  # new senders, told to browsers that asked for it
    PREVIEW = "preview"  # once, when the owner asks what would have been held


class PushFate(StrEnum):
    """What became of a push notice. All of them are acknowledged."""

    NEW = "new"
    REPEAT = "repeat"  # it came before
    STALE = "stale"  # we have read past this change already; later ones may still be unread
    UNKNOWN = "unknown"  # no such mailbox here


@dataclass(frozen=True, slots=True)
class DutyJob:
    """A duty that is due, as its row was `read_at`. `attempt` counts from 1, `error` is why the last try failed, "" if
    it did not; `wanted` goes up each time it is asked for."""

    mailbox_id: MailboxId
    duty: Duty
    attempt: int
    due_at: datetime
    wanted: int
    read_at: datetime
    error: str = ""


@dataclass(frozen=True, slots=True)
class Prefetched:
    """What was already read for a message, for the next stage. `challenge` was stored with the verdict."""

    mailbox: Mailbox
    screened: Screened
    challenge: Challenge | None


@dataclass(frozen=True, slots=True)
class MessageJob:
    """What is due of a message. `labels` are those history told of, or None; `attempt` counts from 1. `revision` goes
    up when an owner or a solve changes what is meant to happen; a stage that finishes with an older revision leaves the
    newer order standing. `deaths` is how many processes in a row have died over it, as far as that was marked, `error`
    what made the last try fail, "" if nothing did. As it was read it brings nothing `in_hand`."""

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
    in_hand: Prefetched | None = None


@dataclass(frozen=True, slots=True)
class LaneWork:
    """What is to be done in a mailbox, each kind in the order of its time, due or still to come."""

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

    `cursor` is the new position, or "" while pages are still to come; then `page_token`/`page_start` say
    where to go on. `backlog` marks mail that was not fresh when found: it may be held, never answered.
    `gap` is the report of a re-list that ends with this page. What was `returned`, taken back out of spam
    or bin, is handled before the `corrections`. `safe_since`: up to then nothing can be missing.
    """

    sightings: tuple[Sighting, ...] = ()
    corrections: tuple[Correction, ...] = ()
    returned: tuple[Returned, ...] = ()
    deleted: tuple[str, ...] = ()
    cursor: str = ""
    page_token: str = ""
    page_start: str = ""
    safe_since: datetime | None = None
    backlog: bool = False
    gap: Gap | None = None


class HistoryPosition(NamedTuple):
    """Where the listing of a mailbox's history stands: its cursor, and the page it goes on with, "" for the first."""

    cursor: str
    page_token: str


@dataclass(frozen=True, slots=True)
class HistoryContext:
    """What a page of history is read against: which of its messages are challenges we sent (`ours`), the views of those
    that are `known`, what notices `told`, and, as for a `ScreeningContext`, what those that appeared are screened
    with."""

    ours: frozenset[str]
    known: Mapping[str, MessageView]
    told: NoticeHint | None
    blocks: bool


@dataclass(frozen=True, slots=True)
class ScreeningContext:
    """What a screening begins with: the mailbox (None: it has gone), and whether its owner blocks anybody."""

    mailbox: Mailbox | None
    blocks: bool


# ---- Messages, challenges and lists


@dataclass(frozen=True, slots=True)
class SenderRecord:
    """A sender so far: their messages `held` now, and how many checks they were asked for and `solved`."""

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
    """A verdict on a message, and what is kept of it and sent with it."""

    job: MessageJob
    verdict: Verdict
    screened: Screened | None
    challenge: ChallengeIntent | None = None

    @property
    def stays(self) -> bool:
        """Whether it leaves the message where it is: no label, no credit, no reply."""
        acts = PLACEMENT_OF[self.verdict.outcome] in (Placement.MARKED, Placement.HELD)
        return not acts and not self.verdict.spends_credit


@dataclass(frozen=True, slots=True)
class Debt:
    """A message whose sender gets a link later: only a daily limit was against it."""

    gmail_id: str
    thread_id: str
    sender: str
    sender_domain: str


# ---- Owners and their mailboxes


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """An owner who came back from Google's consent page, with their refresh token sealed."""

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
    REFUSED = "refused"  # Google would not hear of it; the rows were deleted all the same


@dataclass(frozen=True, slots=True)
class DisconnectReceipt:
    """How a mailbox ended, for its receipts."""

    grant_end: GrantEnd
    at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a disconnect. `left_at` is None while it is under way; `deleted` counts rows by table."""

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
    """One connected computer."""

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
    """A code or ticket. `detail` is a code's PKCE challenge or a ticket's page, `name` what the computer is called,
    `device_id` the computer that asked for a ticket."""

    code_hash: str
    mailbox_id: MailboxId
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
    """What a stream gets. `alive`: its device is still connected. `lost`: changes after the position asked for are no
    longer stored. `latest` is the number of the latest change there is."""

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
    """One page of held senders, newest first. `total` counts senders; `cursor` is () on the last page."""

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
    """What is kept of decisions, as of one moment: the chain, None before the first; entries in their order; the
    `settings` that entries refer to, JSON by its hash (`audit.content_name`); the sealed counts, by an entry's
    number."""

    chain: Chain | None
    entries: tuple[LogEntry, ...]
    settings: Mapping[str, str]
    counts: Mapping[int, bytes]


# ---- Models


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model's bytes, to be audited again when loaded. `digest` is what theirs must be, `name` what the file was
    called."""

    version: str
    digest: str
    name: str
    file: bytes = field(repr=False)


# ---- Browser notifications


@dataclass(frozen=True, slots=True)
class WebPush:
    """One browser. `session` is the hash of its session, with which it ends. `sealed` holds its `Subscription`,
    `browser` is what it calls itself, `language` a two-letter code. `told_until`: what was held before has been
    announced; `told_at` when it was last told; `failing_since` from when on it could not be."""

    id: str
    session: str
    sealed: bytes
    browser: str
    language: str
    told_until: datetime
    told_at: datetime | None = None
    failing_since: datetime | None = None
