"""Types of the API's input and answers: mypy checks the code against them, and openapi.json is generated from them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field

from backend.domain.mailbox.decisions import OFFERED, Decision
from backend.domain.mailbox.mailbox import LIMITS, Condition, DigestPace, Mode, Strictness, Who
from backend.domain.mailbox.message import Placement
from backend.domain.watching.trial import Answer

# ---- `TypedDict`
# Before Python 3.12 pydantic refuses the standard one; from 3.12 on Quart-Schema refuses any other.


if sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict

__all__ = ["TypedDict"]


# ---- Answers
# Clients ignore unknown fields, so a type lists the fields that are always there; others may be added.


Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="ISO 8601, in UTC")]
Count = Annotated[int, Field(ge=0)]
Cursor = Annotated[str, Field(description="Opaque; empty when there is no more.")]
Domain = Annotated[str, Field(description="Empty where no rule for a whole domain is offered.")]
Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{16,64}$", description="The app's own idempotency key.")]
DecidedBy = Annotated[
    str,
    Field(
        json_schema_extra={"enum": ["", "solve", "credit", "owner", "kept", "replied", "spam", "bin"]},
        description="Empty: nobody. `spam`, `bin`: the owner put it there in Gmail.",
    ),
]
Ids = Annotated[list[str], Field(description="gmail_id of each message that was moved.")]


class Refusal(TypedDict):
    """An error. `code` is stable, `title` and `remedy` are for people, `field` is the invalid field or empty."""

    code: str
    title: Annotated[str, Field(min_length=1)]
    remedy: str
    field: str


class Reason(TypedDict):
    """One reason for (weight above zero) or against a sales pitch."""

    text: str
    weight: float
    words: list[str]


class Message(TypedDict):
    """One message with its verdict and current state."""

    gmail_id: str
    thread_id: str
    sender: str
    sender_name: str
    domain: Domain
    subject: str
    placement: Placement
    outcome: str
    row: Annotated[str, Field(description="The row of the decision table that decided.")]
    score: Annotated[float | None, Field(ge=0, le=1)]
    told: Annotated[str, Field(description="The one reason to show, as a sentence; or empty.")]
    reasons: list[Reason]
    guards: list[str]
    cause: str
    model: str
    received_at: Time | None
    decided_at: Time | None
    changed_at: Time
    decided_by: DecidedBy
    note: NotRequired[Annotated[str, Field(description="The sender's note to the owner.")]]


class Moved(TypedDict):
    """A message that is no longer held, or no longer undecided."""

    gmail_id: str
    placement: str
    decided_by: DecidedBy


class Nothing(TypedDict):
    """No fields."""


class Index(TypedDict):
    """How many sent messages were read for the index, and about how many there are."""

    done: Count
    total: Count


class HeldCounts(TypedDict):
    """Held, undecided mail."""

    messages: Count
    senders: Count


class Preferences(TypedDict):
    """All settings."""

    mode: Mode
    strictness: Strictness
    left_alone: list[str]
    rows_off: list[str]
    credits_per_solve: int
    daily_challenges: int
    domain_challenges: int
    retention_days: int
    questions_a_week: int
    paused_until: Time | None
    wording: dict[str, str]
    digest: DigestPace
    zone: str
    language: str


class Status(TypedDict):
    """State in words, settings, counts, and the id of the latest event."""

    version: str
    email: str
    name: str
    condition: Condition
    title: Annotated[str, Field(description="The state in two or three words.")]
    cause: Annotated[str, Field(description="The state as a sentence.")]
    remedy: Annotated[str, Field(description="What to do about it, as a sentence; empty if nothing.")]
    who: Annotated[Who, Field(description="Who must act.")]
    warnings: Annotated[list[str], Field(description="Warnings beside the state, as sentences.")]
    watch_expires_at: Time | None
    index: Index
    preferences: Preferences
    held: HeldCounts
    questions: Annotated[Count, Field(description="Messages the owner is asked about now.")]
    event: Annotated[str, Field(pattern="^[0-9]+$", description="For Last-Event-ID.")]


class Sender(TypedDict):
    """A sender with their held messages: how many, and the newest 20."""

    sender: str
    sender_name: str
    domain: Domain
    count: Count
    latest_at: Time
    messages: Annotated[list[Message], Field(max_length=20)]


class Held(TypedDict):
    """One page of senders, newest first; `total` counts senders."""

    senders: list[Sender]
    cursor: Cursor
    total: Count


class Messages(TypedDict):
    """One page of messages, latest change first."""

    messages: list[Message]
    cursor: Cursor


class Questions(TypedDict):
    """Messages picked at random for the question whether each is a sales pitch."""

    messages: list[Message]


class Answered(TypedDict):
    """The answer as stored. It moves nothing."""

    gmail_id: str
    answer: Answer


class Preview(TypedDict):
    """Plain text, read from Gmail at that moment and not stored."""

    gmail_id: str
    text: Annotated[str, Field(max_length=20_000)]
    truncated: bool


class Corrected(TypedDict):
    """What a decision did."""

    key: Key
    gmail_id: str
    decision: Decision
    moved: Ids


class Undone(TypedDict):
    """What an undo did."""

    key: Key
    moved: Ids


class Changed(TypedDict):
    """All settings after the change."""

    preferences: Preferences


class Paused(TypedDict):
    """Until when; null: not paused."""

    paused_until: Time | None


class Letting(TypedDict):
    """A newly connected computer. The token is shown only here."""

    token: str
    device_id: str
    email: str
    scopes: list[str]


class Computer(TypedDict):
    """One connected computer; `current` is the caller's own."""

    device_id: str
    name: str
    created_at: Time
    last_seen_at: Time | None
    current: bool


