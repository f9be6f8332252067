"""A sender is judged by all they wrote: each of their emails is evidence for or against a pitch.

The evidence of the last 30 days that the owner has not decided about is added up. So a follow-up that says next to
nothing is held with the pitch before it, while an ordinary email lowers the sum, so that one wrong hold does not lead
to many. The formula was chosen by cross-validation over sequences of emails (`tests/simulations/sequences.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile
from math import exp, log

from backend.domain.mail.sender import is_free_mail
from backend.domain.mailbox.message import PolicyRow

EVIDENCE_LASTS = timedelta(days=30)
"""How long an email counts as evidence, and how long held mail keeps further mail of its sender held too."""

EVIDENCE_ROWS = frozenset(
    {
        PolicyRow.HELD_WITH_EARLIER,
        PolicyRow.BELOW_HOLD,
        PolicyRow.OBSERVE,
        PolicyRow.QUARANTINE,
        PolicyRow.CHALLENGE,
    }
)
"""Policy rows whose messages are evidence: the score decided, rather than correspondence, a rule or a credit."""

MOST_EMAILS = 60
"""Limit on a sender's latest emails that are added up, and on those of their company."""

FADES_BELOW = -1.0
FADED_SHARE = 0.1
"""Only this share of the part of a logit below `FADES_BELOW` counts: sellers' last emails say next to nothing, and must
not clear the sender."""

MOST_EVIDENCE = 2.5
"""Bound of one email's evidence, and of the sum of earlier ones: three ordinary emails outweigh the worst wrong
hold."""

DOUBTFUL_BELOW = 1.25
"""A sum of earlier emails this close to 0 counts once: two doubtful emails are held together only with a surer one, and
one colleague's email never counts double."""

EARLIER_WEIGHT = 2.0
"""Weight of any other sum of earlier emails: sellers say first what they want."""

CLEARLY_ORDINARY = 0.001
"""A message that scores lower is ordinary, whatever its sender wrote before. A third of ordinary mail scores lower, and
one in a hundred follow-ups of sellers."""

TAKE_ALONG_AGE = timedelta(days=7)
TAKE_ALONG_MOST = 5
"""When an email is held, the sender's earlier unread ones are taken along: up to this age, at most so many."""

COLLEAGUE_WEIGHT = 0.5
"""Weight of evidence from another address of the same company."""


def evidence_of(probability: float) -> float:
    """The evidence in one email, from its score: above 0 speaks for a seller.

    It is the logit, damped and bounded. Unlike in naive Bayes the prior is not taken out: as pitches are rare, two
    slightly doubtful emails would then be held together, and strangers with a real request write such emails.
    """
    clipped = min(max(probability, 1e-9), 1 - 1e-9)
    logit = log(clipped / (1 - clipped))
    if logit < FADES_BELOW:
        return max(FADES_BELOW + FADED_SHARE * (logit - FADES_BELOW), -MOST_EVIDENCE)
    return min(logit, MOST_EVIDENCE)


def combined_probability(probability: float, earlier: float) -> float:
    """The probability that the sender sells, from this email's score and the sum of `earlier` evidence; NaN if
    `probability` is out of range."""
    if not 0.0 <= probability <= 1.0:
        return float("nan")
    earlier = min(max(earlier, -MOST_EVIDENCE), MOST_EVIDENCE)
    if abs(earlier) > DOUBTFUL_BELOW:
        earlier *= EARLIER_WEIGHT
    return 1 / (1 + exp(-earlier - evidence_of(probability)))


def company_domain(domain: str) -> str:
    """The domain if people who write from it are colleagues; "" for a free mail provider's."""
    return "" if is_free_mail(domain) else domain


@dataclass(frozen=True, slots=True)
class EarlierEvidence:
    """A sender's earlier evidence when an email arrives.

    `proved` is the sum over authenticated emails. `claimed` judges an email whose From may be forged: the sum over all
    emails, but authenticated ones only where they speak against the sender, so that a forger gains nothing from the
    real sender's good mail. `held_score` is the highest score among authenticated held emails.
    """

    proved: float = 0.0
    claimed: float = 0.0
    held_score: float | None = None


@dataclass(frozen=True, slots=True)
class _ScoredMail:
    at: datetime
    sender: str
    authenticated: bool
    probability: float
    held: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of many senders in memory, for previews and simulations: emails are added oldest first."""

    by_sender: dict[str, list[_ScoredMail]] = field(default_factory=lambda: defaultdict(list))
    by_company: dict[str, list[_ScoredMail]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, sender: str, domain: str, at: datetime, authenticated: bool, probability: float, held: bool
    ) -> None:
        """Add a message of one of the `EVIDENCE_ROWS`. One without a sender is ignored."""
        mail = _ScoredMail(at, sender, authenticated, probability, held)
        if sender:
            self.by_sender[sender].append(mail)
        if sender and company_domain(domain):
            self.by_company[domain].append(mail)

    def before(self, sender: str, domain: str, at: datetime) -> EarlierEvidence:
        """The evidence about the sender of a message that arrives at `at`."""
        own = _latest(self.by_sender.get(sender, ()), at)
        company = _latest(self.by_company.get(company_domain(domain), ()), at)
        weighted = [(mail, 1.0) for mail in own]
        weighted += [(mail, COLLEAGUE_WEIGHT) for mail in company if mail.sender != sender]
        held = [mail.probability for mail in own if mail.held and mail.authenticated]
        return EarlierEvidence(
            sum(evidence_of(mail.probability) * weight for mail, weight in weighted if mail.authenticated),
            sum(_claimed_evidence(mail) * weight for mail, weight in weighted),
            max(held, default=None),
        )


def _latest(emails: Sequence[_ScoredMail], at: datetime) -> list[_ScoredMail]:
    return list(islice(takewhile(lambda mail: at - mail.at < EVIDENCE_LASTS, reversed(emails)), MOST_EMAILS))


def _claimed_evidence(mail: _ScoredMail) -> float:
    evidence = evidence_of(mail.probability)
    return max(evidence, 0.0) if mail.authenticated else evidence
