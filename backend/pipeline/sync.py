"""sync: list what changed since the stored cursor. New messages, their verdicts and the moved cursor are committed
together.

A push asks for a look (`look_at`). A commit whose cursor has moved meanwhile is refused, so of two looks one counts.
More than one page is left to the duty. The pushed history id is never taken as a cursor, which would skip everything up
to it. It is only a hint: while history does not yet show what a push announced, the cursor stays and the mailbox is
looked at again some seconds later. A cursor too old for Google's history leads to a re-list (`relist`); an interrupted
listing goes on where it was left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from backend.domain.errors import (
    REFUSALS_BEFORE_SKIP,
    Conflict,
    GoogleError,
    HistoryGone,
    LaneLost,
    Rejected,
    StoreAway,
    Unexplained,
    refusal_is_final,
)
from backend.domain.history import new_messages
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import KnownState, decisions
from backend.domain.mailbox.mailbox import INDEX_LAG, AccessState, Mailbox, NoticeHint
from backend.domain.mailbox.message import MessageView, Stage
from backend.pipeline import relist
from backend.pipeline.context import Context
from backend.pipeline.memory import BATCH_WAIT, Look
from backend.pipeline.notices import look_again_at
from backend.ports.gmail import HistoryPage
from backend.transactions.records import (
    Duty,
    DutyJob,
    HistoryContext,
    MessageJob,
    Reached,
    ScreeningContext,
    Sighting,
    SyncPage,
)

log = structlog.get_logger()

PAGES_A_TURN = 10
"""Pages listed in one run; then the duty is due again at once and goes on from the stored page."""

WATCH_LIFE = timedelta(days=7)
RENEWED_LATELY = timedelta(hours=1)


class Screeners(Protocol):
    """Screens the messages that a look finds."""

    def room(self, mailbox_id: MailboxId) -> int:
        """For how many messages there is room."""

    def take(self, found: FoundMail) -> None:
        """Begin to screen them."""


class _NoScreeners:
    """Leaves every message for a later turn."""

    def room(self, mailbox_id: MailboxId) -> int:
        return 0

    def take(self, found: FoundMail) -> None:
        raise AssertionError("there is no room")


NO_SCREENERS: Screeners = _NoScreeners()


async def look_at(context: Context, look: Look, screeners: Screeners) -> float | None:
    """The look that pushes asked for. Returns in how many seconds to look again, if Google's history lags behind its
    pushes. More than one page is left to the duty. Raises `LaneLost` if another look came first."""
    remembered = context.looks.pop_mailbox(look.mailbox_id)
    mailbox = remembered or await context.store.mailbox_without_failures(look.mailbox_id)
    now = context.clock.now()
    if mailbox is None or mailbox.link is not AccessState.CONNECTED:
        context.looks.forget(look.mailbox_id)
        return None
    more = not mailbox.cursor or mailbox.page_start != ""  # nothing was listed yet, or a listing goes on
    again: datetime | None = None
    if not more:
        try:
            more, again = await _page(context, mailbox, screeners, look)
        except HistoryGone:
            more = True
    if more:
        await context.store.postpone_look(look.mailbox_id, look.hint, now, now)
    return None if again is None else (again - now).total_seconds()


async def sync(context: Context, job: DutyJob, screeners: Screeners = NO_SCREENERS) -> datetime:
    """Bring one mailbox up to date, or a few pages closer to it. Returns when it is due again."""
    for _ in range(PAGES_A_TURN):
        mailbox = await context.store.mailbox_without_failures(job.mailbox_id)
        if mailbox is None:
            raise LaneLost("conflict.mailbox")
        began = context.clock.now()
        up_to_date, again = await _one_page(context, job, mailbox, screeners)
        if up_to_date:
            mailbox = await context.store.mailbox_without_failures(job.mailbox_id) or mailbox
            due = look_again_at(context, mailbox, began)
            return due if again is None else min(due, again)
    return context.clock.now()


async def _one_page(
    context: Context, job: DutyJob, mailbox: Mailbox, screeners: Screeners
) -> tuple[bool, datetime | None]:
    """List and commit one page. Returns whether the mailbox is up to date, and when to look again if Google's history
    lags behind its pushes."""
    if relist.under_way(mailbox):
        return await relist.go_on(context, job, mailbox), None
    if not mailbox.cursor:
        profile = await context.gmail.profile(mailbox.id)
        page = SyncPage(cursor=profile.history_id, safe_since=context.clock.now())
        await context.store.commit_sync(job, page, context.clock.now())
        context.looks.listed(replace(mailbox, cursor=profile.history_id))
        return True, None
    try:
        more, again = await _page(context, mailbox, screeners)
    except LaneLost:
        return False, None  # a look came first: go on from where it ended
    except HistoryGone:
        await relist.begin(context, job, mailbox)
        return False, None
    except (Rejected, Unexplained) as error:
        if not mailbox.page_token or not refusal_is_final(error, job.error, REFUSALS_BEFORE_SKIP):
            raise
        # The page token died with its listing: list again from that listing's start.
        await context.store.commit_sync(job, SyncPage(), context.clock.now())
        return False, None
    return not more, again


async def _page(
    context: Context, mailbox: Mailbox, screeners: Screeners, look: Look | None = None
) -> tuple[bool, datetime | None]:
    """List and commit one page. Returns whether there are more, and when to look again if Google's history lags behind
    its pushes."""
    start, began = mailbox.page_start or mailbox.cursor, context.clock.now()
    listed = await context.gmail.history(mailbox.id, start, mailbox.page_token)
    page, page_context = await _interpret(context, mailbox, listed)
    hint, again = page_context.hint, None
    if look is not None and look.hint is not None:
        hint = look.hint.merged(page_context.hint)
    if listed.next_page:
        page = replace(page, page_token=listed.next_page, page_start=start)
    else:
        again = _look_again(context.clock.now(), mailbox, listed, hint)
        if again is not None and _empty(mailbox, listed):
            # A push announced a change that history does not show yet: moving the cursor now could skip it for good.
            page = replace(page, cursor=mailbox.cursor)
        else:
            page = replace(page, cursor=listed.history_id, safe_since=began)
    if hint != page_context.hint or page.cursor != mailbox.cursor or mailbox.page_token:
        await _commit(context, mailbox, page, hint, page_context, screeners)
    if listed.next_page:
        return True, None
    context.looks.listed(replace(mailbox, cursor=page.cursor, page_token="", page_start="", hint=hint))
    if page.sightings and (hint is None or hint.position <= int(mailbox.cursor)):
        await _renew_watch(context, mailbox)
    return False, again


async def _commit(
    context: Context,
    mailbox: Mailbox,
    page: SyncPage,
    hint: NoticeHint | None,
    page_context: HistoryContext,
    screeners: Screeners,
) -> None:
    """Write the page, with verdicts on as many of its messages as there is room for. Messages wait for their turn if
    the page has the owner's own decisions, or while their correspondents are not known."""
    owner_acted = page.corrections or page.returned or page.deleted
    room = 0
    if page.sightings and not owner_acted and not page.page_token and mailbox.indexed_at is not None:
        room = screeners.room(mailbox.id)
    now = context.clock.now()
    jobs = tuple(_first_job(mailbox.id, one, now) for one in page.sightings[:room])

    async def write(reached: Sequence[Reached]) -> Mapping[str, MessageJob | None]:
        now = context.clock.now()
        return await context.store.commit_look(mailbox.id, mailbox, page, hint, jobs, reached, now)

    if not jobs:
        await write(())
        return
    found = FoundMail(context, jobs, ScreeningContext(mailbox, page_context.blocks), write)
    screeners.take(found)
    await asyncio.shield(found.written)


