"""What follows a verdict in Gmail: the message is moved (act, release), and its sender is answered once (challenge), or
later where a daily limit kept the link back (owed)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from babel.dates import format_date

from backend.domain.challenge import LINK_LIFE, Challenge, ChallengeState, token_hash
from backend.domain.challenge_mail import Wording, compose
from backend.domain.errors import (
    SEARCH_LAG,
    Conflict,
    Gone,
    LaneLost,
    NotFound,
    NotYet,
    Rejected,
    Unexplained,
    refusal_is_final,
    retry_of_refusal,
)
from backend.domain.mail.machine_mail import reply_address
from backend.domain.mail.message import Address, Arrival, Message
from backend.domain.mail.sender import normalise
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import (
    INBOX,
    SPAM,
    TRASH,
    UNREAD,
    FailOpenCause,
    LabelChange,
    LabelIds,
    Outcome,
    Placement,
    PolicyRow,
    Screened,
    Stage,
    Verdict,
    changes_for,
)
from backend.domain.policy.evidence import TAKE_ALONG_AGE
from backend.domain.policy.guards import is_postponed as is_owed
from backend.domain.policy.guards import limits_reached
from backend.domain.policy.table import NOT_INCOMING_LABELS
from backend.locale import catalogue, spoken
from backend.pipeline import screen
from backend.pipeline.context import Context
from backend.pipeline.decide import carry_out
from backend.ports.gmail import OutgoingMail
from backend.ports.system import ReadingFailed
from backend.transactions.records import Debt, DutyJob, MessageJob

# ---- act and release: move the message to where its row says it belongs
# Every call is safe to repeat. The owner may just have moved it to spam or the bin. Gmail's answers show that, and it
# then stays there: a release checks before it adds INBOX, which would put the message in two places.


async def act(context: Context, job: MessageJob) -> MessageJob | None:
    """act: label the message, and take it out of the inbox if it is held."""
    return await _place(context, job)


async def release(context: Context, job: MessageJob) -> MessageJob | None:
    """release: bring held mail back: remove our labels, then add INBOX and UNREAD."""
    return await _place(context, job)


async def _place(context: Context, job: MessageJob) -> MessageJob | None:
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    placement, released = job.placement or Placement.INBOX, job.stage is Stage.RELEASE
    labels = mailbox.labels if mailbox.labels.complete else await _renew_labels(context, mailbox)
    try:
        try:
            labels_now = await _apply(
                context, job, mailbox, changes_for(placement, labels, released=released)
            )
        except Rejected:
            # The owner may have deleted one of our labels: make it again and try once more.
            labels = await _renew_labels(context, mailbox)
            labels_now = await _apply(
                context, job, mailbox, changes_for(placement, labels, released=released)
            )
    except Rejected as error:
        # Giving up on a hold or a release leaves mail in the wrong place: one refusal is not enough for that.
        again = retry_of_refusal(error, job.error)
        if again is None:
            raise
        raise again from error
    except Gone:
        await context.store.gone(job, context.clock.now())
        return None
    if placement is Placement.HELD:
        await _take_out_earlier(context, job, mailbox)
    if labels_now & {SPAM, TRASH} and (released or placement is Placement.HELD):
        await _record_spam_or_bin(context, job, Decision.SPAM if SPAM in labels_now else Decision.BIN)
    return await context.store.finish_stage(job, context.clock.now())


async def _apply(context: Context, job: MessageJob, mailbox: Mailbox, change: LabelChange) -> frozenset[str]:
    """Change the message's labels, but never add INBOX in spam or bin; returns the labels it then has."""
    relabel, about = context.gmail.relabel, (job.mailbox_id, job.gmail_id)
    context.echoes.expect(mailbox.owner.email, context.clock.now())
    if INBOX not in change.add:
        return await relabel(*about, change.add, change.remove)
    labels_now = await relabel(*about, frozenset(), change.remove)
    if labels_now & {SPAM, TRASH}:
        return labels_now
    try:
        return await relabel(*about, change.add, frozenset())
    except Rejected:
        # The owner moved it there just now: Gmail allows a message in only one of inbox, spam and bin.
        labels_now = await context.gmail.labels_on(*about)
        if not labels_now & {SPAM, TRASH}:
            raise
        return labels_now


async def _take_out_earlier(context: Context, job: MessageJob, mailbox: Mailbox) -> None:
    """Take the sender's earlier mail out of the inbox, if this message was held for all of it together and the owner
    has not opened it. (Mail from people they have answered is never held like this.)"""
    if PolicyRow.HELD_WITH_LATER in mailbox.preferences.rows_off:
        return
    now, unread = context.clock.now(), []
    for earlier in await context.store.earlier_in_inbox(job.mailbox_id, job.gmail_id, now - TAKE_ALONG_AGE):
        with suppress(Gone, Rejected):  # then it stays as it is
            if await context.gmail.labels_on(job.mailbox_id, earlier) >= {INBOX, UNREAD}:
                unread.append(earlier)
    if unread:
        await context.store.take_out(job.mailbox_id, job.gmail_id, unread, now)


