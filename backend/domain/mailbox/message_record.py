"""What is kept of a message: the stage it is at, its facts, and how screens show it. Never its body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.domain.mailbox.labels import Placement
from backend.domain.reading.topics import Topic


class Stage(StrEnum):
    """What is still to be done for one message."""

    LEARN = "learn"  # the owner's own mail: learn whom they write to
    SCREEN = "screen"
    ACT = "act"
    CHALLENGE = "challenge"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Screened:
    """Facts of a screened message that are kept: no body, ever."""

    sender: str
    sender_name: str
    sender_domain: str
    subject: str
    message_id: str
    received_at: datetime
    authenticated: bool
    references: tuple[str, ...] = ()
    reply_to: str = ""  # where a challenge would go; "" = the sender's own address
    language: str = "en"  # of the message, for the wording of a challenge
    topics: frozenset[Topic] = frozenset()
    note: str = ""  # read only: what its sender has said since; recording a verdict leaves it alone


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as screens show it."""

    mailbox_id: str
    gmail_id: str
    thread_id: str
    stage: Stage | None
    placement: Placement | None
    outcome: str
    row: str
    score: float | None
    reasons: tuple[Mapping[str, Any], ...]
    guards: tuple[str, ...]
    cause: str
    sender: str
    sender_name: str
    subject: str
    model: str
    first_seen_at: datetime
    received_at: datetime | None
    decided_at: datetime | None
    changed_at: datetime
    dead_letter: bool
    decided_by: str  # "" while undecided; solve, credit, owner, kept, replied, spam, bin
    note: str = (
        ""  # the sender's own line to the owner, one line of their making: to be escaped like a subject
    )
    topics: frozenset[Topic] = frozenset()
