"""Jobs: what makes them due, how they end, dead letters, and who owns an embedded database's mailboxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from backend.domain.errors import Cause, LaneLost
from backend.domain.history import position
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import NoticeHint
from backend.domain.mailbox.message import Stage
from backend.transactions import rows
from backend.transactions.records import Duty, DutyJob, LaneWork, MessageJob, PushFate
from backend.transactions.rows import CurrentRow, DutyRow, LaneRow, MailboxRow, MessageRow
from backend.transactions.script import (
    EVERY,
    Script,
    each,
    list_pattern,
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    q,
    row_count,
    wake,
)

# ---- Wrong clocks and owners


def bring_back(now: datetime, latest: Mapping[Duty, timedelta], messages: datetime) -> Script[int]:
    """Repair what a wrong clock put off: duties due later than `latest` allows, and messages due after `messages`,
    become due now. Returns how many jobs."""
    at, count = micros(now), 0
    for duty, wait in latest.items():
        count += yield from row_count("bring_back_duties", duty=duty, now=at, latest=micros(now + wait))
    count += yield from row_count("bring_back_messages", now=at, latest=micros(messages))
    yield q("bring_back_sendings", now=at)
    yield q("bring_back_digests", now=at)
    yield q("bring_back_web_pushes", now=at)
    yield wake(EVERY)
    return count


def begin_owning() -> Script[bool]:
    """Note that all mailboxes of an embedded database have an owner; True if the last one died without giving them
    back."""
    return not (yield from row_count("begin_owning"))


def end_owning() -> Script[None]:
    """The owner gives them back, with nothing running."""
    yield q("end_owning")


# ---- Making jobs due, and ending them


def note_push(email: str, hint: NoticeHint, again_at: datetime) -> Script[PushFate]:
    """A push named this address. The mailbox's SYNC is due at once; if the change has been listed already, at
    `again_at`, when Google drops no more pushes: it may have dropped one about a change just after this one. A
    push is stale if its position is below the stored cursor."""
    found: MailboxRow | None = yield q("mailbox_by_email", email=email.lower())
    if found is None:
        formerly: MailboxRow | None = yield q("mailbox_by_former", listed=list_pattern(email.lower()))
        found = formerly
    if found is None:
        return PushFate.UNKNOWN
    mailbox: MailboxRow | None = yield q("mailbox_for_write", mailbox_id=found["id"])
    if mailbox is None:
        return PushFate.UNKNOWN
    yield from note_hint(mailbox, hint)
    listed = position(mailbox["cursor"] or "0")
    unlisted = mailbox["cursor"] == "" or hint.position > listed
    yield from request_duty(mailbox["id"], Duty.SYNC, hint.at if unlisted else again_at)
    return PushFate.STALE if hint.position < listed else PushFate.NEW


def note_hint(mailbox: MailboxRow, hint: NoticeHint) -> Script[None]:
    """Add what notices reported to what is stored of earlier ones."""
    kept = hint.merged(rows.hint(mailbox["told_to"], mailbox["told_at"]))
    yield q("note_told", mailbox_id=mailbox["id"], told_to=str(kept.position), told_at=micros(kept.at))


def postpone_look(
    mailbox_id: MailboxId,
    hint: NoticeHint | None,
    at: datetime,
    now: datetime,
    cause: Cause | None = None,
) -> Script[None]:
    """Instead of a look that pushes with this `hint` asked for, SYNC is due `at` then. With a `cause` the look has
    failed, as in `postpone_duty`."""
    mailbox: MailboxRow | None = yield q("mailbox_for_write", mailbox_id=mailbox_id)
    if mailbox is None:
        return
    if hint is not None:
        yield from note_hint(mailbox, hint)
    if cause is not None:
        yield q("look_failed", mailbox_id=mailbox_id, duty=Duty.SYNC, cause=cause, now=micros(now))
    yield from request_duty(mailbox_id, Duty.SYNC, at)


def request_duty(mailbox_id: MailboxId, duty: Duty, due_at: datetime) -> Script[None]:
    """Ask for a duty at `due_at`, or sooner if it is due sooner. One that is running runs once more as soon as it ends,
    and that run sets when it is due next."""
    if (yield from row_count("want_duty", mailbox_id=mailbox_id, duty=duty, due_at=micros(due_at))):
        yield wake(mailbox_id)


def finish_duty(job: DutyJob, next_due: datetime | None) -> Script[None]:
    """The duty is done, next due at `next_due` (None: when asked for), or at once if it was asked for meanwhile."""
    changed = yield from row_count(
        "end_duty",
        mailbox_id=job.mailbox_id,
        duty=job.duty,
        wanted=job.wanted,
        next_due=micros_or_none(next_due),
    )
    if not changed:
        raise LaneLost("conflict.mailbox")


def progress(job: DutyJob) -> Script[None]:
    """Part of the duty is done for good. Raises `LaneLost`."""
    if not (yield from row_count("duty_goes_on", mailbox_id=job.mailbox_id, duty=job.duty)):
        raise LaneLost("conflict.mailbox")


def postpone_duty(
    job: DutyJob, at: datetime, error: str, now: datetime, counts: bool = True, cause: Cause | None = None
) -> Script[None]:
    """Try it again at `at`; this try counts as an attempt unless `counts` is false.

    With a `cause` it has failed, since `now` or an earlier failure, until a try succeeds.
    """
    row = yield from duty_row(job)
    since, why = row["failing_since"], row["failing_cause"]
    if cause is not None:
        since, why = micros(now) if since is None else since, cause
    yield q(
        "postpone_duty",
        mailbox_id=job.mailbox_id,
        duty=job.duty,
        due_at=micros(at),
        attempts=row["attempts"] + counts,
        error=error,
        failing_since=since,
        cause=why,
    )


def duty_row(job: DutyJob) -> Script[DutyRow]:
    """The duty's row. Raises `LaneLost` if the mailbox was deleted."""
    row: DutyRow | None = yield q("duty_for_write", mailbox_id=job.mailbox_id, duty=job.duty)
    if row is None:
        raise LaneLost("conflict.mailbox")
    return row


