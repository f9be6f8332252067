"""The check on the page of a challenge: one port, and who may stand behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """The checks there are. The last three are other companies'."""

    PROOF_OF_WORK = "proof_of_work"
    TYPED_CODE = "typed_code"
    TURNSTILE = "turnstile"
    HCAPTCHA = "hcaptcha"
    RECAPTCHA = "recaptcha"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `signature` identifies the task: stored as a unique key, it bars a replay.

    What can be guessed has `most_tries` above 0: the caller counts the try by `tried`, and refuses once it was one
    too many, *before* it looks at `right`. Everything else is right, or was refused already. `alone`: no price was
    paid for it, so a wait has to follow.
    """

    signature: str
    expires_at: datetime
    right: bool = True
    most_tries: int = 0
    tried: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Widget:
    """What a page needs to show another company's check: its script, the element it looks for (`css_class`,
    `attributes`), the form's field that it fills (`answer_field`), and by directive the sources that the page's
    policy must allow."""

    vendor: str
    script: str
    css_class: str
    answer_field: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Captcha(Protocol):
    """Makes a task bound to one challenge and checks its answer. Keeps nothing."""

    @property
    def kind(self) -> Kind: ...

    @property
    def widget(self) -> Widget | None:
        """Of another company's check; None for our own."""

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """Public JSON for the page. `factor` multiplies the work (1, 2, 4, …) where it can."""

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> Answer:
        """The answer, if it is one to a task of this challenge at this price that is still good.

        Raises `Refused` with code captcha_wrong, captcha_expired, captcha_replayed or captcha_malformed, and
        `TryLater` if it could not be found out: never is that a pass.
        """


class TypedCodes(Captcha, Protocol):
    """Codes to be read or heard, and typed. A payload is "ticket:typed".

    The ticket is all there is of a code: sealed, bound to its challenge, with the price, the end of its life, and the
    work that was done before it, if any. A code is read by programs, so it is no price: alone it is followed by a wait.
    Whoever holds it can have the code drawn or spoken as often as they like, and learns nothing else of it.
    """

    def after_work(self, challenge_id: str, factor: int, work: str, now: datetime) -> str:
        """A ticket for one who has done another check already. `work` is the signature of its answer, which is what
        the code's answer then carries: one work lets in once, however many codes follow it."""

    def another(self, ticket: str, challenge_id: str, now: datetime) -> str:
        """A new ticket at the price and behind the work of `ticket`. Raises what `verify` raises for the ticket."""

    async def picture(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code as PNG. Raises `Refused` (captcha_expired, captcha_malformed, captcha_wrong)."""

    async def sound(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code spoken, as WAV (8 bit, 8 kHz, mono), 10 to 40 s. Raises as `picture` does."""
