"""The log of decisions, the keys it is sealed with, whether the mail has changed, and what owners are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from backend.domain.mailbox.correction import Origin
from backend.domain.mailbox.message_record import MessageView
from backend.domain.watching.asking import Answer, Label
from backend.domain.watching.chain import Chain, Entry
from backend.domain.watching.drift import Drift


class DecisionKeys(Protocol):
    """Keys of the logs, each known in the clear to this process alone. Thread-safe; cheap after the first call."""

    def fresh(self) -> tuple[bytes, bytes]:
        """A new key: sealed, to be kept, and in the clear."""

    def open(self, sealed: bytes) -> bytes | None:
        """The key in the clear; None if no secret key opens it."""

    def salt(self) -> bytes:
        """Random bytes for one entry."""


@dataclass(frozen=True, slots=True)
class Log:
    """What is kept of decisions, as of one moment: the chain, None before the first; entries in their order; what they
    share, JSON by its name (`chain.name_of`); the sealed counts that are kept, by number."""

    chain: Chain | None
    entries: tuple[Entry, ...]
    settings: Mapping[str, str]
    counts: Mapping[int, bytes]


class DecisionStore(Protocol):
    """Reading the log, and the weeks of mail. Entries are appended by the transactions that decide, and change only by
    being erased: `ViewStore.retain` leaves tombstones of those that are older than the owner keeps mail."""

    async def decision_chain(self, mailbox_id: str) -> Chain | None:
        """None before the first decision."""

    async def decisions(self, mailbox_id: str, gmail_id: str | None = None) -> Log:
        """Every entry, or those about one message."""

    async def swap_chain_key(self, mailbox_id: str, old: bytes, new: bytes) -> bool:
        """Keep the key sealed again, if `old` is still what is kept."""

    async def count_weeks(self, mailbox_id: str, now: datetime) -> None:
        """Count the weeks that are over and were not counted, and test whether the mail has changed. Weeks older than a
        year are dropped, but for the first ones of the model in use."""

    async def drift(self, mailbox_id: str) -> Drift:
        """What the test said last, with the weeks of the model in use that are kept, oldest first."""


class QuestionStore(Protocol):
    """What owners are asked about decisions. An owner's act on a message that was drawn is its answer too."""

    async def draw_questions(self, mailbox_id: str, now: datetime) -> int:
        """Draw from last week's mail what the owner is asked, once a week; how many. While a trial runs, messages on
        which its models disagree come first. Questions about messages that are gone forget which; all go after a year.
        """

    async def questions(self, mailbox_id: str, now: datetime) -> tuple[MessageView, ...]:
        """The messages asked about that have no answer yet; a question is open for a week."""

    async def answer_question(
        self, mailbox_id: str, gmail_id: str, answer: Answer, origin: Origin, now: datetime
    ) -> None:
        """Keep an answer, in place of an earlier one. Raises `NotFound` for a message that was not drawn."""

    async def labels(self, mailbox_id: str, now: datetime) -> tuple[Label, ...]:
        """Everything asked about all mail in the last year."""