def count_death(job: MessageJob) -> Script[None]:
    """A stage of the message is about to begin and may kill the process: count a death in advance, taken back when it
    ends."""
    yield from current(job)
    yield q("count_death", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, deaths=job.deaths + 1)


def take_back_death(job: MessageJob) -> Script[None]:
    """The process stops in an orderly way: take the death back."""
    yield q("count_death", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, deaths=job.deaths)


def finish_stage(job: MessageJob, now: datetime) -> Script[MessageJob | None]:
    """The job's stage is done: go on to the stage that follows from the row (ACT of a challenged message goes to
    CHALLENGE; everything else ends), unless a newer revision ordered something else.

    Returns the job of the next stage, if any. Its challenge is marked as by `mark_sending`, unless it was already.
    """
    row = yield from current(job)
    if row["revision"] != job.revision:
        yield from give_way(job, now)
        return None
    about = {"mailbox_id": job.mailbox_id, "gmail_id": job.gmail_id}
    acted = job.stage is Stage.ACT
    marked = acted and bool((yield from row_count("begin_sending", **about, now=micros(now))))
    to_send = marked or (acted and (yield from row_count("challenge_to_send", **about)))
    yield from settle(job, Stage.CHALLENGE if to_send else None, now)
    return replace(next_job(job, Stage.CHALLENGE), marked=marked) if to_send else None


def next_job(job: MessageJob, stage: Stage) -> MessageJob:
    """The job with which the lane goes on."""
    return replace(job, stage=stage, attempt=1, deaths=0, error="")


def settle(job: MessageJob, stage: Stage | None, now: datetime) -> Script[None]:
    """Make `stage` due now, or end the message's job. The lane goes on by itself."""
    yield q(
        "settle_message",
        mailbox_id=job.mailbox_id,
        gmail_id=job.gmail_id,
        stage=stage,
        due_at=micros(now) if stage else None,
        now=micros(now),
    )


def give_way(job: MessageJob, now: datetime) -> Script[None]:
    """A newer order stands: the message is due as that order left it."""
    yield q("yield_message", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, now=micros(now))
    yield wake(job.mailbox_id)


def postpone(
    job: MessageJob, at: datetime, error: str, now: datetime, counts: bool = True, cause: Cause | None = None
) -> Script[None]:
    """Try again at `at`; a newer order does not wait for the old one's retry."""
    row = yield from current(job)
    if row["revision"] != job.revision:
        yield from give_way(job, now)
        return
    yield q(
        "postpone_message",
        mailbox_id=job.mailbox_id,
        gmail_id=job.gmail_id,
        due_at=micros(at),
        error=error,
        counts=counts,
        cause=cause or "",
        now=micros(now),
    )


def make_dead_letter(job: MessageJob, cause: str, now: datetime) -> Script[None]:
    """It failed too often: keep it with its cause for a person to look at. The mailbox goes on."""
    row = yield from current(job)
    if row["revision"] != job.revision:
        yield from give_way(job, now)
        return
    yield q(
        "make_dead_letter", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, error=cause, now=micros(now)
    )


def current(job: MessageJob) -> Script[CurrentRow]:
    """The message's row at the end of the job's stage. Raises `LaneLost` if it was deleted, or has ended already."""
    row: CurrentRow | None = yield q("current_message", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id)
    if row is None or (row["revision"] == job.revision and row["stage"] != job.stage):
        raise LaneLost("conflict.lane")
    return row


def lanes() -> Script[dict[MailboxId, datetime | None]]:
    """Every connected or leaving mailbox, and when its first job is due."""
    found: list[LaneRow] = yield q("lanes")
    return {
        row["mailbox_id"]: moment_or_none(
            min((at for at in (row["message"], row["duty"]) if at is not None), default=None)
        )
        for row in found
    }


def lane_work(mailbox_id: MailboxId, limit: int) -> Script[LaneWork]:
    """The first `limit` messages of the mailbox that have something due, and its duties."""
    found = yield from each(rows.message_job, "lane_messages", mailbox_id=mailbox_id, limit=limit)
    return LaneWork(found, (yield from each(DutyJob, "lane_duties", mailbox_id=mailbox_id)))


def failing_seconds(now: datetime) -> Script[int]:
    """How long the longest-failing job has been failing."""
    since: int | None = yield q("failing_longest")
    return 0 if since is None else max(0, int((now - moment(since)).total_seconds()))


# ---- Dead letters


def list_dead_letters(mailbox_id: MailboxId | None) -> Script[list[MessageRow]]:
    """Dead letters, of one mailbox or of all, oldest first."""
    found: list[MessageRow] = yield q("dead_letters", mailbox_id=mailbox_id or "")
    return found


def retry_dead_letter(mailbox_id: MailboxId, gmail_id: str, now: datetime) -> Script[bool]:
    """Give a dead letter new tries. False if there is none."""
    changed = yield from row_count(
        "retry_dead_letter", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now)
    )
    if changed:
        yield wake(mailbox_id)
    return bool(changed)


def drop_dead_letter(mailbox_id: MailboxId, gmail_id: str, now: datetime) -> Script[bool]:
    """End a dead letter as it is. False if there is none."""
    changed = yield from row_count(
        "drop_dead_letter", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now)
    )
    return bool(changed)
