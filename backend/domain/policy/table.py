"""The policy table: an ordered list of rules, each a pure predicate and its outcome. The first row that matches decides
what happens to a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from backend.domain.mail.machine_mail import MailForm, claims_machine_mail, is_machine_mail
from backend.domain.mail.message import Arrival, Owner
from backend.domain.mail.sender import Authentication, same_organisation
from backend.domain.mailbox.decisions import RuleKind, RuleMatch
from backend.domain.mailbox.mailbox import ROWS_ALWAYS_ON, Mode, Preferences
from backend.domain.mailbox.message import (
    STARRED,
    FailOpenCause,
    LabelIds,
    Outcome,
    PolicyRow,
    ReadLimit,
    Verdict,
)
from backend.domain.policy.evidence import CLEARLY_ORDINARY, EarlierEvidence, combined_probability
from backend.domain.reading.score import Score, Thresholds

# ---- How a sender stands with an owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is on record about a sender. It may be used only if the sender is authenticated: a From can be forged.

    `corresponded`: the owner has written to this address. `took_part`: the owner wrote in this thread, and the sender
    belongs to it. `keeps`: the owner has let in two of the sender's emails, each by a decision of its own. `credits`:
    the sender's balance. `earlier`: the evidence in their mail that the owner has not decided about.
    """

    rules: RuleMatch = RuleMatch()
    corresponded: bool = False
    took_part: bool = False
    keeps: bool = False
    credits: int = 0
    earlier: EarlierEvidence = EarlierEvidence()


# ---- What the rows look at


NOT_INCOMING_LABELS = frozenset({"SENT", "DRAFT", "CHAT", "SPAM", "TRASH"})


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything about one message except its score.

    `labels` are the ids of our labels in this mailbox: an owner's Gmail filter may put Allow or Block on a message as
    it arrives, which counts like a rule for that message. `form` is the mail's form, given where the mail itself is no
    longer at hand. `filtered`: one of the owner's filters has marked it as important (Gmail also marks mail so by
    itself, and that does not count). `read_limit`: why it could not be read in full.
    """

    arrival: Arrival
    owner: Owner
    authentication: Authentication
    preferences: Preferences
    standing: Standing = Standing()
    labels: LabelIds = LabelIds()
    form: MailForm | None = None
    filtered: bool = False
    read_limit: ReadLimit | None = None

    @property
    def own_organisation(self) -> bool:
        """Whether the From address claims the owner's organisation."""
        domain = self.arrival.message.sender.domain
        own = {address.rpartition("@")[2] for address in self.owner.addresses}
        return any(same_organisation(ours, domain) for ours in own)

    def carries(self, label_id: str) -> bool:
        return bool(label_id) and label_id in self.arrival.labels


@dataclass(frozen=True, slots=True)
class Case:
    """What a row may look at. `probability` is NaN without a valid score, so that every comparison with it is false.
    `guards` are the challenge guards that object."""

    facts: Facts
    probability: float
    thresholds: Thresholds
    guards: tuple[str, ...]
    now: datetime

    @property
    def authenticated(self) -> bool:
        return self.facts.authentication.passed

    @property
    def mode(self) -> Mode:
        return self.facts.preferences.mode

    @property
    def together(self) -> float:
        """The probability that the sender sells, from all their recent emails and this one; NaN without a valid
        score."""
        earlier = self.facts.standing.earlier
        return combined_probability(
            self.probability, earlier.proved if self.authenticated else earlier.claimed
        )