def _first_job(mailbox_id: MailboxId, seen: Sighting, now: datetime) -> MessageJob:
    """The job of a message seen for the first time."""
    return MessageJob(
        mailbox_id=mailbox_id,
        gmail_id=seen.gmail_id,
        thread_id=seen.thread_id,
        stage=seen.stage,
        attempt=1,
        revision=0,
        labels=seen.labels,
        placement=None,
        backlog=False,
        first_seen_at=now,
        due_at=now,
    )


def _empty(mailbox: Mailbox, listed: HistoryPage) -> bool:
    """Whether a listing that ends with this page showed nothing at all."""
    return not (listed.added or listed.relabelled or listed.deleted or mailbox.page_token)


def _look_again(
    now: datetime, mailbox: Mailbox, listed: HistoryPage, hint: NoticeHint | None
) -> datetime | None:
    """When to look again, because a push announced a position that this listing does not reach. None: no need."""
    if hint is None:
        return None
    shown = int(listed.history_id)
    if _empty(mailbox, listed):
        shown = min(shown, int(mailbox.cursor))  # a position without the records before it proves nothing
    age = now - hint.at
    if hint.position <= shown or age > INDEX_LAG:
        return None
    return now + max(timedelta(seconds=2), age / 2)


async def _renew_watch(context: Context, mailbox: Mailbox) -> None:
    """Mail came without a push: Google may have silently dropped the watch, or pushes may name a new address of the
    mailbox. Renew the watch, but not for every lost push."""
    until = mailbox.watch_expires_at
    if until is None:
        return
    lately = until - context.clock.now() >= WATCH_LIFE - RENEWED_LATELY
    if not lately or await _renamed(context, mailbox):
        log.warning("mail_without_push", mailbox=mailbox.id)
        await context.store.request_duty(mailbox.id, Duty.WATCH, context.clock.now())