async def _record_spam_or_bin(context: Context, job: MessageJob, decision: Decision) -> None:
    """Record the owner's move to spam or bin that history has not reported yet. If a sync saw it first, this orders
    nothing new."""
    key = f"gmail:found:{job.gmail_id}:{job.revision}:{decision}"
    correction = Correction(key, job.gmail_id, decision, Origin.GMAIL)
    await carry_out(context, job.mailbox_id, correction.order)


async def _renew_labels(context: Context, mailbox: Mailbox) -> LabelIds:
    labels = await context.gmail.ensure_labels(mailbox.id, mailbox.labels)
    await context.store.save_labels(mailbox.id, labels, await context.gmail.identity(mailbox.id))
    return labels


# ---- Words of a challenge


PARAGRAPHS = (
    "greeting", "greeting_named", "because", "because_named", "todo", "otherwise", "sign", "what",
)  # fmt: skip


def challenge_wording(language: str, expires_at: datetime, credits_per_solve: int) -> Wording:
    """The paragraphs of a challenge in a two-letter language (English without a catalogue).

    `expires_at` is aware UTC. One of the `credits_per_solve` delivers the held message; the text names the rest.
    """
    words, more = catalogue(language), credits_per_solve - 1
    return Wording(
        tag=words.tag,
        until=str(format_date(expires_at, "long", locale=words.locale)),
        more=words.plural("challenge.more", more).format(count=more) if more else "",
        **{name: words[f"challenge.{name}"] for name in PARAGRAPHS},
    )


# ---- challenge: answer the sender once
# The intent, with its Message-ID, was committed with the verdict. Before the send the challenge is marked as being
# sent, by the commit that ends ACT or by one of its own. A run that finds this mark looks for the email in three
# ways before it sends again. So a death at any point leaves at most one challenge in the sender's inbox. A restored
# database knows nothing of the challenges sent after its backup, and the server starts after a restore. So for a
# message older than the start we first look for our reply: if there is one, its link works again.


