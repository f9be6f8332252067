"""relist: Google's history no longer reaches back to the cursor, so new mail is found by listing.

Three steps, each resumable from what its last page committed:

    begin       note the mailbox's position (taken later, it would skip changes) and how far back to look
    list        newest first, 500 ids per page; known mail costs nothing more
    reconcile   what the owner moved meanwhile: compare the label Held with our rows and check the rows that differ,
                some at a time, then Allow and Block

The gap is bounded by time and by count; a report for owner and operator says what was found and what was left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import structlog

from backend.domain.errors import REFUSALS_BEFORE_SKIP, Gone, Rejected, Unexplained, refusal_is_final
from backend.domain.mailbox.decisions import (
    IN_SPAM_OR_BIN,
    Correction,
    Decision,
    Origin,
    TakenBack,
    already_binned,
)
from backend.domain.mailbox.mailbox import Gap, Mailbox
from backend.domain.mailbox.message import INBOX, SPAM, TRASH, Placement
from backend.pipeline.context import Context
from backend.transactions.records import DutyJob, Sighting, SyncPage

log = structlog.get_logger()

RELIST_PREFIX = "relist:"
"""If the `page_start` of a listing begins with this, it is a re-list."""

MARGIN = timedelta(minutes=10)
"""A re-list starts this much before the last safe time: Google's clock and index may lag ours."""

PAGE = 500
LABEL_PAGES = 20
"""Pages of one label that are listed."""

COMPARED = PAGE * LABEL_PAGES
"""Held messages compared with Gmail in one re-list, the latest decided first."""

CHECKS_A_PAGE = 20
"""Held messages, possibly moved, checked (20 units each) before progress is committed: ten such pages fit into one run
at Google's rate."""

MOVED_LIMIT = 2_000
"""The same per re-list: seven minutes of a mailbox's quota. What is left is reported."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a re-list is, as stored in `page_start`."""

    cursor: str
    since: datetime
    found: int
    cut: str
    listed: bool  # all pages are listed, only the reconciling is left
    below: str = ""  # suspects with this id or a greater one have been checked
    checked: int = 0

    def packed(self) -> str:
        """Text for `page_start`."""
        step = "listed" if self.listed else "listing"
        since = int(self.since.timestamp())
        return (
            f"{RELIST_PREFIX}{self.cursor}:{since}:{self.found}:{self.cut}:{step}:{self.below}:{self.checked}"
        )

    @classmethod
    def read(cls, text: str) -> Progress:
        """Inverse of `packed`; also of what a release without the last two fields left behind."""
        cursor, since, found, cut, step, *checks = text.removeprefix(RELIST_PREFIX).split(":")
        below, checked = checks or ("", "0")
        at = datetime.fromtimestamp(int(since), UTC)
        return cls(cursor, at, int(found), cut, step == "listed", below, int(checked))


@dataclass(slots=True)
class _Moved:
    """What the owner did to held mail in the gap."""

    corrections: list[Correction] = field(default_factory=list)
    returned: list[TakenBack] = field(default_factory=list)


def under_way(mailbox: Mailbox) -> bool:
    """Whether a re-list has begun and not ended."""
    return mailbox.page_start.startswith(RELIST_PREFIX)


async def begin(context: Context, job: DutyJob, mailbox: Mailbox) -> bool:
    """Note the position the re-list will end at, and how far back it goes. False: there is more to do."""
    now = context.clock.now()
    profile = await context.gmail.profile(mailbox.id)
    # Mail from before the owner connected is left alone. Mail is dated by Google's clock, which may be
    # behind ours by as much as is allowed for.
    connected = mailbox.created_at - timedelta(seconds=context.settings.clock_skew)
    since = max((mailbox.safe_since or mailbox.created_at) - MARGIN, connected)
    earliest = now - timedelta(days=context.settings.relist_days)
    cut = "time" if since < earliest else ""
    start = Progress(profile.history_id, max(since, earliest), 0, cut, listed=False)
    log.warning("history_gone", mailbox=mailbox.id, since=start.since.isoformat(), cut=cut)
    await context.store.commit_sync(job, SyncPage(page_start=start.packed()), now)
    return False


