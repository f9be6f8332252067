"""Screening: what is known of a sender, and the verdict with everything that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime

from backend.domain.challenge import ChallengeHistory, ChallengeIntent, spent
from backend.domain.errors import Conflict, LaneLost, NotFound, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mail.sender import counted_domain
from backend.domain.mailbox.message import PLACEMENT_OF, Placement, Screened, Stage, Verdict
from backend.domain.mailbox.owner_digest import NOTIFICATION_DELAY
from backend.domain.policy.evidence import (
    CLEARLY_ORDINARY,
    COLLEAGUE_WEIGHT,
    EVIDENCE_LASTS,
    EVIDENCE_ROWS,
    MOST_EMAILS,
    TAKE_ALONG_MOST,
    company_domain,
    evidence_of,
)
from backend.domain.policy.guards import COUNT_PERIOD, POSTPONED_FOR, is_postponed, limits_reached
from backend.domain.policy.table import STRANGERS, Standing
from backend.domain.watching.drift import class_line
from backend.transactions import decide, decisions, rows, senders
from backend.transactions.jobs import current, next_job, request_duty
from backend.transactions.records import Debt, Duty, MessageJob, Reached
from backend.transactions.rows import CorrectionRow, MailboxRow
from backend.transactions.script import (
    Script,
    columns,
    each,
    lock,
    micros,
    moment,
    only,
    packed,
    q,
    row_count,
    storable,
    wake,
)

SCREENED = tuple(one.name for one in fields(Screened))
"""The columns with the facts kept of a message; a verdict on one that could not be read leaves them unchanged."""


def standing(
    mailbox_id: MailboxId, sender: str, sender_domain: str, thread_id: str, now: datetime, gmail_id: str = ""
) -> Script[Standing]:
    """What the policy table looks up about a message's sender, at one moment."""
    return only(
        rows.standing,
        "standing",
        mailbox_id=mailbox_id,
        gmail_id=gmail_id,
        sender=sender,
        sender_domain=sender_domain,
        firm=(colleagues := company_domain(sender_domain)),
        at_firm=f"%@{_literal(colleagues)}",
        below_firm=f"%.{_literal(colleagues)}",
        thread_id=thread_id,
        month_ago=micros(now - EVIDENCE_LASTS),
        half=COLLEAGUE_WEIGHT,
        most=MOST_EMAILS,
    )


def challenge_history(
    mailbox_id: MailboxId, sender: str, sender_domain: str, thread_id: str, now: datetime
) -> Script[ChallengeHistory]:
    """Earlier challenges as the guards see them: read before a verdict, and again when its intent is stored."""
    counted = counted_domain(sender_domain)
    return only(
        ChallengeHistory,
        "challenge_history",
        mailbox_id=mailbox_id,
        sender=sender,
        counted_domain=counted,
        below=f"%.{_literal(counted)}",
        thread_id=thread_id,
        now=micros(now),
        day_ago=micros(now - COUNT_PERIOD),
    )


def _literal(domain: str) -> str:
    """A domain for use within a LIKE pattern."""
    return domain.replace("_", "!_")


