"""What the review page shows: a mailbox's messages in lists, and everything on record about one sender; and the figures
of the insights page.

A message stands on one of four shelves: held and waiting for a word, kept (held by the owner's word), let in
(somebody's solve, credit or word brought it back) and passed (never taken out of the inbox).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from math import sqrt

from backend.domain.mailbox.decisions import Decision, RuleMatch
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import Limit, MessageView, Placement, RowName
from backend.domain.reading.score import PITCH_WORDS, Reason

# ---- What the review page shows


Position = tuple[int, str]
"""Where the next page starts: time (microseconds) and Gmail id of the last message read."""


class Shelf(StrEnum):
    """Where a message stands. Lists show one of them, or all."""

    HELD = "held"
    KEPT = "kept"
    LET_IN = "let_in"
    PASSED = "passed"


def shelf_of(view: MessageView) -> Shelf | None:
    """The shelf of a message; None if it has none (not screened yet, or gone)."""
    if view.placement is None:
        return None
    if view.placement is Placement.HELD:
        return Shelf.KEPT if view.decided_by else Shelf.HELD
    return Shelf.LET_IN if view.decided_by else Shelf.PASSED


LIKE_A_PITCH = (RowName.OBSERVE, RowName.CREDIT)
"""The rows of mail in the inbox that looks like a pitch all the same."""


def reasons_of(view: MessageView) -> tuple[Reason, ...]:
    """What is kept of why it scored so, strongest first."""
    return tuple(
        Reason(str(r.get("text", "")), float(r.get("weight", 0.0)), tuple(map(str, r.get("words", ()))))
        for r in view.reasons
    )


def told_reason(view: MessageView) -> Reason | None:
    """The one reason shown in a list, a digest or an app."""
    passed = shelf_of(view) is Shelf.PASSED and view.row not in LIKE_A_PITCH
    return told_of(reasons_of(view), view.row, passed, view.cause)


def told_of(reasons: Sequence[Reason], row: str, passed: bool, cause: str = "") -> Reason | None:
    """The one of the reasons to show: what speaks loudest for a pitch, except words that nearly all pitches have; or
    else what speaks against it. Of mail that was never held (`passed`) only the latter, and none where another rule
    than its score let it in, where its sender's other mail had it held, or where it could not be read in full, for
    that comes first."""
    if row in (RowName.HELD_WITH_EARLIER, RowName.HELD_WITH_LATER) or cause in tuple(Limit):
        return None
    if passed:
        return next((one for one in reasons if one.weight <= 0 and row == RowName.BELOW_HOLD), None)
    loudest = sorted((one for one in reasons if one.weight > 0), key=lambda one: one.code == PITCH_WORDS)
    return next(iter((*loudest, *reasons)), None)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to show. `shelves` is one shelf or all of them.

    `words` is looked for in sender, name, subject and note, whatever its case. `least` and `below` bound the score
    (0..1), `note` wants a line of the sender's, `challenged` that they were to be asked to pass a check, `unread` that
    it could not be read in full; `since` and `until` bound the time of arrival (until is not included). `doubtful`:
    what waits, the least like a pitch first; not of a narrowed list.
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
        """Whether filters leave out messages of the shelf."""
        return replace(self, doubtful=False) != Wanted(self.shelves)


@dataclass(frozen=True, slots=True)
class Pile:
    """Messages of one sender, newest first. `more`: how many of theirs are not among them, at most 1,000."""

    sender: str
    messages: tuple[MessageView, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """One page: who owns it, the number of the latest change, how many wait (at most `MOST_COUNTED`), and senders
    by their newest message. A narrowed list repeats a sender on a later page with older matches of theirs.

    `position` is None on the last page. A page is made of a bounded number of messages: of a narrowed list it may
    be empty and yet have another page behind it, then `seen_back_to` is how far it looked.
    """

    mailbox: Mailbox
    latest: int
    waiting: int
    piles: tuple[Pile, ...]
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
    """A challenge as a sender's page tells it. `sent_at` is None for one that never left. `is_open`: until it expires
    its link delivers what waits, though it was solved before."""

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
class Booked:
    """One entry of the ledger."""

    at: datetime
    posting: str
    amount: int
    about: str


class UnsubscribeState(StrEnum):
    """How an ordered unsubscription stands."""

    ASKED = "asked"
    TRYING = "trying"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Unsubscription:
    """The owner's order to be taken off a list. `cause` is the code of what went wrong the last time; `host`
    is the server that was asked."""

    gmail_id: str
    state: UnsubscribeState
    host: str
    cause: str
    asked_at: datetime
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class SenderProfile:
    """Everything on record about one sender. `domain` is their organisation's, "" where anybody gets an address;
    `messages` are a page of them, newest first."""

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
    ledger: tuple[Booked, ...]
    unsubscriptions: tuple[Unsubscription, ...]

    @property
    def known(self) -> bool:
        """Whether anything is on record."""
        rules = (self.rules.address, self.rules.domain)
        found = (self.messages, self.checks, self.ledger, self.corresponded, self.balance)
        return any(found) or rules != (None, None)


MOST_COUNTED = 1_000
"""Counts stop here, so that a page costs the same however much mail waits."""

MOST_EARLIER = 200
"""How much of a sender's earlier mail goes with a line of the list at once."""

