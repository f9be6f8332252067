"""What a mailbox needs from time to time: renewing its watch, indexing its correspondents, deleting old rows."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from backend.domain.errors import (
    NO_TOPIC,
    REFUSALS_BEFORE_SKIP,
    Conflict,
    Gone,
    LaneLost,
    Refused,
    Rejected,
    TryLater,
    Unexplained,
    refusal_is_final,
)
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox
from backend.domain.watching.trial import Act, Finding, trial
from backend.pipeline.context import Context
from backend.ports.gmail import NO_LABELS
from backend.ports.system import ReadingFailed
from backend.transactions.records import Duty, DutyJob

# ---- watch: Gmail's watch, renewed daily
# watch: labels, the owner's name and addresses, and Gmail's watch, made once and renewed daily. Never touches the
# cursor. Where history is asked for instead (`NoticeMode.POLL`) there is no watch, and an earlier one is stopped.


log = structlog.get_logger()


async def watch(context: Context, job: DutyJob) -> datetime:
    """Renew; returns when it is due again, up to a tenth of the interval early so that mailboxes spread out."""
    before = await context.store.mailbox(job.mailbox_id)
    labels = await context.gmail.ensure_labels(job.mailbox_id, before.labels if before else NO_LABELS)
    await context.store.save_labels(job.mailbox_id, labels, await context.gmail.identity(job.mailbox_id))
    interval = timedelta(seconds=context.settings.watch_interval)
    if not context.settings.notices.watched:
        if before is not None and before.watch_expires_at is not None:
            await context.gmail.stop_watch(job.mailbox_id)
        await context.store.set_notice_mode(job.mailbox_id, context.settings.notices)
        return context.clock.now() + renewed_after(2 * interval, interval, job.mailbox_id)
    try:
        granted = await context.gmail.watch(job.mailbox_id)
    except TryLater as error:
        if error.reason == NO_TOPIC:
            log.warning("topic_missing", mailbox=job.mailbox_id)
        raise
    await context.store.save_watch(job.mailbox_id, granted.expires_at, granted.history_id)
    await context.store.set_notice_mode(job.mailbox_id, context.settings.notices)
    now = context.clock.now()
    if before is not None and before.watch_expires_at is not None and before.watch_expires_at <= now:
        # No push announced what came after it lapsed.
        log.warning("watch_had_lapsed", mailbox=job.mailbox_id)
        await context.store.request_duty(job.mailbox_id, Duty.SYNC, now)
    return now + renewed_after(granted.expires_at - now, interval, job.mailbox_id)


def renewed_after(life: timedelta, interval: timedelta, mailbox_id: MailboxId) -> timedelta:
    """How long to leave a watch with this much life left: the interval, less up to a tenth so that mailboxes spread
    out. Google grants seven days; if it ever grants less, at most half of that."""
    share = zlib.crc32(mailbox_id.encode()) % 1_000 / 1_000
    return max(min(interval, life / 2), timedelta(minutes=1)) * (1 - share / 10)


# ---- index: read Sent once
# Resumable: each page's progress is committed, and a page may be read twice without harm.


PAGE = 50
"""Messages per page: at 20 units each a page is 1,000 units, a sixth of a minute's quota."""

AT_ONCE = 4

FEW = 0.1
"""The share of a page that may go unread."""


