"""What the server needs besides Gmail: time, randomness and encryption; the process that reads; checks of senders; and
posts to addresses that others chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Protocol

from backend.domain.digest import Digest
from backend.domain.errors import PitchgateError, Refused
from backend.domain.mail.machine_mail import UnsubscribeOffer
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpenCause
from backend.domain.mailbox.owner_digest import PushSubscription
from backend.domain.reading.score import Score, ShownMessage, StrictnessCost, Thresholds
from backend.domain.watching.audit import Chain
from backend.ports.gmail import Fetched

# ---- Time, randomness and encryption


class Clock(Protocol):
    """The only source of "now"."""

    def now(self) -> datetime:
        """The current time, in UTC."""


class TimeCheck(Protocol):
    """How the machine's clock compares with the time in Google's answers."""

    @property
    def settled(self) -> bool:
        """Whether `Clock.now` agrees with Google's time of the last hour. Until it does, nothing is deleted or ended
        because of its age."""

    @property
    def skew(self) -> timedelta:
        """How far the machine's clock is ahead of (negative: behind) `Clock.now`."""


def clock_off(now: datetime, date: str, allowed: float) -> Refused | None:
    """The error if our clock (`now`) and the `date` of a response from Google differ by more than `allowed` seconds;
    None if they agree, or if `date` cannot be read."""
    try:
        off = (now - parsedate_to_datetime(date)).total_seconds()
    except (TypeError, ValueError):
        return None
    if abs(off) <= max(allowed, 1.0):
        return None
    return Refused("clock_off.ahead" if off > 0 else "clock_off.behind", minutes=max(1, round(abs(off) / 60)))


class TokenSource(Protocol):
    """The only source of randomness."""

    def token(self, size: int = 24) -> str:
        """A URL-safe secret of `size` random bytes."""

    def identifier(self) -> str:
        """A new id for one of our own rows: 26 or fewer URL-safe characters, never repeated."""


class Vault(Protocol):
    """Encrypts secrets at rest. Thread-safe; both calls take microseconds."""

    def seal(self, secret: str) -> bytes:
        """Encrypt with the newest key."""

    def open(self, sealed: bytes) -> str:
        """Decrypt with the key that fits. Raises `Refused` (code sealed) if none does."""


class DecisionKeys(Protocol):
    """Keys of the logs of decisions, known in plain text to this process alone. Thread-safe; cheap after the first
    call."""

    heads: dict[str, Chain]
    """Where each log ended when this process last appended to it, by mailbox: saves reading it for each entry."""

    def fresh(self, mailbox_id: str) -> tuple[bytes, bytes]:
        """A new key for a mailbox: encrypted, to be stored, and in plain text."""

    def open(self, sealed: bytes, mailbox_id: str) -> bytes | None:
        """The key in plain text; None if no secret key decrypts it, or if it belongs to another mailbox."""

    def salt(self) -> bytes:
        """Random bytes for one entry of the log."""


# ---- Reading and scoring a message, in a process that can be stopped
# Each call has a limit of time and of memory. A message that exceeds one, or that makes the reading code fail, affects
# only itself: the call raises `ReadingFailed`, and the next message is read as usual.


class ReadingFailed(PitchgateError):
    """The message could not be read, and another try would fail too. `fault` names an error and its place, for logs,
    and never contains mail."""

    def __init__(self, cause: FailOpenCause, fault: str = "") -> None:
        super().__init__("unread")
        self.cause = cause
        self.fault = fault


class Reader(Protocol):
    """Calls may be repeated and change nothing. All raise `TryLater` if the bytes are not a complete answer of
    Google's, or if no reading process is available."""

    async def screen(self, fetched: Fetched, owner: Owner) -> Digest:
        """Read and score. An error while scoring gives a digest with a cause. Raises `ReadingFailed` if not even the
        facts could be read."""

    async def show(self, fetched: Fetched, owner: Owner, score: Score) -> ShownMessage:
        """The message as it is shown to its owner, with the reasons of `score` marked. Raises `ReadingFailed`."""

    async def correspondents(self, fetched: Fetched, owner: Owner) -> tuple[str, ...]:
        """The addresses that become correspondents through this message of the owner's. Raises `ReadingFailed`."""

    async def offer(self, fetched: Fetched) -> UnsubscribeOffer:
        """How the message offers to unsubscribe. Raises `ReadingFailed`."""

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """The thresholds of the model in use for this strictness."""

    def cost(self, strictness: Strictness) -> StrictnessCost:
        """What this strictness costs with the model in use: ordinary mail held, pitches caught."""

    @property
    def model_version(self) -> str:
        """The version of the model in use; it may change between two calls."""


# ---- Checks (captchas) on the sender's page: our own, and those of other companies


class CaptchaKind(StrEnum):
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
    def kind(self) -> CaptchaKind: ...

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


# ---- Posts to addresses that strangers or browser vendors chose


class Unsubscriber(Protocol):
    """Posts RFC 8058's one-click request to an address that a stranger wrote."""

    async def one_click(self, url: str) -> None:
        """Post once, within some seconds. A second request does no harm, because it says the same.

        Raises `Refused` with a code: unsafe_address (not https, or a host outside the public Internet), unreachable (no
        answer in time), not_accepted (an answer other than 2xx; redirects too, which RFC 8058 forbids)."""


class Pushed(StrEnum):
    """The answer of a push service."""

    SENT = "sent"
    GONE = "gone"  # the browser does not want to hear from us any more
    LATER = "later"  # too many, an outage, no answer
    REFUSED = "refused"  # asking again would change nothing


@dataclass(frozen=True, slots=True)
class PushAnswer:
    """The answer, and `retry_at`, the time that the service named, if any."""

    outcome: Pushed
    retry_at: datetime | None = None


class PushService(Protocol):
    """The push services of browser vendors (RFC 8030)."""

    def new_key(self) -> str:
        """A new private key for one browser, as text."""

    def public_key(self, key: str) -> str:
        """The public key that the browser gets (RFC 8292)."""

    async def push(self, to: PushSubscription, payload: bytes) -> PushAnswer:
        """Send, encrypted for this browser alone, within some seconds. A message that is not delivered yet is replaced
        by the next. Raises nothing that a service or its address may cause."""
