"""solve: a sender opens his link and answers the captcha. Looking changes nothing; only the answer does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.domain.challenge import Challenge, ChallengeState, token_hash
from backend.domain.credits import work_factor
from backend.domain.errors import Expired, NotFound
from backend.pipeline.kit import Kit
from backend.ports.captcha import Captcha
from backend.ports.store import Solved

TOKEN = re.compile(r"[A-Za-z0-9_-]{20,64}\Z")


@dataclass(frozen=True, slots=True)
class OpenChallenge:
    """A challenge that can be solved now, as its page needs it. `factor` is the price (1, 2, 4, …),
    `credits` what a solve earns; `subject` is that of the mail that waits ("" once it is forgotten)."""

    challenge_id: str
    owner: str
    sender: str
    subject: str
    language: str
    factor: int
    credits: int


async def open_challenge(kit: Kit, token: str) -> OpenChallenge:
    """The challenge behind a link. Raises `NotFound` (link_unknown) or `Expired` (link_expired, link_used,
    link_voided)."""
    challenge = await _challenge(kit, token)
    mailbox = await kit.store.mailbox(challenge.mailbox_id)
    if mailbox is None:
        raise _unknown()
    screened = await kit.store.screened(challenge.mailbox_id, challenge.gmail_id)
    return OpenChallenge(
        challenge_id=challenge.id,
        owner=mailbox.owner.name or mailbox.owner.email,
        sender=challenge.sender,
        subject=screened.subject if screened else "",
        language=screened.language if screened else "en",
        factor=work_factor(challenge.solved_before),
        credits=mailbox.preferences.credits_per_solve,
    )


async def solve_challenge(kit: Kit, captcha: Captcha, token: str, payload: str) -> Solved:
    """Check the answer and let the sender in: credits earned, held mail on its way, in one commit.

    Raises what `open_challenge` raises, and `Refused` for a wrong, expired, malformed or replayed answer.
    """
    challenge = await _challenge(kit, token)
    now = kit.clock.now()
    answer = captcha.verify(payload, challenge.id, work_factor(challenge.solved_before), now)
    solved = await kit.store.solve(challenge.id, answer.signature, answer.expires_at, now)
    kit.wake()
    return solved


async def _challenge(kit: Kit, token: str) -> Challenge:
    if not TOKEN.match(token):
        raise _unknown()
    # Looked up by hash: timing could at most tell of the hash, and nobody can invert that.
    challenge = await kit.store.challenge_by_token(token_hash(token))
    if challenge is None:
        raise _unknown()
    if challenge.state is ChallengeState.SOLVED:
        raise Expired("This link has been used already.", "Your mail was let through.", code="link_used")
    if challenge.state in (ChallengeState.VOIDED, ChallengeState.FAILED):
        raise Expired(
            "This link is no longer needed.", "The owner has decided about your mail.", code="link_voided"
        )
    if challenge.expired(kit.clock.now()):
        raise Expired(
            "This link has expired.", "Write again, and you may get a new one.", code="link_expired"
        )
    return challenge


def _unknown() -> NotFound:
    return NotFound(
        "This link is not one of ours.", "Check that it was copied whole from the mail.", code="link_unknown"
    )
