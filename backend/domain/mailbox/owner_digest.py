"""The owner's digest: when it is due, what its links may do, and how a message of ours is told from a forgery.

(What is kept of one message that was read is a digest too: `backend.domain.digest`. This one is mail.)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from backend.domain.mailbox.correction import Decision
from backend.domain.mailbox.mailbox import DigestPace

MORNING = time(8)
"""When it comes, by the owner's clock."""

MONDAY = 0
ACTS = (Decision.RELEASE, Decision.ALLOW, Decision.BLOCK)
"""What its links can do, one each."""

LINK_LIFE = timedelta(days=14)
LONGEST_AGO = timedelta(days=31)
"""However long nobody was told: no digest looks back further."""

SENDERS = 20
"""Senders in one digest. The rest are a link away."""

ID_PREFIX = "digest."
PLACED_WITHIN = timedelta(days=1)
"""From the making of a Message-ID to Gmail's date of the message that bears it. A copy that comes later is not ours."""


@dataclass(frozen=True, slots=True)
class DigestState:
    """How telling an owner stands. They have been told of everything before `told_until`; `message_id` is the latest
    digest's, "" before the first. With `leaving` that one may be in the inbox or not: it was to tell up to then.
    `gmail_id` is "" until the latest is known to be there."""

    told_until: datetime
    message_id: str = ""
    leaving: datetime | None = None
    gmail_id: str = ""


@dataclass(frozen=True, slots=True)
class DigestLink:
    """One link of a digest: one act on one sender's messages, `gmail_ids` newest first. It acts once, before
    `expires_at`; what it did can be taken back once."""

    token_hash: str
    mailbox_id: str
    decision: Decision
    gmail_ids: tuple[str, ...]
    expires_at: datetime
    used_at: datetime | None = None
    undone_at: datetime | None = None

    @property
    def order(self) -> str:
        """The key its order is known by: posted twice it is one order."""
        return f"digest-{self.token_hash[:40]}"


def next_at(after: datetime, pace: DigestPace, zone: tzinfo) -> datetime:
    """The first time after `after` at which a digest is due: eight in the morning there, weekly on Mondays. UTC."""
    local = after.astimezone(zone)
    day = local.date()
    while True:
        at = datetime.combine(day, MORNING, zone).astimezone(UTC)
        if at > after and (pace is not DigestPace.WEEKLY or day.weekday() == MONDAY):
            return at
        day += timedelta(days=1)


def sealed_words(mailbox_id: str, now: datetime) -> str:
    """What is sealed into a Message-ID of ours."""
    return f"{mailbox_id}.{int(now.timestamp())}"


def sealed_in(message_id: str) -> bytes:
    """The sealed part of a Message-ID that claims to be a digest's, b"" of any other. It proves nothing by itself."""
    local, _, domain = message_id.strip().strip("<>").partition("@")
    if not domain or not local.startswith(ID_PREFIX) or not local.isascii():
        return b""
    return local.removeprefix(ID_PREFIX).encode()


def message_id(sealed: bytes, domain: str) -> str:
    """The Message-ID that carries `sealed`, which is URL-safe base64."""
    return f"<{ID_PREFIX}{sealed.decode('ascii')}@{domain}>"


def placed_by_us(words: str, mailbox_id: str, received_at: datetime) -> bool:
    """Whether what was sealed in a message's id says that we put it into this mailbox, about when Gmail dates it. A
    copy that somebody sends later comes too late."""
    name, _, at = words.rpartition(".")
    if name != mailbox_id or not at.isdecimal():
        return False
    age = received_at - datetime.fromtimestamp(int(at), UTC)
    return -PLACED_WITHIN < age < PLACED_WITHIN
