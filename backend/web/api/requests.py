"""What the API is sent (bodies, query strings, headers), as types: requests are checked by them, and openapi.json is
made of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from backend.domain.mailbox.mailbox import DigestPace, Mode, Strictness
from backend.domain.reading.topics import Topic
from backend.domain.watching.trial import Answer
from backend.web.api.schemas import Key, Time
from backend.web.api.typed import TypedDict


class Exchange(TypedDict):
    """What the browser brought back, and what the app has kept of the round."""

    code: str
    verifier: Annotated[str, Field(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]


class Correction(TypedDict):
    """The owner's word on one message."""

    key: Key
    gmail_id: str
    decision: Literal["release", "allow", "allow_domain", "block", "block_domain", "keep", "sales"]


class QuestionAnswer(TypedDict):
    """Whether a message that was asked about is a sales pitch; "unsure" counts neither way."""

    answer: Answer


class PreferenceChanges(TypedDict, total=False):
    """The settings to change; all or none."""

    __pydantic_config__ = ConfigDict(extra="forbid")  # type: ignore[misc]

    mode: Mode
    strictness: Strictness
    left_alone: list[str]
    rows_off: list[str]
    welcome: list[Topic]
    credits_per_solve: Annotated[int, Field(strict=True, ge=1, le=20)]
    daily_challenges: Annotated[int, Field(strict=True, ge=0, le=200)]
    domain_challenges: Annotated[int, Field(strict=True, ge=1, le=50)]
    retention_days: Annotated[int, Field(strict=True, ge=7, le=730)]
    questions_a_week: Annotated[int, Field(strict=True, ge=0, le=10, description="0, 3, 5 or 10.")]
    digest: DigestPace
    zone: str
    language: str


class Pause(TypedDict):
    """In the future and at most 31 days ahead; null resumes."""

    until: Time | None


class TicketWish(TypedDict, total=False):
    """The page to be shown."""

    page: Literal["review", "settings", "questions"]


class HeldQuestion(TypedDict, total=False):
    """Which page of held senders."""

    q: Annotated[str, Field(max_length=200, description="In sender, name and subject, whatever its case.")]
    cursor: str
    limit: Annotated[int, Field(ge=1, le=200)]


class MessagesQuestion(TypedDict, total=False):
    """Which page of messages."""

    placement: Literal["", "inbox", "marked", "held"]
    cursor: str
    limit: Annotated[int, Field(ge=1, le=200)]


class Unchanged(TypedDict, total=False):
    """The tag of the answer the caller has."""

    if_none_match: str


class Resumption(TypedDict, total=False):
    """Where a reader left off."""

    last_event_id: Annotated[str, Field(pattern="^[0-9]*$")]