async def index(context: Context, job: DutyJob) -> datetime | None:
    """Read one page of Sent; returns now while pages remain, None when done."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    if mailbox.indexed_at is not None:
        return None
    left = context.settings.index_limit - mailbox.index_done
    try:
        listed = await context.gmail.list_messages(
            mailbox.id, "in:sent", mailbox.index_page, min(PAGE, max(left, 1))
        )
    except (Rejected, Unexplained) as error:
        if not mailbox.index_page or not refusal_is_final(error, job.error, REFUSALS_BEFORE_SKIP):
            raise
        # The page token died: start again from the newest. Learning somebody twice does no harm.
        await context.store.save_index(job, "", 0, mailbox.index_total, False, context.clock.now())
        return context.clock.now()
    await _learn_from(context, job, mailbox, listed.ids[: max(left, 0)])
    done = mailbox.index_done + min(len(listed.ids), max(left, 0))
    finished = not listed.next_page or done >= context.settings.index_limit
    total = min(max(listed.estimate, mailbox.index_total, done), context.settings.index_limit)
    page = "" if finished else listed.next_page
    await context.store.save_index(job, page, done, total, finished, context.clock.now())
    return None if finished else context.clock.now()


async def _learn_from(
    context: Context, job: DutyJob, mailbox: Mailbox, page: Sequence[tuple[str, str]]
) -> None:
    """Read one page's messages, some at once; our own challenges cost no call. A few that Gmail refuses are skipped, or
    nothing would ever be screened. Raises a refusal that may pass, or any if many: too few people would be known."""
    ours = await context.store.sent_challenge_ids(mailbox.id, [gmail_id for gmail_id, _ in page])
    gate = asyncio.Semaphore(AT_ONCE)
    refused: list[Rejected | Unexplained] = []

    async def read(gmail_id: str, thread_id: str) -> None:
        async with gate:
            try:
                fetched = await context.gmail.fetch(mailbox.id, gmail_id)
                addresses = frozenset(await context.reader.correspondents(fetched, mailbox.owner))
            except Gone:
                return
            except ReadingFailed as error:
                log.warning("own_mail_not_read", mailbox=mailbox.id, cause=error.cause, fault=error.fault)
                return
            except (Rejected, Unexplained) as error:
                refused.append(error)
                return
        if addresses:
            await context.store.learn(mailbox.id, addresses, thread_id, context.clock.now())

    try:
        async with asyncio.TaskGroup() as group:
            for gmail_id, thread_id in page:
                if gmail_id not in ours:
                    group.create_task(read(gmail_id, thread_id))
    except BaseExceptionGroup as several:
        # A lane can handle one error from Google, not a group of them.
        raise several.exceptions[0] from several
    may_pass = [error for error in refused if not refusal_is_final(error, job.error, REFUSALS_BEFORE_SKIP)]
    if may_pass or len(refused) > max(1, len(page) * FEW):
        raise (may_pass or refused)[0]
    if refused:
        log.info("sent_mail_not_read", mailbox=mailbox.id, messages=len(refused), reason=refused[0].reason)


# ---- retain: count, forget, draw questions
# retain: count the weeks that are over, for the test of drift; then forget what is older than the owner wants kept,
# in small batches; then draw what the owner is asked this week, end a trial whose challenger was found worse, and write
# to the server's log where the log of decisions ends today: an older copy would end elsewhere. All this is one duty,
# because no message may be forgotten before its week is counted.


BATCH = 500
UNTIL_SETTLED = timedelta(minutes=1)
"""When to retry while the time is not known: a wrong clock must not delete anything."""
ITSELF = "pitchgate"
"""The author of what no person did."""


async def retain(context: Context, job: DutyJob) -> datetime:
    """Delete one batch; due again at once while there is more, else in a day."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LaneLost("conflict.mailbox")
    now = context.clock.now()
    if not context.time.settled:
        return now + UNTIL_SETTLED
    await context.store.count_weeks(job.mailbox_id, now)
    before = now - timedelta(days=mailbox.preferences.retention_days)
    counts_before = now - timedelta(days=context.settings.replay_days)
    deleted = await context.store.retain(job.mailbox_id, now, before, BATCH, counts_before)
    if deleted < BATCH:
        await context.store.draw_questions(job.mailbox_id, now)
        await _end_lost_trial(context, now)
        await _log_head(context, job.mailbox_id)
    return now if deleted >= BATCH else now + timedelta(days=1)


async def _log_head(context: Context, mailbox_id: MailboxId) -> None:
    found = await context.store.keep_head(mailbox_id)
    if found is not None:
        log.info("decisions_head", mailbox=mailbox_id, number=found.number, seal=found.seal.hex())


async def _end_lost_trial(context: Context, now: datetime) -> None:
    """Stop scoring with a challenger that was found worse. One that was found better waits for a person."""
    in_use = await context.store.models_in_use()
    if in_use.challenger is None or in_use.since is None:
        return
    found = trial(*await context.store.trial_labels(in_use.challenger, in_use.since))
    if found.finding is Finding.WORSE:
        with contextlib.suppress(Refused, Conflict):  # an operator, or another mailbox's duty, came first
            await context.store.change_models(Act.STOP, in_use.challenger, ITSELF, now)
            log.warning("trial_lost", challenger=in_use.challenger, answers=found.answered)
