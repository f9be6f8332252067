"""A challenge: our answer to a pitch, with a link whose solving lets the sender in; and the credits a solve earns."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain.errors import Expired, Refused
from backend.domain.mail.message import Address, MailboxId, Owner

LIFE = timedelta(days=14)
"""How long the link works."""

TOKEN_BYTES = 24
"""192 random bits in a link; 128 are required."""


MAX_NOTE = 200
"""Characters of a sender's line to the owner."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class ChallengeState(StrEnum):
    """intended → sending → sent → solved; voided and failed end it from anywhere before solved.

    A solved one goes on delivering while mail of its sender waits. Expiry is not a state: it follows from
    `expires_at`, so that no job has to run for it to be true.
    """

    INTENDED = "intended"
    SENDING = "sending"
    SENT = "sent"
    SOLVED = "solved"
    VOIDED = "voided"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChallengeIntent:
    """What is stored before a challenge leaves: enough to send it, or to find it if it has left.

    `sealed_token` is the link's token, encrypted; it is erased once the mail is sent.
    `message_id` is the Message-ID our reply will carry, `marker` its private header value; `reply_from` is the address
    that was written to, with the owner's name there. `late`: a full count of the day kept it back.
    """

    id: str
    sender: str
    sender_domain: str
    token_hash: str
    sealed_token: bytes
    message_id: str
    expires_at: datetime
    reply_from: Address
    late: bool = False

    def stored(self, mailbox_id: MailboxId, gmail_id: str, thread_id: str, now: datetime) -> Challenge:
        """The challenge about this message that storing it at `now` makes, as far as sending it asks."""
        return Challenge(
            id=self.id,
            mailbox_id=mailbox_id,
            gmail_id=gmail_id,
            thread_id=thread_id,
            sender=self.sender,
            state=ChallengeState.INTENDED,
            message_id=self.message_id,
            sealed_token=self.sealed_token,
            created_at=now,
            expires_at=self.expires_at,
            reply_from=self.reply_from,
            late=self.late,
        )


@dataclass(frozen=True, slots=True)
class Challenge:
    """A stored challenge. `sent_gmail_id` is our reply's id in the owner's mailbox, "" until known.

    `is_open` is false once it was voided, failed, or a later one took its place; `solves` counts those behind this
    link, `solved_before` those of its sender behind any. `deliver_at`: a code was typed, and when this wait is over
    the link is solved by itself. `waiting` counts the sender's mail that a solve may deliver, `oldest` is the Gmail
    id of the first of it ("" if none waits), `balance` what credits there are before the solve. `reply_from` is how
    our reply was signed; one of the release before does not say, and was from the primary address.
    `sending_at`: since when it may have left.
    """

    id: str
    mailbox_id: MailboxId
    gmail_id: str
    thread_id: str
    sender: str
    state: ChallengeState
    message_id: str
    sealed_token: bytes
    created_at: datetime
    expires_at: datetime
    sent_gmail_id: str = ""
    solved_at: datetime | None = None
    solved_before: int = 0
    is_open: bool = True
    solves: int = 0
    waiting: int = 0
    oldest: str = ""
    balance: int = 0
    deliver_at: datetime | None = None
    reply_from: Address = Address("")
    late: bool = False
    sending_at: datetime | None = None

    @property
    def about(self) -> str:
        """The message its page speaks of: the oldest that waits, or else the one it was sent for."""
        return self.oldest or self.gmail_id

    def writer(self, owner: Owner) -> Owner:
        """The owner as its sender knows them: by the address they wrote to."""
        known = self.reply_from
        return Owner(known.address, known.name, owner.aliases) if known.address else owner

    def expired(self, now: datetime) -> bool:
        """Whether the link's life is over."""
        return now >= self.expires_at

    def delivers(self, worth: int) -> int:
        """How many of the waiting messages a solve that earns `worth` credits delivers."""
        return min(self.waiting, self.balance + worth)

    def refuse_closed(self, now: datetime) -> None:
        """Raise `Expired` (link_used, link_voided, link_expired) unless it can be solved now."""
        if self.state is ChallengeState.SOLVED and not (self.is_open and self.waiting):
            raise Expired("link_used")
        if self.state in (ChallengeState.VOIDED, ChallengeState.FAILED):
            raise Expired("link_voided")
        if self.expired(now) and self.deliver_at is None:
            raise Expired("link_expired")

    def refuse_note(self, now: datetime) -> None:
        """Raise `Expired` unless its sender may write a note: while it can be solved, and when all was delivered until
        the link's life is over, a later one took its place or the owner decided."""
        if self.state is not ChallengeState.SOLVED or self.waiting:
            self.refuse_closed(now)
        elif not self.is_open:
            raise Expired("link_used")
        elif self.expired(now):
            raise Expired("link_expired")


