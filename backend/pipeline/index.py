"""index: read Sent once, so that everyone the owner writes to is known before anything is held.

Resumable: each page's progress is committed, and a page may be read twice without harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from backend.domain.errors import PASSED_OVER, Gone, LeaseLost, Rejected, Unexplained, believed
from backend.domain.mailbox.mailbox import Mailbox
from backend.pipeline.context import Context
from backend.ports.reader import Unread
from backend.transactions.records import DutyJob

log = structlog.get_logger()

PAGE = 50
"""Messages a page: at 20 units each a page is 1,000 units, a sixth of a minute's allowance."""

AT_ONCE = 4

FEW = 0.1
"""The share of a page that may go unread."""


async def index(context: Context, job: DutyJob) -> datetime | None:
    """Read one page of Sent; returns now while pages remain, None when done."""
    mailbox = await context.store.mailbox(job.mailbox_id)
    if mailbox is None:
        raise LeaseLost("conflict.mailbox")
    if mailbox.indexed_at is not None:
        return None
    left = context.settings.index_limit - mailbox.index_done
    try:
        listed = await context.gmail.list_messages(
            mailbox.id, "in:sent", mailbox.index_page, min(PAGE, max(left, 1))
        )
    except (Rejected, Unexplained) as error:
        if not mailbox.index_page or not believed(error, job.error, PASSED_OVER):
            raise
        # The page token died: from the newest again. To learn somebody twice does no harm.
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
    """Read one page's messages, some at once; our own challenges cost no call. A few that Gmail does not give out are
    left out, or nothing would ever be screened. Raises `Rejected` if they are many: to go on would make strangers of
    friends."""
    ours = await context.store.ours(mailbox.id, [gmail_id for gmail_id, _ in page])
    gate = asyncio.Semaphore(AT_ONCE)
    refused: list[Rejected | Unexplained] = []

    async def read(gmail_id: str, thread_id: str) -> None:
        async with gate:
            try:
                fetched = await context.gmail.fetch(mailbox.id, gmail_id)
                addresses = frozenset(await context.reader.correspondents(fetched, mailbox.owner))
            except Gone:
                return
            except Unread as error:
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
        # The job loop knows what to do about one error of Google's, and nothing about a bundle of them.
        raise several.exceptions[0] from several
    passing = [error for error in refused if not believed(error, job.error, PASSED_OVER)]
    if passing or len(refused) > max(1, len(page) * FEW):
        raise (passing or refused)[0]
    if refused:
        log.info("sent_mail_not_read", mailbox=mailbox.id, messages=len(refused), reason=refused[0].reason)
