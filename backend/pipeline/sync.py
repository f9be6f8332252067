"""sync: list what changed since the stored cursor; commit new messages and the moved cursor together.

One holder per mailbox. The pushed history id is never taken as a cursor: everything up to it would be
skipped. It is a hint only: while history does not show yet what a push told of, the cursor stays and the mailbox
is looked at again some seconds later. A cursor too old for Google's history leads to a re-list (`relist`);
a listing under way is taken up again where it was left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import (
    PASSED_OVER,
    GoogleError,
    HistoryGone,
    LeaseLost,
    Rejected,
    Unexplained,
    believed,
)
from backend.domain.history import appeared
from backend.domain.mailbox.decisions import RowState as MovedRow
from backend.domain.mailbox.decisions import decisions
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.mailbox.message import MessageView, Stage
from backend.pipeline import relist
from backend.pipeline.context import Context, DutyResult
from backend.pipeline.notices import look_again_at
from backend.ports.gmail import HistoryPage
from backend.transactions.records import Duty, DutyJob, Sighting, SyncPage

log = structlog.get_logger()

PAGES_A_TURN = 10
"""Pages listed under one lease; then the duty is given back and goes on from the stored page."""

INDEX_LAG = timedelta(seconds=30)
"""How long a push is believed against a history that does not show what it told of."""

WATCH_LIFE = timedelta(days=7)
RENEWED_LATELY = timedelta(hours=1)


Take = Callable[[int], int]
"""How many of so many messages that were found their finder may go on with."""


async def sync(context: Context, job: DutyJob, take: Take = int) -> datetime | DutyResult:
    """Bring one mailbox up to date, or some pages nearer to it. Returns when it is due again."""
    for _ in range(PAGES_A_TURN):
        mailbox = job.mailbox or await context.store.mailbox(job.mailbox_id)
        if mailbox is None:
            raise LeaseLost("conflict.mailbox")
        due = await _one_page(context, job, mailbox, take)
        if due is not None:
            return due
        job = replace(job, mailbox=None)  # it has moved on
    return context.clock.now()


async def _one_page(
    context: Context, job: DutyJob, mailbox: Mailbox, take: Take
) -> datetime | DutyResult | None:
    """List and commit one page; when the mailbox is up to date, the time to look again, else None."""
    if relist.under_way(mailbox):
        ended = await relist.go_on(context, job, mailbox)
        return look_again_at(context, mailbox.id, mailbox.moved_at) if ended else None
    if not mailbox.cursor:
        profile = await context.gmail.profile(mailbox.id)
        page = SyncPage(cursor=profile.history_id, safe_since=context.clock.now())
        await context.store.commit_sync(job, page, context.clock.now())
        return look_again_at(context, mailbox.id, mailbox.moved_at)
    start, began = mailbox.page_start or mailbox.cursor, context.clock.now()
    try:
        listed = await context.gmail.history(mailbox.id, start, mailbox.page_token)
    except HistoryGone:
        await relist.begin(context, job, mailbox)
        return None
    except (Rejected, Unexplained) as error:
        if not mailbox.page_token or not believed(error, job.error, PASSED_OVER):
            raise
        # The page token died with its listing: list again from where that listing started.
        await context.store.commit_sync(job, SyncPage(), context.clock.now())
        return None
    page, pushed = await _interpret(context, mailbox, listed)
    if listed.next_page:
        page = replace(page, page_token=listed.next_page, page_start=start)
        await context.store.commit_sync(job, page, context.clock.now())
        return None
    return await _last_page(context, job, mailbox, listed, page, pushed, began, take)


async def _last_page(
    context: Context,
    job: DutyJob,
    mailbox: Mailbox,
    listed: HistoryPage,
    page: SyncPage,
    pushed: tuple[int, datetime] | None,
    began: datetime,
    take: Take,
) -> DutyResult:
    """Commit the page that ends a listing and give the duty back with it: due again soon if Google's index lags behind
    its pushes."""
    now = context.clock.now()
    again = _look_again(now, mailbox, listed, pushed)
    if again is not None and _empty(mailbox, listed):
        # Told of a change and shown none: moving the cursor now could skip it for good.
        page = replace(page, cursor=mailbox.cursor)
    else:
        page = replace(page, cursor=listed.history_id, safe_since=began)
    moved = listed.history_id != mailbox.cursor
    due = again or look_again_at(context, mailbox.id, now if moved else mailbox.moved_at)
    keep = take(len(page.sightings)) if page.sightings else 0
    _, following = await context.store.commit_sync(job, page, now, due, context.lease_until(), keep)
    if page.sightings and (pushed is None or pushed[0] <= int(mailbox.cursor)):
        await _renew_watch(context, mailbox)
    return DutyResult(due, following)


def _empty(mailbox: Mailbox, listed: HistoryPage) -> bool:
    """Whether a listing that ends with this page showed nothing at all."""
    return not (listed.added or listed.relabelled or listed.deleted or mailbox.page_token)


def _look_again(
    now: datetime, mailbox: Mailbox, listed: HistoryPage, pushed: tuple[int, datetime] | None
) -> datetime | None:
    """When to look again, because a push told of a position that this listing does not reach. None: no need."""
    if pushed is None:
        return None
    position, at = pushed
    shown = int(listed.history_id)
    if _empty(mailbox, listed):
        shown = min(shown, int(mailbox.cursor))  # a position without the records before it proves nothing
    age = now - at
    if position <= shown or age > INDEX_LAG:
        return None
    return now + max(timedelta(seconds=2), age / 2)


async def _renew_watch(context: Context, mailbox: Mailbox) -> None:
    """Mail came of which no push told: Google may have dropped the watch in silence, or the mailbox has another address
    by which pushes name it. Renew it, but not every time a push is lost."""
    until = mailbox.watch_expires_at
    if until is None:
        return
    lately = until - context.clock.now() >= WATCH_LIFE - RENEWED_LATELY
    if not lately or await _renamed(context, mailbox):
        log.warning("mail_without_push", mailbox=mailbox.id)
        await context.store.request_duty(mailbox.id, Duty.WATCH, context.clock.now())


async def _renamed(context: Context, mailbox: Mailbox) -> bool:
    """Whether Google calls the mailbox otherwise than we do. What this meets ends no sync that is done."""
    try:
        called = (await context.gmail.profile(mailbox.id)).email
    except GoogleError:
        return False
    return called not in ("", mailbox.owner.email)


async def _interpret(
    context: Context, mailbox: Mailbox, listed: HistoryPage
) -> tuple[SyncPage, tuple[int, datetime] | None]:
    """Which messages to look at, and which label changes are the owner's word; and what pushes told. No Gmail call."""
    messages = appeared(
        ((added.gmail_id, added.thread_id, added.labels) for added in listed.added),
        ((moved.gmail_id, moved.thread_id, moved.added) for moved in listed.relabelled),
    )
    around = await context.store.history_context(
        mailbox.id,
        [message.gmail_id for message in messages],
        [moved.gmail_id for moved in listed.relabelled],
    )
    # A message that came and was labelled by the owner within one page: its row is made by this commit.
    rows = {message.gmail_id: MovedRow(None, Stage.SCREEN) for message in messages if not message.own}
    rows |= {gmail_id: _row(view) for gmail_id, view in around.known.items()}
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
            if message.gmail_id not in around.ours
        ),
        corrections=heard.corrections,
        returned=heard.returned,
        deleted=listed.deleted,
    )
    return page, around.pushed


def _row(view: MessageView) -> MovedRow:
    return MovedRow(placement=view.placement, stage=view.stage, decided_by=view.decided_by)
