"""Credits: whole units a sender earns by solving and spends by getting mail through.

A ledger per (mailbox, sender address). Every entry has a posting key that is unique in its mailbox, so
a retry posts once. The balance is the sum of the entries and is never negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

BASE_COST = 5_000
"""Cost parameter of the first proof of work (PBKDF2 iterations a step)."""

MAX_DOUBLINGS = 6
"""The price stops rising at 64 times the first one: past that a slow phone could not pay it at all."""

FIRST_WAIT = timedelta(minutes=10)
"""What follows a typed code where no work was done, at the first price."""


class Posting(StrEnum):
    """Why an entry is in the ledger."""

    EARNED = "earned"
    SPENT = "spent"
    GRANTED = "granted"
    REVOKED = "revoked"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Entry:
    """One ledger entry: `amount` is above 0 for earned, granted and refunded, below 0 for spent and revoked."""

    sender: str
    amount: int
    posting: Posting
    key: str

    def __post_init__(self) -> None:
        gains = self.posting in (Posting.EARNED, Posting.GRANTED, Posting.REFUNDED)
        if self.amount == 0 or (self.amount > 0) is not gains:
            raise ValueError(f"{self.posting} cannot post {self.amount}")
        if not self.sender or not self.key:
            raise ValueError("an entry names its sender and its posting key")


def earned(sender: str, challenge_id: str, amount: int, solves: int = 0) -> Entry:
    """What one solve behind a link earns, once. `solves` counts those behind the same link before it."""
    key = f"earn:{challenge_id}" + (f":{solves + 1}" if solves else "")
    return Entry(sender, amount, Posting.EARNED, key)


def spent(sender: str, gmail_id: str) -> Entry:
    """What one message costs, once."""
    return Entry(sender, -1, Posting.SPENT, f"spend:{gmail_id}")


def refunded(sender: str, gmail_id: str, again: str = "") -> Entry:
    """The credit of a message the owner let in themselves, given back once; `again` names the decision that gives it
    back after an earlier one was taken back."""
    key = f"refund:{gmail_id}" + (f":{again}" if again else "")
    return Entry(sender, 1, Posting.REFUNDED, key)


def unrefunded(sender: str, gmail_id: str, decision: str) -> Entry:
    """The same taken again, with the decision that gave it."""
    return Entry(sender, -1, Posting.REVOKED, f"undo:{decision}:{gmail_id}")


def forfeited(sender: str, amount: int, decision: str) -> Entry:
    """All that a sender has, taken by a decision about them."""
    return Entry(sender, -amount, Posting.REVOKED, f"forfeit:{decision}")


def restored(sender: str, amount: int, decision: str) -> Entry:
    """The same given back, with the decision that took it."""
    return Entry(sender, amount, Posting.REFUNDED, f"undo:{decision}")


def given(sender: str, amount: int, key: str) -> Entry:
    """What the owner gives (above 0) or takes (below 0) by their own word."""
    return Entry(sender, amount, Posting.GRANTED if amount > 0 else Posting.REVOKED, key)


def work_factor(solved_before: int) -> int:
    """How many times the first proof of work the next one costs: doubles with every solve, then stays."""
    return 1 << min(max(solved_before, 0), MAX_DOUBLINGS)


def wait_for(solved_before: int) -> timedelta:
    """The wait in place of the next proof of work: doubles as its price does."""
    return FIRST_WAIT * work_factor(solved_before)
