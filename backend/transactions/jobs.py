"""Jobs: what makes them due, claiming and ending them, dead letters, and what servers leave one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate

from backend.domain.errors import SEARCH_LAG, Cause, LaneLost, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import NoticeHint
from backend.domain.mailbox.message import Stage
from backend.transactions import rows
from backend.transactions.records import Due, Duty, DutyJob, MessageJob, PushFate
from backend.transactions.rows import DueLaneRow, DutyRow, HeldRow, MailboxRow, MessageRow
from backend.transactions.statement import (
    Script,
    Statement,
    each,
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    number,
    packed,
    q,
    wake,
    within,
)

# ---- Servers that share a database


def release_leases_of(now: datetime, worker: str = "") -> Script[None]:
    """Free the leases of dead server `worker` ("": of all). Jobs become due now; challenges when a sent copy could
    be found.
    """
    held = f"{worker}:" if worker else ""
    yield q("inherit_messages", now=micros(now), searchable=micros(now + SEARCH_LAG), held=held)
    yield q("inherit_duties", now=micros(now), held=held)
    yield q("free_lanes", now=micros(now))


def bring_back(now: datetime, latest: Mapping[Duty, timedelta], messages: datetime) -> Script[int]:
    """Repair what a wrong clock put off: duties due later than `latest` allows, and messages due after `messages`,
    become due now, leased or not. Returns how many jobs.
    """
    at, count = micros(now), 0
    for duty, wait in latest.items():
        count += yield from number("bring_back_duties", duty=duty, now=at, latest=micros(now + wait))
    yield q("bring_back_looks", latest=micros(messages))
    count += yield from number(
        "bring_back_messages", now=at, searchable=micros(now + SEARCH_LAG), latest=micros(messages)
    )
    yield q("free_lanes", now=at)
    yield q("bring_back_digests", now=at)
    yield q("bring_back_web_pushes", now=at)
    return count


def begin_owning() -> Script[bool]:
    """Note that all mailboxes of an embedded database have an owner; whether the one before ended without a word."""
    return not (yield from number("begin_owning"))


def end_owning() -> Script[None]:
    """They are given back, and nothing is under way."""
    yield q("end_owning")


# ---- Claiming and ending jobs


def note_push(email: str, told: NoticeHint, again_at: datetime) -> Script[PushFate]:
    """A push told of this address. The mailbox's SYNC is due at once, and at `again_at`, when the time in which Google
    drops further pushes has passed. At `again_at` alone if the change it tells of has been listed already: it may still
    be the only word of what came in the second after it. It is stale when its position is below the stored cursor.
    """
    found: MailboxRow | None = yield q("mailbox_by_email", email=email.lower())
    if found is None:
        formerly: MailboxRow | None = yield q("mailbox_by_former", listed=within(email.lower()))
        found = formerly
    if found is None:
        return PushFate.UNKNOWN
    mailbox: MailboxRow | None = yield q("mailbox_for_write", mailbox_id=found["id"])
    if mailbox is None:
        return PushFate.UNKNOWN
    yield from note_told(mailbox, told)
    listed = position(mailbox["cursor"] or "0")
    if mailbox["cursor"] == "" or told.position > listed:
        yield from request_duty(mailbox["id"], Duty.SYNC, told.at)
    yield from request_duty(mailbox["id"], Duty.SYNC, again_at)
    return PushFate.STALE if told.position < listed else PushFate.NEW


def note_told(mailbox: MailboxRow, told: NoticeHint) -> Script[None]:
    """What notices told, beside what they told before."""
    kept = told.beside(rows.told(mailbox["told_to"], mailbox["told_at"]))
    yield q("note_told", mailbox_id=mailbox["id"], told_to=str(kept.position), told_at=micros(kept.at))


def leave_look(
    mailbox_id: MailboxId,
    told: NoticeHint | None,
    at: datetime,
    now: datetime,
    cause: Cause | None = None,
) -> Script[None]:
    """A look that pushes asked for, as they `told`, is left to SYNC, due `at` then. With a `cause` it has failed, as in
    `postpone_duty`."""
    mailbox: MailboxRow | None = yield q("mailbox_for_write", mailbox_id=mailbox_id)
    if mailbox is None:
        return
    if told is not None:
        yield from note_told(mailbox, told)
    if cause is not None:
        yield q("look_failed", mailbox_id=mailbox_id, duty=Duty.SYNC, cause=cause, now=micros(now))
    yield from request_duty(mailbox_id, Duty.SYNC, at)


def position(history_id: str) -> int:
    """A history id as the number it is; ids are compared, never their texts. Raises `Refused`."""
    if not (history_id.isascii() and history_id.isdigit()):
        raise Refused("malformed.history", field="historyId")
    return int(history_id)


def request_duty(mailbox_id: MailboxId, duty: Duty, due_at: datetime) -> Script[None]:
    """Ask for a duty at `due_at`. It may be done sooner too, if it is due sooner, and then once more at
    `due_at`; asked for at many times it is done at the first and the last of them at least.
    """
    if (yield from number("want_duty", mailbox_id=mailbox_id, duty=duty, due_at=micros(due_at))):
        yield wake(mailbox_id)


def claim_duties(now: datetime, lease: str, lease_until: datetime, limit: int) -> Script[tuple[DutyJob, ...]]:
    """Up to `limit` duties, those that have been due longest."""
    until = micros(lease_until)
    claimed = yield from each(
        rows.duty_job, "claim_duties", now=micros(now), lease=lease, lease_until=until, limit=limit
    )
    syncs = packed(job.mailbox_id for job in claimed if job.duty is Duty.SYNC)
    listed = yield from each(rows.mailbox, "mailboxes_by_id", ids=syncs)
    known = {mailbox.id: mailbox for mailbox in listed}
    return tuple(replace(job, mailbox=known.get(job.mailbox_id)) for job in claimed)


def finish_duty(job: DutyJob, next_due: datetime | None) -> Script[None]:
    """Give the duty back, next due at `next_due` (None: only when wanted again). A time it was wanted at,
    before or meanwhile, that is still to come stands.
    """
    yield from _by_holder(q("end_duty", **_holder(job), next_due=micros_or_none(next_due)))


def extend_lease(job: DutyJob) -> Script[None]:
    """Part of it is done for good. Raises `LaneLost`."""
    yield from _by_holder(q("duty_goes_on", **_holder(job)))


def _holder(job: DutyJob) -> dict[str, str]:
    return {"mailbox_id": job.mailbox_id, "duty": job.duty, "lease": job.lease}


def _by_holder(statement: Statement) -> Script[None]:
    """One that looks at the duty's lease itself. Raises `LaneLost`."""
    if not (yield statement):
        raise LaneLost("conflict.lane")


