"""Challenges on their way out, and their solving."""

from __future__ import annotations

from datetime import datetime

from backend.domain.entry.challenge import OPEN_STATES, Challenge, ChallengeState
from backend.domain.entry.credits import earned, spent
from backend.domain.errors import Conflict, Expired, NotFound, Refused
from backend.ports.store import MessageJob, Placement, Screened, Solved, Stage
from backend.transactions import credits, rows
from backend.transactions.jobs import due, give_way, held_message, settle
from backend.transactions.mailboxes import locked
from backend.transactions.statement import Row, Script, micros, q


def challenge_of(mailbox_id: str, gmail_id: str) -> Script[Challenge | None]:
    """The latest challenge about a message."""
    row: Row | None = yield q("challenge_of_message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    return None if row is None else rows.challenge(row)


def challenge_by_token(token_hash: str) -> Script[Challenge | None]:
    """The challenge behind a link."""
    row: Row | None = yield q("challenge_by_token", token_hash=token_hash)
    return None if row is None else rows.challenge(row)


def screened(mailbox_id: str, gmail_id: str) -> Script[Screened | None]:
    """The kept facts of a message."""
    row: Row | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    return None if row is None else rows.screened(row)


def mark_sending(job: MessageJob, challenge_id: str, now: datetime) -> Script[None]:
    """The send starts. Raises `Conflict` if the challenge was voided or has ended: then nothing may leave."""
    yield from held_message(job)
    row = yield from _of_job(job, challenge_id)
    if row["state"] not in (ChallengeState.INTENDED, ChallengeState.SENDING):
        raise Conflict(f"The challenge is {row['state']} by now.", "Do not send it.")
    if row["state"] == ChallengeState.INTENDED:
        yield q("begin_sending", mailbox_id=job.mailbox_id, challenge_id=challenge_id, now=micros(now))


def mark_sent(job: MessageJob, challenge_id: str, sent_gmail_id: str, now: datetime) -> Script[None]:
    """It left. Recorded whatever was decided meanwhile: our own mail must be known as ours."""
    row = yield from held_message(job)
    yield from _of_job(job, challenge_id)
    yield q(
        "record_sent",
        mailbox_id=job.mailbox_id,
        challenge_id=challenge_id,
        sent_gmail_id=sent_gmail_id,
        empty=b"",
    )
    yield from _end(job, row, now)


def mark_unsent(job: MessageJob, challenge_id: str, cause: str, now: datetime) -> Script[None]:
    """It will not leave."""
    row = yield from held_message(job)
    yield from _of_job(job, challenge_id)
    yield q(
        "record_unsent", mailbox_id=job.mailbox_id, challenge_id=challenge_id, cause=cause, now=micros(now)
    )
    yield from _end(job, row, now)


def _of_job(job: MessageJob, challenge_id: str) -> Script[Row]:
    row: Row | None = yield q(
        "challenge_of_job", challenge_id=challenge_id, mailbox_id=job.mailbox_id, gmail_id=job.gmail_id
    )
    if row is None:
        raise NotFound("There is no such challenge about this message.", code="unknown_challenge")
    return row


def _end(job: MessageJob, row: Row, now: datetime) -> Script[None]:
    if row["revision"] == job.revision:
        yield from settle(job, None, now)
    else:
        yield from give_way(job, now)


def solve(challenge_id: str, signature: str, signature_expires: datetime, now: datetime) -> Script[Solved]:
    """Bar the answer, earn credits, spend them on held mail, order its release; see the port."""
    found: Row | None = yield q("challenge", challenge_id=challenge_id)
    if found is None:
        raise NotFound("This link is not one of ours.", code="link_unknown")
    mailbox = yield from locked(found["mailbox_id"])
    # Read again now that nobody else can change it.
    row: Row = yield q("challenge", challenge_id=challenge_id)
    challenge = rows.challenge(row)
    refuse_closed(challenge, now)
    barred = yield q(
        "insert_answer",
        signature=signature,
        mailbox_id=challenge.mailbox_id,
        challenge_id=challenge_id,
        expires_at=micros(signature_expires),
    )
    if not barred:
        raise Refused("This captcha answer was used before.", "Solve a new one.", code="captcha_replayed")
    yield q("record_solved", mailbox_id=challenge.mailbox_id, challenge_id=challenge_id, now=micros(now))
    worth = rows.mailbox(mailbox).preferences.credits_per_solve
    yield from credits.enter(challenge.mailbox_id, earned(challenge.sender, challenge_id, worth), now)
    released = yield from _spend_on_held(challenge, now)
    left = yield from credits.balance(challenge.mailbox_id, challenge.sender)
    if released:
        yield from due(challenge.mailbox_id, now)
    return Solved(released, left, challenge.sender)


def refuse_closed(challenge: Challenge, now: datetime) -> None:
    """Raise `Expired` unless the challenge can still be solved."""
    if challenge.state is ChallengeState.SOLVED:
        raise Expired("This link has been used already.", "Your mail was let through.", code="link_used")
    if challenge.state not in OPEN_STATES:
        raise Expired(
            "This link is no longer needed.", "The owner has decided about your mail.", code="link_voided"
        )
    if challenge.expired(now):
        raise Expired(
            "This link has expired.", "Write again, and you may get a new one.", code="link_expired"
        )


def _spend_on_held(challenge: Challenge, now: datetime) -> Script[tuple[str, ...]]:
    """One credit each for the sender's held, undecided mail, oldest first, while credits last."""
    held: list[Row] = yield q("held_of_sender", mailbox_id=challenge.mailbox_id, sender=challenge.sender)
    left = yield from credits.balance(challenge.mailbox_id, challenge.sender)
    released: list[str] = []
    for row in held:
        if left <= 0:
            break
        # A forged From never profits from a credit.
        if row["decided_by"] or not row["authenticated"]:
            continue
        if (yield from credits.enter(challenge.mailbox_id, spent(challenge.sender, row["gmail_id"]), now)):
            left -= 1
        yield q(
            "order_message",
            mailbox_id=challenge.mailbox_id,
            gmail_id=row["gmail_id"],
            stage=Stage.RELEASE,
            placement=Placement.INBOX,
            decided_by="solve",
            now=micros(now),
        )
        released.append(row["gmail_id"])
    return tuple(released)
