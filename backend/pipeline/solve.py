"""A sender solves the check: credits, releases, and the wait behind a typed code."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backend.domain.challenge import (
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
from backend.domain.mailbox.mailbox import AccessState
from backend.domain.mailbox.message import Placement
from backend.pipeline.context import Context
from backend.pipeline.duties import UNTIL_SETTLED
from backend.ports.system import Captcha, CaptchaKind, CheckedAnswer, TypedCodes
from backend.transactions.records import DutyJob

# ---- Which checks, and in what order
# Pure.


@dataclass(frozen=True, slots=True)
class Checks:
    """`first` is asked of everybody. After a sender's `code_after` solves a typed code follows it.

    If `first` is a proof of work, senders without JavaScript may type a code instead. Programs can read codes, so a
    wait follows that doubles as the work does. With another company's check there is no such alternative.
    """

    first: Captcha
    codes: TypedCodes
    code_after: int = 3

    @property
    def code_alone(self) -> bool:
        """Whether a typed code is accepted without the first check, followed by a wait."""
        return self.first.kind in (CaptchaKind.PROOF_OF_WORK, CaptchaKind.TYPED_CODE)

    def code_follows(self, factor: int) -> bool:
        """Whether at this price a typed code follows the first check."""
        return self.first.kind is not CaptchaKind.TYPED_CODE and factor >= 1 << self.code_after

    def of(self, kind: CaptchaKind) -> Captcha:
        """The check for an answer of this kind. Raises `Refused` (captcha_malformed) if it is not ours."""
        if kind is CaptchaKind.TYPED_CODE:
            return self.codes
        if kind is self.first.kind:
            return self.first
        raise Refused("captcha_malformed.not_asked")


# ---- solve: the sender's link
# Opening the page changes nothing. What a sender does (ask for a task, try, write) is noted; only a right answer
# delivers mail.


TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}\Z")
MOST_TRIES = 30
"""Tries of codes for one link in all: more is guessing."""


@dataclass(frozen=True, slots=True)
class OpenChallenge:
    """A challenge as its page needs it. `factor` is the price (1, 2, 4, …), `credits` what a solve earns; `waiting`
    counts the sender's held mail, `delivers` how many of it this check delivers; `expires_at` ends the link. `wait`
    follows a typed code without the check; one that has begun ends at `deliver_at`. `subject` is that of the oldest
    held email ("" once deleted), `note` the sender's line to the owner. Without `connected` the mail is delivered once
    the owner reconnects."""

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
    """A code was typed and no work was done: the mail is delivered at `deliver_at`."""

    deliver_at: datetime


async def open_challenge(context: Context, token: str) -> OpenChallenge:
    """The challenge behind a link. Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used,
    link_released, link_gone, link_voided)."""
    return await _opened(context, await _challenge(context, token))


async def noted_challenge(context: Context, token: str) -> OpenChallenge:
    """The same, also if all mail was delivered and a note may still be written. Raises as `leave_note` does."""
    return await _opened(context, await _challenge(context, token, Challenge.refuse_note))


async def _opened(context: Context, challenge: Challenge) -> OpenChallenge:
    mailbox = await context.store.mailbox(challenge.mailbox_id)
    if mailbox is None:
        raise _unknown()
    worth = mailbox.preferences.credits_per_solve
    screened = await context.store.screened(challenge.mailbox_id, challenge.about)
    writer = challenge.signed_by(mailbox.owner)
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
        connected=mailbox.link is AccessState.CONNECTED,
    )


async def begin_check(context: Context, checks: Checks, token: str, noted: bool) -> Mapping[str, Any]:
    """A fresh task of the first check, as public JSON. `noted`: the sender asked for it themselves, which is recorded.
    Raises what `open_challenge` raises."""
    challenge = await _challenge(context, token)
    now = context.clock.now()
    if noted:
        await context.store.begin_challenge(challenge.mailbox_id, challenge.id, now)
    return checks.first.task(challenge.id, work_factor(challenge.solved_before), now)


async def solve_challenge(
    context: Context, checks: Checks, token: str, payload: str, kind: CaptchaKind | None = None
) -> Solved | CodeDue | Promised:
    """Check the answer to a check of `kind` (None: the first one). If it is right, earn credits and release held mail
    in one commit, or return that a code must follow, or when the mail will be delivered.

    Raises what `open_challenge` raises, `Refused` for a wrong, expired, malformed or replayed answer, for a code that
    is wrong or was tried too often (captcha_code_wrong, captcha_code_spent, captcha_code_closed), and `TryLater`.
    """
    challenge = await _challenge(context, token)
    now, factor = context.clock.now(), work_factor(challenge.solved_before)
    captcha = checks.of(kind or checks.first.kind)
    if captcha.kind is CaptchaKind.TYPED_CODE:
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
    """A new ticket for one that is still valid. Raises what `open_challenge` raises, and `Refused`."""
    challenge = await _challenge(context, token)
    return checks.codes.another(ticket, challenge.id, context.clock.now())


async def show_code(context: Context, checks: Checks, token: str, ticket: str, spoken: bool) -> bytes:
    """The code of a ticket as a picture (PNG) or sound (WAV). Raises as `another_code` does."""
    challenge = await _challenge(context, token)
    shown: Callable[..., Any] = checks.codes.sound if spoken else checks.codes.picture
    data: bytes = await shown(ticket, challenge.id, context.clock.now())
    return data


async def leave_note(context: Context, token: str, text: str) -> str:
    """Keep the sender's line to the owner, replacing an earlier one; returns it as it is shown.

    Raises what `open_challenge` raises, but link_used only if notes are no longer taken; and `Refused` (note_long,
    field line) if it is too long.
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
    """Count the try before checking it, so that two guesses made at once both count."""
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
    # Looked up by hash: timing could reveal the hash at most, which nobody can invert.
    challenge = await context.store.challenge_by_token(token_hash(token))
    if challenge is None:
        raise _unknown()
    if challenge.state in (ChallengeState.VOIDED, ChallengeState.FAILED):
        raise await _voided(context, challenge)
    try:
        refuse(challenge, context.clock.now())
    except Expired:
        if challenge.expired(context.clock.now()) and not context.time.settled:
            raise NotYet("later.time", reason="clock") from None  # the time is not known
        raise
    return challenge


async def _voided(context: Context, challenge: Challenge) -> Expired:
    """The owner has decided. The page tells the sender good news only; a refusal is the owner's business."""
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
    """Solve every link whose wait is over; returns when the next one ends. May run again: each is solved once. While
    the time is not known, no wait is over."""
    now = context.clock.now()
    if not context.time.settled:
        return now + UNTIL_SETTLED
    return await context.store.release_due(job.mailbox_id, now)