class Computers(TypedDict):
    """All computers of the owner, oldest first."""

    devices: list[Computer]


class Ticket(TypedDict):
    """A one-time address that signs a browser in, valid for `expires_in` seconds."""

    url: str
    expires_in: Annotated[int, Field(ge=1)]


EVENTS: dict[str, Any] = {
    "held": Message,
    "moved": Moved,
    "note": Message,
    "status": Nothing,
    "reset": Nothing,  # events were missed: ask for everything again
}
"""The data of each event of the stream, by its name."""


# ---- Input: bodies, query strings and headers


class Exchange(TypedDict):
    """The code from the browser and the verifier the app kept."""

    code: str
    verifier: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]


if TYPE_CHECKING:
    OfferedDecision = str
else:
    OfferedDecision = Literal[tuple(map(str, OFFERED))]


class Correction(TypedDict):
    """The owner's decision about one message."""

    key: Key
    gmail_id: str
    decision: OfferedDecision


class QuestionAnswer(TypedDict):
    """Whether the message is a sales pitch; "unsure" counts neither way."""

    answer: Answer


def _within(preference: str, description: str | None = None) -> Any:
    """A whole number between the limits of `preference`."""
    low, high = LIMITS[preference]
    return Field(strict=True, ge=low, le=high, description=description)


class PreferenceChanges(TypedDict, total=False):
    """The settings to change; all or none."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    mode: Mode
    strictness: Strictness
    left_alone: list[str]
    rows_off: list[str]
    credits_per_solve: Annotated[int, _within("credits_per_solve")]
    daily_challenges: Annotated[int, _within("daily_challenges")]
    domain_challenges: Annotated[int, _within("domain_challenges")]
    retention_days: Annotated[int, _within("retention_days")]
    questions_a_week: Annotated[int, _within("questions_a_week", "0, 3, 5 or 10.")]
    digest: DigestPace
    zone: str
    language: str


class Pause(TypedDict):
    """The end of the pause, at most 31 days ahead; null resumes."""

    until: Time | None


class TicketWish(TypedDict, total=False):
    """The page to be shown."""

    page: Literal["review", "settings", "questions"]


class HeldQuery(TypedDict, total=False):
    """Which page of held senders."""

    q: Annotated[
        str, Field(max_length=200, description="Searched in address, name and subject, ignoring case.")
    ]
    cursor: str
    limit: Annotated[int, Field(ge=1, le=200)]


class MessagesQuery(TypedDict, total=False):
    """Which page of messages."""

    placement: Literal["", "inbox", "marked", "held"]
    cursor: str
    limit: Annotated[int, Field(ge=1, le=200)]


class IfNoneMatch(TypedDict, total=False):
    """The tag of the answer the caller has."""

    if_none_match: str


class Resumption(TypedDict, total=False):
    """The last event the caller received."""

    last_event_id: Annotated[str, Field(pattern="^[0-9]*$")]