LEDGER_LINES = 50
CHECK_LINES = 20
LEASE_SECONDS = 60
"""How long one try to unsubscribe may take before another may begin."""


# ---- What Pitchgate did for an owner, in figures with confidence intervals


WEEKS = 13
"""How far back the page looks. Mail is forgotten after 90 days unless the owner says otherwise."""

FEWEST = 4
"""Fewest weeks drawn."""

LEAST_REVIEWED = 10
"""Fewest reviewed messages to state how often a verdict is right."""

NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Week:
    """Mail decided in the week that begins on `monday` (UTC): `held` of it were held, `let_in` of those were let
    in later, by the owner or by their sender."""

    monday: date
    held: int = 0
    let_in: int = 0


@dataclass(frozen=True, slots=True)
class Funnel:
    """Challenges: sent, of these begun by their sender (they did something on the page; looking is not counted, mail
    scanners look too), solved, come back undelivered, and regretted (the owner let in whom we had asked)."""

    sent: int = 0
    begun: int = 0
    solved: int = 0
    bounced: int = 0
    regretted: int = 0


@dataclass(frozen=True, slots=True)
class SenderCount:
    """How much of one sender was held, how much of that was let in later or came with a note, and one that waits, ""
    if none does."""

    sender: str
    name: str
    held: int
    let_in: int
    noted: int = 0
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts of the last weeks. `wrong` of the held were let in by the owner's word, `confirmed` left held by it;
    `missed` of the passed they called sales. `senders` hold most first."""

    weeks: tuple[Week, ...]
    wrong: int
    missed: int
    senders: tuple[SenderCount, ...]
    funnel: Funnel
    confirmed: int = 0

    @property
    def reviewed(self) -> int:
        """Of the held, those the owner has said something about."""
        return self.confirmed + self.wrong

    @property
    def held(self) -> int:
        """All that was held."""
        return sum(week.held for week in self.weeks)

    @property
    def let_in(self) -> int:
        """Of the held, all that was let in later."""
        return sum(week.let_in for week in self.weeks)


@dataclass(frozen=True, slots=True)
class Share:
    """A share and the interval it lies in with a confidence of 95 %, all from 0 to 1."""

    value: float
    low: float
    high: float


def first_monday(today: date) -> date:
    """The Monday the first of `WEEKS` weeks begins on; this week is the last."""
    return today - timedelta(days=today.weekday(), weeks=WEEKS - 1)


def filled(weeks: Sequence[Week], today: date) -> tuple[Week, ...]:
    """All `WEEKS` weeks up to this one, in order, including those without mail."""
    known = {week.monday: week for week in weeks}
    mondays = (first_monday(today) + timedelta(weeks=n) for n in range(WEEKS))
    return tuple(known.get(monday, Week(monday)) for monday in mondays)


def shown_weeks(weeks: Sequence[Week]) -> tuple[Week, ...]:
    """The weeks from the first with mail on, but at least `FEWEST`."""
    first = next((at for at, week in enumerate(weeks) if week.held), len(weeks))
    return tuple(weeks[min(first, len(weeks) - FEWEST) :])


def usual(weeks: Sequence[Week]) -> tuple[int, int] | None:
    """The middle half of what the weeks before the last one brought; None while there are too few of them."""
    counts = sorted(week.held for week in weeks[:-1])
    if len(counts) < FEWEST:
        return None
    quarter = len(counts) // 4
    return counts[quarter], counts[-quarter - 1]


def wilson(hits: float, of: float) -> Share:
    """Wilson's score interval for `hits` of `of` (1927): sensible for few, and for none or all. Weighted sums have no
    whole numbers."""
    if not 0 <= hits <= of or of == 0:
        raise ValueError(f"{hits} of {of} is no share")
    share, z2 = hits / of, NORMAL_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    reach = NORMAL_95 / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return Share(share, max(0.0, middle - reach), min(1.0, middle + reach))


def joined(shares: Mapping[str, Share], figure: Callable[[Mapping[str, float]], float]) -> Share:
    """A figure of independent shares, by name, with its interval: each at its bounds moves the figure by so much, and
    the squares add up (MOVER; Zou and Donner 2008)."""
    best = {name: share.value for name, share in shares.items()}
    value, down, up = figure(best), 0.0, 0.0
    for name, share in shares.items():
        ends = [figure({**best, name: end}) for end in (share.low, share.high)]
        down += max(0.0, value - min(ends)) ** 2
        up += max(0.0, max(ends) - value) ** 2
    return Share(value, max(0.0, value - sqrt(down)), min(1.0, value + sqrt(up)))
