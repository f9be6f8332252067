"""challenge: answer the sender once.

The intent, with its Message-ID, was committed with the verdict. Before the send the challenge is marked as
leaving; a run that finds it so marked looks for the mail, in three ways, before it sends again. So a death at any
point leaves at most one challenge in the sender's inbox.
"""

from __future__ import annotations

from backend.domain.entry.challenge import Challenge, ChallengeState
from backend.domain.entry.challenge_mail import compose
from backend.domain.errors import Gone, LeaseLost, NotFound, Rejected
from backend.domain.mail.message import Address, Arrival, Message
from backend.domain.mail.reply import reply_address
from backend.domain.mail.sender import normalise
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.retry import believed, refusals
from backend.pipeline.kit import Kit
from backend.ports.gmail import Leaving
from backend.ports.store import MessageJob, Placement, Screened


async def challenge(kit: Kit, job: MessageJob) -> None:
    """Send the challenge about this message, or find that it has left, or that it must not leave any more."""
    now = kit.clock.now()
    pending = await kit.store.challenge_of(job.mailbox_id, job.gmail_id)
    leaving = pending is not None and pending.state in (ChallengeState.INTENDED, ChallengeState.SENDING)
    if pending is None or not leaving:
        await kit.store.finish_stage(job, now)
        return
    if pending.state is ChallengeState.SENDING and (sent := await _left_already(kit, pending)):
        await kit.store.mark_sent(job, pending.id, sent, now)
        return
    if job.placement is not Placement.HELD or pending.expired(now):
        await kit.store.mark_unsent(job, pending.id, "no longer held", now)
        return
    await _send(kit, job, pending)


async def _left_already(kit: Kit, pending: Challenge) -> str:
    """The Gmail id of the challenge if an earlier run sent it, else ""."""
    screened = await kit.store.screened(pending.mailbox_id, pending.gmail_id)
    recipient = reply_address(_remembered(screened, pending).message).address if screened else pending.sender
    mail = Leaving(
        pending.message_id, pending.thread_id, pending.id, normalise(recipient), pending.created_at
    )
    return await kit.gmail.find_sent(pending.mailbox_id, mail)


async def _send(kit: Kit, job: MessageJob, pending: Challenge) -> None:
    mailbox = await kit.store.mailbox(job.mailbox_id)
    screened = await kit.store.screened(job.mailbox_id, job.gmail_id)
    if mailbox is None:
        raise LeaseLost("The mailbox was disconnected.")
    if screened is None:
        raise NotFound("What was found in this message is not stored.", "It cannot be answered; see the log.")
    raw = _mail(kit, mailbox, screened, pending)
    await kit.store.mark_sending(job, pending.id, kit.clock.now())
    try:
        sent = await kit.gmail.send(job.mailbox_id, raw, job.thread_id)
    except (Rejected, Gone) as error:
        if isinstance(error, Rejected) and not believed(error, refusals(job.error) + 1):
            raise
        await kit.store.mark_unsent(job, pending.id, error.reason or "rejected", kit.clock.now())
        return
    await kit.store.mark_sent(job, pending.id, sent, kit.clock.now())


def _mail(kit: Kit, mailbox: Mailbox, screened: Screened, pending: Challenge) -> bytes:
    token = kit.vault.open(pending.sealed_token)
    return compose(
        arrival=_remembered(screened, pending),
        owner=mailbox.owner,
        link=f"{kit.settings.public_url}/c/{token}",
        message_id=pending.message_id,
        marker=pending.id,
        expires_at=pending.expires_at,
        wording=dict(mailbox.preferences.wording),
        language=screened.language,
        now=kit.clock.now(),
    )


def _remembered(screened: Screened, pending: Challenge) -> Arrival:
    """The message as far as a reply needs it: its body was never kept."""
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
