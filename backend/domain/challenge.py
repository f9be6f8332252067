"""A challenge: our reply to a pitch, with a link to a check that delivers the sender's mail; and the credits it
earns."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain.errors import Expired, Refused
from backend.domain.mail.message import Address, MailboxId, Owner

LINK_LIFE = timedelta(days=14)
"""How long the link works."""

TOKEN_BYTES = 24
"""192 random bits in a link."""


MAX_NOTE = 200
"""Longest note of a sender to the owner, in characters."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})  # Unicode categories


class ChallengeState(StrEnum):
    """intended → sending → sent → solved; voided or failed from any state before solved.

    A solved one can still deliver waiting mail of its sender. Expiry is not a state: it follows from `expires_at`, so
    that no job needs to run for it.
    """

    INTENDED = "intended"
    SENDING = "sending"
    SENT = "sent"
    SOLVED = "solved"
    VOIDED = "voided"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ChallengeIntent:
    """What is stored before a challenge is sent: enough to send it, or to find it if it has been sent.

    `sealed_token` is the link's token, encrypted; it is erased once the mail is sent. `message_id` is the Message-ID of
    our reply. `reply_from` is the address that the sender wrote to, with the owner's name. `late`: a daily limit had
    postponed it.
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


@dataclass(frozen=True, slots=True)
class Challenge:
    """A stored challenge. `sent_gmail_id` is our reply's id in the owner's mailbox, "" until known.

    `is_open` is False once it is voided, failed, or replaced by a later one. `solves` counts how often this link was
    solved, `solved_before` the solves of the sender's links so far. `deliver_at` is set once a code was typed; the
    link counts as solved from then on. `waiting` counts the sender's messages that a solve may deliver, `oldest` is
    the Gmail id of the first of them ("" if none waits), and `balance` the credits before the solve. `reply_from` is
    how our reply was signed; an empty address (stored by an older version of Pitchgate) means the primary one.
    `sending_at`: when we first tried to send it; it may have gone out.
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
        """The message that its page is about: the oldest waiting one, otherwise the one it was sent for."""
        return self.oldest or self.gmail_id

    def signed_by(self, owner: Owner) -> Owner:
        """The owner under the address and name that our reply bears."""
        known = self.reply_from
        return Owner(known.address, known.name, owner.aliases) if known.address else owner

    def expired(self, now: datetime) -> bool:
        return now >= self.expires_at

    def delivers(self, worth: int) -> int:
        """How many waiting messages a solve worth so many credits would deliver now."""
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
        """Raise `Expired` unless its sender may write a note now: as long as the link can be solved, and after all mail
        is delivered, until the link expires, a later one replaces it, or the owner decides."""
        if self.state is not ChallengeState.SOLVED or self.waiting:
            self.refuse_closed(now)
        elif not self.is_open:
            raise Expired("link_used")
        elif self.expired(now):
            raise Expired("link_expired")


@dataclass(frozen=True, slots=True)
class ChallengeHistory:
    """What the challenge guards need to know about earlier challenges in this mailbox: whether the sender has an open
    link (a used one is open while their mail waits), when they got the last one, the numbers of challenges to their
    domain and from this mailbox within a day, and whether this thread already has one."""

    open_for_sender: bool = False
    sender_last_at: datetime | None = None
    domain_today: int = 0
    mailbox_today: int = 0
    thread_answered: bool = False


def token_hash(token: str) -> str:
    """The stored form of a link's token: hex SHA-256. The token is random, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def note_line(text: str) -> str:
    """A sender's note to the owner on one line: control characters, line breaks, direction marks and lone surrogates
    become spaces, and spaces are merged. "" means no note.

    It may contain anything, markup included, so it must be escaped like a subject. Raises `Refused` (note_long) if it
    is longer than `MAX_NOTE`.
    """
    bounded = text[: MAX_NOTE * 20]
    line = " ".join("".join(" " if unicodedata.category(c) in _UNSEEN else c for c in bounded).split())
    if len(line) > MAX_NOTE:
        raise Refused("note_long", length=len(line), most=MAX_NOTE, field="line")
    return line


@dataclass(frozen=True, slots=True)
class Solved:
    """The result of a solve: the released messages (oldest first), the credits left, and how many messages still wait
    for another solve of the link. `subjects` are those of the released messages ("" for none, or one that was
    erased)."""

    released: tuple[str, ...]
    balance: int
    sender: str
    waiting: int = 0
    subjects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeTries:
    """Tries so far, this one included: of this typed code, and of all codes of its challenge."""

    of_code: int
    of_challenge: int


# ---- Credits
# Senders earn credits by solving and spend one for each delivered message. Each mailbox keeps a ledger for each sender
# address. Every entry has a posting key that is unique in its mailbox, so a retry posts only once. The balance is the
# sum of the entries and is never negative.


BASE_COST = 5_000
"""Cost of the first proof of work (PBKDF2 iterations for each step)."""

MAX_DOUBLINGS = 6
"""The cost stops rising at 64 times the first one: a slow phone could not do more."""

FIRST_WAIT = timedelta(minutes=10)
"""The first wait of a sender who types a code instead of doing the work."""


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
    """What one solve of a link earns. `solves` counts the earlier solves of the same link."""
    key = f"earn:{challenge_id}" + (f":{solves + 1}" if solves else "")
    return LedgerEntry(sender, amount, Posting.EARNED, key)


def spent(sender: str, gmail_id: str) -> LedgerEntry:
    return LedgerEntry(sender, -1, Posting.SPENT, f"spend:{gmail_id}")


def refunded(sender: str, gmail_id: str, again: str = "") -> LedgerEntry:
    """The credit given back for a message that the owner let in themselves, once. `again` is the decision's key if an
    earlier refund for the message was undone."""
    key = f"refund:{gmail_id}" + (f":{again}" if again else "")
    return LedgerEntry(sender, 1, Posting.REFUNDED, key)


def unrefunded(sender: str, gmail_id: str, decision: str) -> LedgerEntry:
    """A refund taken back, because the owner undid the `decision`."""
    return LedgerEntry(sender, -1, Posting.REVOKED, f"undo:{decision}:{gmail_id}")


def forfeited(sender: str, amount: int, decision: str) -> LedgerEntry:
    """Credits taken from a sender because of the owner's `decision`."""
    return LedgerEntry(sender, -amount, Posting.REVOKED, f"forfeit:{decision}")


def restored(sender: str, amount: int, decision: str) -> LedgerEntry:
    """Forfeited credits given back, because the owner undid the `decision`."""
    return LedgerEntry(sender, amount, Posting.REFUNDED, f"undo:{decision}")


def adjusted_by_owner(sender: str, amount: int, key: str) -> LedgerEntry:
    """Credits that the owner gives (above 0) or takes (below 0)."""
    return LedgerEntry(sender, amount, Posting.GRANTED if amount > 0 else Posting.REVOKED, key)


def work_factor(solved_before: int) -> int:
    """The cost of the next proof of work, as a multiple of the first: it doubles with every solve up to a limit."""
    return 1 << min(max(solved_before, 0), MAX_DOUBLINGS)


def wait_for(solved_before: int) -> timedelta:
    """The wait that replaces the next proof of work; it doubles in the same way."""
    return FIRST_WAIT * work_factor(solved_before)
