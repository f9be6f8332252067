"""The map: the stages of a message, a mailbox's duties, and what follows what.

A message passes these stages; each arrow is one commit, each stage may run twice. The lane that ends SCREEN or
ACT goes on with the next stage. A look at history and the SCREEN of what it found end in one commit.

    push ──▶ a look, SCREEN ──▶ ACT ──▶ CHALLENGE
                │      │        (held or marked)  (held, and the sender is answered)
                │      └──▶ stays in the inbox
                └──▶ LEARN (the owner's own mail)

    solve, a correction, or the owner's answer ──▶ RELEASE ──▶ back in the inbox

Duties belong to a mailbox instead: SYNC (a look, or many) at the start and every quarter of an hour or so, WATCH
daily, INDEX once, RETAIN daily (counts the week, then deletes old rows), PREVIEW when an owner asks what would have
been held, DELIVER when the wait after a typed code ends, DIGEST on the morning of its day, WEB_PUSH when a message is
held and a browser wants notifications, OWED when a daily limit that kept a link back has room again, LEAVE when the
owner leaves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from backend.domain.errors import LaneLost
from backend.domain.mailbox.message import Stage
from backend.pipeline.account import leave
from backend.pipeline.act import act, challenge, owed, release
from backend.pipeline.context import Context
from backend.pipeline.devices import web_push
from backend.pipeline.duties import index, retain, watch
from backend.pipeline.first_run import preview
from backend.pipeline.owner_digest import digest
from backend.pipeline.screen import learn, screen
from backend.pipeline.solve import deliver
from backend.pipeline.sync import NO_SCREENERS, FoundMail, Screeners, sync
from backend.ports.gmail import Authorizer
from backend.transactions.records import Duty, DutyJob, MessageJob

STAGES: Mapping[Stage, Callable[[Context, MessageJob], Awaitable[MessageJob | None]]] = {
    Stage.LEARN: learn,
    Stage.ACT: act,
    Stage.CHALLENGE: challenge,
    Stage.RELEASE: release,
}

DUTIES: Mapping[Duty, Callable[[Context, DutyJob], Awaitable[datetime | None]]] = {
    Duty.WATCH: watch,
    Duty.INDEX: index,
    Duty.RETAIN: retain,
    Duty.PREVIEW: preview,
    Duty.DELIVER: deliver,
    Duty.DIGEST: digest,
    Duty.WEB_PUSH: web_push,
    Duty.OWED: owed,
}


def run_stage(
    context: Context, job: MessageJob, found: FoundMail | None = None
) -> Awaitable[MessageJob | None]:
    """Run the message's stage; `found` is what its look found, if any. The stage ends its job itself, in the commit
    of its result. Returns the next stage's job, with which the lane goes on."""
    if found is not None:
        return _found(context, job, found)
    if job.stage is Stage.SCREEN:
        return screen(context, job)
    return STAGES[job.stage](context, job)


async def _found(context: Context, job: MessageJob, found: FoundMail) -> MessageJob | None:
    try:
        if job.stage is Stage.SCREEN:
            return await screen(context, job, found)
        await found.wait_for_row(job)
        return await STAGES[job.stage](context, job)
    except LaneLost:
        raise
    except Exception:
        await found.wait_for_row(job)  # the error's outcome goes into that row
        raise
    finally:
        found.stop_waiting_for(job)


async def run_duty(
    context: Context, authorizer: Authorizer, job: DutyJob, screeners: Screeners = NO_SCREENERS
) -> None:
    """Run the mailbox's duty and store when it is due again. `screeners` screen the messages that a SYNC finds."""
    if job.duty is Duty.LEAVE:
        await leave(context, authorizer, job)  # deletes the duty along with the mailbox
        return
    if job.duty is Duty.SYNC:
        next_due: datetime | None = await sync(context, job, screeners)
    else:
        next_due = await DUTIES[job.duty](context, job)
        context.looks.pop_mailbox(job.mailbox_id)  # the duty may have changed the mailbox's row
    await context.store.finish_duty(job, next_due)
