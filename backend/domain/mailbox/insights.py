"""What Pitchgate did for an owner, in figures with confidence intervals. Pure arithmetic over counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt

WEEKS = 13
"""How far back the page looks. Mail is forgotten after 90 days unless the owner says otherwise."""

FEWEST = 4
"""Fewest weeks drawn."""

LEAST_REVIEWED = 10
"""Fewest reviewed messages to state how often a verdict is right."""

SECONDS_A_PITCH = 30
"""Seconds it takes to read a pitch and throw it away. An assumption, and shown as one."""

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
    """How much of one sender was held."""

    sender: str
    held: int


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


def minutes_saved(figures: Figures) -> float:
    """Minutes saved: `SECONDS_A_PITCH` for each message the owner decided to keep held. Undecided mail is not
    counted: they still have to read it."""
    return figures.confirmed * SECONDS_A_PITCH / 60


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
