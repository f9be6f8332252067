"""What is decided about a message, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from backend.domain.reading.score import Score, Trace


class Outcome(StrEnum):
    """What happens to the message."""

    IGNORE = "ignore"  # not ours to judge: no call, no label
    INBOX = "inbox"  # stays where it is
    MARK = "mark"  # stays, labelled "would be held"
    HOLD = "hold"  # label on, out of the inbox, nobody is told
    CHALLENGE = "challenge"  # held, and the sender is answered with a link


class Row(StrEnum):
    """The rows of the policy table, in its order. The value is what is stored and shown to developers."""

    NOT_INCOMING = "not_incoming"
    BLOCKED = "blocked"
    ALLOWED = "allowed"
    OWNERS_FILTER = "owners_filter"
    SAME_ORGANISATION = "same_organisation"
    CORRESPONDENT = "correspondent"
    MACHINE_MAIL = "machine_mail"
    LEFT_ALONE = "left_alone"
    WELCOME = "welcome"
    HELD_WITH_EARLIER = "held_with_earlier"
    BELOW_HOLD = "below_hold"
    CREDIT = "credit"
    OBSERVE = "observe"
    QUARANTINE = "quarantine"
    CHALLENGE = "challenge"
    FAIL_OPEN = "fail_open"  # no row of the table: something broke, so the mail stays in the inbox


class FailOpen(StrEnum):
    """Why a message could not be judged. The value is stored, counted and logged; words are chosen when it is shown."""

    REFUSED = "refused"  # Gmail would not give it out
    TOO_LARGE = "too_large"  # it needs more memory than one message may take
    TOO_SLOW = "too_slow"  # it needs more time than one message may take
    READER_LOST = "reader_lost"  # the reading process ended over it, twice
    UNREADABLE = "unreadable"  # our code for parsing and reading broke on it
    SCORER_BROKEN = "scorer_broken"  # the model broke on it
    NO_PROBABILITY = "no_probability"  # the model gave none
    NO_ROW = "no_row"  # no row of the policy table matched
    UNSETTLED = "unsettled"  # the sender's credits or challenges kept changing while it was judged


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a verdict was reached from, as JSON: `setting` is what many messages share, `case` what is this one's.
    `trace` is the score's, and `counts` the counts in it, sealed, if they are kept."""

    setting: str
    case: str
    trace: Trace | None = None
    counts: bytes = b""


@dataclass(frozen=True, slots=True)
class Shadow:
    """What a challenger would have decided: its version, the row, the probability. Nothing follows from it."""

    model: str
    row: Row
    score: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision about one message.

    `guards` names the challenge guards that said no (empty when none was asked or all passed);
    `cause` is set with `FAIL_OPEN` only: a value of `FailOpen`.
    """

    outcome: Outcome
    row: Row
    score: Score | None = None
    guards: tuple[str, ...] = ()
    cause: str = ""
    spends_credit: bool = False
    grounds: Grounds | None = field(default=None, compare=False)
    shadow: Shadow | None = field(default=None, compare=False)

    @property
    def holds(self) -> bool:
        """Whether the message leaves the inbox."""
        return self.outcome in (Outcome.HOLD, Outcome.CHALLENGE)
