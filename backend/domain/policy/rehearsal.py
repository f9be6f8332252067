"""The rehearsal: what the policy table would have done with mail that came before us. Nothing comes of it.

What is kept of each mail is little (no body), but enough to walk the real table again for another mode or
strictness, or after the owner has set a rule: the model was asked once and its score stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from backend.domain.entry.challenge import LIFE
from backend.domain.mail.authentication import Authentication
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import FailOpen, LabelIds, Outcome, Verdict
from backend.domain.policy.evidence import COUNTED, Earlier, Evidence
from backend.domain.policy.table import Facts, Standing, decide, fail_open
from backend.domain.reading.score import Score, Thresholds

CAUGHT = frozenset({Outcome.MARK, Outcome.HOLD, Outcome.CHALLENGE})


class Word(StrEnum):
    """The owner's answer about a rehearsed message."""

    NONE = ""
    SALES = "sales"
    NOT_SALES = "not_sales"

    @property
    def rule(self) -> RuleKind | None:
        """The rule for the mail's sender that the word sets."""
        return {Word.SALES: RuleKind.BLOCK, Word.NOT_SALES: RuleKind.ALLOW}.get(self)


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
    word: Word = Word.NONE


def rehearse(
    messages: Sequence[Rehearsed],
    owner: Owner,
    preferences: Preferences,
    thresholds: Thresholds,
    labels: LabelIds,
) -> tuple[Verdict, ...]:
    """The verdict on each of `messages`, in their order, as if they had come one after the other under these
    `preferences` (a pause does not count). Credits are spent, a sender's emails are evidence together, and a link that
    was sent stays open for its life, in here only."""
    wishes = replace(preferences, paused_until=None)
    senders: dict[str, _Sender] = {}
    evidence = Evidence()
    found: dict[str, Verdict] = {}
    for mail in sorted(messages, key=lambda mail: (mail.received_at, mail.gmail_id)):
        sender = senders.setdefault(mail.sender, _Sender())
        earlier = evidence.before(mail.sender, mail.sender_domain, mail.received_at)
        verdict = _verdict(sender.meets(mail, earlier), owner, wishes, thresholds, labels)
        sender.remember(mail, verdict)
        if verdict.row in COUNTED and mail.score is not None:
            about = (mail.sender, mail.sender_domain, mail.received_at, mail.authenticated)
            evidence.add(*about, mail.score.probability, verdict.holds)
        found[mail.gmail_id] = verdict
    return tuple(found[mail.gmail_id] for mail in messages)


@dataclass(slots=True)
class _Sender:
    """One sender's state as the rehearsal goes on."""

    spent: int = 0
    asked_at: datetime | None = None
    threads: set[str] = field(default_factory=set)

    def meets(self, mail: Rehearsed, earlier: Earlier) -> Rehearsed:
        """`mail` as it finds its sender."""
        left = max(mail.standing.credits - self.spent, 0)
        standing = replace(mail.standing, credits=left, earlier=earlier)
        guards = list(mail.guards)
        if self.asked_at is not None and mail.received_at - self.asked_at < LIFE:
            guards.append("open_challenge")
        if mail.thread_id in self.threads:
            guards.append("thread_answered")
        return replace(mail, standing=standing, guards=tuple(guards))

    def remember(self, mail: Rehearsed, verdict: Verdict) -> None:
        """What `verdict` changes for the mail that follows."""
        self.spent += verdict.spends_credit
        if verdict.outcome is Outcome.CHALLENGE:
            self.asked_at = mail.received_at
            self.threads.add(mail.thread_id)


def _verdict(
    mail: Rehearsed, owner: Owner, preferences: Preferences, thresholds: Thresholds, labels: LabelIds
) -> Verdict:
    if mail.score is None:
        return fail_open(FailOpen.UNREADABLE)
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


class RunState(StrEnum):
    """The progress of a preview."""

    LISTING = "listing"
    READING = "reading"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PreviewRun:
    """A preview of what would have been held. `done` of `total` messages are read; `run` counts how often one was
    asked for."""

    run: int
    state: RunState
    asked_at: datetime
    ended_at: datetime | None
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Looked:
    """One mail of a preview, looked at: what is kept of it, or None when it is gone or Gmail keeps it back."""

    gmail_id: str
    mail: Rehearsed | None