def record_verdict(
    job: MessageJob,
    verdict: Verdict,
    screened: Screened | None,
    challenge: ChallengeIntent | None,
    now: datetime,
) -> Script[MessageJob | None]:
    """Verdict, spent credit, challenge intent and next stage (ACT if a label has to change) in one commit; returns the
    job of that stage, if any. Raises `Conflict`, writing nothing, if the credit was spent or a challenge for this
    sender was opened meanwhile: the caller reads `standing` again and decides again."""
    try:
        yield from lock(job.mailbox_id)
    except NotFound as error:
        raise LaneLost("conflict.mailbox") from error
    row = yield from current(job)
    late = row["revision"] != job.revision
    yield from decisions.log_verdicts(job.mailbox_id, [(job.gmail_id, verdict)], late, now)
    if late:
        # A newer order stands: the message is due as that left it.
        stage, placement = row["stage"], row["placement"]
        yield from write_verdict(job, verdict, screened, now, stage, placement, row["decided_by"])
        yield wake(job.mailbox_id)
        return None
    placement = PLACEMENT_OF[verdict.outcome]
    acts = Stage.ACT if verdict.relabels else None
    waiting: list[CorrectionRow] = yield q(
        "pending_corrections", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id
    )
    if waiting:
        # The owner decided while the message was being screened: only their decision is carried out.
        yield from write_verdict(job, verdict, screened, now, acts, placement)
        for correction in waiting:
            yield from decide.apply_pending(correction, now)
        yield wake(job.mailbox_id)
        return None
    if verdict.spends_credit:
        yield from _spend(job, screened, now)
    if challenge is not None:
        yield from _intend(job.mailbox_id, job.gmail_id, job.thread_id, challenge, now)
    decided_by = "credit" if verdict.spends_credit else ""
    yield from write_verdict(job, verdict, screened, now, acts, placement, decided_by)
    if placement is Placement.HELD and is_postponed(verdict.guards):
        yield from request_duty(job.mailbox_id, Duty.OWED, (yield from room_at(job.mailbox_id, now)))
    if placement is Placement.HELD and (yield from row_count("has_web_push", mailbox_id=job.mailbox_id)):
        yield from request_duty(job.mailbox_id, Duty.WEB_PUSH, now + NOTIFICATION_DELAY)
    return next_job(replace(job, placement=placement), acts) if acts else None


def earlier_in_inbox(mailbox_id: MailboxId, gmail_id: str, since: datetime) -> Script[tuple[str, ...]]:
    """Earlier mail of a message's sender that may be taken out of the inbox with it, latest first."""
    return each(
        str,
        "earlier_in_inbox",
        mailbox_id=mailbox_id,
        gmail_id=gmail_id,
        since=micros(since),
        plain=CLEARLY_ORDINARY,
        limit=TAKE_ALONG_MOST,
    )


def take_out(mailbox_id: MailboxId, gmail_id: str, earlier: Sequence[str], now: datetime) -> Script[None]:
    """Hold these messages with the later one, except any moved or decided about meanwhile."""
    yield from lock(mailbox_id)
    taken = []
    for one in earlier:
        if (yield from row_count("take_out", mailbox_id=mailbox_id, gmail_id=one, now=micros(now))):
            taken.append(one)
    if taken:
        yield from decisions.log_about(mailbox_id, decisions.HELD_WITH_LATER, taken, {"with": gmail_id}, now)
        yield wake(mailbox_id)


def write_stays(mailbox_id: MailboxId, ended: Sequence[Reached], now: datetime) -> Script[None]:
    """`record_verdict` for messages that stay where they are and that no other process can have seen."""
    reached = [(one.job.gmail_id, one.verdict) for one in ended]
    yield from decisions.log_verdicts(mailbox_id, reached, late=False, now=now)
    for one in ended:
        placement = PLACEMENT_OF[one.verdict.outcome]
        yield from write_verdict(one.job, one.verdict, one.screened, now, placement=placement)


def write_verdict(
    job: MessageJob,
    verdict: Verdict,
    screened: Screened | None,
    now: datetime,
    stage: str | None = None,
    placement: str | None = None,
    decided_by: str = "",
) -> Script[None]:
    """Store what was decided and why, the facts kept of the message, where it belongs, and the stage that takes it
    there, due now."""
    score, shadow = verdict.score, verdict.shadow
    reasons = score.reasons if score else ()
    counts = verdict.row in STRANGERS
    drift_class = class_line(score, screened.language) if counts and score and screened else ""
    yield q(
        "record_verdict",
        mailbox_id=job.mailbox_id,
        gmail_id=job.gmail_id,
        outcome=verdict.outcome,
        policy_row=verdict.row,
        score=score.probability if score else None,
        logit=score.logit if score else None,
        evidence=evidence_of(score.probability) if score and verdict.row in EVIDENCE_ROWS else None,
        model=score.model if score else "",
        reasons=packed({"text": r.code, "weight": r.weight, "words": list(r.words)} for r in reasons),
        guards=packed(verdict.guards),
        cause=verdict.cause,
        drift_class=drift_class,
        shadow_model=shadow.model if shadow else None,
        shadow_row=shadow.row if shadow else None,
        shadow_score=shadow.score if shadow else None,
        **(columns(screened) if screened else dict.fromkeys(SCREENED)),
        stage=stage,
        placement=placement,
        decided_by=decided_by,
        due_at=micros(now) if stage else None,
        now=micros(now),
    )


