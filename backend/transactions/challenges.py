"""Sending and solving challenges, and what senders do on the challenge's page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from backend.domain.challenge import Challenge, ChallengeState, CodeTries, Solved, earned, spent
from backend.domain.errors import Conflict, NotFound, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import challenge_ends
from backend.domain.mailbox.message import Placement, Screened, Stage
from backend.transactions import decisions, rows, senders
from backend.transactions.jobs import current, give_way, request_duty, settle
from backend.transactions.records import Duty, MessageJob
from backend.transactions.rows import ChallengeRow, CurrentRow, MessageRow, OpenChallengeRow, ProspectsRow
from backend.transactions.script import Script, each, lock, locked, micros, moment_or_none, q, row_count, wake

# ---- Challenges: sending and solving them


def challenge_of(mailbox_id: MailboxId, gmail_id: str) -> Script[Challenge | None]:
    """The latest challenge about this message."""
    row: ChallengeRow | None = yield q("challenge_of_message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    return None if row is None else (yield from with_prospects(row))


def challenge_by_token(token_hash: str) -> Script[Challenge | None]:
    """The challenge behind a link."""
    row: ChallengeRow | None = yield q("challenge_by_token", token_hash=token_hash)
    return None if row is None else (yield from with_prospects(row))


def with_prospects(row: ChallengeRow) -> Script[Challenge]:
    """The challenge of a row, with the price and worth of its sender's next solve."""
    prospects: ProspectsRow = yield q("prospects", mailbox_id=row["mailbox_id"], sender=row["sender"])
    return rows.challenge(row, **prospects)


