"""Our own two captchas: a proof of work in ALTCHA's format, and a typed code shown as a picture or played as sound.
Nothing is stored before the answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import json
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import altcha

from backend.domain.errors import Refused
from backend.ports.system import CaptchaKind, CheckedAnswer, TokenSource, Vault, Widget

if TYPE_CHECKING:
    from captcha.audio import AudioCaptcha

# ---- A proof of work in ALTCHA's format
# The task: find the counter whose PBKDF2 key begins with the signed prefix. Tasks are signed, so nothing is stored
# before the answer. The counter is drawn uniformly below the ceiling, so any order of trying takes half the ceiling on
# average, and asking for another task gains nothing. A higher factor means more steps, not more expensive ones, so that
# making and checking a task stays equally cheap for us.


ALGORITHM = "PBKDF2/SHA-256"
STEPS = 500
"""Most steps of a task at factor 1; half as many on average."""

MAX_FACTOR = 64
PAYLOAD_LIMIT = 4_096
"""Limit in characters of an answer. A genuine one has about 900."""

MIN_SECRET = 16


class ProofOfWork:
    """`Captcha` by proof of work. Stateless and thread-safe; a task costs us about `base_cost` iterations.

    `secret` signs the tasks; `base_cost` is the number of PBKDF2 iterations per step, `life` how many seconds a
    task is valid. `draw(n)` returns a random number below n.
    """

    kind = CaptchaKind.PROOF_OF_WORK
    widget: Widget | None = None

    def __init__(
        self, secret: str, base_cost: int, life: float, draw: Callable[[int], int] = secrets.randbelow
    ) -> None:
        if len(secret) < MIN_SECRET:
            raise ValueError(f"the captcha secret needs at least {MIN_SECRET} characters")
        self._task_secret = _derive_key(secret, b"pitchgate captcha task")
        self._key_secret = _derive_key(secret, b"pitchgate captcha key")
        self._base_cost = base_cost
        self._life = timedelta(seconds=life)
        self._draw = draw

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """A new task: ALTCHA's `parameters` and their `signature`.

        `parameters.data` has `challenge` (the id), `factor`, `ceiling` (above any counter) and `expires` (Unix
        seconds). ALTCHA's own `expiresAt` is not used, because the library compares it with the machine's clock
        instead of `now`.
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

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        """See `check`. Not in a thread, since it costs only one PBKDF2 step."""
        return self.check(payload, challenge_id, factor, now)

    def check(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        """Check an answer. The result's `signature` is the task's, so a reformatted answer counts as the same one.

        A task made with a lower `factor` counts as expired.
        """
        answer = _read(payload)
        result = altcha.verify_solution(answer, self._task_secret, hmac_key_secret=self._key_secret)
        data = answer.challenge.parameters.data
        # With a valid signature `data` is exactly what `task` wrote, types included.
        if result.invalid_signature is not False or not isinstance(data, dict):
            raise Refused("captcha_wrong.altered")
        if not hmac.compare_digest(data["challenge"].encode(), challenge_id.encode()):
            raise Refused("captcha_wrong.other_link")
        expires_at = datetime.fromtimestamp(data["expires"], UTC)
        if now >= expires_at or data["factor"] < factor:
            raise Refused("captcha_expired.old")
        if not result.verified:
            raise Refused("captcha_wrong")
        return CheckedAnswer(signature=str(answer.challenge.signature), expires_at=expires_at)


def _derive_key(secret: str, purpose: bytes) -> bytes:
    """A key for one purpose, so that signatures are invalid for any other."""
    return hmac.digest(secret.encode(), purpose, "sha256")


def _read(payload: str) -> altcha.Payload:
    """The parsed answer. Raises `Refused` (captcha_malformed)."""
    try:
        if len(payload) > PAYLOAD_LIMIT:
            raise ValueError("too long")
        answer = altcha.Payload.from_dict(json.loads(base64.b64decode(payload, validate=True)))
    except (binascii.Error, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused("captcha_malformed") from error
    return answer


# ---- A typed code
# Shown as a picture or played as sound. It is not stored: see `TypedCode`.


ALPHABET = "2346789"
"""Digits, since most readers of our five languages understand them in English, the language of the recordings.
Without 0 and 1, which look like letters or like 7, and without 5, which sounds like 9."""

LENGTH = 6
TRIES = 3
PURPOSE = "typed code"
TICKET_LIMIT = 1_000
TYPED_LIMIT = 100
MOST_RECORDINGS = 16
INK, PAPER = (38, 38, 66), (246, 246, 240)
"""Dark on light in both colour schemes of the page; the library's own colours can be hard to see."""

OPAQUE = [min(255, 6 * light) for light in range(256)]
"""Opacity by lightness of a colour. The library's own table makes dark ink pale."""

TILT, OVERLAP = (-18, 18), 0.1
"""Less than the library's defaults, which stop people but not programs: a 7 that leans too far looks like a 1."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    id: str
    code: str
    factor: int
    expires_at: datetime
    work: str  # the signature of a proof of work done before, or ""


class TypedCode:
    """`TypedCodes`. Code, factor and expiry are encrypted in the ticket; only a few sound recordings are kept.

    Without the key, a ticket reveals nothing about its code. `draw` picks each digit; `tokens` gives each ticket an
    id, by which attempts are counted and reuse is prevented. `life` is how many seconds a code is valid.
    """

    kind = CaptchaKind.TYPED_CODE
    widget: Widget | None = None

    def __init__(
        self, vault: Vault, tokens: TokenSource, life: float, draw: Callable[[str], str] = secrets.choice
    ) -> None:
        self._vault = vault
        self._tokens = tokens
        self._life = timedelta(seconds=life)
        self._draw = draw
        self._speaking = asyncio.Lock()
        self._recordings: dict[str, bytes] = {}

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """`kind`, `ticket` and `length`. A higher `factor` does not lengthen the code, only the wait before the mail
        is delivered."""
        return {"kind": self.kind, "ticket": self._ticket(challenge_id, factor, "", now), "length": LENGTH}

    def after_work(self, challenge_id: str, factor: int, work: str, now: datetime) -> str:
        """A ticket for a code to be typed after a proof of work with the signature `work`."""
        return self._ticket(challenge_id, factor, work, now)

    def another(self, ticket: str, challenge_id: str, now: datetime) -> str:
        """A ticket with a new code; its factor and work stay."""
        known = self._open_ticket(ticket, challenge_id, now)
        return self._ticket(challenge_id, known.factor, known.work, now)

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        """Compare the typed code; digits of any script count, spaces and hyphens do not.

        The result says whether it is right. The caller must count the attempt before using that.
        """
        ticket, _, typed = payload.partition(":")
        known = self._open_ticket(ticket, challenge_id, now)
        if known.factor < factor:
            raise Refused("captcha_expired.price")
        right = hmac.compare_digest(_plain(typed).encode(), known.code.encode())
        tries_key = f"{PURPOSE}:{known.id}"
        return CheckedAnswer(
            known.work or tries_key, known.expires_at, right, TRIES, tries_key, alone=not known.work
        )

    async def picture(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code as PNG, drawn differently each time. 4 ms of processor time."""
        code = self._open_ticket(ticket, challenge_id, now).code
        return await asyncio.to_thread(_draw_picture, code)

    async def sound(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code spoken in English over noise. 0.1 s of processor time, one recording at a time.

        A recording is kept for a while, so that a browser fetching it in parts gets parts of the same one.
        """
        known = self._open_ticket(ticket, challenge_id, now)
        async with self._speaking:
            recording = self._recordings.pop(known.id, b"")
            if not recording:
                recording = bytes(await asyncio.to_thread(lambda: _speaker().generate(known.code)))
            self._recordings[known.id] = recording  # reinserted last, so that the oldest is dropped first
            while len(self._recordings) > MOST_RECORDINGS:
                del self._recordings[next(iter(self._recordings))]
        return recording

    def _ticket(self, challenge_id: str, factor: int, work: str, now: datetime) -> str:
        parts = {
            "for": PURPOSE,
            "challenge": challenge_id,
            "id": self._tokens.identifier(),
            "code": "".join(self._draw(ALPHABET) for _ in range(LENGTH)),
            "factor": factor,
            "work": work,
            "expires": int((now + self._life).timestamp()),
        }
        return self._vault.seal(json.dumps(parts)).decode("ascii")

    def _open_ticket(self, ticket: str, challenge_id: str, now: datetime) -> _Ticket:
        """Decrypt a ticket. Raises `Refused` unless it is valid and of this challenge."""
        try:
            if len(ticket) > TICKET_LIMIT:
                raise ValueError("too long")
            parts = json.loads(self._vault.open(ticket.encode("ascii")))
            if parts["for"] != PURPOSE:
                raise ValueError("sealed for something else")
            expires_at = datetime.fromtimestamp(parts["expires"], UTC)
            known = _Ticket(parts["id"], parts["code"], parts["factor"], expires_at, parts["work"])
        except (Refused, ValueError, KeyError, TypeError) as error:
            raise Refused("captcha_malformed") from error
        if not hmac.compare_digest(parts["challenge"].encode(), challenge_id.encode()):
            raise Refused("captcha_wrong.other_link")
        if now >= known.expires_at:
            raise Refused("captcha_expired.old")
        return known


def _plain(typed: str) -> str:
    """The typed text with ASCII digits and capital letters, without spaces, hyphens and dots."""
    wide = unicodedata.normalize("NFKC", typed[:TYPED_LIMIT]).upper()
    digits = (str(unicodedata.digit(c)) if unicodedata.digit(c, None) is not None else c for c in wide)
    # Codes contain no 1, so a typed 1 is a misread 7.
    return "".join(c for c in digits if not c.isspace() and c not in "-.,·").replace("1", "7")


def _draw_picture(code: str) -> bytes:
    from captcha.image import (
        ImageCaptcha,  # imported late: it brings Pillow, 8 MB that most servers never need
    )

    drawer = ImageCaptcha(width=44 * len(code) + 24, height=90)
    drawer.lookup_table, drawer.character_rotate, drawer.word_offset_dx = OPAQUE, TILT, OVERLAP
    return drawer.generate(code, bg_color=PAPER, fg_color=INK).getvalue()


@cache
def _speaker() -> AudioCaptcha:
    from captcha.audio import AudioCaptcha

    speaker = AudioCaptcha()
    speaker.load()
    return speaker
