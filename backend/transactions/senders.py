"""What a sender does on the page of their link, and what becomes of our mail to them."""

from __future__ import annotations

from datetime import datetime

from backend.domain.entry.challenge import Tries
from backend.domain.errors import NotFound
from backend.transactions.challenges import whole
from backend.transactions.mailboxes import lock
from backend.transactions.statement import Script, micros, number, q
from backend.transactions.tables import ChallengeRow


def begin_challenge(mailbox_id: str, challenge_id: str, now: datetime) -> Script[None]:
    """The sender did something on the page. Only the first time is kept (`challenges.started_at`)."""
    yield q("begin_challenge", mailbox_id=mailbox_id, challenge_id=challenge_id, now=micros(now))


def count_try(mailbox_id: str, challenge_id: str, code_id: str) -> Script[Tries]:
    """Count one try of a code before it is compared. Each call counts, so no two callers share one.

    Raises `NotFound` if the mailbox has no such challenge.
    """
    row = yield from _own_challenge(mailbox_id, challenge_id)
    yield q(
        "count_try",
        mailbox_id=mailbox_id,
        code_id=code_id,
        challenge_id=challenge_id,
        expires_at=row["expires_at"],
    )
    of_code: int = yield q("tries_of_code", mailbox_id=mailbox_id, code_id=code_id)
    of_challenge: int = yield q("tries_of_challenge", mailbox_id=mailbox_id, challenge_id=challenge_id)
    return Tries(of_code, of_challenge)


def write_note(mailbox_id: str, challenge_id: str, line: str, now: datetime) -> Script[None]:
    """Store the sender's line with the message the challenge is about, in place of an earlier one; ""
    takes it back. A message deleted meanwhile keeps none.

    Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used, link_voided).
    """
    yield from lock(mailbox_id)
    row = yield from _own_challenge(mailbox_id, challenge_id)
    challenge = yield from whole(row)
    challenge.refuse_note(now)
    yield from begin_challenge(mailbox_id, challenge_id, now)
    yield q("write_note", mailbox_id=mailbox_id, gmail_id=challenge.about, note=line.replace("\0", ""))


def note_bounce(mailbox_id: str, thread_id: str, now: datetime) -> Script[bool]:
    """A mail of ours in this thread came back: mark the latest challenge that left in it
    (`challenges.bounced_at`). False if there is none that is not marked yet.
    """
    return bool(
        (yield from number("record_bounce", mailbox_id=mailbox_id, thread_id=thread_id, now=micros(now)))
    )


def _own_challenge(mailbox_id: str, challenge_id: str) -> Script[ChallengeRow]:
    row: ChallengeRow | None = yield q("challenge", challenge_id=challenge_id)
    if row is None or row["mailbox_id"] != mailbox_id:
        raise NotFound("link_unknown")
    return row