@dataclass(frozen=True, slots=True)
class Dealings:
    """What the challenge guards need to know of earlier challenges in this mailbox. A used link is open for its
    sender while their mail waits."""

    open_for_sender: bool = False
    sender_last_at: datetime | None = None
    domain_today: int = 0
    mailbox_today: int = 0
    thread_answered: bool = False


def token_hash(token: str) -> str:
    """What is stored of a link's token: hex SHA-256. The token is random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def note_line(text: str) -> str:
    """A sender's word to the owner as one line that shows what it holds: controls, line breaks of every kind,
    marks of direction and halves of characters become blanks, runs of blanks one.

    Anything may stand in it, markup too: it is text and must be escaped like a subject. Raises `Refused`
    (note_long) beyond `MAX_NOTE`; "" means no note.
    """
    bounded = text[: MAX_NOTE * 20]
    line = " ".join("".join(" " if unicodedata.category(c) in _UNSEEN else c for c in bounded).split())
    if len(line) > MAX_NOTE:
        raise Refused("note_long", length=len(line), most=MAX_NOTE, field="line")
    return line


@dataclass(frozen=True, slots=True)
class Solved:
    """What a solve did: the messages now on their way back (oldest first), the credits left, and how many messages
    still wait for the next solve behind the same link. `subjects` are those of the released, in their order ("" for
    one that has none, or whose subject is forgotten)."""

    released: tuple[str, ...]
    balance: int
    sender: str
    waiting: int = 0
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tries:
    """How often a typed code was tried, this time included, and how often any code of the same challenge was."""

    of_code: int
    of_challenge: int


# ---- Credits
# Whole units a sender earns by solving and spends by getting mail through: a ledger per (mailbox, sender address).
# Every entry has a posting key that is unique in its mailbox, so a retry posts once. The balance is the sum of the
# entries and is never negative.


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
class LedgerEntry:
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


def earned(sender: str, challenge_id: str, amount: int, solves: int = 0) -> LedgerEntry:
    """What one solve behind a link earns, once. `solves` counts those behind the same link before it."""
    key = f"earn:{challenge_id}" + (f":{solves + 1}" if solves else "")
    return LedgerEntry(sender, amount, Posting.EARNED, key)


def spent(sender: str, gmail_id: str) -> LedgerEntry:
    """What one message costs, once."""
    return LedgerEntry(sender, -1, Posting.SPENT, f"spend:{gmail_id}")


def refunded(sender: str, gmail_id: str, again: str = "") -> LedgerEntry:
    """The credit of a message the owner let in themselves, given back once; `again` names the decision that gives it
    back after an earlier one was taken back."""
    key = f"refund:{gmail_id}" + (f":{again}" if again else "")
    return LedgerEntry(sender, 1, Posting.REFUNDED, key)


def unrefunded(sender: str, gmail_id: str, decision: str) -> LedgerEntry:
    """The same taken again, with the decision that gave it."""
    return LedgerEntry(sender, -1, Posting.REVOKED, f"undo:{decision}:{gmail_id}")


def forfeited(sender: str, amount: int, decision: str) -> LedgerEntry:
    """All that a sender has, taken by a decision about them."""
    return LedgerEntry(sender, -amount, Posting.REVOKED, f"forfeit:{decision}")


def restored(sender: str, amount: int, decision: str) -> LedgerEntry:
    """The same given back, with the decision that took it."""
    return LedgerEntry(sender, amount, Posting.REFUNDED, f"undo:{decision}")


def given(sender: str, amount: int, key: str) -> LedgerEntry:
    """What the owner gives (above 0) or takes (below 0) by their own word."""
    return LedgerEntry(sender, amount, Posting.GRANTED if amount > 0 else Posting.REVOKED, key)


def work_factor(solved_before: int) -> int:
    """How many times the first proof of work the next one costs: doubles with every solve, then stays."""
    return 1 << min(max(solved_before, 0), MAX_DOUBLINGS)


def wait_for(solved_before: int) -> timedelta:
    """The wait in place of the next proof of work: doubles as its price does."""
    return FIRST_WAIT * work_factor(solved_before)
