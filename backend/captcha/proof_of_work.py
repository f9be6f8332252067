"""A proof of work in ALTCHA's format. Tasks are signed, so nothing is stored until the answer.

The task: find the counter whose PBKDF2 key begins as the signed prefix says. The counter is drawn evenly from
all below the ceiling, so every order of trying them takes half the ceiling on average: starting high gains
nothing, and neither does dropping a task for a fresh one. The price rises by more steps, not by dearer ones:
making and checking a task stays equally cheap for us.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha

from backend.domain.errors import Refused
from backend.ports.captcha import Answer, Kind, Widget

ALGORITHM = "PBKDF2/SHA-256"
STEPS = 500
"""Most steps of a task at factor 1; on average it takes half as many."""

MAX_FACTOR = 64
PAYLOAD_LIMIT = 4_096
"""Characters of an answer. An honest one has about 900."""

MIN_SECRET = 16


class ProofOfWork:
    """`Captcha` by proof of work. Stateless and thread-safe; a task costs us about `base_cost` iterations.

    `secret` signs the tasks, `base_cost` is the number of PBKDF2 iterations of one step, `life` how many
    seconds a task may be answered. `draw` picks a number below the one it is given, each as likely as another.
    """

    kind = Kind.PROOF_OF_WORK
    widget: Widget | None = None

    def __init__(
        self, secret: str, base_cost: int, life: float, draw: Callable[[int], int] = secrets.randbelow
    ) -> None:
        if len(secret) < MIN_SECRET:
            raise ValueError(f"the captcha secret needs at least {MIN_SECRET} characters")
        self._task_secret = _derived(secret, b"pitchgate captcha task")
        self._key_secret = _derived(secret, b"pitchgate captcha key")
        self._base_cost = base_cost
        self._life = timedelta(seconds=life)
        self._draw = draw

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """A fresh task: `parameters` as ALTCHA writes them, and their `signature`.

        `parameters.data` holds `challenge` (the id), `factor`, `ceiling` (no counter reaches it) and
        `expires` (Unix seconds). The time is kept there and not in ALTCHA's own `expiresAt`, which the
        library compares with the machine's clock instead of the `now` it is handed.
        """
        if not 1 <= factor <= MAX_FACTOR:
            raise ValueError(f"factor {factor} is outside 1..{MAX_FACTOR}")
        ceiling = STEPS * factor
        challenge = altcha.create_challenge(
            ALGORITHM,
            self._base_cost,
            counter=self._draw(ceiling),
            data={
                "challenge": challenge_id,
                "factor": factor,
                "ceiling": ceiling,
                "expires": int((now + self._life).timestamp()),
            },
            hmac_secret=self._task_secret,
            hmac_key_secret=self._key_secret,
        )
        return dict(challenge.to_dict())

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> Answer:
        """As `check`: it costs one PBKDF2 step, too little for a thread."""
        return self.check(payload, challenge_id, factor, now)

    def check(self, payload: str, challenge_id: str, factor: int, now: datetime) -> Answer:
        """Check an answer. Its `signature` is the task's, so re-spaced or re-ordered JSON is the same answer.

        A task made with a lower `factor` counts as expired.
        """
        answer = _read(payload)
        result = altcha.verify_solution(answer, self._task_secret, hmac_key_secret=self._key_secret)
        data = answer.challenge.parameters.data
        # An untouched signature means that `data` is what `task` wrote, types included.
        if result.invalid_signature is not False or not isinstance(data, dict):
            raise Refused("captcha_wrong.altered")
        if not hmac.compare_digest(data["challenge"].encode(), challenge_id.encode()):
            raise Refused("captcha_wrong.other_link")
        expires_at = datetime.fromtimestamp(data["expires"], UTC)
        if now >= expires_at or data["factor"] < factor:
            raise Refused("captcha_expired.old")
        if not result.verified:
            raise Refused("captcha_wrong")
        return Answer(signature=str(answer.challenge.signature), expires_at=expires_at)


def _derived(secret: str, purpose: bytes) -> bytes:
    """A key per purpose, so that a signature for one purpose is invalid for another."""
    return hmac.digest(secret.encode(), purpose, "sha256")


def _read(payload: str) -> altcha.Payload:
    """The answer's parts, or `Refused` (captcha_malformed)."""
    try:
        if len(payload) > PAYLOAD_LIMIT:
            raise ValueError("too long")
        answer = altcha.Payload.from_dict(json.loads(base64.b64decode(payload, validate=True)))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("captcha_malformed") from error
    return answer
