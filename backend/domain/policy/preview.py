"""The preview: what Pitchgate would have done with mail that arrived before the owner connected. It changes nothing.

Little is kept of each message (no body), but enough to apply the policy table again for another mode or strictness, or
after the owner has set a rule: the model scores each message only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from backend.domain.challenge import LINK_LIFE
from backend.domain.mail.machine_mail import MailForm
from backend.domain.mail.message import Address, Arrival, Message, Owner
from backend.domain.mail.sender import Authentication
from backend.domain.mailbox.decisions import RuleKind
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import FailOpenCause, LabelIds, Outcome, Verdict
from backend.domain.policy.evidence import EVIDENCE_ROWS, EarlierEvidence, Evidence
from backend.domain.policy.table import Facts, Standing, decide, fail_open
from backend.domain.reading.score import Score, Thresholds

CAUGHT_OUTCOMES = frozenset({Outcome.MARK, Outcome.HOLD, Outcome.CHALLENGE})


class PreviewAnswer(StrEnum):
    """The owner's answer about a previewed message."""

    NONE = ""
    SALES = "sales"
    NOT_SALES = "not_sales"

    @property
    def rule(self) -> RuleKind | None:
        return {PreviewAnswer.SALES: RuleKind.BLOCK, PreviewAnswer.NOT_SALES: RuleKind.ALLOW}.get(self)


@dataclass(frozen=True, slots=True)
class PreviewedMail:
    """What is kept of one message. `standing` is how its sender stands now; `guards` are the challenge guards that
    would have objected; `score` is None if the message could not be read or scored."""

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
    answer: PreviewAnswer = PreviewAnswer.NONE


def preview_verdicts(
    messages: Sequence[PreviewedMail],
    owner: Owner,
    preferences: Preferences,
    thresholds: Thresholds,
    labels: LabelIds,
) -> tuple[Verdict, ...]:
    """The verdict on each of `messages`, in their order, as if they had arrived one after the other under these
    `preferences` (a pause is ignored). Credits are spent, emails of a sender count as evidence, and a sent link stays
    valid until it expires, all of it within this call only."""
    unpaused = replace(preferences, paused_until=None)
    senders: dict[str, _Sender] = {}
    evidence = Evidence()
    found: dict[str, Verdict] = {}
    for mail in sorted(messages, key=lambda mail: (mail.received_at, mail.gmail_id)):
        sender = senders.setdefault(mail.sender, _Sender())
        earlier = evidence.before(mail.sender, mail.sender_domain, mail.received_at)
        verdict = _verdict(sender.applied_to(mail, earlier), owner, unpaused, thresholds, labels)
        sender.remember(mail, verdict)
        if verdict.row in EVIDENCE_ROWS and mail.score is not None:
            evidence.add(
                mail.sender,
                mail.sender_domain,
                mail.received_at,
                mail.authenticated,
                mail.score.probability,
                verdict.holds,
            )
        found[mail.gmail_id] = verdict
    return tuple(found[mail.gmail_id] for mail in messages)


@dataclass(slots=True)
class _Sender:
    """The state of a sender after the messages so far."""

    spent: int = 0
    challenged_at: datetime | None = None
    threads: set[str] = field(default_factory=set)

    def applied_to(self, mail: PreviewedMail, earlier: EarlierEvidence) -> PreviewedMail:
        """`mail` with its sender's credits, evidence and open links as they are by now."""
        left = max(mail.standing.credits - self.spent, 0)
        standing = replace(mail.standing, credits=left, earlier=earlier)
        guards = list(mail.guards)
        if self.challenged_at is not None and mail.received_at - self.challenged_at < LINK_LIFE:
            guards.append("open_challenge")
        if mail.thread_id in self.threads:
            guards.append("thread_answered")
        return replace(mail, standing=standing, guards=tuple(guards))

    def remember(self, mail: PreviewedMail, verdict: Verdict) -> None:
        """Note what `verdict` changes for the sender's next messages."""
        self.spent += verdict.spends_credit
        if verdict.outcome is Outcome.CHALLENGE:
            self.challenged_at = mail.received_at
            self.threads.add(mail.thread_id)


def _verdict(
    mail: PreviewedMail, owner: Owner, preferences: Preferences, thresholds: Thresholds, labels: LabelIds
) -> Verdict:
    if mail.score is None:
        return fail_open(FailOpenCause.UNREADABLE)
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
    """Which step a preview has reached."""

    LISTING = "listing"
    READING = "reading"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PreviewRun:
    """The progress of a mailbox's preview: `done` of `total` messages are read. `run` counts the owner's requests for
    a preview; the latest came at `asked_at`."""

    run: int
    state: RunState
    asked_at: datetime
    ended_at: datetime | None
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class PreviewFetch:
    """The result of fetching one message for a preview; `mail` is None if it is gone or Gmail refuses to give it."""

    gmail_id: str
    mail: PreviewedMail | None
