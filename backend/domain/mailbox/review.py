"""What the review page shows: a mailbox's messages in lists, and everything on record about one sender.

A message stands on one of four shelves: held and waiting for a word, kept (held by the owner's word), let in
(somebody's solve, credit or word brought it back) and passed (never taken out of the inbox).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.domain.mailbox.decisions import Decision, RuleMatch
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, Placement

Position = tuple[int, str]
"""Where the next page starts: time (microseconds) and Gmail id of the last message read."""


class Shelf(StrEnum):
    """Where a message stands. Lists show one of them, or all."""

    HELD = "held"
    KEPT = "kept"
    LET_IN = "let_in"
    PASSED = "passed"


def shelf_of(view: MessageView) -> Shelf | None:
    """The shelf of a message; None if it has none (not screened yet, or gone)."""
    if view.placement is None:
        return None
    if view.placement is Placement.HELD:
        return Shelf.KEPT if view.decided_by else Shelf.HELD
    return Shelf.LET_IN if view.decided_by else Shelf.PASSED


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to show. `shelves` is one shelf or all of them.

    `words` is looked for in sender, name and subject, whatever its case. `least` and `below` bound the score
    (0..1), `note` wants a line of the sender's, `challenged` that they were to be asked to pass a check; `since` and
    `until` bound the time of arrival (until is not included).
    """

    shelves: tuple[Shelf, ...]
    words: str = ""
    least: float | None = None
    below: float | None = None
    note: bool = False
    challenged: bool = False
    since: datetime | None = None
    until: datetime | None = None

    @property
    def narrow(self) -> bool:
        """Whether filters leave out messages of the shelf."""
        return self != Wanted(self.shelves)


@dataclass(frozen=True, slots=True)
class Pile:
    """Messages of one sender, newest first. `more`: how many of theirs are not among them, at most 1,000."""

    sender: str
    messages: tuple[MessageView, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: who owns it, the number of the latest change, how many wait (at most `MOST_COUNTED`), and senders
    by their newest message. A narrowed list repeats a sender on a later page with older matches of theirs.

    `position` is None on the last page. A page is made of a bounded number of messages: of a narrowed list it may
    be empty and yet have another page behind it, then `seen_back_to` is how far it looked.
    """

    mailbox: Mailbox
    latest: int
    waiting: int
    piles: tuple[Pile, ...]
    position: Position | None
    seen_back_to: datetime | None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A decision that was made about a message."""

    gmail_id: str
    decision: Decision
    origin: str
    at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Check:
    """A challenge as a sender's page tells it. `sent_at` is None for one that never left. `is_open`: until it expires
    its link delivers what waits, though it was solved before."""

    gmail_id: str
    state: str
    created_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    started_at: datetime | None
    solved_at: datetime | None
    ended_at: datetime | None
    bounced_at: datetime | None
    cause: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Booked:
    """One entry of the ledger."""

    at: datetime
    posting: str
    amount: int
    about: str


class Leaving(StrEnum):
    """How an ordered unsubscription stands."""

    ASKED = "asked"
    TRYING = "trying"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """The owner's order to be taken off a list. `cause` is the code of what went wrong the last time; `host`
    is who was told."""

    gmail_id: str
    state: Leaving
    host: str
    cause: str
    asked_at: datetime
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class SenderProfile:
    """Everything on record about one sender. `domain` is their organisation's, "" where anybody gets an address;
    `messages` are a page of them, newest first."""

    mailbox: Mailbox
    latest: int
    address: str
    domain: str
    name: str
    rules: RuleMatch
    corresponded: bool
    balance: int
    messages: tuple[MessageView, ...]
    position: Position | None
    decisions: tuple[PastDecision, ...]
    checks: tuple[Check, ...]
    ledger: tuple[Booked, ...]
    unsubscriptions: tuple[Unsubscription, ...]

    @property
    def known(self) -> bool:
        """Whether anything is on record."""
        rules = (self.rules.address, self.rules.domain)
        found = (self.messages, self.checks, self.ledger, self.corresponded, self.balance)
        return any(found) or rules != (None, None)


MOST_COUNTED = 1_000
"""Counts stop here, so that a page costs the same however much mail waits."""

MOST_EARLIER = 200
"""How much of a sender's earlier mail goes with a line of the list at once."""

LEDGER_LINES = 50
CHECK_LINES = 20
LEASE_SECONDS = 60
"""How long one try to unsubscribe may take before another may begin."""


def by_message(decisions: Sequence[PastDecision]) -> Mapping[str, tuple[PastDecision, ...]]:
    """Decisions grouped by the message they were about, oldest first."""
    found: dict[str, tuple[PastDecision, ...]] = {}
    for one in decisions:
        found[one.gmail_id] = (*found.get(one.gmail_id, ()), one)
    return found
