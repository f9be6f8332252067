"""The port of the checks (captchas) on the sender's page: our own, and those of other companies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol


class Kind(StrEnum):
    """The kinds of checks. The last three are other companies'."""

    PROOF_OF_WORK = "proof_of_work"
    TYPED_CODE = "typed_code"
    TURNSTILE = "turnstile"
    HCAPTCHA = "hcaptcha"
    RECAPTCHA = "recaptcha"


@dataclass(frozen=True, slots=True)
class CheckedAnswer:
    """A checked answer. `signature` identifies the task; stored as a unique key, it prevents replays. If answers of
    this kind can be guessed, `most_tries` is above 0: the caller counts tries under the key `tried` and refuses beyond
    `most_tries`, *before* it looks at `right`. With other kinds a wrong answer raises an error instead. `alone`: no
    work was done for it, so a wait must follow."""

    signature: str
    expires_at: datetime
    right: bool = True
    most_tries: int = 0
    tried: str = ""
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Widget:
    """What a page needs to show another company's check: its script, the element it looks for (`css_class`,
    `attributes`), the form's field that it fills (`answer_field`), and the `sources` that the page's Content-Security-
    Policy must allow, by directive."""

    vendor: str
    script: str
    css_class: str
    answer_field: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    sources: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Captcha(Protocol):
    """Makes a task bound to one challenge and checks its answer. Stateless."""

    @property
    def kind(self) -> Kind: ...

    @property
    def widget(self) -> Widget | None:
        """The widget of another company's check; None for our own."""

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """Public JSON for the page. `factor` (1, 2, 4, …) multiplies the work, where the kind allows it."""

    async def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> CheckedAnswer:
        """Check an answer: it must be to an unexpired task of this challenge with this `factor`.

        Raises `Refused` with code captcha_wrong, captcha_expired, captcha_replayed or captcha_malformed, and
        `TryLater` if it could not be checked, which never counts as passed.
        """


class TypedCodes(Captcha, Protocol):
    """Codes to be read or heard, and typed. A payload is "ticket:typed".

    The sealed ticket holds all state: the challenge, the factor, when it expires, and the work done before, if any.
    Programs can read codes, so a code without work before it is followed by a wait. The holder of a ticket can have
    its code drawn or spoken any number of times, and learns nothing more.
    """

    def after_work(self, challenge_id: str, factor: int, work: str, now: datetime) -> str:
        """A ticket after another check was passed. `work` is the signature of that answer; the code's answer carries
        it too, so one piece of work delivers once, however many codes follow it."""

    def another(self, ticket: str, challenge_id: str, now: datetime) -> str:
        """A new ticket with the factor and work of `ticket`. Raises what `verify` raises for the ticket."""

    async def picture(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code as PNG. Raises `Refused` (captcha_expired, captcha_malformed, captcha_wrong)."""

    async def sound(self, ticket: str, challenge_id: str, now: datetime) -> bytes:
        """The code spoken, as WAV (8 bit, 8 kHz, mono), 10 to 40 s. Raises as `picture` does."""
