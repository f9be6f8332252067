"""Sends the challenge for a held message: a reply with the link to the check, once."""

from __future__ import annotations

from datetime import datetime, timedelta

from babel.dates import format_date

from backend.domain.entry.challenge import LINK_LIFE, Challenge, ChallengeState, token_hash
from backend.domain.entry.challenge_mail import Wording, compose
from backend.domain.errors import (
    SEARCH_LAG,
    Gone,
    LaneLost,
    NotFound,
    NotYet,
    Rejected,
    Unexplained,
    refusal_is_final,
)
from backend.domain.mail.machine_mail import reply_address
from backend.domain.mail.message import Address, Arrival, Message
from backend.domain.mail.sender import normalise
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import Placement, Screened
from backend.locale import catalogue, spoken
from backend.pipeline.context import Context
from backend.ports.gmail import OutgoingMail
from backend.transactions.records import MessageJob

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
# sent (by the commit of the verdict, or by one of its own). A run that finds this mark looks for the email in three
# ways before it sends again. So a death at any point leaves at most one challenge in the sender's inbox. A database
# that was restored has forgotten what left after its backup, and a server starts after that. So a message that came
# before the start is answered only if no reply of ours is found; otherwise the link in that reply works again.


async def challenge(context: Context, job: MessageJob) -> None:
    """Send the challenge for this message, unless it was sent already or must not be sent any more."""
    if job.in_hand is not None and job.in_hand.challenge is not None:
        await _send(context, job, job.in_hand.mailbox, job.in_hand.screened, job.in_hand.challenge)
        return
    now = context.clock.now()
    pending = await context.store.challenge_of(job.mailbox_id, job.gmail_id)
    unsent = pending is not None and pending.state in (ChallengeState.INTENDED, ChallengeState.SENDING)
    if pending is None or not unsent:
        await context.store.finish_stage(job, now)
        return
    if pending.state is ChallengeState.SENDING:
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
    recipient = (
        reply_address(_arrival_from_row(screened, pending).message).address if screened else pending.sender
    )
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
    if job.in_hand is None or job.in_hand.challenge is not pending:
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
    recipient = normalise(reply_address(_arrival_from_row(screened, pending).message).address)
    earlier = OutgoingMail("", job.thread_id, "", recipient, now - LINK_LIFE)
    found = await context.gmail.find_link(job.mailbox_id, earlier)
    if found is None:
        return False
    token_digest = token_hash(found.link.rpartition("/")[2])
    return await context.store.take_up(job, pending.id, token_digest, found.gmail_id, now)


def _mail(context: Context, mailbox: Mailbox, screened: Screened, pending: Challenge) -> bytes:
    token = context.vault.open(pending.sealed_token)
    return compose(
        arrival=_arrival_from_row(screened, pending),
        owner=pending.writer(mailbox.owner),
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


def _arrival_from_row(screened: Screened, pending: Challenge) -> Arrival:
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
