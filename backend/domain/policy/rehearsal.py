"""The rehearsal: what the policy table would have done with mail that came before us. Nothing comes of it.

What is kept of each mail is little (no body), but enough to walk the real table again for another mode or
strictness, or after the owner has set a rule: the model was asked once and its score stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mailbox.mailbox import LabelIds, Preferences
from backend.domain.mailbox.verdict import Outcome, Verdict
from backend.domain.policy.decide import Facts, decide, fail_open
from backend.domain.policy.standing import Standing
from backend.domain.reading.score import Score, Thresholds

HELD_WITH = timedelta(days=30)
"""How long held mail makes further mail of its sender wait beside it."""

CAUGHT = frozenset({Outcome.MARK, Outcome.HOLD, Outcome.CHALLENGE})
NOT_SCORED = "The message could not be read or scored."


class Word(StrEnum):
    """What the owner said of a rehearsed mail."""

    NONE = ""
    SALES = "sales"
    NOT_SALES = "not_sales"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What is kept of one mail. `standing` is its sender's as it is now; `guards` are the challenge guards that
    would have said no; `score` is None when it could not be read or scored."""

    gmail_id: str
    thread_id: str
    sender: str
    sender_name: str
    sender_domain: str
    subject: str
    received_at: datetime
    labels: frozenset[str]
    authenticated: bool
    form: MailForm
    guards: tuple[str, ...]
    score: Score | None
    standing: Standing = Standing()
    said: Word = Word.NONE


def rehearse(
    mails: Sequence[Rehearsed],
    owner: Owner,
    preferences: Preferences,
    thresholds: Thresholds,
    labels: LabelIds,
) -> tuple[Verdict, ...]:
    """The verdict on each of `mails`, in their order, as if they had come one after the other under these
    `preferences` (a pause does not count). Credits are spent and held mail makes later mail wait, in here only."""
    wishes = replace(preferences, paused_until=None)
    held: dict[str, datetime] = {}
    spent: dict[str, int] = {}
    found: dict[str, Verdict] = {}
    for mail in sorted(mails, key=lambda mail: (mail.received_at, mail.gmail_id)):
        since = held.get(mail.sender)
        waiting = since is not None and mail.received_at - since <= HELD_WITH
        left = mail.standing.credits - spent.get(mail.sender, 0)
        standing = replace(mail.standing, held_undecided=waiting, credits=max(left, 0))
        verdict = _verdict(replace(mail, standing=standing), owner, wishes, thresholds, labels)
        if verdict.spends_credit:
            spent[mail.sender] = spent.get(mail.sender, 0) + 1
        if verdict.holds and mail.sender:
            held[mail.sender] = mail.received_at
        found[mail.gmail_id] = verdict
    return tuple(found[mail.gmail_id] for mail in mails)


def _verdict(
    mail: Rehearsed, owner: Owner, preferences: Preferences, thresholds: Thresholds, labels: LabelIds
) -> Verdict:
    if mail.score is None:
        return fail_open(NOT_SCORED)
    message = Message(from_=(Address(mail.sender, mail.sender_name),), subject=mail.subject)
    facts = Facts(
        arrival=Arrival(mail.gmail_id, mail.thread_id, mail.labels, mail.received_at, message),
        owner=owner,
        authentication=Authentication(mail.authenticated),
        preferences=preferences,
        standing=mail.standing,
        labels=labels,
        form=mail.form,
    )
    return decide(facts, mail.score, thresholds, mail.guards, mail.received_at)