async def _renamed(context: Context, mailbox: Mailbox) -> bool:
    """Whether Google knows the mailbox by another address. An error here does not fail the finished sync."""
    try:
        called = (await context.gmail.profile(mailbox.id)).email
    except GoogleError:
        return False
    return called not in ("", mailbox.owner.email)


async def _interpret(
    context: Context, mailbox: Mailbox, listed: HistoryPage
) -> tuple[SyncPage, HistoryContext]:
    """Which messages to process, which label changes are the owner's decisions, and what is known about them. No Gmail
    call."""
    messages = new_messages(
        ((added.gmail_id, added.thread_id, added.labels) for added in listed.added),
        ((moved.gmail_id, moved.thread_id, moved.added) for moved in listed.relabelled),
    )
    page_context = HistoryContext(frozenset(), {}, mailbox.hint, blocks=False)
    if listed.history_id != mailbox.cursor or messages or listed.relabelled:
        page_context = await context.store.history_context(
            mailbox.id,
            [message.gmail_id for message in messages],
            [moved.gmail_id for moved in listed.relabelled],
        )
    # A message that came and was labelled by the owner within one page gets its row from this commit.
    rows = {message.gmail_id: KnownState(None, Stage.SCREEN) for message in messages if not message.own}
    rows |= {gmail_id: _known_state(view) for gmail_id, view in page_context.known.items()}
    heard = decisions(listed.relabelled, rows, mailbox.labels)
    page = SyncPage(
        sightings=tuple(
            Sighting(
                message.gmail_id,
                message.thread_id,
                message.labels,
                Stage.LEARN if message.own else Stage.SCREEN,
            )
            for message in messages
            if message.gmail_id not in page_context.ours
        ),
        corrections=heard.corrections,
        returned=heard.returned,
        deleted=listed.deleted,
    )
    return page, page_context


def _known_state(view: MessageView) -> KnownState:
    return KnownState(placement=view.placement, stage=view.stage, decided_by=view.decided_by)


# ---- What a look has found
# Its messages have no rows yet. The page, its messages and the verdicts that are ready make one commit; later verdicts
# are written one by one.


PATIENCE = 2.0
"""Seconds after which a look is written even if no verdict is ready."""

CommitLook = Callable[[Sequence[Reached]], Awaitable[Mapping[str, MessageJob | None]]]
"""Writes a look with these verdicts. Returns which of its messages are new, with their next stages."""

