"""What is kept of a message (its verdict and why, its stage, facts for screens; never its body), and the Gmail labels
that follow from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.domain.mail.message import MailboxId
from backend.domain.reading.score import Score, ScoreTrace


class Outcome(StrEnum):
    """What happens to a message."""

    IGNORE = "ignore"  # not to be screened: Gmail is not called, nothing is labelled
    INBOX = "inbox"  # stays where it is
    MARK = "mark"  # stays, labelled "would be held"
    HOLD = "hold"  # label on, out of the inbox, no reply
    CHALLENGE = "challenge"  # held, and the sender is answered with a link


class PolicyRow(StrEnum):
    """The rows of the policy table, in its order. The values are stored and shown to developers."""

    NOT_INCOMING = "not_incoming"
    BLOCKED = "blocked"
    ALLOWED = "allowed"
    OWNERS_FILTER = "owners_filter"  # starred by them, or starred or marked important by their filter
    SAME_ORGANISATION = "same_organisation"
    CORRESPONDENT = "correspondent"
    MACHINE_MAIL = "machine_mail"  # newsletters, receipts, notices, automatic replies
    LEFT_ALONE = "left_alone"  # screening is paused, or its Gmail category is not screened
    HELD_WITH_EARLIER = "held_with_earlier"  # its sender's recent mail, this one included, adds up to a pitch
    UNREAD = "unread"  # it could not be read in full; not Gmail's label UNREAD
    BELOW_HOLD = "below_hold"
    CREDIT = "credit"
    OBSERVE = "observe"
    QUARANTINE = "quarantine"
    CHALLENGE = "challenge"
    # These two are not rows of the table.
    FAIL_OPEN = "fail_open"  # something broke, so the mail stays in the inbox
    # It had stayed in the inbox, until a later email of its sender was held.
    HELD_WITH_LATER = "held_with_later"


class FailOpenCause(StrEnum):
    """Why a message could not be judged. The values are stored and logged; `backend/locale` has the sentences."""

    REFUSED = "refused"  # Gmail refused to hand it to us
    TOO_LARGE = "too_large"  # it needs more memory than one message may take
    TOO_SLOW = "too_slow"  # it needs more time than one message may take
    READER_LOST = "reader_lost"  # the reading process died on it, twice
    UNREADABLE = "unreadable"  # our code for parsing and reading raised an error
    SCORER_BROKEN = "scorer_broken"  # the model raised an error
    NO_PROBABILITY = "no_probability"  # the model's result is not a probability
    NO_ROW = "no_row"  # no row of the policy table matched
    UNSETTLED = "unsettled"  # the sender's credits or challenges kept changing while it was judged


class ReadLimit(StrEnum):
    """Why a mail could be read only in part. The values are stored, counted and logged. The sender can cause this on
    purpose, so the mail gains nothing by it: the part that could be read is judged by the same rules."""

    SIZE = "size"  # it has more text than is read
    PARTS = "parts"  # it has more parts or tags than are read, or they are nested deeper
    TIME = "time"  # it needs more time than one message may take
    MEMORY = "memory"  # it needs more memory than one message may take
    BROKEN = "broken"  # parsing or reading raised an error


@dataclass(frozen=True, slots=True)
class Grounds:
    """The inputs of a verdict as JSON, so that it can be replayed: `setting` is shared by many messages, `case` belongs
    to this one. `trace` says how the score came about; `counts` is how often each term occurs, encrypted, if kept."""

    setting: str
    case: str
    trace: ScoreTrace | None = None
    counts: bytes = b""


@dataclass(frozen=True, slots=True)
class Shadow:
    """What the model in trial would have decided: its version, the row, the probability. Only recorded."""

    model: str
    row: PolicyRow
    score: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one message.

    `guards` names the challenge guards that object (empty if all passed or none was checked). `cause` is a
    `FailOpenCause` value with row FAIL_OPEN, and with other rows a `ReadLimit` value or "".
    """

    outcome: Outcome
    row: PolicyRow
    score: Score | None = None
    guards: tuple[str, ...] = ()
    cause: str = ""
    spends_credit: bool = False
    grounds: Grounds | None = field(default=None, compare=False)
    shadow: Shadow | None = field(default=None, compare=False)

    @property
    def holds(self) -> bool:
        return self.outcome in (Outcome.HOLD, Outcome.CHALLENGE)

    @property
    def relabels(self) -> bool:
        return self.holds or self.outcome is Outcome.MARK or self.row is PolicyRow.UNREAD