def postpone_duty(
    job: DutyJob, at: datetime, error: str, now: datetime, counts: bool = True, cause: Cause | None = None
) -> Script[None]:
    """Give it back, to be tried again at `at`; this try counts as an attempt unless `counts` is false.

    With a `cause` it has failed, from `now` or from an earlier failure on, until a try comes to its end.
    """
    row = yield from held_duty(job)
    since, why = row["failing_since"], row["failing_cause"]
    if cause is not None:
        since, why = micros(now) if since is None else since, cause
    yield q(
        "postpone_duty",
        mailbox_id=job.mailbox_id,
        duty=job.duty,
        due_at=micros(at),
        attempts=row["attempts"] - (not counts),
        error=error,
        failing_since=since,
        cause=why,
    )


def held_duty(job: DutyJob) -> Script[DutyRow]:
    """The duty's row, if `job` still holds it. Raises `LaneLost`."""
    row: DutyRow | None = yield q("duty_for_write", mailbox_id=job.mailbox_id, duty=job.duty)
    if row is None or row["lease"] != job.lease:
        raise LaneLost("conflict.lane")
    return row


def put_back(job: MessageJob) -> Script[None]:
    """It was claimed and not begun: to be claimed again at once, with as many attempts and deaths as before."""
    yield from held_message(job)
    yield q("put_message_back", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id)
    yield from due(job.mailbox_id, job.first_seen_at, wakes=False)


def finish_stage(job: MessageJob, now: datetime, until: datetime | None = None) -> Script[MessageJob | None]:
    """The job's stage is done: go to the stage that follows from the row (ACT of a challenged message
    goes to CHALLENGE; everything else ends), unless a newer revision ordered something else.

    With `until` the same worker keeps the message for the stage that follows, if any, under its lease prolonged to
    then: that job is returned, else None. A challenge `in_hand` is marked as by `mark_sending`, unless it ended.
    """
    row = yield from held_message(job)
    if row["revision"] != job.revision:
        yield from give_way(job, now)
        return None
    about = {"mailbox_id": job.mailbox_id, "gmail_id": job.gmail_id}
    pending = job.in_hand.challenge if job.stage is Stage.ACT and job.in_hand else None
    if pending is not None and until is not None:
        begun = yield from number("begin_sending", **about, challenge_id=pending.id, now=micros(now))
        if begun:
            return (yield from continue_with(job, Stage.CHALLENGE, now, until))
    to_send = job.stage is Stage.ACT and (yield from number("challenge_to_send", **about))
    if to_send and until is not None:
        return (yield from continue_with(replace(job, in_hand=None), Stage.CHALLENGE, now, until))
    yield from settle(job, Stage.CHALLENGE if to_send else None, now)
    return None


def continue_with(job: MessageJob, stage: Stage, now: datetime, until: datetime) -> Script[MessageJob]:
    """The message's next stage, in the hands of the worker that ended the one before, under a lease to `until`. Its
    lane is looked at again then, should that worker die."""
    yield q(
        "go_on",
        mailbox_id=job.mailbox_id,
        gmail_id=job.gmail_id,
        stage=stage,
        lease=job.lease,
        lease_until=micros(until),
        now=micros(now),
    )
    yield from due(job.mailbox_id, until, wakes=False)
    return next_job(job, stage)


def next_job(job: MessageJob, stage: Stage) -> MessageJob:
    """What the worker that ended `job` goes on with."""
    return replace(job, stage=stage, attempt=1, deaths=0, error="")