Waiting = tuple[Reached, asyncio.Future[MessageJob | None]]


class FoundMail:
    """The `jobs` of one look, screened in the context `screening`. Each must call `stop_waiting_for` when it ends, even
    on error."""

    def __init__(
        self, context: Context, jobs: Collection[MessageJob], screening: ScreeningContext, write: CommitLook
    ) -> None:
        self.jobs, self.screening = tuple(jobs), screening
        self._context = context
        self._under_way = {job.gmail_id for job in jobs}
        self._ready: list[Waiting] = []
        self._write_look: CommitLook | None = write
        self._writing: asyncio.Task[None] | None = None
        self._new: Collection[str] = ()
        self.written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self._write)

    async def record(self, one: Reached) -> MessageJob | None:
        """Commit a verdict, with the look if that is not written yet. Returns what `record_verdict` does."""
        if self._write_look is None:
            await self.wait_for_row(one.job)
            return await self._record_alone(one)
        done: asyncio.Future[MessageJob | None] = asyncio.get_running_loop().create_future()
        self._ready.append((one, done))
        self.stop_waiting_for(one.job)
        return await done

    async def wait_for_row(self, job: MessageJob) -> None:
        """Wait until the message has a row. Raises `LaneLost` if it is no longer ours to process."""
        self.stop_waiting_for(job)
        try:
            await asyncio.shield(self.written)
        except Exception as error:
            raise LaneLost("conflict.lane") from error
        if job.gmail_id not in self._new:
            raise LaneLost("conflict.lane")

    def stop_waiting_for(self, job: MessageJob) -> None:
        """The look no longer waits for this message."""
        self._under_way.discard(job.gmail_id)
        if self._write_look is None:
            return
        if not self._under_way:
            self._write()
        elif self._ready:
            loop = asyncio.get_running_loop()
            if self._timer.when() > loop.time() + BATCH_WAIT:
                self._timer.cancel()
                self._timer = loop.call_later(BATCH_WAIT, self._write)

    def _write(self) -> None:
        self._timer.cancel()
        write, self._write_look = self._write_look, None
        if write is not None:
            self._writing = asyncio.create_task(self._write_all(write, self._ready))

    async def _write_all(self, write: CommitLook, ready: Sequence[Waiting]) -> None:
        """Write the look's commit. A verdict that cannot be part of it (its credit has gone, or no row can hold its
        facts) is written alone afterwards."""
        together = True
        try:
            try:
                new = await write([one for one, _ in ready])
            except (LaneLost, StoreAway):
                raise
            except Exception as error:
                if not isinstance(error, Conflict):
                    log.exception("verdicts_not_together", mailbox=self.jobs[0].mailbox_id)
                together, new = False, await write(())
        except Exception as error:
            self.written.set_exception(error)
            self.written.exception()  # the waiting jobs get the error; if none waits, nothing needs to be raised
            for _, done in ready:
                lost = LaneLost("conflict.lane")
                lost.__cause__ = error
                _settle(done, lost)
            return
        self._new = new.keys()
        self.written.set_result(None)
        for one, done in ready:
            if one.job.gmail_id not in new:
                _settle(done, LaneLost("conflict.lane"))
            elif together:
                _settle(done, new[one.job.gmail_id])
        if not together:
            await asyncio.gather(*(self._settle_alone(*one) for one in ready if not one[1].done()))

    async def _settle_alone(self, one: Reached, done: asyncio.Future[MessageJob | None]) -> None:
        try:
            _settle(done, await self._record_alone(one))
        except Exception as error:
            _settle(done, error)

    async def _record_alone(self, one: Reached) -> MessageJob | None:
        now = self._context.clock.now()
        return await self._context.store.record_verdict(
            one.job, one.verdict, one.screened, one.challenge, now
        )


def _settle(done: asyncio.Future[MessageJob | None], how: MessageJob | Exception | None) -> None:
    if done.done():
        return
    if isinstance(how, Exception):
        done.set_exception(how)
    else:
        done.set_result(how)
