"""A sender is judged by all they wrote: each of their emails is a piece of evidence for or against a pitch.

The pieces of `WITHIN` that nobody has decided about are added up. A follow-up that says next to nothing is held with
the pitch before it; an ordinary email takes the sum down, so one wrong hold keeps little more from its owner. The form
of the sum was chosen by leaving sequences out (`tests/simulations/sequences.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile
from math import exp, log

from backend.domain.mail.sender import is_free_mail
from backend.domain.mailbox.message import RowName

WITHIN = timedelta(days=30)
"""How long a message is a piece of evidence, and how long held mail keeps further mail of its sender held too."""

COUNTED = frozenset(
    {RowName.HELD_WITH_EARLIER, RowName.BELOW_HOLD, RowName.OBSERVE, RowName.QUARANTINE, RowName.CHALLENGE}
)
"""The rows whose messages are evidence: a score decided, and neither a relation, a list nor a credit."""

MOST = 60
"""How many of a sender's latest emails are looked at, and of all from their firm."""

ORDINARY = -1.0
FADING = 0.1
"""Below ORDINARY a piece grows by so much only: the last emails of sellers say nothing at all."""

SURE = 3.0
"""No piece, and no sum of earlier ones, weighs more: three ordinary emails outweigh the surest wrong hold."""

PLAIN = 0.001
"""A message that scores lower is ordinary, whatever its sender wrote before: a third of ordinary mail does, and one
follow-up of a seller in a hundred."""

TAKEN_WITHIN = timedelta(days=7)
TAKEN = 5
"""How old an unread email may be that is taken out of the inbox with a later one, and how many are."""

HALF = 0.5
"""What another address of the same firm counts."""


def piece(probability: float) -> float:
    """What one email says of its sender: above 0 that they sell. A short one says less, for its score does.

    It is the logit, with nothing taken off for how rare pitches are: else two emails that are each a little doubtful
    would be held together, and strangers with an errand write such.
    """
    share = min(max(probability, 1e-9), 1 - 1e-9)
    told = log(share / (1 - share))
    return min(told, SURE) if told >= ORDINARY else ORDINARY + FADING * (told - ORDINARY)


def together(probability: float, earlier: float) -> float:
    """The probability that the sender sells, from this email and the sum of earlier pieces; NaN if `probability` is not
    one."""
    if not 0.0 <= probability <= 1.0:
        return float("nan")
    return 1 / (1 + exp(-min(max(earlier, -SURE), SURE) - piece(probability)))


def firm(domain: str) -> str:
    """The domain if those who write from it are colleagues; "" for a mail provider's."""
    return "" if is_free_mail(domain) else domain


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is on record of a sender as one of their emails comes: the sum of pieces that Gmail vouches for (`proved`),
    of all that claim to be theirs (`claimed`; what speaks for the real sender helps no forged one), and the highest
    score of what is held and proved."""

    proved: float = 0.0
    claimed: float = 0.0
    held_score: float | None = None


@dataclass(frozen=True, slots=True)
class _Mail:
    at: datetime
    sender: str
    authenticated: bool
    probability: float
    held: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """The undecided mail of many senders as it is judged one by one, oldest first, where no store keeps it."""

    by_sender: dict[str, list[_Mail]] = field(default_factory=lambda: defaultdict(list))
    by_firm: dict[str, list[_Mail]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, sender: str, domain: str, at: datetime, authenticated: bool, probability: float, held: bool
    ) -> None:
        """Record one more message whose row is `COUNTED`. One without a sender is nobody's."""
        mail = _Mail(at, sender, authenticated, probability, held)
        if sender:
            self.by_sender[sender].append(mail)
        if sender and firm(domain):
            self.by_firm[domain].append(mail)

    def before(self, sender: str, domain: str, at: datetime) -> Earlier:
        """What a message finds that comes at `at`."""
        own = _latest(self.by_sender.get(sender, ()), at)
        others = [mail for mail in _latest(self.by_firm.get(firm(domain), ()), at) if mail.sender != sender]
        pieces = [(mail, 1.0) for mail in own] + [(mail, HALF) for mail in others]
        held = [mail.probability for mail in own if mail.held and mail.authenticated]
        return Earlier(
            sum(piece(mail.probability) * share for mail, share in pieces if mail.authenticated),
            sum(_claimed(mail) * share for mail, share in pieces),
            max(held, default=None),
        )


def _latest(mails: Sequence[_Mail], at: datetime) -> list[_Mail]:
    return list(islice(takewhile(lambda mail: at - mail.at < WITHIN, reversed(mails)), MOST))


def _claimed(mail: _Mail) -> float:
    told = piece(mail.probability)
    return max(told, 0.0) if mail.authenticated else told