@dataclass(frozen=True, slots=True)
class RowDefinition:
    """One row: its name, its description in one sentence, the outcome, and whether it `applies` to a case.

    `reads_score` marks rows that need a valid score. A row with `answers` holds the message in every mode except
    observe, which only labels it; `answers` decides whether the sender gets a challenge too.
    """

    row: PolicyRow
    description: str
    outcome: Outcome
    applies: Callable[[Case], bool]
    reads_score: bool = False
    spends_credit: bool = False
    answers: Callable[[Case], bool] | None = None

    def outcome_of(self, case: Case) -> Outcome:
        if self.answers is None:
            return self.outcome
        if case.mode is Mode.OBSERVE:
            return Outcome.MARK
        return Outcome.CHALLENGE if self.answers(case) else self.outcome

    @property
    def always_on(self) -> bool:
        return self.row in ROWS_ALWAYS_ON


def is_incoming(labels: frozenset[str]) -> bool:
    return "INBOX" in labels and not labels & NOT_INCOMING_LABELS


def is_left_alone(preferences: Preferences, labels: frozenset[str], now: datetime) -> bool:
    """Whether mail with these labels is not screened now: screening is paused, or the owner leaves the category to
    Gmail."""
    until = preferences.paused_until
    return (until is not None and now < until) or bool(labels & preferences.left_alone)


def _blocked(case: Case) -> bool:
    facts, rules = case.facts, case.facts.standing.rules
    if facts.carries(facts.labels.block) or rules.address is RuleKind.BLOCK:
        return True
    # A rule that allows the address wins over a blocked domain, but not for a forged From.
    address_allowed = rules.address is RuleKind.ALLOW and case.authenticated
    return rules.domain is RuleKind.BLOCK and not address_allowed


def _allowed(case: Case) -> bool:
    facts = case.facts
    allowed = facts.standing.rules.kind is RuleKind.ALLOW or facts.carries(facts.labels.allow)
    return case.authenticated and allowed


def _machine_mail(case: Case) -> bool:
    facts = case.facts
    if facts.form is MailForm.MACHINE or (facts.form is None and is_machine_mail(facts.arrival, facts.owner)):
        return True
    claims = (
        claims_machine_mail(facts.arrival.message) if facts.form is None else facts.form is MailForm.CLAIMED
    )
    kept = case.authenticated and facts.standing.keeps
    return claims and (kept or case.probability < case.thresholds.challenge)


def _held_with_earlier(case: Case) -> bool:
    earlier = case.facts.standing.earlier
    # A sender who has passed the check, and has nothing held, is judged by each message alone.
    trusted = _credit(case) and earlier.held_score is None
    evidence = earlier.proved if case.authenticated else earlier.claimed
    doubtful = evidence != 0.0 and case.probability >= CLEARLY_ORDINARY
    return doubtful and not trusted and case.together >= case.thresholds.hold


def _answered_with_earlier(case: Case) -> bool:
    """Whether the sender may be challenged: no guard objects, and this message, a held one of theirs or all of them
    together score high enough."""
    highest = max(case.probability, case.together, case.facts.standing.earlier.held_score or 0.0)
    return _answerable(case) and highest >= case.thresholds.challenge


def _answerable(case: Case) -> bool:
    read_in_full = case.facts.read_limit is None
    return case.mode is Mode.CHALLENGE and case.authenticated and read_in_full and not case.guards


def _below_hold(case: Case) -> bool:
    return case.probability < case.thresholds.hold


def _credit(case: Case) -> bool:
    return case.authenticated and case.facts.standing.credits > 0


