"""A sender solves the check: credits, releases, and the wait behind a typed code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.domain.entry.challenge import (
    Challenge,
    ChallengeState,
    Solved,
    note_line,
    token_hash,
    wait_for,
    work_factor,
)
from backend.domain.errors import Expired, NotFound, NotYet, Refused
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.mailbox import Link
from backend.domain.mailbox.message import Placement
from backend.pipeline.context import Context
from backend.pipeline.duties import UNTIL_SETTLED
from backend.ports.captcha import Captcha, CheckedAnswer, Kind, TypedCodes
from backend.transactions.records import DutyJob

# ---- Which checks, and in what order
# Pure.


@dataclass(frozen=True, slots=True)
class Checks:
    """`first` is asked of everybody. After `code_after` solves of a sender a typed code follows it.

    Where `first` is a proof of work a typed code will be taken too, from who has no JavaScript; but programs read
    codes, so a wait follows it that doubles as the work does. Another company's check has no such way beside it.
    """

    first: Captcha
    codes: TypedCodes
    code_after: int = 3

    @property
    def code_alone(self) -> bool:
        """Whether a typed code is taken without the first check, and a wait follows."""
        return self.first.kind in (Kind.PROOF_OF_WORK, Kind.TYPED_CODE)

    def code_follows(self, factor: int) -> bool:
        """Whether at this price a typed code is asked for behind the first check."""
        return self.first.kind is not Kind.TYPED_CODE and factor >= 1 << self.code_after

    def of(self, kind: Kind) -> Captcha:
        """The check behind an answer of this kind. Raises `Refused` (captcha_malformed) if it is not one we made."""
        if kind is Kind.TYPED_CODE:
            return self.codes
        if kind is self.first.kind:
            return self.first
        raise Refused("captcha_malformed.not_asked")


# ---- solve: the sender's link
# Looking changes nothing. What they do (asks for a task, tries, writes) is noted; only a right answer lets them in.


TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}\Z")
MOST_TRIES = 30
"""Tries at codes for one link, whatever their number: more is guessing."""


@dataclass(frozen=True, slots=True)
class OpenChallenge:
    """A challenge as its page needs it. `factor` is the price (1, 2, 4, …),
    `credits` what a solve earns; `waiting` counts the sender's mail that waits, `delivers` how many of it this check
    lets in, and `expires_at` ends the link. `wait` is what follows a typed code without the check; one that is under
    way ends at `deliver_at`. `subject` is that of the oldest of it ("" once it is forgotten),
    `note` what the sender has said to the owner about it so far. Without `connected` what is let in waits for the
    owner, who must connect the mailbox again."""

    challenge_id: str
    owner: str
    sender: str
    subject: str
    language: str
    factor: int
    credits: int
    waiting: int
    delivers: int
    expires_at: datetime
    wait: timedelta
    deliver_at: datetime | None = None
    note: str = ""
    connected: bool = True


@dataclass(frozen=True, slots=True)
class CodeDue:
    """The first check is done; the code of `ticket` is still to be typed."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Promised:
    """A code was typed and no work was done: at `deliver_at` the mail is let in by itself."""

    deliver_at: datetime


async def open_challenge(context: Context, token: str) -> OpenChallenge:
    """The challenge behind a link. Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used,
    link_released, link_gone, link_voided)."""
    return await _opened(context, await _challenge(context, token))


async def noted_challenge(context: Context, token: str) -> OpenChallenge:
    """The same, also when all was delivered and a note may still be written. Raises as `leave_note` does."""
    return await _opened(context, await _challenge(context, token, Challenge.refuse_note))


async def _opened(context: Context, challenge: Challenge) -> OpenChallenge:
    mailbox = await context.store.mailbox(challenge.mailbox_id)
    if mailbox is None:
        raise _unknown()
    worth = mailbox.preferences.credits_per_solve
    screened = await context.store.screened(challenge.mailbox_id, challenge.about)
    writer = challenge.writer(mailbox.owner)
    return OpenChallenge(
        challenge_id=challenge.id,
        owner=writer.name or writer.email,
        sender=challenge.sender,
        subject=screened.subject if screened else "",
        language=screened.language if screened else "en",
        factor=work_factor(challenge.solved_before),
        credits=worth,
        waiting=challenge.waiting,
        delivers=challenge.delivers(worth),
        expires_at=challenge.expires_at,
        wait=wait_for(challenge.solved_before),
        deliver_at=challenge.deliver_at,
        note=screened.note if screened else "",
        connected=mailbox.link is Link.CONNECTED,
    )


async def begin_check(context: Context, checks: Checks, token: str, noted: bool) -> Mapping[str, Any]:
    """A fresh task of the first check, as public JSON. `noted`: the sender asked for it by an act of their own,
    which is remembered. Raises what `open_challenge` raises."""
    challenge = await _challenge(context, token)
    now = context.clock.now()
    if noted:
        await context.store.begin_challenge(challenge.mailbox_id, challenge.id, now)
    return checks.first.task(challenge.id, work_factor(challenge.solved_before), now)


