"""Our own two tasks: a proof of work in ALTCHA's format, and a code, shown and offered as sound, to be typed. Neither
stores anything until the answer."""

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
from backend.ports.captcha import CheckedAnswer, Kind, Widget
from backend.ports.system import TokenSource, Vault

if TYPE_CHECKING:
    from captcha.audio import AudioCaptcha

# ---- A proof of work in ALTCHA's format
# Tasks are signed, so nothing is stored until the answer. The task: find the counter whose PBKDF2 key begins as the
# signed prefix says. The counter is drawn evenly from all below the ceiling, so every order of trying them takes half
# the ceiling on average: starting high gains nothing, and neither does dropping a task for a fresh one. The price rises
# by more steps, not by dearer ones: making and checking a task stays equally cheap for us.


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

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        """As `check`: it costs one PBKDF2 step, too little for a thread."""
        return self.check(payload, challenge_id, factor, now)

    def check(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
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
        return CheckedAnswer(signature=str(answer.challenge.signature), expires_at=expires_at)


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


# ---- A typed code
# Shown as a picture and offered as sound. Nothing of it is stored: see `TypedCode`.


ALPHABET = "2346789"
"""Digits, because the voices speak English and digits are known in English by most who read any of our five
languages. Without 0 and 1, which look like letters and like 7, and without 5, which sounds like 9."""

LENGTH = 6
TRIES = 3
PURPOSE = "typed code"
TICKET_LIMIT = 1_000
TYPED_LIMIT = 100
KEPT_TAKES = 16
INK, PAPER = (38, 38, 66), (246, 246, 240)
"""Dark on light, in both of the page's colour schemes: the library's own colours may be hard to see."""

OPAQUE = [min(255, 6 * light) for light in range(256)]
"""The library takes a colour's lightness for its opacity, which leaves dark ink pale."""

TILT, OVERLAP = (-18, 18), 0.1
"""Less than the library's own: programs read either, people do not. A 7 that leans too far is a 1."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    id: str
    code: str
    factor: int
    expires_at: datetime
    work: str


class TypedCode:
    """`TypedCodes`. Keeps nothing but a few takes of sound: code, price and end are in the ticket, sealed.

    Who has the ticket but not the key learns nothing of the code but its picture and its sound. `draw`
    picks each digit; `tokens` gives each ticket its id, by which tries are counted and a second use is barred.
    `life` is how many seconds a code may be typed.
    """

    kind = Kind.TYPED_CODE
    widget: Widget | None = None

    def __init__(
        self, vault: Vault, tokens: TokenSource, life: float, draw: Callable[[str], str] = secrets.choice
    ) -> None:
        self._vault = vault
        self._tokens = tokens
        self._life = timedelta(seconds=life)
        self._draw = draw
        self._speaking = asyncio.Lock()
        self._takes: dict[str, bytes] = {}

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """`kind`, `ticket`, and `length`, which does not rise with the price: the wait that follows does."""
        return {
            "kind": self.kind,
            "ticket": self._ticket(challenge_id, factor, "", now),
            "length": LENGTH,
        }

    def after_work(self, challenge_id: str, factor: int, work: str, now: datetime) -> str:
        """A ticket that says which work was done."""
        return self._ticket(challenge_id, factor, work, now)

    def another(self, ticket: str, challenge_id: str, now: datetime) -> str:
        """A new ticket at the same price, behind the same work. Its life is its own."""
        known = self._opened(ticket, challenge_id, now)
        return self._ticket(challenge_id, known.factor, known.work, now)

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        """Compare what was typed: any script's digits count, blanks and hyphens do not.

        The answer says whether it is right; whether that may be looked at is for the code that counts the tries.
        """
        ticket, _, typed = payload.partition(":")
        known = self._opened(ticket, challenge_id, now)
        if known.factor < factor:
            raise Refused("captcha_expired.price")
        right = hmac.compare_digest(_plain(typed).encode(), known.code.encode())
        name = f"{PURPOSE}:{known.id}"
        return CheckedAnswer(known.work or name, known.expires_at, right, TRIES, name, alone=not known.work)

    async def picture(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code as PNG; another drawing each time. 4 ms of processor time."""
        code = self._opened(ticket, challenge_id, now).code
        return await asyncio.to_thread(_drawn, code)

    async def sound(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code spoken in English over noise. 0.1 s of processor time, one at a time.

        Asked for again soon, the same take comes: a browser that fetches it in parts gets parts of one whole.
        """
        known = self._opened(ticket, challenge_id, now)
        async with self._speaking:
            take = self._takes.pop(known.id, b"")
            if not take:
                take = await asyncio.to_thread(_spoken, known.code)
            self._takes[known.id] = take  # the latest last
            while len(self._takes) > KEPT_TAKES:
                del self._takes[next(iter(self._takes))]
        return take

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

    def _opened(self, ticket: str, challenge_id: str, now: datetime) -> _Ticket:
        """What is in a ticket of this challenge that is still good."""
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
    """Digits as ASCII, letters as capitals; blanks, hyphens and points between them are left out."""
    wide = unicodedata.normalize("NFKC", typed[:TYPED_LIMIT]).upper()
    digits = (str(unicodedata.digit(c)) if unicodedata.digit(c, None) is not None else c for c in wide)
    # There is no 1 in a code: who types one has seen a 7.
    return "".join(c for c in digits if not c.isspace() and c not in "-.,·").replace("1", "7")


def _drawn(code: str) -> bytes:
    from captcha.image import ImageCaptcha  # pillow comes with it: 8 MB that most servers never need

    artist = ImageCaptcha(width=44 * len(code) + 24, height=90)
    artist.lookup_table, artist.character_rotate, artist.word_offset_dx = OPAQUE, TILT, OVERLAP
    return artist.generate(code, bg_color=PAPER, fg_color=INK).getvalue()


def _spoken(code: str) -> bytes:
    return bytes(_speaker().generate(code))


@cache
def _speaker() -> AudioCaptcha:
    from captcha.audio import AudioCaptcha

    speaker = AudioCaptcha()
    speaker.load()
    return speaker
