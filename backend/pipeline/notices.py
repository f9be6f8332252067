"""notices: how we hear of new mail. A notice is pushed to us, or pulled by us, and handled in one place (`_heard`).
Without notices, `look_again_at` says when to ask for history next. Makes no Gmail calls."""

from __future__ import annotations

import asyncio
import contextlib
import random
import zlib
from collections import Counter
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import StoreAway, TryLater
from backend.domain.history import PushHeaders, PushNotice, position, read_push
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox, NoticeHint, PullFailure, poll_interval
from backend.pipeline.context import Context
from backend.ports.gmail import NoticeSource, PulledNotice, PushCallers
from backend.transactions.records import Duty, PushFate


async def push(
    context: Context, callers: PushCallers, authorization: str, body: bytes, metadata: PushHeaders
) -> PushFate | None:
    """Verify and handle one push. None means authentic but malformed: acknowledge and count it.

    Raises `Unauthenticated` (401) for a token that Pub/Sub did not issue for us, `TryLater` (503) when Google's keys
    cannot be fetched.
    """
    subscription, envelope = read_push(body, metadata)
    await callers.verify_push(authorization, subscription)
    return await _heard(context, envelope)


async def fetched(context: Context, body: bytes) -> PushFate | None:
    """Handle one notice that we pulled with our own credentials from our own subscription, which proves it authentic.
    None as above."""
    return await _heard(context, read_push(body)[1])


async def _heard(context: Context, envelope: PushNotice | None) -> PushFate | None:
    """Look at the mailbox at once, and again after the one-second window in which Google drops further notices, to see
    what those would have reported. Looks are kept in memory and stored by their own commit. The notice itself is stored
    only for a mailbox we have not looked at since our start. While the store refuses writes, the notice is not taken,
    and comes again."""
    if envelope is None:
        return None
    now, looks = context.clock.now(), context.looks
    if looks.is_repeat(envelope.push_id):
        return PushFate.REPEAT
    hint, known = NoticeHint(position(envelope.history_id), now), looks.listed_to(envelope.email)
    window = context.settings.push_settle
    if known is not None and not context.store.ownership.owns(known[0]):
        known = None
    if context.store.away or (known is None and not await _owner_reached(context, envelope.email, hint)):
        fate = await context.store.note_push(envelope.email, hint, now + timedelta(seconds=window))
    elif known is None:
        fate = PushFate.NEW
    else:
        mailbox_id, listed = known
        echo = context.echoes.heard(envelope.email, now)
        looks.after_push(mailbox_id, hint, window, already_listed=hint.position <= listed, echo=echo)
        fate = PushFate.STALE if hint.position < listed else PushFate.NEW
    looks.note_push(envelope.push_id)
    return fate


async def _owner_reached(context: Context, email: str, hint: NoticeHint) -> bool:
    """Whether another process owns the mailbox and has been notified."""
    mailbox, ownership = await context.store.mailbox_by_email(email), context.store.ownership
    return (
        mailbox is not None
        and not ownership.owns(mailbox.id)
        and await ownership.tell_owner(mailbox.id, hint)
    )


async def owner_acted(context: Context, mailbox_id: MailboxId) -> None:
    """The owner has just done something here: wake the lane, and poll a polled mailbox at once."""
    if not context.settings.notices.watched:
        await context.store.owner_acted(mailbox_id, context.clock.now())
    context.wake()


async def change_over(context: Context) -> None:
    """At the start, switch over mailboxes whose way of getting notices differs from the settings."""
    now, want = context.clock.now(), context.store.request_duty
    boxes = [box for box in await context.store.mailboxes() if box.notices is not context.settings.notices]
    await asyncio.gather(*(want(box.id, duty, now) for box in boxes for duty in (Duty.WATCH, Duty.SYNC)))


def look_again_at(context: Context, mailbox: Mailbox, listed_at: datetime) -> datetime:
    """When to ask next for the history of a mailbox that was up to date at `listed_at`, if no notice comes before."""
    now, settings = context.clock.now(), context.settings
    if settings.notices.watched:
        at = now + sweep_after(context, mailbox.id)
        # Google drops what it would report in the second after a push.
        window = mailbox.hint and mailbox.hint.at + timedelta(seconds=settings.push_settle)
        return min(at, window) if window and window > listed_at else at
    often, seldom = (timedelta(seconds=s) for s in (settings.poll_interval, settings.poll_quiet_interval))
    moment = f"{mailbox.id} {now.timestamp():.0f}"  # different each time, without randomness
    return now + poll_interval(
        often, seldom, mailbox.moved_at, now, zlib.crc32(moment.encode()) % 1_001 / 1_000
    )


def sweep_after(context: Context, mailbox_id: MailboxId) -> timedelta:
    """How long to leave a quiet mailbox alone: the interval, spread by up to a tenth so that mailboxes connected
    together do not all sweep at once."""
    share = zlib.crc32(mailbox_id.encode()) % 1_000 / 1_000
    return timedelta(seconds=context.settings.sweep_interval * (1 + share / 10))


# ---- Pulled notices
# Handled first, and only then acknowledged: Pub/Sub delivers unacknowledged notices again. After a crash, the first
# look at each mailbox finds whatever the acknowledged ones announced. So nothing is lost.


log = structlog.get_logger()

BATCH = 100
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


class Fetcher:
    """Pulls until stopped. One per process; replicas share a subscription, and Pub/Sub distributes the notices.
    `counts` are notices by outcome since the start."""

    def __init__(self, context: Context, source: NoticeSource) -> None:
        self._context = context
        self._source = source
        self._jitter = random.SystemRandom()
        self._well = False
        self.counts: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event) -> None:
        """Pull until `stop`; a pull still waiting then is abandoned."""
        loop = asyncio.create_task(self._run())
        until = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({loop, until}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (loop, until):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop

    async def _run(self) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self.turn()
                pause = FIRST_PAUSE
            except Exception as error:
                await self._note_failure(error)
                await asyncio.sleep(pause * (0.5 + self._jitter.random()))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def turn(self) -> int:
        """Pull once, handle and acknowledge what came; returns how many. Raises `TryLater`."""
        waiting = await self._source.fetch(BATCH)
        await self._all_well()
        heard = [one for one in waiting if await self._heard(one)]
        if heard:
            await self._source.acknowledge([one.receipt for one in heard])
        return len(heard)

    async def _heard(self, one: PulledNotice) -> bool:
        """Whether the notice may be acknowledged; one that cannot be handled now comes again."""
        try:
            fate = await fetched(self._context, one.body)
        except StoreAway:
            return False
        except TryLater:
            log.warning("notice_not_stored")
            return False
        self.counts[fate.value if fate is not None else "malformed"] += 1
        return True

    async def _note_failure(self, error: Exception) -> None:
        missing = None
        if isinstance(error, TryLater) and error.reason in tuple(PullFailure):
            missing = PullFailure(error.reason)
            log.warning("notices_not_fetched", missing=missing)
        else:
            log.exception("notices_not_fetched")
        self._well = False
        with contextlib.suppress(Exception):  # the store itself may be away
            await self._context.store.note_pull_failure(missing)

    async def _all_well(self) -> None:
        """Record the subscription's state in the mailboxes' rows, which every page reads, when it has changed."""
        if not self._well:
            await self._context.store.note_pull_failure(None)
            self._well = True
