"""What is remembered. Every method is one transaction; every query names its mailbox.

Times are aware UTC (stored as integer microseconds). Unless said otherwise a method may run again with
the same arguments without a second effect. The jobs live in the rows they are about: a message's row is its
dedup record, its job and its audit in one, so a result and the next job cannot disagree.

Jobs are held by lease. A method that takes a job raises `LeaseLost`, and writes nothing, when the lease is
no longer the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from backend.domain.entry.challenge import Challenge, ChallengeIntent
from backend.domain.entry.credits import Entry
from backend.domain.mail.message import Owner
from backend.domain.mailbox.correction import Correction, RuleKind
from backend.domain.mailbox.labels import Placement
from backend.domain.mailbox.mailbox import LabelIds, Link, Mailbox, Preferences
from backend.domain.mailbox.verdict import Verdict
from backend.domain.policy.standing import Standing
from backend.ports.jobs import JobStore
from backend.ports.owner import DisconnectReceipt, OwnerStore
from backend.ports.records import (
    Duty,
    DutyJob,
    MessageJob,
    MessageView,
    NewMailbox,
    Notice,
    PushFate,
    Screened,
    Sighting,
    Solved,
    Stage,
    SyncPage,
)
from backend.ports.senders import SenderStore
from backend.ports.views import ViewStore

__all__ = [
    "Duty",
    "DutyJob",
    "MessageJob",
    "MessageView",
    "NewMailbox",
    "Notice",
    "Placement",
    "PushFate",
    "Screened",
    "Sighting",
    "Solved",
    "Stage",
    "Standing",
    "Store",
    "SyncPage",
]


class MailboxStore(Protocol):
    """Mailboxes and what we may do in them."""

    async def connect(self, mailbox: NewMailbox, now: datetime) -> Mailbox:
        """Create the mailbox of this Google account, or give its existing one the new token and scopes.

        Duties WATCH, INDEX (if never finished) and SYNC become due at once, RETAIN in a day; a mailbox that needed
        reconnecting goes on where it stopped. Preferences of an existing mailbox stay.
        """
        ...

    async def mailbox(self, mailbox_id: str) -> Mailbox | None: ...

    async def mailbox_by_email(self, email: str) -> Mailbox | None: ...

    async def mailboxes(self) -> tuple[Mailbox, ...]:
        """All of them, oldest first (operator's view)."""
        ...

    async def sealed_token(self, mailbox_id: str) -> bytes | None:
        """The encrypted refresh token, None if the mailbox has none."""
        ...

    async def sealed_tokens(self) -> tuple[bytes, ...]:
        """Every encrypted refresh token there is, in no order: to see whether our keys open any."""
        ...

    async def save_sealed_token(self, mailbox_id: str, sealed: bytes, now: datetime) -> None: ...

    async def swap_sealed_token(self, mailbox_id: str, old: bytes, new: bytes, now: datetime) -> bool:
        """Store `new` only if `old` is still what is stored: a reconnect may have brought another grant
        meanwhile, which must not be overwritten. False if it was not."""
        ...

    async def save_preferences(self, mailbox_id: str, preferences: Preferences, now: datetime) -> None: ...

    async def save_labels(self, mailbox_id: str, labels: LabelIds, owner: Owner) -> None:
        """Note our labels' ids and what Gmail says of the owner: their addresses, and their name unless it is ""."""
        ...

    async def save_watch(self, mailbox_id: str, expires_at: datetime, first_cursor: str) -> None:
        """Note the watch. `first_cursor` becomes the cursor only if none is stored."""
        ...

    async def set_link(self, mailbox_id: str, link: Link, cause: str, now: datetime) -> None:
        """CONNECTED makes the mailbox's jobs claimable again; anything else stops them at once (LEAVING:
        all but the LEAVE duty, which becomes due)."""
        ...

    async def lose_link(self, mailbox_id: str, cause: str, since: datetime, now: datetime) -> bool:
        """Google refused the grant of a job that began at `since`: NEEDS_RECONNECT, unless the mailbox is
        leaving, or its row was changed after `since` (the owner may have connected again meanwhile: a grant
        that is dead all the same is found out by the next try). True if the link was lost."""
        ...

    async def busy(self, mailbox_id: str, now: datetime) -> bool:
        """Whether a job of the mailbox, other than its leaving, is held under a lease that still runs."""
        ...

    async def forget(
        self, mailbox_id: str, disconnect_receipt: DisconnectReceipt | None = None
    ) -> Mapping[str, int]:
        """Delete every row of the mailbox; returns the number deleted by table, which its receipts keep too if
        `disconnect_receipt` says how it ended."""
        ...


class SyncStore(Protocol):
    """What a sync commits."""

    async def commit_sync(self, job: DutyJob, page: SyncPage, now: datetime) -> int:
        """New message rows, corrections, deletions and the moved cursor in one transaction.

        A message id already known is dropped, and so is one of our own sent challenges. The cursor never
        moves backwards (compared as integers). Returns how many rows were new. Raises `LeaseLost`.
        """
        ...

    async def told(self, mailbox_id: str) -> tuple[int, datetime] | None:
        """The furthest history position of the latest pushes, and when the last of them came."""
        ...

    async def held_at_rest(self, mailbox_id: str, limit: int) -> tuple[str, ...]:
        """Messages that are meant to be held and for which nothing is left to do, latest change first."""
        ...

    async def decided_on(self, mailbox_id: str, gmail_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """(gmail id, decision) of every decision ever made about these messages, taken back or not."""
        ...

    async def ours(self, mailbox_id: str, gmail_ids: Sequence[str]) -> frozenset[str]:
        """Which of these are challenges we sent."""
        ...

    async def challenge_pending_in(self, mailbox_id: str, thread_id: str) -> bool:
        """Whether a challenge of ours is on its way in this thread (intended or sending)."""
        ...

    async def known(self, mailbox_id: str, gmail_ids: Sequence[str]) -> Mapping[str, MessageView]:
        """The views of those of these messages that have a row."""
        ...

    async def learn(self, mailbox_id: str, addresses: frozenset[str], thread_id: str, now: datetime) -> None:
        """The owner has written to these addresses, in this thread ("" = none)."""
        ...

    async def took_part(self, mailbox_id: str, thread_ids: Sequence[str]) -> frozenset[str]:
        """In which of these threads the owner has written themselves."""
        ...

    async def held_from(self, mailbox_id: str, addresses: frozenset[str]) -> tuple[tuple[str, str], ...]:
        """(sender, gmail id) of one held, undecided message of each of these senders that has any."""
        ...

    async def save_index(
        self, job: DutyJob, page: str, done: int, total: int, finished: bool, now: datetime
    ) -> None:
        """Where the correspondent index stands."""
        ...


class VerdictStore(Protocol):
    """Screening and what follows."""

    async def standing(
        self, mailbox_id: str, sender: str, sender_domain: str, thread_id: str, now: datetime
    ) -> Standing:
        """Everything the policy table and the guards look up of a sender."""
        ...

    async def record_verdict(
        self,
        job: MessageJob,
        verdict: Verdict,
        screened: Screened | None,
        challenge: ChallengeIntent | None,
        now: datetime,
        until: datetime | None = None,
    ) -> MessageJob | None:
        """Verdict, spent credit, challenge intent and next stage (ACT when a label has to change) in one commit.
        `until`: the same worker goes on with it, as for `finish_stage`. Raises `Conflict`, writing nothing, when the
        credit is gone or a challenge for this sender was opened meanwhile: the caller reads `standing` again and
        decides again.
        """
        ...

    async def correct(self, mailbox_id: str, correction: Correction, now: datetime) -> tuple[str, ...]:
        """Apply an owner's decision: rule, placements, voided challenge, refund. Returns the messages that move.

        The same key again returns the same and changes nothing. Raises `NotFound` for an unknown message.
        """
        ...

    async def undo(self, mailbox_id: str, key: str, now: datetime) -> tuple[str, ...]:
        """Take a correction back: placement and rules as before. Returns the messages that move."""
        ...

    async def set_rule(self, mailbox_id: str, subject: str, kind: RuleKind | None, now: datetime) -> None:
        """Set, or with None remove, the owner's rule for an address or a bare domain."""
        ...

    async def has_block_rules(self, mailbox_id: str) -> bool: ...


class ChallengeStore(Protocol):
    """Challenges, their solving, and credits."""

    async def challenge_of(self, mailbox_id: str, gmail_id: str) -> Challenge | None:
        """The latest challenge about this message."""
        ...

    async def challenge_by_token(self, token_hash: str) -> Challenge | None: ...

    async def screened(self, mailbox_id: str, gmail_id: str) -> Screened | None: ...

    async def mark_sending(self, job: MessageJob, challenge_id: str, now: datetime) -> None:
        """The send starts: from now on it must be looked for before it is sent again."""
        ...

    async def mark_sent(self, job: MessageJob, challenge_id: str, sent_gmail_id: str, now: datetime) -> None:
        """It left: erase the sealed token, end the stage."""
        ...

    async def mark_unsent(self, job: MessageJob, challenge_id: str, cause: str, now: datetime) -> None:
        """It will not leave: end the stage; the mail stays held silently."""
        ...

    async def solve(
        self,
        challenge_id: str,
        signature: str,
        signature_expires: datetime,
        solved_before: int,
        now: datetime,
    ) -> Solved:
        """The captcha was answered: bar the signature, mark solved, earn credits, spend them on held mail of
        this sender, oldest first, and order its release, in one commit. The same link can be solved again while
        mail waits. `solved_before` is the count of solves that the answer's price was asked at.

        Raises `Expired` (codes link_expired, link_used, link_voided) or `Refused` (captcha_replayed, and
        captcha_expired when another solve came first).
        """
        ...

    async def post(self, mailbox_id: str, entry: Entry, now: datetime) -> int:
        """Post one ledger entry; returns the balance. A known key posts nothing. `Refused` (no_credit) when
        the balance would fall below 0."""
        ...

    async def balance(self, mailbox_id: str, sender: str) -> int: ...

    async def ledger_differences(self) -> tuple[Mapping[str, Any], ...]:
        """Every balance or daily total that is not the sum of its entries. Must always be empty."""
        ...


class Store(
    MailboxStore,
    JobStore,
    SyncStore,
    VerdictStore,
    ChallengeStore,
    SenderStore,
    OwnerStore,
    ViewStore,
    Protocol,
):
    """All of it, behind one connection; `open` also brings the schema up to date."""

    async def open(self) -> None: ...

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""
        ...

    async def ping(self) -> None:
        """Raise if the store does not answer."""
        ...