def settle(job: MessageJob, stage: Stage | None, now: datetime) -> Script[None]:
    """Give the message back with `stage` due now, or ended."""
    yield q(
        "settle_message",
        mailbox_id=job.mailbox_id,
        gmail_id=job.gmail_id,
        stage=stage,
        due_at=micros(now) if stage else None,
        now=micros(now),
    )
    if stage:
        yield from due(job.mailbox_id, now)


def give_way(job: MessageJob, now: datetime) -> Script[None]:
    """A newer order stands: give the message back as that order left it."""
    yield q("yield_message", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, now=micros(now))
    yield from due(job.mailbox_id, now)


def postpone(
    job: MessageJob, at: datetime, error: str, now: datetime, counts: bool = True, cause: Cause | None = None
) -> Script[None]:
    """Another try at `at`; a newer order does not wait for the old one's trouble."""
    row = yield from held_message(job)
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
    yield from due(job.mailbox_id, at, wakes=False)


def make_dead_letter(job: MessageJob, cause: str, now: datetime) -> Script[None]:
    """Tried too often: keep it with its cause for a person. The mailbox goes on."""
    row = yield from held_message(job)
    if row["revision"] != job.revision:
        yield from give_way(job, now)
        return
    yield q(
        "make_dead_letter", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, error=cause, now=micros(now)
    )


def held_message(job: MessageJob) -> Script[HeldRow]:
    """How the message stands, if `job` still holds it. Raises `LaneLost`."""
    row: HeldRow | None = yield q("held_message", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id)
    if row is None or row["lease"] != job.lease:
        raise LaneLost("conflict.lane")
    return row


def due(mailbox_id: MailboxId, at: datetime, *, wakes: bool = True) -> Script[None]:
    """Some message of the mailbox is due at `at`. Last in a transaction: it locks the mailbox's lane."""
    yield q("touch_lane", mailbox_id=mailbox_id, due_at=micros(at))
    if wakes:
        yield wake(mailbox_id)


def next_due(full: Collection[str] = ()) -> Script[Due]:
    """When the next jobs may be claimed, apart from messages of the mailboxes in `full`."""
    duty: int | None = yield q("next_duty_due")
    turn: int | None = yield q("next_turn", full=packed(sorted(full)))
    return Due(moment_or_none(duty), moment_or_none(turn))


def failing_seconds(now: datetime) -> Script[int]:
    """For how long the job that has failed longest has."""
    since: int | None = yield q("failing_longest")
    return 0 if since is None else max(0, int((now - moment(since)).total_seconds()))


# ---- Dead letters


def list_dead_letters(mailbox_id: MailboxId | None) -> Script[list[MessageRow]]:
    """Dead letters, of one mailbox or of all, oldest first."""
    found: list[MessageRow] = yield q("dead_letters", mailbox_id=mailbox_id or "")
    return found


def retry_dead_letter(mailbox_id: MailboxId, gmail_id: str, now: datetime) -> Script[bool]:
    """Give a dead letter new tries. False if it is none."""
    changed = yield from number(
        "retry_dead_letter", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now)
    )
    if changed:
        yield from due(mailbox_id, now)
    return bool(changed)


def drop_dead_letter(mailbox_id: MailboxId, gmail_id: str, now: datetime) -> Script[bool]:
    """End a dead letter as it is. False if it is none."""
    changed = yield from number("drop_dead_letter", mailbox_id=mailbox_id, gmail_id=gmail_id, now=micros(now))
    return bool(changed)


# ---- Claiming messages: the mailboxes take turns.


ROUNDS = 4
"""How often one claim goes round the mailboxes to fill its batch."""


def claim_messages(
    now: datetime,
    lease: str,
    lease_until: datetime,
    limit: int,
    most: int | None = None,
    full: Collection[str] = (),
) -> Script[tuple[MessageJob, ...]]:
    """See `Store.claim_messages`."""
    claimed: list[MessageJob] = []
    had: Counter[str] = Counter()
    most = limit if most is None else most
    for _ in range(ROUNDS):
        left = limit - len(claimed)
        if left <= 0:
            break
        served = {*full, *(name for name, count in had.items() if count >= most)}
        names = packed(sorted(served))
        lanes: list[DueLaneRow] = yield q("due_lanes", now=micros(now), limit=left, most=most, full=names)
        if not lanes:
            break
        # What is due of a mailbox is claimed together: it is screened together.
        due_before = accumulate((lane["messages"] for lane in lanes), initial=0)
        listed = [
            lane["mailbox_id"]
            for lane, before in zip(lanes, due_before, strict=False)
            if before + lane["messages"] <= left
        ]
        listed = listed or [lanes[0]["mailbox_id"]]
        names = packed(listed)
        found = yield from each(
            rows.message_job,
            "claim_rows",
            lanes=names,
            share=min(left, most - max(had[name] for name in listed)),
            now=micros(now),
            lease=lease,
            lease_until=micros(lease_until),
        )
        yield q("turn_lanes", lanes=names, now=micros(now))
        claimed += found
        had.update(job.mailbox_id for job in found)
    return tuple(sorted(claimed, key=lambda job: (job.first_seen_at, job.mailbox_id, job.gmail_id)))
