"""learn: the owner's own mail tells whom he writes to, and whether he has let somebody in by answering.

Our challenges and other automatic replies never count, and neither does a short refusal ("no thanks").
"""

from __future__ import annotations

from backend.domain.entry.decline import is_decline
from backend.domain.errors import Gone, LeaseLost, NotYet
from backend.domain.mail.message import Arrival, Message
from backend.domain.mail.visible import visible
from backend.domain.mailbox.correction import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.verdict import Outcome, Row, Verdict
from backend.pipeline.kit import Kit
from backend.ports.store import MessageJob

OWN_MAIL = Verdict(Outcome.IGNORE, Row.NOT_INCOMING)


async def learn(kit: Kit, job: MessageJob) -> None:
    """Read one sent message. Our own challenges are known by id and cost no call."""
    now = kit.clock.now()
    if await kit.store.ours(job.mailbox_id, [job.gmail_id]):
        await kit.store.record_verdict(job, OWN_MAIL, None, None, now)
        return
    if await kit.store.challenge_pending_in(job.mailbox_id, job.thread_id):
        raise NotYet("A challenge of ours is leaving in this thread.", reason="challenge_pending")
    mailbox = await kit.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("The mailbox was disconnected.")
    try:
        arrival = await kit.gmail.fetch(job.mailbox_id, job.gmail_id)
    except Gone:
        await kit.store.gone(job, now)
        return
    await from_own_mail(kit, job, mailbox, arrival)


async def from_own_mail(kit: Kit, job: MessageJob, mailbox: Mailbox, arrival: Arrival) -> None:
    """Take the correspondents from one of the owner's own messages and end its job."""
    addresses = correspondents(mailbox, arrival.message)
    if addresses:
        now = kit.clock.now()
        await kit.store.learn(job.mailbox_id, addresses, job.thread_id, now)
        for sender, gmail_id in await kit.store.held_from(job.mailbox_id, addresses):
            key = f"replied:{job.gmail_id}:{sender}"
            decision = Correction(key, gmail_id, Decision.REPLIED, Origin.GMAIL)
            await kit.store.correct(job.mailbox_id, decision, now)
    await kit.store.record_verdict(job, OWN_MAIL, None, None, kit.clock.now())


def correspondents(mailbox: Mailbox, message: Message) -> frozenset[str]:
    """Whom this message of the owner's makes a correspondent; nobody if it is automatic or a refusal."""
    automatic = message.headers.first("Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no")
    if automatic or "X-Pitchgate-Challenge" in message.headers or is_decline(_written(message)):
        return frozenset()
    written_to = {address.address for address in (*message.to, *message.cc)} - {""}
    return frozenset(written_to - mailbox.owner.addresses)


def _written(message: Message) -> str:
    """The body as a reader sees it: some programs send HTML alone."""
    return message.text if message.text.strip() or not message.html else visible(message.html).text
