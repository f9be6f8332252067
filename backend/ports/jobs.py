"""Jobs: claiming and ending them, and what makes them due. With `messages`, `owner` and `devices` it is the store.

For all four: every method is one transaction, every query names its mailbox, times are aware UTC (stored as integer
microseconds). Unless said otherwise a method may run again with the same arguments without a second effect. The jobs
live in the rows they are about: a message's row is its dedup record, its job and its audit in one, so a result and
the next job cannot disagree.

Jobs are held by lease. A method that takes a job raises `LeaseLost`, and writes nothing, when the lease is no longer
the caller's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol

from backend.domain.entry.challenge import Challenge
from backend.domain.mailbox.correction import Correction
from backend.domain.mailbox.failing import Cause
from backend.domain.mailbox.gap import Gap
from backend.domain.mailbox.gmail_moves import Returned
from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message_record import MessageView, Screened, Stage
from backend.ports.notices import NoticeStore


class Duty(StrEnum):
    """What is to be done for a mailbox, again and again or once."""

    SYNC = "sync"
    WATCH = "watch"
    INDEX = "index"
    OWED = "owed"  # links that a full count of the day kept back
    LEAVE = "leave"
    RETAIN = "retain"
    DELIVER = "deliver"  # when a wait ends that follows a typed code
    DIGEST = "digest"  # what was held since the last time, put into the owner's inbox
    WEB_PUSH = "web_push"  # new senders, told to browsers that asked for it
    PREVIEW = "preview"  # once, when the owner asks what would have been held


class PushFate(StrEnum):
    """What became of a push notice. All of them are acknowledged."""

    NEW = "new"
    REPEAT = "repeat"  # Pub/Sub's message id is known
    STALE = "stale"  # the change it speaks of has been listed already; what followed it perhaps not
    UNKNOWN = "unknown"  # no such mailbox here


class Due(NamedTuple):
    """When a duty and when a message may next be claimed, None if there is none."""

    duty: datetime | None
    message: datetime | None

    @property
    def first(self) -> datetime | None:
        """The earlier one."""
        return min((at for at in self if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Notice:
    """One verified push. `history_id` is a hint only."""

    push_id: str
    email: str
    history_id: str


@dataclass(frozen=True, slots=True)
class DutyJob:
    """A claimed duty. A SYNC comes with its `mailbox` as it was then, without what fails in it. `error` is what made
    the last try fail, "" if nothing did."""

    mailbox_id: str
    duty: Duty
    attempt: int
    lease: str
    mailbox: Mailbox | None = field(default=None, compare=False)
    error: str = ""


@dataclass(frozen=True, slots=True)
class InHand:
    """What the worker that goes on with a message need not read again. `challenge` was stored with the verdict."""

    mailbox: Mailbox
    screened: Screened
    challenge: Challenge | None


@dataclass(frozen=True, slots=True)
class MessageJob:
    """A claimed message. `labels` are those history told of, or None; `attempt` counts from 1. `revision` goes up when
    an owner or a solve changes what is meant to happen; a stage that finishes with an older revision leaves the newer
    order standing. `deaths` is how many workers in a row have not given it back before their lease ended, `error` what
    made the last try fail, "" if nothing did. A sync that found it has read what its screening begins
    with (`begun`). Claimed, it brings neither that nor anything `in_hand`."""

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
    in_hand: InHand | None = None
    begun: Beginning | None = None


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
    `gap` is the report of a re-list that ends with this page. What `returned` from spam or bin is seen to before
    the `corrections`.
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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a page of history is read against: which of its messages are challenges we sent (`ours`), the views of those
    that are `known`, and what was `pushed`: the furthest position of the latest pushes with the time the last of
    them came."""

    ours: frozenset[str]
    known: Mapping[str, MessageView]
    pushed: tuple[int, datetime] | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a screening begins with: the mailbox (None: it has gone), in which of the messages' threads the owner has
    written, and whether they block anybody."""

    mailbox: Mailbox | None
    took_part: frozenset[str]
    blocks: bool


class JobStore(NoticeStore, Protocol):
    """Pushes, duties, the stages of messages, and what a sync commits."""

    async def note_push(
        self, notice: Notice, again_at: datetime, now: datetime, echo: bool = False
    ) -> PushFate:
        """Store the notice. Unless it is a repeat or unknown the mailbox's SYNC is due at once, and at `again_at`,
        when the time in which Google drops further pushes has passed.

        Not at once, but at `again_at` alone, if the change it tells of has been listed already (a late push, or the
        echo of a change of our own): it may still be the only word of what came in the second after it. And while the
        second look of an earlier push is still to come, that one serves as the first look of this push: pushes that
        come faster than Google sends them do not make us list faster. `echo`: it most likely tells of a change of our
        own. It gets its look at `again_at` alone, for which the second look of an earlier push waits, up to a window.
        A notice is stale when its history id is below the stored cursor.
        """

    async def want(self, mailbox_id: str, duty: Duty, due_at: datetime) -> None:
        """Ask for a duty at `due_at`. It may be done sooner too, if it is due sooner, and then once more at
        `due_at`; asked for at many times it is done at the first and the last of them at least."""

    async def claim_duties(
        self, worker: str, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[DutyJob, ...]:
        """Up to `limit` duties of connected mailboxes nobody holds, longest due first. One holder per duty."""

    async def finish_duty(self, job: DutyJob, next_due: datetime | None) -> None:
        """Give the duty back, next due at `next_due` (None: only when wanted again). A time it was wanted at,
        before or meanwhile, that is still to come stands."""

    async def postpone_duty(
        self,
        job: DutyJob,
        at: datetime,
        error: str,
        now: datetime,
        counts: bool = True,
        cause: Cause | None = None,
    ) -> None:
        """Give it back, to be tried again at `at`; this try counts as an attempt unless `counts` is false.

        With a `cause` it has failed, from `now` or from an earlier failure on, until a try comes to its end.
        """

    async def claim_messages(
        self,
        worker: str,
        now: datetime,
        lease_until: datetime,
        limit: int,
        most: int | None = None,
        full: Collection[str] = (),
    ) -> tuple[MessageJob, ...]:
        """Up to `limit` due messages of connected mailboxes, which take turns, of at most `most` that are due of one:
        those are screened together. None of mailboxes in `full`."""

    async def finish_stage(
        self, job: MessageJob, now: datetime, until: datetime | None = None
    ) -> MessageJob | None:
        """The job's stage is done: go to the stage that follows from the row (ACT of a challenged message
        goes to CHALLENGE; everything else ends), unless a newer revision ordered something else.

        With `until` the same worker keeps the message for the stage that follows, if any, under its lease prolonged to
        then: that job is returned, else None. A challenge `in_hand` is marked as by `mark_sending`, unless it ended."""

    async def postpone(
        self,
        job: MessageJob,
        at: datetime,
        error: str,
        now: datetime,
        counts: bool = True,
        cause: Cause | None = None,
    ) -> None:
        """Try again at `at`; `counts` and `cause` as for a duty."""

    async def put_back(self, job: MessageJob) -> None:
        """It was claimed and not begun: to be claimed again at once, with as many attempts and deaths as before."""

    async def make_dead_letter(self, job: MessageJob, cause: str, now: datetime) -> None:
        """Tried too often: keep it with its cause for a person. The mailbox goes on."""

    async def gone(self, job: MessageJob, now: datetime) -> None:
        """The message no longer exists: end its job, void its open challenge."""

    async def next_due(self, now: datetime, full: Collection[str] = ()) -> Due:
        """When the next jobs are due; messages of the mailboxes in `full` do not count."""

    async def commit_sync(
        self,
        job: DutyJob,
        page: SyncPage,
        now: datetime,
        next_due: datetime | None = None,
        until: datetime | None = None,
        keep: int = 1,
    ) -> tuple[int, tuple[MessageJob, ...]]:
        """New message rows, corrections, deletions and the moved cursor in one transaction. With `next_due` this is the
        end of the duty, and it is given back like by `finish_duty`. A message id already known is dropped, and so is
        one of our own sent challenges. The cursor never moves backwards (compared as integers). Returns how many rows
        were new, and, with `until`, the jobs of those among the first `keep` of a page that tells of nothing else: the
        worker of this duty holds them to then. Raises `LeaseLost`."""

    async def surroundings(
        self, mailbox_id: str, appeared: Sequence[str], relabelled: Sequence[str]
    ) -> Surroundings:
        """What a page of history is read against: what is known of messages that appeared in it and of others whose
        labels changed, and of pushes."""

    async def beginning(self, mailbox_id: str, thread_ids: Sequence[str]) -> Beginning:
        """What messages of these threads are screened with before they are fetched; without what fails in it."""

    async def held_at_rest(self, mailbox_id: str, limit: int) -> Mapping[str, str]:
        """Messages that are meant to be held and for which nothing is left to do, latest change first, and who decided
        about each."""

    async def decided_on(self, mailbox_id: str, gmail_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(gmail id, decision) of every decision ever made about these messages, taken back or not."""

    async def ours(self, mailbox_id: str, gmail_ids: Sequence[str]) -> frozenset[str]:
        """Which of these are challenges we sent."""

    async def challenge_pending_in(self, mailbox_id: str, thread_id: str) -> bool:
        """Whether a challenge of ours is on its way in this thread (intended or sending)."""

    async def held_from(self, mailbox_id: str, addresses: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """(sender, gmail id) of one held, undecided message of each of these senders that has any."""

    async def save_index(
        self, job: DutyJob, page: str, done: int, total: int, finished: bool, now: datetime
    ) -> None:
        """Where the correspondent index stands."""
