"""notices: how new mail comes to our notice. A notice is verified here (`push`, `fetched`) and heard in one place
(`_heard`); where nobody tells us, `look_again_at` says when history is asked for next. No Gmail call here.
"""

from __future__ import annotations

import asyncio
import zlib
from datetime import datetime, timedelta

from backend.domain.history import PushHeaders, PushNotice, read_push
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import NoticeHint, poll_interval
from backend.pipeline.context import Context
from backend.ports.gmail import PushCallers
from backend.transactions.jobs import position
from backend.transactions.records import Duty, PushFate


async def push(
    context: Context, callers: PushCallers, authorization: str, body: bytes, metadata: PushHeaders
) -> PushFate | None:
    """Verify and hear one push. None means: authentic but malformed, acknowledge and count it.

    Raises `Unauthenticated` (401) for a token that is not Pub/Sub's for us, `TryLater` (503) when Google's
    keys cannot be had.
    """
    subscription, envelope = read_push(body, metadata)
    await callers.verify_push(authorization, subscription)
    return await _heard(context, envelope)


async def fetched(context: Context, body: bytes) -> PushFate | None:
    """Hear one notice that we fetched ourselves, with our own credentials from our own subscription: that vouches
    for it. None as above."""
    return await _heard(context, read_push(body)[1])


async def _heard(context: Context, envelope: PushNotice | None) -> PushFate | None:
    """The mailbox is looked at at once, and again after Google's one-second window, in which it drops further notices:
    that look sees what they would have told. It is in memory, and stored by the commit of the look. Stored at once is
    only the word of a mailbox we have not looked at since our start, and anything while the store takes nothing: then
    it is not taken either, and comes again."""
    if envelope is None:
        return None
    now, looks = context.clock.now(), context.looks
    if looks.came(envelope.push_id):
        return PushFate.REPEAT
    told, known = NoticeHint(position(envelope.history_id), now), looks.known(envelope.email)
    window = context.settings.push_settle
    if known is not None and not context.store.ownership.owns(known[0]):
        known = None
    if context.store.away or (known is None and not await _told_owner(context, envelope.email, told)):
        fate = await context.store.note_push(envelope.email, told, now + timedelta(seconds=window))
    elif known is None:
        fate = PushFate.NEW
    else:
        mailbox_id, listed = known
        echo = context.echoes.heard(envelope.email, now)
        looks.hear(mailbox_id, told, window, seen=told.position <= listed, echo=echo)
        fate = PushFate.STALE if told.position < listed else PushFate.NEW
    looks.heard(envelope.push_id)
    return fate


async def _told_owner(context: Context, email: str, told: NoticeHint) -> bool:
    """Whether the mailbox is another process's, which has been told."""
    mailbox, ownership = await context.store.mailbox_by_email(email), context.store.ownership
    return (
        mailbox is not None
        and not ownership.owns(mailbox.id)
        and await ownership.tell_owner(mailbox.id, told)
    )


async def owner_acted(context: Context, mailbox_id: MailboxId) -> None:
    """The owner has just done something here: there may be work, and a mailbox that is asked is asked at once."""
    if not context.settings.notices.watched:
        await context.store.owner_acted(mailbox_id, context.clock.now())
    context.wake()


async def change_over(context: Context) -> None:
    """At the start: mailboxes whose notices come in another way than the settings say change over at once."""
    now, want = context.clock.now(), context.store.request_duty
    boxes = [box for box in await context.store.mailboxes() if box.notices is not context.settings.notices]
    await asyncio.gather(*(want(box.id, duty, now) for box in boxes for duty in (Duty.WATCH, Duty.SYNC)))


def look_again_at(context: Context, mailbox_id: MailboxId, moved_at: datetime | None) -> datetime:
    """When the history of a mailbox that is up to date, and moved last at `moved_at`, is asked for again, should nobody
    tell of a change before."""
    now, settings = context.clock.now(), context.settings
    if settings.notices.watched:
        return now + sweep_after(context, mailbox_id)
    often, seldom = (timedelta(seconds=s) for s in (settings.poll_interval, settings.poll_quiet_interval))
    moment = f"{mailbox_id} {now.timestamp():.0f}"  # another chance each time, and no randomness
    return now + poll_interval(often, seldom, moved_at, now, zlib.crc32(moment.encode()) % 1_001 / 1_000)


def sweep_after(context: Context, mailbox_id: MailboxId) -> timedelta:
    """How long a quiet mailbox is left alone: the interval, spread by up to a tenth so that mailboxes that
    connected together do not all sweep together."""
    share = zlib.crc32(mailbox_id.encode()) % 1_000 / 1_000
    return timedelta(seconds=context.settings.sweep_interval * (1 + share / 10))
