"""sync: list what changed since the stored cursor; commit new messages and the moved cursor together.

One holder per mailbox. The pushed history id is never taken as a cursor: everything up to it would be
skipped. A cursor too old for Google's history leads to a bounded re-list from the last time up to which
nothing can be missing; a listing under way is taken up again where it was left.
"""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import datetime, timedelta

from backend.domain.errors import HistoryGone, LeaseLost, Rejected
from backend.domain.gmail_moves import Row as MovedRow
from backend.domain.gmail_moves import decisions
from backend.domain.history import appeared
from backend.domain.mailbox import Mailbox
from backend.pipeline.kit import Kit
from backend.ports.gmail import HistoryPage
from backend.ports.store import DutyJob, MessageView, Sighting, Stage, SyncPage

PAGES_A_TURN = 10
"""Pages listed under one lease; then the duty is given back and goes on from the stored page."""

RELIST = "relist:"
"""A listing under way whose `page_start` begins so is a re-list; the rest is the cursor it ends at."""

MARGIN = timedelta(minutes=10)
"""A re-list starts this much before the last safe time: Google's clock and index may lag ours."""


async def sync(kit: Kit, job: DutyJob) -> datetime:
    """Bring one mailbox up to date, or some pages nearer to it. Returns when it is due again."""
    for _ in range(PAGES_A_TURN):
        mailbox = await kit.store.mailbox(job.mailbox_id)
        if mailbox is None:
            raise LeaseLost("The mailbox was disconnected.")
        if await _one_page(kit, job, mailbox):
            return kit.clock.now() + sweep_after(kit, job.mailbox_id)
    return kit.clock.now()


def sweep_after(kit: Kit, mailbox_id: str) -> timedelta:
    """How long a quiet mailbox is left alone: the interval, spread by up to a tenth so that mailboxes that
    connected together do not all sweep together."""
    share = zlib.crc32(mailbox_id.encode()) % 1_000 / 1_000
    return timedelta(seconds=kit.settings.sweep_interval * (1 + share / 10))


async def _one_page(kit: Kit, job: DutyJob, mailbox: Mailbox) -> bool:
    """List and commit one page; True when the mailbox is up to date."""
    if mailbox.page_start.startswith(RELIST):
        return await _relist_page(kit, job, mailbox)
    if not mailbox.cursor:
        profile = await kit.gmail.profile(mailbox.id)
        page = SyncPage(cursor=profile.history_id, safe_since=kit.clock.now())
        await kit.store.commit_sync(job, page, kit.clock.now())
        return True
    start, began = mailbox.page_start or mailbox.cursor, kit.clock.now()
    try:
        listed = await kit.gmail.history(mailbox.id, start, mailbox.page_token)
    except HistoryGone:
        return await _begin_relist(kit, job, mailbox)
    except Rejected:
        if not mailbox.page_token:
            raise
        # The page token died with its listing: list again from where that listing started.
        await kit.store.commit_sync(job, SyncPage(), kit.clock.now())
        return False
    page = await _interpret(kit, mailbox, listed)
    if listed.next_page:
        page = replace(page, page_token=listed.next_page, page_start=start)
    else:
        page = replace(page, cursor=listed.history_id, safe_since=began)
    await kit.store.commit_sync(job, page, kit.clock.now())
    return not listed.next_page


async def _interpret(kit: Kit, mailbox: Mailbox, listed: HistoryPage) -> SyncPage:
    """Which messages to look at, and which label changes are the owner's word. No Gmail call."""
    messages = appeared(
        ((added.gmail_id, added.thread_id, added.labels) for added in listed.added),
        ((moved.gmail_id, moved.thread_id, moved.added) for moved in listed.relabelled),
    )
    ours = await kit.store.ours(mailbox.id, [message.gmail_id for message in messages])
    known = await kit.store.known(mailbox.id, [moved.gmail_id for moved in listed.relabelled])
    rows = {gmail_id: _row(view) for gmail_id, view in known.items()}
    return SyncPage(
        sightings=tuple(
            Sighting(
                message.gmail_id,
                message.thread_id,
                message.labels,
                Stage.LEARN if message.own else Stage.SCREEN,
            )
            for message in messages
            if message.gmail_id not in ours
        ),
        corrections=decisions(listed.relabelled, rows, mailbox.labels),
        deleted=listed.deleted,
    )


def _row(view: MessageView) -> MovedRow:
    return MovedRow(placement=view.placement, stage=view.stage)


async def _begin_relist(kit: Kit, job: DutyJob, mailbox: Mailbox) -> bool:
    """The cursor is too old. Note the position first, then list: taken afterwards it would skip changes."""
    profile = await kit.gmail.profile(mailbox.id)
    page = SyncPage(page_start=RELIST + profile.history_id)
    await kit.store.commit_sync(job, page, kit.clock.now())
    return False


async def _relist_page(kit: Kit, job: DutyJob, mailbox: Mailbox) -> bool:
    since = (mailbox.safe_since or mailbox.created_at) - MARGIN
    query = f"after:{int(since.timestamp())} -in:drafts -in:chats"
    began = kit.clock.now()
    try:
        listed = await kit.gmail.list_messages(mailbox.id, query, mailbox.page_token)
    except Rejected:
        if not mailbox.page_token:
            raise
        again = SyncPage(page_start=mailbox.page_start)
        await kit.store.commit_sync(job, again, kit.clock.now())
        return False
    sightings = tuple(Sighting(gmail_id, thread_id, None) for gmail_id, thread_id in listed.ids)
    page = SyncPage(sightings=sightings, backlog=True)
    if listed.next_page:
        page = replace(page, page_token=listed.next_page, page_start=mailbox.page_start)
    else:
        page = replace(page, cursor=mailbox.page_start.removeprefix(RELIST), safe_since=began)
    await kit.store.commit_sync(job, page, kit.clock.now())
    return not listed.next_page
