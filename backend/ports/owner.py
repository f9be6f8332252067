"""What is remembered for an owner's own pages: the first run, their lists, their leaving. One transaction a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from backend.domain.mailbox.correction import RuleKind
from backend.domain.mailbox.rules import Rule
from backend.domain.policy.rehearsal import Rehearsed, Word
from backend.ports.records import DutyJob


class RunState(StrEnum):
    """How far a preview is."""

    LISTING = "listing"
    READING = "reading"
    DONE = "done"


class GrantEnd(StrEnum):
    """What became of Google's grant when an owner left."""

    REVOKED = "revoked"
    WAS_GONE = "was_gone"  # withdrawn at Google before
    REFUSED = "refused"  # Google would not hear of it; the rows were deleted all the same


@dataclass(frozen=True, slots=True)
class PreviewRun:
    """A preview of what would have been held. `done` of `total` mails are read; `run` counts how often one was
    asked for."""

    run: int
    state: RunState
    asked_at: datetime
    ended_at: datetime | None
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Looked:
    """One mail of a preview, looked at: what is kept of it, or None when it is gone or Gmail keeps it back."""

    gmail_id: str
    mail: Rehearsed | None


@dataclass(frozen=True, slots=True)
class DatedRule:
    """A rule and when it was set."""

    rule: Rule
    set_at: datetime


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
    """First run, lists and receipts."""

    async def order_preview(self, mailbox_id: str, now: datetime) -> None:
        """Begin a preview anew and make its duty due. What an earlier one found is dropped; rules stay.

        Raises `NotFound` for an unknown mailbox.
        """
        ...

    async def preview_run(self, mailbox_id: str) -> PreviewRun | None: ...

    async def list_previews(
        self, job: DutyJob, run: int, found: Sequence[tuple[str, str]], now: datetime
    ) -> None:
        """The mails to look at, (gmail id, thread id), newest first. An older run's list changes nothing.

        Raises `LeaseLost`.
        """
        ...

    async def previews_to_read(self, mailbox_id: str, limit: int) -> tuple[tuple[str, str], ...]:
        """(gmail id, thread id) of mails not looked at yet, newest first."""
        ...

    async def record_previews(self, job: DutyJob, run: int, looked: Sequence[Looked], now: datetime) -> bool:
        """What was seen; each mail counts once. True when all are done. Raises `LeaseLost`."""
        ...

    async def previews(self, mailbox_id: str) -> tuple[Rehearsed, ...]:
        """The mails looked at that could be read, newest first, with their senders' standing as it is now."""
        ...

    async def say_preview(self, mailbox_id: str, gmail_id: str, word: Word, now: datetime) -> None:
        """The owner's word: SALES blocks the sender, NOT_SALES allows them, NONE brings back the rule there was
        before, unless it was changed since. Moves nothing. Raises `NotFound`."""
        ...

    async def rules(
        self, mailbox_id: str, kind: RuleKind | None, query: str, after: str, limit: int
    ) -> tuple[DatedRule, ...]:
        """Rules by subject from behind `after`; `query` is looked for in the subject."""
        ...

    async def count_rules(self, mailbox_id: str) -> int: ...

    async def rules_of(self, mailbox_id: str, subjects: Sequence[str]) -> Mapping[str, RuleKind]:
        """The kinds of those of these subjects that have a rule."""
        ...

    async def put_rules(self, mailbox_id: str, rules: Sequence[Rule], now: datetime) -> None:
        """Set all of them, or none. Raises `Refused` (too_many_rules), `NotFound`."""
        ...

    async def ask_to_leave(self, mailbox_id: str, token_hash: str, now: datetime) -> None:
        """Order the leaving and open its receipt. Raises `NotFound`."""
        ...

    async def receipt(self, token_hash: str) -> Receipt | None: ...

    async def drop_receipts(self, before: datetime) -> int:
        """Delete receipts asked for before then; returns how many."""
        ...
