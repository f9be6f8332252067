"""Owners: their mailboxes, whom they know, their lists, their first run, what they take with them, their leaving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from backend.domain.errors import Lost
from backend.domain.mail.message import Owner
from backend.domain.mailbox.correction import RuleKind
from backend.domain.mailbox.mailbox import LabelIds, Link, Mailbox, Preferences
from backend.domain.mailbox.rules import DatedRule, Rule
from backend.domain.policy.rehearsal import Looked, PreviewRun, Rehearsed, Word
from backend.ports.jobs import DutyJob


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
    grant_expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A mailbox and the version of its row: `version` is another one after every change of its settings."""

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

    mailbox_id: str
    asked_at: datetime
    left_at: datetime | None
    grant_end: GrantEnd | None
    deleted: Mapping[str, int] = field(default_factory=dict)


class OwnerStore(Protocol):
    """Mailboxes and everything that is their owner's own."""

    async def connect(self, mailbox: NewMailbox, now: datetime) -> Mailbox:
        """Create the mailbox of this Google account, or give its existing one the new token and scopes.

        Duties WATCH, INDEX (if never finished) and SYNC become due at once, RETAIN in a day; a mailbox that needed
        reconnecting goes on where it stopped. Preferences of an existing mailbox stay.
        """

    async def mailbox(self, mailbox_id: str) -> Mailbox | None: ...

    async def mailbox_by_email(self, email: str) -> Mailbox | None: ...

    async def mailboxes(self) -> tuple[Mailbox, ...]:
        """All of them, oldest first (operator's view)."""

    async def sealed_token(self, mailbox_id: str) -> bytes | None:
        """The encrypted refresh token, None if the mailbox has none."""

    async def sealed_tokens(self) -> tuple[bytes, ...]:
        """Every encrypted refresh token there is, in no order: to see whether our keys open any."""

    async def save_sealed_token(self, mailbox_id: str, sealed: bytes, now: datetime) -> None: ...

    async def swap_sealed_token(self, mailbox_id: str, old: bytes, new: bytes, now: datetime) -> bool:
        """Store `new` only if `old` is still what is stored: a reconnect may have brought another grant
        meanwhile, which must not be overwritten. False if it was not."""

    async def save_grant_end(self, mailbox_id: str, sealed: bytes, at: datetime) -> None:
        """Google ends the grant of this token at `at`. What is stored stands if it says nearly the same, or if another
        token is kept."""

    async def save_preferences(self, mailbox_id: str, preferences: Preferences, now: datetime) -> None: ...

    async def save_labels(self, mailbox_id: str, labels: LabelIds, owner: Owner) -> None:
        """Note our labels' ids and what Gmail says of the owner: their addresses, and their name unless it is ""."""

    async def save_watch(self, mailbox_id: str, expires_at: datetime, first_cursor: str) -> None:
        """Note the watch. `first_cursor` becomes the cursor only if none is stored."""

    async def set_link(self, mailbox_id: str, link: Link, now: datetime, lost: Lost | None = None) -> None:
        """CONNECTED makes the mailbox's jobs claimable again; anything else stops them at once (LEAVING:
        all but the LEAVE duty, which becomes due). `lost` is how access was lost."""

    async def lose_link(self, mailbox_id: str, lost: Lost, since: datetime, now: datetime) -> bool:
        """Google refused the grant of a job that began at `since`: NEEDS_RECONNECT, unless the mailbox is
        leaving, or its row was changed after `since` (the owner may have connected again meanwhile: a grant
        that is dead all the same is found out by the next try). True if the link was lost."""

    async def busy(self, mailbox_id: str, now: datetime) -> bool:
        """Whether a job of the mailbox, other than its leaving, is held under a lease that still runs."""

    async def forget(
        self, mailbox_id: str, disconnect_receipt: DisconnectReceipt | None = None
    ) -> Mapping[str, int]:
        """Delete every row of the mailbox; returns the number deleted by table, which its receipts keep too if
        `disconnect_receipt` says how it ended."""

    async def tenant(self, sub: str) -> Tenant | None:
        """The mailbox of a Google account. Never looked up by address: that may change hands."""

    async def prefer(self, mailbox_id: str, version: int, preferences: Preferences, now: datetime) -> bool:
        """Save the settings if nothing changed since `version`; False if something did."""

    async def learn(self, mailbox_id: str, addresses: frozenset[str], thread_id: str, now: datetime) -> None:
        """The owner has written to these addresses, in this thread ("" = none)."""

    async def set_rule(self, mailbox_id: str, subject: str, kind: RuleKind | None, now: datetime) -> None:
        """Set, or with None remove, the owner's rule for an address or a bare domain."""

    async def order_preview(self, mailbox_id: str, now: datetime) -> None:
        """Begin a preview again and make its duty due. What an earlier one found is dropped; rules stay.

        Raises `NotFound` for an unknown mailbox.
        """

    async def preview_run(self, mailbox_id: str) -> PreviewRun | None: ...

    async def list_previews(
        self, job: DutyJob, run: int, found: Sequence[tuple[str, str]], now: datetime
    ) -> None:
        """The messages to look at, (gmail id, thread id), newest first. An older run's list changes nothing.

        Raises `LeaseLost`.
        """

    async def previews_to_read(self, mailbox_id: str, limit: int) -> tuple[tuple[str, str], ...]:
        """(gmail id, thread id) of messages not looked at yet, newest first."""

    async def record_previews(self, job: DutyJob, run: int, looked: Sequence[Looked], now: datetime) -> bool:
        """What was seen; each mail counts once. True when all are done. Raises `LeaseLost`."""

    async def previews(self, mailbox_id: str) -> tuple[Rehearsed, ...]:
        """The messages looked at that could be read, newest first, with their senders' standing as it is now."""

    async def say_preview(self, mailbox_id: str, gmail_id: str, word: Word, now: datetime) -> None:
        """The owner's word: SALES blocks the sender, NOT_SALES allows them, NONE brings back the rule there was
        before, unless it was changed since. Moves nothing. Raises `NotFound`."""

    async def rules(
        self, mailbox_id: str, kind: RuleKind | None, query: str, after: str, limit: int
    ) -> tuple[DatedRule, ...]:
        """Rules by subject from behind `after`; `query` is looked for in the subject."""

    async def count_rules(self, mailbox_id: str) -> int: ...

    async def rules_of(self, mailbox_id: str, subjects: Sequence[str]) -> Mapping[str, RuleKind]:
        """The kinds of those of these subjects that have a rule."""

    async def put_rules(self, mailbox_id: str, rules: Sequence[Rule], now: datetime) -> None:
        """Set all of them, or none. Raises `Refused` (too_many_rules), `NotFound`."""

    async def ask_to_leave(self, mailbox_id: str, token_hash: str, now: datetime) -> None:
        """Order the leaving and open its receipt. Raises `NotFound`."""

    async def receipt(self, token_hash: str) -> Receipt | None: ...

    async def drop_receipts(self, before: datetime) -> int:
        """Delete receipts asked for before then; returns how many."""

    async def archive_page(
        self, mailbox_id: str, table: str, after: str, limit: int
    ) -> tuple[Mapping[str, Any], ...]:
        """Rows whose key comes behind `after` ("" begins), in the order of their keys, as the store has them."""

    async def restore_rows(
        self, mailbox_id: str, table: str, rows: Sequence[Mapping[str, Any]], now: datetime
    ) -> int:
        """Add those that are not there yet, in one commit; returns how many. What is there stays as it is.

        Ledger entries move balances and daily totals with them, and must come in the order they were posted:
        `Refused` (no_credit) if a balance would fall below 0. Challenges come back closed: their links lead to
        where they were sent from.
        """

    async def retain(
        self, mailbox_id: str, before: datetime, limit: int, counts_before: datetime | None = None
    ) -> int:
        """Delete up to `limit` rows that ended before `before`, and counts that are kept to judge again before
        `counts_before`, if that is later; returns how many."""
