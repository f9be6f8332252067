"""The content of the review page (a mailbox's messages in lists, and everything on record about a sender) and the
figures of the insights page.

A message is on one of four shelves: held (waiting for a decision), kept (held by the owner's decision), let in (put
back by a solved challenge, a credit or the owner) and passed (never taken out of the inbox).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import sqrt

from backend.domain.mailbox.decisions import Decision, RuleMatch
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, Placement, PolicyRow, ReadLimit
from backend.domain.reading.score import PITCH_WORDS, Reason

# ---- What the review page shows


Position = tuple[int, str]
"""Where the next page of a list starts: time (microseconds) and Gmail id of the last message read."""


class Shelf(StrEnum):
    """The lists of the review page."""

    HELD = "held"
    KEPT = "kept"
    LET_IN = "let_in"
    PASSED = "passed"


def shelf_of(view: MessageView) -> Shelf | None:
    """The shelf of a message; None if it is not screened yet, or gone."""
    if view.placement is None:
        return None
    if view.placement is Placement.HELD:
        return Shelf.KEPT if view.decided_by else Shelf.HELD
    return Shelf.LET_IN if view.decided_by else Shelf.PASSED


LIKE_A_PITCH = (PolicyRow.OBSERVE, PolicyRow.CREDIT)
"""Policy rows of mail that stays in the inbox although it looks like a pitch."""


def reasons_of(view: MessageView) -> tuple[Reason, ...]:
    """The stored reasons for its score, strongest first."""
    return tuple(
        Reason(str(r.get("text", "")), float(r.get("weight", 0.0)), tuple(map(str, r.get("words", ()))))
        for r in view.reasons
    )


def shown_reason(view: MessageView) -> Reason | None:
    passed = shelf_of(view) is Shelf.PASSED and view.row not in LIKE_A_PITCH
    return reason_to_show(reasons_of(view), view.row, passed, view.cause)


def reason_to_show(reasons: Sequence[Reason], row: str, passed: bool, cause: str = "") -> Reason | None:
    """Which of the reasons to show, if any.

    For held mail: the strongest reason for a pitch, plain words only if there is no other; without one, the strongest
    reason against it. For mail that was never held (`passed`): the strongest reason against a pitch, if the score let
    it in. None if the verdict has a more important explanation: the sender's other mail, or that the message could not
    be read in full.
    """
    if row in (PolicyRow.HELD_WITH_EARLIER, PolicyRow.HELD_WITH_LATER) or cause in tuple(ReadLimit):
        return None
    if passed:
        return next((one for one in reasons if one.weight <= 0 and row == PolicyRow.BELOW_HOLD), None)
    for_pitch = sorted((one for one in reasons if one.weight > 0), key=lambda one: one.code == PITCH_WORDS)
    return next(iter((*for_pitch, *reasons)), None)


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """The filters and the order of a list. `shelves` is one shelf or all of them.

    `words` is searched for in sender, name, subject and note, ignoring case. `least` and `below` bound the score
    (0..1). `note`: only with a note from the sender; `challenged`: only if a challenge was to be sent; `unread`: only
    what could not be read in full. `since` and `until` (exclusive) bound the time of arrival. `doubtful` sorts held
    mail by score, the least like a pitch first; it is not combined with filters.
    """

    shelves: tuple[Shelf, ...]
    words: str = ""
    least: float | None = None
    below: float | None = None
    note: bool = False
    challenged: bool = False
    unread: bool = False
    since: datetime | None = None
    until: datetime | None = None
    doubtful: bool = False

    @property
    def narrow(self) -> bool:
        return replace(self, doubtful=False) != ReviewFilter(self.shelves)


@dataclass(frozen=True, slots=True)
class SenderPile:
    """Messages of one sender, newest first. `more` counts the sender's messages beyond these, up to 1,000."""

    sender: str
    messages: tuple[MessageView, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list: the mailbox, the number of its latest change, how many messages wait (at most
    `MOST_COUNTED`), and the senders, ordered by their newest message.

    `position` is None on the last page. With filters, a sender may appear again on a later page with older messages.
    Each page looks at a bounded number of messages, so with filters it may be empty although there are more pages;
    `seen_back_to` is how far it has looked.
    """

    mailbox: Mailbox
    latest: int
    waiting: int
    piles: tuple[SenderPile, ...]
    position: Position | None
    seen_back_to: datetime | None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """A decision that was made about a message."""

    gmail_id: str
    decision: Decision
    origin: str
    at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Check:
    """A challenge as shown on a sender's page. `sent_at` is None if it never left, `started_at` is when its sender
    opened the check, `ended_at` and `cause` say when and why it was voided or failed. `is_open`: until it expires its
    link still delivers waiting mail, even if it was solved before."""

    gmail_id: str
    state: str
    created_at: datetime
    expires_at: datetime
    sent_at: datetime | None
    started_at: datetime | None
    solved_at: datetime | None
    ended_at: datetime | None
    bounced_at: datetime | None
    cause: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One entry of the ledger."""

    at: datetime
    posting: str
    amount: int
    about: str


class UnsubscribeState(StrEnum):
    """The progress of unsubscribing from a list."""

    ASKED = "asked"
    TRYING = "trying"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """The owner's order, given at `asked_at`, to unsubscribe from a list. `host` is the server that was asked;
    `cause` is the code of the last error."""

    gmail_id: str
    state: UnsubscribeState
    host: str
    cause: str
    asked_at: datetime
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class SenderProfile:
    """Everything on record about one sender. `domain` is their organisation's, "" at a mail provider; `messages` are
    one page, newest first."""

    mailbox: Mailbox
    latest: int
    address: str
    domain: str
    name: str
    rules: RuleMatch
    corresponded: bool
    balance: int
    messages: tuple[MessageView, ...]
    position: Position | None
    decisions: tuple[PastDecision, ...]
    checks: tuple[Check, ...]
    ledger: tuple[LedgerLine, ...]
    unsubscriptions: tuple[Unsubscription, ...]

    @property
    def known(self) -> bool:
        """Whether anything is on record."""
        rules = (self.rules.address, self.rules.domain)
        found = (self.messages, self.checks, self.ledger, self.corresponded, self.balance)
        return any(found) or rules != (None, None)


MOST_COUNTED = 1_000
"""Counting stops here, so that a page costs the same however much mail waits."""

MOST_OF_A_PILE = 200
"""A decision on a sender's newest message applies to at most this many earlier ones."""

LEDGER_LINES = 50
CHECK_LINES = 20
UNSUBSCRIBE_SECONDS = 60
"""Seconds after which an attempt to unsubscribe is abandoned and another may begin."""


# ---- The figures of the insights page


WEEKS = 13
"""How far back the page looks. By default, mail is forgotten after 90 days."""

FEWEST_WEEKS = 4
"""The chart shows at least this many weeks; the usual range needs this many before the last."""

LEAST_REVIEWED = 10
"""Fewest reviewed messages for a statement of how often verdicts are right."""

NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Week:
    """The week that begins on `monday` (UTC): how many messages were held, and how many of those were let in later, by
    the owner or by their sender."""

    monday: date
    held: int = 0
    let_in: int = 0


@dataclass(frozen=True, slots=True)
class Funnel:
    """Numbers of challenges: sent; of these begun (the sender did something on the page; a mere visit is not counted,
    because mail scanners visit too), solved, bounced, and regretted (the owner let the sender in)."""

    sent: int = 0
    begun: int = 0
    solved: int = 0
    bounced: int = 0
    regretted: int = 0


@dataclass(frozen=True, slots=True)
class SenderCount:
    """How many messages of a sender were held, how many of those were let in later or have a note, the id of one that
    waits, and the kind of the owner's rule for them, both "" if there is none."""

    sender: str
    name: str
    held: int
    let_in: int
    noted: int = 0
    waiting: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts over the last weeks. Of the held messages, the owner let in `wrong` and confirmed `confirmed`; of the
    others, they marked `missed` as pitches. `senders` are sorted by held messages."""

    weeks: tuple[Week, ...]
    wrong: int
    missed: int
    senders: tuple[SenderCount, ...]
    funnel: Funnel
    confirmed: int = 0

    @property
    def reviewed(self) -> int:
        return self.confirmed + self.wrong

    @property
    def held(self) -> int:
        return sum(week.held for week in self.weeks)

    @property
    def let_in(self) -> int:
        return sum(week.let_in for week in self.weeks)


@dataclass(frozen=True, slots=True)
class Share:
    """A share and its 95% confidence interval, all from 0 to 1."""

    value: float
    low: float
    high: float


def first_monday(today: date) -> date:
    """The Monday on which the first of `WEEKS` weeks begins; the current week is the last."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def all_weeks(weeks: Sequence[Week], today: date) -> tuple[Week, ...]:
    """All `WEEKS` weeks up to this one, in order, including those without mail."""
    known = {week.monday: week for week in weeks}
    mondays = (first_monday(today) + timedelta(weeks=n) for n in range(WEEKS))
    return tuple(known.get(monday, Week(monday)) for monday in mondays)


def shown_weeks(weeks: Sequence[Week]) -> tuple[Week, ...]:
    """The weeks from the first with held mail on, but at least `FEWEST_WEEKS`."""
    first = next((at for at, week in enumerate(weeks) if week.held), len(weeks))
    return tuple(weeks[min(first, len(weeks) - FEWEST_WEEKS) :])


def usual_range(weeks: Sequence[Week]) -> tuple[int, int] | None:
    """The quartiles of mail held in the weeks before the last; None if there are too few weeks."""
    counts = sorted(week.held for week in weeks[:-1])
    if len(counts) < FEWEST_WEEKS:
        return None
    quarter = len(counts) // 4
    return counts[quarter], counts[-quarter - 1]


def wilson(hits: float, of: float) -> Share:
    """Wilson's score interval (1927) for `hits` out of `of`, which works for few messages and for none or all. Both may
    be fractions: sums of weights."""
    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of} is no share")
    share, z2 = hits / of, NORMAL_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    reach = NORMAL_95 / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return Share(share, max(0.0, middle - reach), min(1.0, middle + reach))


def combined_share(shares: Mapping[str, Share], figure: Callable[[Mapping[str, float]], float]) -> Share:
    """A figure computed from independent shares, and its interval: each share is moved to its bounds in turn, and the
    squares of the resulting changes add up (MOVER; Zou and Donner 2008)."""
    best = {name: share.value for name, share in shares.items()}
    value, down, up = figure(best), 0.0, 0.0
    for name, share in shares.items():
        ends = [figure({**best, name: end}) for end in (share.low, share.high)]
        down += max(0.0, value - min(ends)) ** 2
        up += max(0.0, max(ends) - value) ** 2
    return Share(value, max(0.0, value - sqrt(down)), min(1.0, value + sqrt(up)))