def screened(mailbox_id: MailboxId, gmail_id: str) -> Script[Screened | None]:
    """The facts kept of the message."""
    row: MessageRow | None = yield q("message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    return None if row is None else rows.screened(row)


def mark_sending(job: MessageJob, challenge_id: str, now: datetime) -> Script[None]:
    """The send starts. Raises `Conflict` if the challenge was voided or has ended: then nothing may be sent."""
    yield from current(job)
    row = yield from _of_job(job, challenge_id)
    if row["state"] not in (ChallengeState.INTENDED, ChallengeState.SENDING):
        raise Conflict("conflict.challenge")
    yield q("begin_sending", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, now=micros(now))


def mark_sent(job: MessageJob, challenge_id: str, sent_gmail_id: str, now: datetime) -> Script[None]:
    """It was sent. Recorded no matter what was decided: our own mail must be recognised as ours."""
    row = yield from current(job)
    recorded = yield from row_count(
        "record_sent",
        mailbox_id=job.mailbox_id,
        gmail_id=job.gmail_id,
        challenge_id=challenge_id,
        sent_gmail_id=sent_gmail_id,
        empty=b"",
    )
    if not recorded:
        raise NotFound("unknown_challenge")
    yield from _end_stage(job, row, now)


def take_up(
    job: MessageJob, challenge_id: str, token_hash: str, sent_gmail_id: str, now: datetime
) -> Script[bool]:
    """A reply sent before a database restore replaces this unsent challenge: revive the reply's link, end the
    stage. False, with nothing changed, if the link is known or the challenge has ended."""
    row = yield from current(job)
    yield from _of_job(job, challenge_id)
    taken = yield from row_count(
        "take_up",
        mailbox_id=job.mailbox_id,
        challenge_id=challenge_id,
        token_hash=token_hash,
        sent_gmail_id=sent_gmail_id,
        empty=b"",
        now=micros(now),
    )
    if taken:
        yield from _end_stage(job, row, now)
    return bool(taken)


def mark_unsent(job: MessageJob, challenge_id: str, cause: str, now: datetime) -> Script[None]:
    """It will not be sent: end the stage; the mail stays held silently."""
    row = yield from current(job)
    yield from _of_job(job, challenge_id)
    yield q(
        "record_unsent", mailbox_id=job.mailbox_id, challenge_id=challenge_id, cause=cause, now=micros(now)
    )
    yield from _end_stage(job, row, now)


def _of_job(job: MessageJob, challenge_id: str) -> Script[OpenChallengeRow]:
    row: OpenChallengeRow | None = yield q(
        "challenge_of_job", challenge_id=challenge_id, mailbox_id=job.mailbox_id, gmail_id=job.gmail_id
    )
    if row is None:
        raise NotFound("unknown_challenge")
    return row


def _end_stage(job: MessageJob, row: CurrentRow, now: datetime) -> Script[None]:
    if row["revision"] == job.revision:
        yield from settle(job, None, now)
    else:
        yield from give_way(job, now)


def solve(
    challenge_id: str, signature: str, signature_expires: datetime, solved_before: int, now: datetime
) -> Script[Solved]:
    """The captcha was solved: bar its signature from reuse, mark the challenge solved, earn credits, spend them on this
    sender's held mail, oldest first, and order its release, in one commit. The same link can be solved again while mail
    waits. `solved_before` is the count of solves that set the answer's price.

    Raises `Expired` (codes link_expired, link_used, link_voided) or `Refused` (captcha_replayed, and captcha_expired if
    another solve came first).
    """
    challenge, worth = yield from _opened(challenge_id, now)
    yield from _accept(challenge, signature, signature_expires, solved_before)
    return (yield from _let_in(challenge, worth, now))


def schedule_release(
    challenge_id: str,
    signature: str,
    signature_expires: datetime,
    solved_before: int,
    deliver_at: datetime,
    now: datetime,
) -> Script[datetime]:
    """A code was typed and no work was done: bar its signature and schedule the solve for `deliver_at`, when the duty
    DELIVER becomes due. Returns that time, or that of a wait already begun, which stands. An owner's decision that
    closes the link ends the wait, and so does a solve.

    Raises what `solve` raises.
    """
    challenge, _ = yield from _opened(challenge_id, now)
    if challenge.deliver_at is not None:
        return challenge.deliver_at
    yield from _accept(challenge, signature, signature_expires, solved_before)
    yield q(
        "promise",
        mailbox_id=challenge.mailbox_id,
        challenge_id=challenge_id,
        deliver_at=micros(deliver_at),
        now=micros(now),
    )
    yield from request_duty(challenge.mailbox_id, Duty.DELIVER, deliver_at)
    return deliver_at


def release_due(mailbox_id: MailboxId, now: datetime) -> Script[datetime | None]:
    """Solve every open link whose wait is over, as `solve` does; returns when the next wait ends. A used link without
    waiting mail earns nothing."""
    mailbox = yield from locked(mailbox_id)
    worth = rows.mailbox(mailbox).preferences.credits_per_solve
    ripe: list[ChallengeRow] = yield q("ripe_promises", mailbox_id=mailbox_id, now=micros(now))
    for row in ripe:
        challenge = yield from with_prospects(row)
        if challenge.state is ChallengeState.SOLVED and not challenge.waiting:
            yield q("drop_promise", mailbox_id=mailbox_id, challenge_id=challenge.id)
        else:
            yield from _let_in(challenge, worth, now)
    next_at: int | None = yield q("next_promise", mailbox_id=mailbox_id)
    return moment_or_none(next_at)


def _opened(challenge_id: str, now: datetime) -> Script[tuple[Challenge, int]]:
    """The challenge, with its mailbox locked, and the credits that a solve earns there."""
    found: ChallengeRow | None = yield q("challenge", challenge_id=challenge_id)
    if found is None:
        raise NotFound("link_unknown")
    mailbox = yield from locked(found["mailbox_id"])
    # Read again now that the mailbox is locked.
    row: ChallengeRow = yield q("challenge", challenge_id=challenge_id)
    challenge = yield from with_prospects(row)
    challenge.refuse_closed(now)
    return challenge, rows.mailbox(mailbox).preferences.credits_per_solve


def _accept(challenge: Challenge, signature: str, expires: datetime, solved_before: int) -> Script[None]:
    """Accept an answer once, and only at the current price."""
    barred = yield from row_count(
        "insert_answer",
        signature=signature,
        mailbox_id=challenge.mailbox_id,
        challenge_id=challenge.id,
        expires_at=micros(expires),
    )
    if not barred:
        raise Refused("captcha_replayed")
    if challenge.solved_before != solved_before:
        raise Refused("captcha_expired.price")


def _let_in(challenge: Challenge, worth: int, now: datetime) -> Script[Solved]:
    """Record a solve, earn `worth` credits, spend them on the sender's held mail, oldest first."""
    yield q("record_solved", mailbox_id=challenge.mailbox_id, challenge_id=challenge.id, now=micros(now))
    entry = earned(challenge.sender, challenge.id, worth, challenge.solves)
    yield from senders.enter(challenge.mailbox_id, entry, now, challenge.id)
    waiting = yield from each(
        tuple[str, str],
        "waiting_of_sender",
        mailbox_id=challenge.mailbox_id,
        sender=challenge.sender,
        limit=challenge.delivers(worth),
    )
    for gmail_id, _ in waiting:
        yield from senders.enter(challenge.mailbox_id, spent(challenge.sender, gmail_id), now)
        yield q(
            "order_message",
            mailbox_id=challenge.mailbox_id,
            gmail_id=gmail_id,
            stage=Stage.RELEASE,
            placement=Placement.INBOX,
            decided_by="solve",
            now=micros(now),
        )
    left = yield from senders.balance(challenge.mailbox_id, challenge.sender)
    released = tuple(gmail_id for gmail_id, _ in waiting)
    about = released or (challenge.gmail_id,)
    fields = {"challenge": challenge.id, "by": "sender"}
    yield from decisions.log_about(challenge.mailbox_id, decisions.SOLVE, about, fields, now)
    if waiting:
        yield wake(challenge.mailbox_id)
    subjects = tuple(subject for _, subject in waiting)
    return Solved(released, left, challenge.sender, challenge.waiting - len(released), subjects)


# ---- The sender's page, and bounces of our mail to them


def begin_challenge(mailbox_id: MailboxId, challenge_id: str, now: datetime) -> Script[None]:
    """The sender did something on the page. Only the first time is kept (`challenges.started_at`)."""
    yield q("begin_challenge", mailbox_id=mailbox_id, challenge_id=challenge_id, now=micros(now))


def count_try(mailbox_id: MailboxId, challenge_id: str, code_id: str) -> Script[CodeTries]:
    """Count one try of a code before it is compared. Each call counts, so no two tries share a number.

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
    return CodeTries(of_code, of_challenge)


def write_note(mailbox_id: MailboxId, challenge_id: str, line: str, now: datetime) -> Script[None]:
    """Store the sender's line with the message the challenge is about, replacing an earlier one; "" removes it. A
    message deleted meanwhile keeps none.

    Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used, link_voided).
    """
    yield from lock(mailbox_id)
    row = yield from _own_challenge(mailbox_id, challenge_id)
    challenge = yield from with_prospects(row)
    challenge.refuse_note(now)
    yield from begin_challenge(mailbox_id, challenge_id, now)
    yield q("write_note", mailbox_id=mailbox_id, gmail_id=challenge.about, note=line.replace("\0", ""))


def note_bounce(mailbox_id: MailboxId, thread_id: str, now: datetime) -> Script[bool]:
    """Our mail in this thread bounced: mark the latest challenge sent in it (`challenges.bounced_at`). False if all are
    marked already."""
    return bool(
        (yield from row_count("record_bounce", mailbox_id=mailbox_id, thread_id=thread_id, now=micros(now)))
    )


def _own_challenge(mailbox_id: MailboxId, challenge_id: str) -> Script[ChallengeRow]:
    row: ChallengeRow | None = yield q("challenge", challenge_id=challenge_id)
    if row is None or row["mailbox_id"] != mailbox_id:
        raise NotFound("link_unknown")
    return row


# ---- Voided by the owner's decisions, reopened by an undo


def void_of_message(mailbox_id: MailboxId, gmail_id: str, now: datetime) -> Script[list[OpenChallengeRow]]:
    """Void the open challenge about a message, unless it also serves other mail; returns what was voided."""
    open_now: list[OpenChallengeRow] = yield q("open_of_message", mailbox_id=mailbox_id, gmail_id=gmail_id)
    others = open_now and (yield from row_count("waits_beside", mailbox_id=mailbox_id, gmail_id=gmail_id))
    found = [row for row in open_now if challenge_ends(row["state"], bool(others))]
    yield from _void(mailbox_id, found, now)
    return found


def void_of_sender(mailbox_id: MailboxId, sender: str, now: datetime) -> Script[list[OpenChallengeRow]]:
    """Void the sender's open challenge."""
    found: list[OpenChallengeRow] = yield q("open_of_sender", mailbox_id=mailbox_id, sender=sender)
    yield from _void(mailbox_id, found, now)
    return found


def void_of_domain(mailbox_id: MailboxId, domain: str, now: datetime) -> Script[list[OpenChallengeRow]]:
    """Void every open challenge of a domain's senders."""
    found: list[OpenChallengeRow] = yield q("open_of_domain", mailbox_id=mailbox_id, sender_domain=domain)
    yield from _void(mailbox_id, found, now)
    return found


def _void(mailbox_id: MailboxId, found: Sequence[OpenChallengeRow], now: datetime) -> Script[None]:
    for row in found:
        yield q("void_challenge", mailbox_id=mailbox_id, challenge_id=row["id"], now=micros(now))


def reopen(mailbox_id: MailboxId, challenge_id: str, state: str, now: datetime) -> Script[bool]:
    """Undo a voiding, if nothing else was opened for the sender meanwhile."""
    done = yield from row_count(
        "reopen_challenge", mailbox_id=mailbox_id, challenge_id=challenge_id, state=state, now=micros(now)
    )
    return bool(done)