TABLE = (
    RowDefinition(
        PolicyRow.NOT_INCOMING,
        "Not incoming mail to this owner: their own, a draft, a chat, spam, in the bin, or not in the inbox.",
        Outcome.IGNORE,
        lambda case: not is_incoming(case.facts.arrival.labels),
    ),
    RowDefinition(
        PolicyRow.BLOCKED,
        "The owner has blocked this address, or its domain, unless the address itself is allowed and authenticated.",
        Outcome.HOLD,
        _blocked,
    ),
    RowDefinition(
        PolicyRow.ALLOWED,
        "The owner has allowed this address, or its domain, and the sender is authenticated.",
        Outcome.INBOX,
        _allowed,
    ),
    RowDefinition(
        PolicyRow.OWNERS_FILTER,
        "The sender is authenticated, and a filter of the owner's has starred the message or marked it as important, "
        "or the owner has just starred it.",
        Outcome.INBOX,
        # Gmail never stars a message by itself, but it does mark messages as important.
        lambda case: case.authenticated and (STARRED in case.facts.arrival.labels or case.facts.filtered),
    ),
    RowDefinition(
        PolicyRow.SAME_ORGANISATION,
        "An authenticated sender of the owner's own organisation; a mail provider's domain is not one.",
        Outcome.INBOX,
        lambda case: case.authenticated and case.facts.own_organisation,
    ),
    RowDefinition(
        PolicyRow.CORRESPONDENT,
        "The owner has written to this authenticated address, or in a thread that its author belongs to.",
        Outcome.INBOX,
        lambda case: (
            case.authenticated and (case.facts.standing.corresponded or case.facts.standing.took_part)
        ),
    ),
    RowDefinition(
        PolicyRow.MACHINE_MAIL,
        "A mailing list that Gmail itself files as one, or that the owner has written to and that has signed the mail; "
        "or mail that only claims to be a bounce, a report, a list, an automatic or a calendar reply, below the "
        "challenge threshold or from an authenticated sender of whom the owner has let in two emails.",
        Outcome.INBOX,
        _machine_mail,
    ),
    RowDefinition(
        PolicyRow.LEFT_ALONE,
        "Screening is paused, or the owner leaves this Gmail category to Gmail.",
        Outcome.INBOX,
        lambda case: is_left_alone(case.facts.preferences, case.facts.arrival.labels, case.now),
    ),
    RowDefinition(
        PolicyRow.HELD_WITH_EARLIER,
        "The sender's undecided emails of 30 days, this one included, are together at or above the hold threshold, "
        "unless this one is plainly ordinary; in mode observe it is only labelled. Other addresses of a firm's domain "
        "count half. The sender is answered if the emails together or one of them are at or above the challenge "
        "threshold, the mode is challenge and every guard passes.",
        Outcome.HOLD,
        _held_with_earlier,
        reads_score=True,
        answers=_answered_with_earlier,
    ),
    RowDefinition(
        PolicyRow.UNREAD,
        "The message could not be read in full, and what was read scores below the hold threshold; it is labelled.",
        Outcome.INBOX,
        lambda case: case.facts.read_limit is not None and _below_hold(case),
        reads_score=True,
    ),
    RowDefinition(
        PolicyRow.BELOW_HOLD,
        "The score is below the hold threshold.",
        Outcome.INBOX,
        _below_hold,
        reads_score=True,
    ),
    RowDefinition(
        PolicyRow.CREDIT,
        "The authenticated sender has a credit left, and spends it.",
        Outcome.INBOX,
        _credit,
        reads_score=True,
        spends_credit=True,
    ),
    RowDefinition(
        PolicyRow.OBSERVE,
        "The score is at or above the hold threshold, and the mode is observe: it is only labelled.",
        Outcome.MARK,
        lambda case: case.mode is Mode.OBSERVE,
        reads_score=True,
    ),
    RowDefinition(
        PolicyRow.QUARANTINE,
        "To be held without an answer: the mode is quarantine, the score is below the challenge threshold, or a "
        "guard objects to answering.",
        Outcome.HOLD,
        lambda case: not (_answerable(case) and case.probability >= case.thresholds.challenge),
        reads_score=True,
    ),
    RowDefinition(
        PolicyRow.CHALLENGE,
        "The score is at or above the challenge threshold, the mode is challenge and every guard passes.",
        Outcome.CHALLENGE,
        lambda case: True,
        reads_score=True,
    ),
)

STRANGERS = frozenset(row.row for row in TABLE if row.reads_score)
"""Rows that judge by the score: mail of people the owner has no history with."""