# ---- Our Gmail labels


HELD = "Pitchgate/Held"
WOULD_BE_HELD = "Pitchgate/Would be held"
PARTLY_READ = "Pitchgate/Not read in full"
ALLOW = "Pitchgate/Allow"
BLOCK = "Pitchgate/Block"

LABEL_NAMES = {
    "held": HELD,
    "would_hold": WOULD_BE_HELD,
    "allow": ALLOW,
    "block": BLOCK,
    "partly_read": PARTLY_READ,
}
"""Field of `LabelIds` → the label's name in Gmail."""

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


PLACEMENT_OF = {
    Outcome.IGNORE: None,
    Outcome.INBOX: Placement.INBOX,
    Outcome.MARK: Placement.MARKED,
    Outcome.HOLD: Placement.HELD,
    Outcome.CHALLENGE: Placement.HELD,
}
"""Where a verdict puts a message; None: nowhere, it is not touched."""


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Label ids to add and remove in one call. Applying it twice does no harm."""

    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.add or self.remove)


@dataclass(frozen=True, slots=True)
class LabelIds:
    """Gmail's ids of our labels in one mailbox; "" for one not created yet."""

    held: str = ""
    would_hold: str = ""
    allow: str = ""
    block: str = ""
    partly_read: str = ""

    @property
    def complete(self) -> bool:
        return all((self.held, self.would_hold, self.allow, self.block, self.partly_read))


def labels_on_arrival(labels: frozenset[str], ours: LabelIds) -> frozenset[str]:
    """The labels a message arrived with. If it already has our Held label, the inbox is added: the database was
    restored from an older backup and does not know that we moved the message."""
    return labels | {INBOX} if ours.held and ours.held in labels else labels


def changes_for(placement: Placement, labels: LabelIds, *, released: bool = True) -> LabelChange:
    """The label change that brings a message to `placement`. A label that does not exist yet is left out.
    With placement INBOX, `released` False is for mail that was not read in full: it stays and gets the label for that.

    Released mail is marked as unread, so that the owner notices it. Marking never puts mail back into the inbox,
    because the owner may have archived it meanwhile. The Allow and Block labels belong to the owner and are never
    changed.
    """
    held, would_hold, partly_read = _ids(labels.held), _ids(labels.would_hold), _ids(labels.partly_read)
    if placement is Placement.HELD:
        return LabelChange(add=held, remove=would_hold | {INBOX})
    if placement is Placement.MARKED:
        return LabelChange(add=would_hold, remove=held)
    if not released:
        return LabelChange(add=partly_read, remove=held | would_hold)
    return LabelChange(add=frozenset({INBOX, UNREAD}), remove=held | would_hold | partly_read)


def _ids(label_id: str) -> frozenset[str]:
    return frozenset({label_id}) if label_id else frozenset()


# ---- What is kept of a message


class Stage(StrEnum):
    """The next step for a message."""

    LEARN = "learn"  # the owner's own mail: note whom they write to
    SCREEN = "screen"
    ACT = "act"
    CHALLENGE = "challenge"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Screened:
    """Facts of a screened message that are kept."""

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
    note: str = ""  # what its sender has written to the owner since; saved later than the verdict


@dataclass(frozen=True, slots=True)
class MessageView:
    """One message as screens show it."""

    mailbox_id: MailboxId
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
    model: str  # its version
    first_seen_at: datetime
    received_at: datetime | None
    decided_at: datetime | None
    changed_at: datetime
    dead_letter: bool
    decided_by: str  # "" while undecided; by sender: solve, credit; by owner: owner, kept, replied, spam, bin
    note: str = ""  # the sender's line to the owner; a stranger's text, to be escaped like a subject