def _spend(job: MessageJob, screened: Screened | None, now: datetime) -> Script[None]:
    if screened is None:
        raise ValueError("a verdict that spends a credit names its sender")
    try:
        yield from senders.enter(job.mailbox_id, spent(screened.sender, job.gmail_id), now)
    except Refused as error:
        raise Conflict("conflict.credit") from error


def _intend(
    mailbox_id: MailboxId, gmail_id: str, thread_id: str, intent: ChallengeIntent, now: datetime
) -> Script[None]:
    """Store the intent, if what the guards saw still holds."""
    mailbox: MailboxRow = yield q("mailbox", mailbox_id=mailbox_id)
    seen = yield from challenge_history(mailbox_id, intent.sender, intent.sender_domain, thread_id, now)
    if limits_reached(seen, rows.mailbox(mailbox).preferences, now):
        raise Conflict("conflict.challenge")
    yield q("close_spent", mailbox_id=mailbox_id, sender=intent.sender, now=micros(now))
    stored = yield from row_count(
        "insert_challenge",
        id=intent.id,
        mailbox_id=mailbox_id,
        gmail_id=gmail_id,
        thread_id=thread_id,
        sender=intent.sender,
        sender_domain=intent.sender_domain,
        token_hash=intent.token_hash,
        sealed_token=intent.sealed_token,
        message_id=intent.message_id,
        reply_from=storable(intent.reply_from.address),
        reply_name=storable(intent.reply_from.name),
        late=intent.late,
        expires_at=micros(intent.expires_at),
        now=micros(now),
    )
    if not stored:
        raise Conflict("conflict.challenge")


def room_at(mailbox_id: MailboxId, now: datetime) -> Script[datetime]:
    """When the daily counts that are full at `now` have room again."""
    oldest: int | None = yield q("room_at", mailbox_id=mailbox_id, day_ago=micros(now - COUNT_PERIOD))
    return (now if oldest is None else moment(oldest)) + COUNT_PERIOD


def owed_links(mailbox_id: MailboxId, now: datetime) -> Script[tuple[Debt, ...]]:
    """Held mail whose link is owed, oldest first."""
    return each(Debt, "owed_links", mailbox_id=mailbox_id, since=micros(now - POSTPONED_FOR))


def pay_link(
    mailbox_id: MailboxId, debt: Debt, verdict: Verdict, challenge: ChallengeIntent | None, now: datetime
) -> Script[None]:
    """Store the link's intent and send the message on to CHALLENGE, in one commit with the new verdict. Without a
    challenge it is owed no more: the verdict's guards say why. Changes nothing if the owner has decided or the message
    is being processed. Raises `Conflict`, writing nothing, if a guard now says no."""
    yield from lock(mailbox_id)
    about = {"mailbox_id": mailbox_id, "gmail_id": debt.gmail_id, "now": micros(now)}
    if challenge is None:
        yield q("owe_no_link", **about, guards=packed(verdict.guards))
    elif (yield from row_count("pay_link", **about, policy_row=verdict.row)):
        yield from _intend(mailbox_id, debt.gmail_id, debt.thread_id, challenge, now)
        yield from decisions.log_verdicts(mailbox_id, [(debt.gmail_id, verdict)], late=False, now=now)
        yield wake(mailbox_id)