# ---- Applying the table
# A row that the owner switched off is skipped; the rows in `ROWS_ALWAYS_ON` cannot be switched off. What the table
# cannot judge stays in the inbox (`fail_open`). Two promises hold across all rows. Mode *observe* moves nothing because
# of a score: only the owner's own block rule holds mail there. And a sender who is not authenticated gains nothing from
# what is on record about the address they claim: no rule, organisation, history or credits.


_NO_LABELS = LabelIds()
_MAY_ANSWER = frozenset({PolicyRow.HELD_WITH_EARLIER, PolicyRow.QUARANTINE})
"""Rows that hold without a reply if a guard objects; the verdict names the guards."""
NOT_AUTHENTICATED = "not_authenticated"
"""A guard the table applies itself: a sender who is not authenticated never gets a reply, even if the caller forgot to
check."""
NOT_READ = "not_read_in_full"
"""Another guard that the table applies itself: mail that could not be read in full gets no reply."""


def decide(
    facts: Facts, score: Score, thresholds: Thresholds, guards: tuple[str, ...], now: datetime
) -> Verdict:
    """The verdict of the first row that matches. Never raises.

    `guards` are the names of the challenge guards that object, () if all passed or none was checked yet. Without a
    valid probability the verdict fails open, unless a row that does not need the score applies.
    """
    usable = 0.0 <= score.probability <= 1.0
    case = Case(facts, score.probability if usable else float("nan"), thresholds, guards, now)
    off = facts.preferences.rows_off - ROWS_ALWAYS_ON
    for entry in TABLE:
        if entry.reads_score and not usable:
            return fail_open(FailOpenCause.NO_PROBABILITY)
        if entry.row not in off and entry.applies(case):
            return Verdict(
                outcome=entry.outcome_of(case),
                row=entry.row,
                score=score if usable else None,
                guards=_named_guards(case) if entry.row in _MAY_ANSWER else (),
                spends_credit=entry.spends_credit,
                cause=facts.read_limit if facts.read_limit is not None and entry.reads_score else "",
            )
    return fail_open(FailOpenCause.NO_ROW)


def prescreen(
    labels: frozenset[str] | None,
    preferences: Preferences,
    has_block_rules: bool,
    now: datetime,
    ours: LabelIds = _NO_LABELS,
) -> Verdict | None:
    """The verdict if Gmail's history record is enough for one; None: fetch the message.

    `labels` is None if the record has none. Only outcomes that move nothing are decided here. Block rules need the
    sender, so if the owner has any, or the message already has our Block label (one of `ours`), only mail that is not
    incoming is decided. The thread decides nothing here: anybody who knows the id of one of its messages can write into
    it, and history does not say who did.
    """
    if labels is not None and not is_incoming(labels):
        return Verdict(Outcome.IGNORE, PolicyRow.NOT_INCOMING)
    off = preferences.rows_off - ROWS_ALWAYS_ON
    labelled = bool(ours.block) and labels is not None and ours.block in labels
    if (has_block_rules or labelled) and PolicyRow.BLOCKED not in off:
        return None
    if PolicyRow.LEFT_ALONE not in off and is_left_alone(preferences, labels or frozenset(), now):
        return Verdict(Outcome.INBOX, PolicyRow.LEFT_ALONE)
    return None


def fail_open(cause: FailOpenCause) -> Verdict:
    """The verdict if something broke: the mail stays in the inbox, without a reply; `cause` is stored."""
    return Verdict(Outcome.INBOX, PolicyRow.FAIL_OPEN, cause=cause)


def _named_guards(case: Case) -> tuple[str, ...]:
    """The guards that object; without any, the table's own guard that does."""
    if case.guards or case.mode is not Mode.CHALLENGE:
        return case.guards
    if not case.authenticated:
        return (NOT_AUTHENTICATED,)
    return (NOT_READ,) if case.facts.read_limit is not None else ()
