"""What is kept of a message (stage, facts, how screens show it; never its body), and which of our labels it carries
where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.domain.mailbox.mailbox import LabelIds
from backend.domain.mailbox.verdict import Outcome
from backend.domain.reading.topics import Topic

# ---- Our labels
# Label changes as plain data.


HELD = "Pitchgate/Held"
WOULD_BE_HELD = "Pitchgate/Would be held"
ALLOW = "Pitchgate/Allow"
BLOCK = "Pitchgate/Block"

NAMES = {"held": HELD, "would_hold": WOULD_BE_HELD, "allow": ALLOW, "block": BLOCK}
"""Field of `LabelIds` → the label's name in Gmail, where the parent is a label too."""

PARENT = "Pitchgate"
INBOX = "INBOX"
UNREAD = "UNREAD"
SPAM = "SPAM"
TRASH = "TRASH"
STARRED = "STARRED"
IMPORTANT = "IMPORTANT"


class Placement(StrEnum):
    """Where a message belongs."""

    INBOX = "inbox"
    MARKED = "marked"  # in the inbox with the "would be held" label
    HELD = "held"


PLACES = {
    Outcome.IGNORE: None,
    Outcome.INBOX: Placement.INBOX,
    Outcome.MARK: Placement.MARKED,
    Outcome.HOLD: Placement.HELD,
    Outcome.CHALLENGE: Placement.HELD,
}
"""Where a verdict puts a message; None: it is left alone."""


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Label ids to add and remove in one call; idempotent."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


def as_it_came(labels: frozenset[str], ours: LabelIds) -> frozenset[str]:
    """The labels a message arrived with. If it already carries our Held label, we held it before the database was
    restored."""
    return labels | {INBOX} if ours.held and ours.held in labels else labels


def changes_for(placement: Placement, labels: LabelIds) -> LabelChange:
    """The label change that brings a message to `placement`. A label that does not exist yet is left out.

    Only a release adds UNREAD: released mail must be seen, while holding changes nothing there. Marking
    never puts mail back into the inbox, where the owner may have cleared it away meanwhile. The owner's
    Allow and Block labels are theirs and are never touched.
    """
    held, would_hold = _ids(labels.held), _ids(labels.would_hold)
    if placement is Placement.HELD:
        return LabelChange(add=held, remove=would_hold | {INBOX})
    if placement is Placement.MARKED:
        return LabelChange(add=would_hold, remove=held)
    return LabelChange(add=frozenset({INBOX, UNREAD}), remove=held | would_hold)


def _ids(label_id: str) -> frozenset[str]:
    return frozenset({label_id}) if label_id else frozenset()


# ---- What is kept of a message
# Never its body.


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