async def challenge(context: Context, job: MessageJob) -> None:
    """Send the challenge for this message, unless it was sent already or must not be sent any more."""
    now = context.clock.now()
    pending = await context.store.challenge_of(job.mailbox_id, job.gmail_id)
    unsent = pending is not None and pending.state in (ChallengeState.INTENDED, ChallengeState.SENDING)
    if pending is None or not unsent:
        await context.store.finish_stage(job, now)
        return
    if pending.state is ChallengeState.SENDING and not job.marked:
        findable = (pending.sending_at or pending.created_at) + SEARCH_LAG
        if now < findable:
            raise NotYet("later.challenge", reason="just_sent?", retry_at=findable)
        if sent := await _already_sent(context, pending):
            await context.store.mark_sent(job, pending.id, sent, now)
            return
    if job.placement is not Placement.HELD or pending.expired(now):
        await context.store.mark_unsent(job, pending.id, "not_held", now)
        return
    mailbox = await context.store.mailbox(job.mailbox_id)
    screened = await context.store.screened(job.mailbox_id, job.gmail_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    if screened is None:
        raise NotFound("facts_missing")
    await _send(context, job, mailbox, screened, pending)


async def _already_sent(context: Context, pending: Challenge) -> str:
    """The Gmail id of the challenge if an earlier run sent it, else ""."""
    screened = await context.store.screened(pending.mailbox_id, pending.gmail_id)
    recipient = reply_address(_arrival_of(screened, pending).message).address if screened else pending.sender
    mail = OutgoingMail(
        pending.message_id, pending.thread_id, pending.id, normalise(recipient), pending.created_at
    )
    return await context.gmail.find_sent(pending.mailbox_id, mail)


async def _send(
    context: Context, job: MessageJob, mailbox: Mailbox, screened: Screened, pending: Challenge
) -> None:
    if await _reuse_earlier_link(context, job, screened, pending):
        return
    age = pending.created_at - screened.received_at
    if not pending.late and age > timedelta(seconds=context.settings.fresh_seconds):
        await context.store.mark_unsent(job, pending.id, "not_fresh", context.clock.now())
        return
    raw = _mail(context, mailbox, screened, pending)
    if not job.marked:
        await context.store.mark_sending(job, pending.id, context.clock.now())
    context.echoes.expect(mailbox.owner.email, context.clock.now())
    if context.store.ownership.may_be_lost(job.mailbox_id):
        raise LaneLost("conflict.lane")  # after a pause of this process another may have sent it
    try:
        sent = await context.gmail.send(job.mailbox_id, raw, job.thread_id)
    except (Rejected, Unexplained, Gone) as error:
        if not isinstance(error, Gone) and not refusal_is_final(error, job.error):
            raise
        await context.store.mark_unsent(job, pending.id, error.reason or "rejected", context.clock.now())
        return
    await context.store.mark_sent(job, pending.id, sent, context.clock.now())


async def _reuse_earlier_link(
    context: Context, job: MessageJob, screened: Screened, pending: Challenge
) -> bool:
    """Whether a reply sent before the database was restored has a link for this sender; that link then works again."""
    now = context.clock.now()
    if screened.received_at >= context.started:
        return False
    recipient = normalise(reply_address(_arrival_of(screened, pending).message).address)
    earlier = OutgoingMail("", job.thread_id, "", recipient, now - LINK_LIFE)
    found = await context.gmail.find_link(job.mailbox_id, earlier)
    if found is None:
        return False
    token_digest = token_hash(found.link.rpartition("/")[2])
    return await context.store.take_up(job, pending.id, token_digest, found.gmail_id, now)


def _mail(context: Context, mailbox: Mailbox, screened: Screened, pending: Challenge) -> bytes:
    token = context.vault.open(pending.sealed_token)
    return compose(
        arrival=_arrival_of(screened, pending),
        owner=pending.signed_by(mailbox.owner),
        link=f"{context.settings.public_url}/c/{token}",
        explained=f"{context.settings.public_url}/explained",
        message_id=pending.message_id,
        marker=pending.id,
        wording=challenge_wording(
            screened.language, pending.expires_at, mailbox.preferences.credits_per_solve
        ),
        own=dict(mailbox.preferences.wording).get(spoken(screened.language), ""),
        now=context.clock.now(),
    )


def _arrival_of(screened: Screened, pending: Challenge) -> Arrival:
    """The message with the fields a reply needs; its body was not kept."""
    return Arrival(
        gmail_id=pending.gmail_id,
        thread_id=pending.thread_id,
        labels=frozenset(),
        received_at=screened.received_at,
        message=Message(
            from_=(Address(screened.sender, screened.sender_name),),
            reply_to=(Address(screened.reply_to),) if screened.reply_to else (),
            subject=screened.subject,
            message_id=screened.message_id,
            references=screened.references,
        ),
    )


# ---- owed: links that a daily limit kept back are sent once there is room again
# Everything is checked again as if the message had just come: its sender, the owner, Gmail, and every guard. Only its
# age does not matter.


log = structlog.get_logger()

MOST = 10
"""Most messages read again in one run."""

UNTIL_MENDED = timedelta(minutes=10)
"""When to retry after our model failed: that is our fault, and costs nobody their link."""

_MODEL_BROKEN = (FailOpenCause.SCORER_BROKEN, FailOpenCause.NO_PROBABILITY)

_NO_LINK = Verdict(Outcome.HOLD, PolicyRow.QUARANTINE)
"""Held, without a link and without a guard's objection."""


async def owed(context: Context, job: DutyJob) -> datetime | None:
    """Send owed links as far as there is room; returns when there is room for more, None if none is owed. May run
    again: each is sent once."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    if mailbox.paused(context.clock.now()):
        return mailbox.preferences.paused_until
    left, read, broken = False, 0, False
    for debt in await context.store.owed_links(mailbox.id, context.clock.now()):
        now = context.clock.now()
        challenge_history = await context.store.challenge_history(
            mailbox.id, debt.sender, debt.sender_domain, debt.thread_id, now
        )
        reached = limits_reached(challenge_history, mailbox.preferences, now)
        if is_owed(reached):
            left = True
        elif reached:
            await context.store.pay_link(mailbox.id, debt, replace(_NO_LINK, guards=reached), None, now)
        elif read == MOST:
            return now + UNTIL_MENDED if broken else now
        else:
            read += 1
            try:
                left |= not await _pay(context, mailbox, debt)
            except _ModelBroken:
                broken = True
    if broken:
        log.warning("owed_waits", mailbox=mailbox.id, reason="model")
        return context.clock.now() + UNTIL_MENDED
    return await context.store.room_at(mailbox.id, context.clock.now()) if left else None


class _ModelBroken(Exception):
    """The model gave no score, or an invalid one."""


async def _pay(context: Context, mailbox: Mailbox, debt: Debt) -> bool:
    """True if the link is on its way or no longer owed, False if a limit was reached again first."""
    try:
        fetched = await context.gmail.fetch(mailbox.id, debt.gmail_id)
        digest = await screen.read(context, fetched, mailbox)
    except (Gone, Rejected, ReadingFailed) as error:
        if isinstance(error, Unexplained):
            raise
        await context.store.pay_link(mailbox.id, debt, _NO_LINK, None, context.clock.now())
        return True
    labels, now = digest.arrival.labels, context.clock.now()
    verdict, writer = _NO_LINK, None
    if mailbox.labels.held in labels and not labels & NOT_INCOMING_LABELS:
        standing = await context.store.standing(
            mailbox.id, debt.sender, debt.sender_domain, debt.thread_id, now, debt.gmail_id
        )
        verdict, writer = await screen.decided(context, mailbox, fetched, digest, standing, debt.thread_id)
    if verdict.cause in _MODEL_BROKEN:
        raise _ModelBroken
    intent = replace(screen.intended(context, writer, digest.kept()), late=True) if writer else None
    if intent is None and is_owed(verdict.guards):
        return False
    try:
        await context.store.pay_link(mailbox.id, debt, verdict, intent, now)
    except Conflict:
        return False
    return True