async def go_on(context: Context, job: DutyJob, mailbox: Mailbox) -> bool:
    """One more page, or the reconciling that ends it; True when the mailbox is up to date."""
    progress = Progress.read(mailbox.page_start)
    if progress.listed:
        return await _reconcile(context, job, mailbox, progress)
    query = f"after:{int(progress.since.timestamp())} {{in:inbox in:sent}}"
    try:
        page = await context.gmail.list_messages(mailbox.id, query, mailbox.page_token, PAGE)
    except (Rejected, Unexplained) as error:
        if not mailbox.page_token or not refusal_is_final(error, job.error, REFUSALS_BEFORE_SKIP):
            raise
        # The page token died with its listing: list again. Mail found before now has its row and is skipped.
        again = replace(progress, found=0)
        await context.store.commit_sync(job, SyncPage(page_start=again.packed()), context.clock.now())
        return False
    ids = [gmail_id for gmail_id, _ in page.ids]
    known = (await context.store.known(mailbox.id, ids)).keys() | await context.store.sent_challenge_ids(
        mailbox.id, ids
    )
    fresh = [(gmail_id, thread_id) for gmail_id, thread_id in page.ids if gmail_id not in known]
    room = context.settings.relist_limit - progress.found
    progress = replace(progress, found=progress.found + len(fresh[:room]))
    if len(fresh) > room:
        progress = replace(progress, cut="count")
    ended = not page.next_page or progress.cut == "count"
    commit = SyncPage(
        sightings=tuple(Sighting(gmail_id, thread_id, None) for gmail_id, thread_id in fresh[:room]),
        page_token="" if ended else page.next_page,
        page_start=replace(progress, listed=ended).packed(),
        # A short gap holds fresh mail, which may be answered like any other.
        backlog=context.clock.now() - progress.since > timedelta(seconds=context.settings.fresh_seconds),
    )
    await context.store.commit_sync(job, commit, context.clock.now())
    return False


async def _reconcile(context: Context, job: DutyJob, mailbox: Mailbox, progress: Progress) -> bool:
    """Check the next suspects; after the last of them end the re-list."""
    began = context.clock.now()
    suspects, beyond = await _suspects(context, job, mailbox, progress)
    ids = sorted(
        (one for one in suspects if not progress.below or one < progress.below),
        reverse=True,
    )
    part = ids[: min(CHECKS_A_PAGE, MOVED_LIMIT - progress.checked)]
    moved = await _moved(context, job, mailbox, progress, {one: suspects[one] for one in part})
    returned = tuple(moved.returned)
    checked, left = progress.checked + len(part), len(ids) - len(part)
    if left and checked < MOVED_LIMIT:
        after = replace(progress, below=part[-1], checked=checked)
        page = SyncPage(corrections=tuple(moved.corrections), returned=returned, page_start=after.packed())
        await context.store.commit_sync(job, page, context.clock.now())
        return False
    corrections = (*moved.corrections, *await _labelled(context, job, mailbox, progress))
    gap = Gap(progress.since, began, progress.found, progress.cut, unchecked=left + beyond)
    page = SyncPage(
        corrections=corrections,
        returned=returned,
        cursor=progress.cursor,
        safe_since=began - MARGIN / 2,
        gap=gap,
    )
    await context.store.commit_sync(job, page, context.clock.now())
    log.warning(
        "relisted",
        mailbox=mailbox.id,
        found=gap.found,
        cut=gap.cut,
        looked_at=checked,
        unchecked=gap.unchecked,
    )
    return True