async def solve_challenge(
    context: Context, checks: Checks, token: str, payload: str, kind: Kind | None = None
) -> Solved | CodeDue | Promised:
    """Check the answer to a check of `kind` (None: the first one) and let the sender in: credits earned, held
    mail on its way, in one commit. Or say that a code is to be typed as well, or when the mail will be let in.

    Raises what `open_challenge` raises, `Refused` for a wrong, expired, malformed or replayed answer, for a
    code that is wrong or was tried too often (captcha_code_wrong, captcha_code_spent, captcha_code_closed), and
    `TryLater`.
    """
    challenge = await _challenge(context, token)
    now, factor = context.clock.now(), work_factor(challenge.solved_before)
    captcha = checks.of(kind or checks.first.kind)
    if captcha.kind is Kind.TYPED_CODE:
        await context.store.begin_challenge(challenge.mailbox_id, challenge.id, now)
    answer = await captcha.verify(payload, challenge.id, factor, now)
    if answer.most_tries:
        await _count(context, challenge, answer)
    elif checks.code_follows(factor):
        return CodeDue(checks.codes.after_work(challenge.id, factor, answer.signature, now))
    if answer.alone:
        return await _promise(context, challenge, answer, now)
    solved = await context.store.solve(
        challenge.id, answer.signature, answer.expires_at, challenge.solved_before, now
    )
    context.wake()
    return solved


async def another_code(context: Context, checks: Checks, token: str, ticket: str) -> str:
    """A new ticket in place of one that is still good. Raises what `open_challenge` raises, and `Refused`."""
    challenge = await _challenge(context, token)
    return checks.codes.another(ticket, challenge.id, context.clock.now())


async def show_code(context: Context, checks: Checks, token: str, ticket: str, spoken: bool) -> bytes:
    """The code of a ticket as picture (PNG) or sound (WAV). Raises as `another_code` does."""
    challenge = await _challenge(context, token)
    shown: Callable[..., Any] = checks.codes.sound if spoken else checks.codes.picture
    data: bytes = await shown(ticket, challenge.id, context.clock.now())
    return data


async def leave_note(context: Context, token: str, text: str) -> str:
    """Keep the sender's line to the owner, in place of an earlier one; returns it as it is shown.

    Raises what `open_challenge` raises, but link_used only where a note is no longer taken; and `Refused` (note_long,
    field line) for too long a one.
    """
    challenge = await _challenge(context, token, Challenge.refuse_note)
    line = note_line(text)
    await context.store.write_note(challenge.mailbox_id, challenge.id, line, context.clock.now())
    return line


async def _promise(context: Context, challenge: Challenge, answer: CheckedAnswer, now: datetime) -> Promised:
    wait = wait_for(challenge.solved_before)
    deliver_at = await context.store.schedule_release(
        challenge.id, answer.signature, answer.expires_at, challenge.solved_before, now + wait, now
    )
    context.wake()
    return Promised(deliver_at)


async def _count(context: Context, challenge: Challenge, answer: CheckedAnswer) -> None:
    """Count the try, then look at it: two who guess at once never share one."""
    tries = await context.store.count_try(challenge.mailbox_id, challenge.id, answer.tried)
    if tries.of_challenge > MOST_TRIES:
        raise Refused("captcha_code_closed")
    if tries.of_code > answer.most_tries:
        raise Refused("captcha_code_spent")
    if not answer.right:
        raise Refused("captcha_code_wrong")


async def _challenge(
    context: Context, token: str, refuse: Callable[[Challenge, datetime], None] = Challenge.refuse_closed
) -> Challenge:
    if not TOKEN.match(token):
        raise _unknown()
    # Looked up by hash: timing could at most tell of the hash, and nobody can invert that.
    challenge = await context.store.challenge_by_token(token_hash(token))
    if challenge is None:
        raise _unknown()
    if challenge.state in (ChallengeState.VOIDED, ChallengeState.FAILED):
        raise await _voided(context, challenge)
    try:
        refuse(challenge, context.clock.now())
    except Expired:
        if challenge.expired(context.clock.now()) and not context.time.settled:
            raise NotYet("later.time", reason="clock") from None  # nobody knows what time it is
        raise
    return challenge


async def _voided(context: Context, challenge: Challenge) -> Expired:
    """The owner has decided. The sender hears good news; bad news is the owner's business."""
    known = await context.store.known(challenge.mailbox_id, [challenge.gmail_id])
    view = known.get(challenge.gmail_id)
    if view is not None and view.placement is Placement.INBOX:
        return Expired("link_released")
    if view is not None and (view.placement is None or view.decided_by == Decision.BIN):
        return Expired("link_gone")
    return Expired("link_voided")


def _unknown() -> NotFound:
    return NotFound("link_unknown")


# ---- deliver: release after a typed code


async def deliver(context: Context, job: DutyJob) -> datetime | None:
    """Solve every link whose wait is over; returns when the next one is. May run again: each is solved once. While
    nobody knows what time it is, none is over."""
    now = context.clock.now()
    if not context.time.settled:
        return now + UNTIL_SETTLED
    return await context.store.release_due(job.mailbox_id, now)