async def _suspects(
    context: Context, job: DutyJob, mailbox: Mailbox, progress: Progress
) -> tuple[Mapping[str, str | None], int]:
    """Messages that may be in the wrong place, and who decided about each (None: it was delivered): held ones that lost
    the label or were moved to or from the inbox, spam or bin, and delivered ones in spam. Also returns how many more
    are held than are compared.

    Rows with a stage still to do are left out: our own order moves those.
    """
    held = mailbox.labels.held
    if not held:
        return {}, 0
    carrying = {gmail_id async for gmail_id in _with_label(context, job, held)}
    in_inbox = {gmail_id async for gmail_id in _with_label(context, job, held, "in:inbox")}
    spam = [gmail_id async for gmail_id in _with_label(context, job, SPAM)]
    in_spam_or_bin = {*spam, *[gmail_id async for gmail_id in _with_label(context, job, TRASH)]}
    ours = await context.store.held_at_rest(mailbox.id, 10 * COMPARED)
    in_place = carrying - in_inbox - in_spam_or_bin
    found: dict[str, str | None] = {
        gmail_id: by
        for gmail_id, by in list(ours.items())[:COMPARED]
        if gmail_id not in (in_spam_or_bin if by in IN_SPAM_OR_BIN else in_place)
    }
    for gmail_id, view in (await context.store.known(mailbox.id, spam)).items():
        if view.stage is None and view.placement in (Placement.INBOX, Placement.MARKED):
            found[gmail_id] = None
    return found, max(0, len(ours) - COMPARED)


async def _moved(
    context: Context, job: DutyJob, mailbox: Mailbox, progress: Progress, suspects: Mapping[str, str | None]
) -> _Moved:
    """The owner's moves among the suspects. Each is checked, because Gmail's index may lag and a deleted message was
    not released."""
    held, found = mailbox.labels.held, _Moved()
    for gmail_id, by in suspects.items():
        try:
            labels = await context.gmail.labels_on(mailbox.id, gmail_id)
        except Gone:
            continue  # deleted: nothing is left to move
        except (Rejected, Unexplained) as error:
            if not refusal_is_final(error, job.error, REFUSALS_BEFORE_SKIP):
                raise
            # Leave its row as it is. Retrying would keep all new mail from being seen.
            log.warning("held_mail_not_read", mailbox=mailbox.id, reason=error.reason)
            continue
        still_held = held in labels and INBOX not in labels
        place = Decision.SPAM if SPAM in labels else Decision.BIN if TRASH in labels else None
        if place is not None:
            if not already_binned(place, by or "") and (place is Decision.SPAM or by is not None):
                found.corrections.append(_correction(progress, gmail_id, place))
        elif by in IN_SPAM_OR_BIN:
            found.returned.append(TakenBack(gmail_id, f"relist-{progress.cursor}", still_held))
        elif by is not None and not still_held:
            found.corrections.append(_correction(progress, gmail_id, Decision.RELEASE))
    return found


async def _labelled(context: Context, job: DutyJob, mailbox: Mailbox, progress: Progress) -> list[Correction]:
    """Known messages that carry Allow or Block without that decision on record."""
    found: list[Correction] = []
    for label, decision in ((mailbox.labels.allow, Decision.ALLOW), (mailbox.labels.block, Decision.BLOCK)):
        if not label:
            continue
        carrying = [gmail_id async for gmail_id in _with_label(context, job, label)]
        known = await context.store.known(mailbox.id, carrying)
        decided = await context.store.decided_on(mailbox.id, carrying)
        found += [
            _correction(progress, gmail_id, decision)
            for gmail_id in carrying
            if gmail_id in known and (gmail_id, decision.value) not in decided
        ]
    return found


async def _with_label(
    context: Context, job: DutyJob, label: str, where: str = "in:anywhere"
) -> AsyncIterator[str]:
    """Ids of the messages that carry a label. 5 units a page."""
    page = ""
    for _ in range(LABEL_PAGES):
        try:
            listed = await context.gmail.list_messages(job.mailbox_id, where, page, PAGE, label=label)
        except (Rejected, Unexplained) as error:
            if not refusal_is_final(error, job.error, REFUSALS_BEFORE_SKIP):
                raise
            return  # the owner has deleted the label: check the messages one by one
        for gmail_id, _ in listed.ids:
            yield gmail_id
        page = listed.next_page
        if not page:
            return


def _correction(progress: Progress, gmail_id: str, decision: Decision) -> Correction:
    return Correction(
        f"gmail:relist-{progress.cursor}:{gmail_id}:{decision}", gmail_id, decision, Origin.GMAIL
    )
