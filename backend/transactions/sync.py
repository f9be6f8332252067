"""What a sync commits, what is kept of whom the owner writes to, and how mailboxes get notices of new mail."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from backend.domain.errors import LaneLost, NotFound
from backend.domain.history import position
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import NOTICE_DELAY, Mailbox, NoticeHint, NoticeMode, PullFailure
from backend.domain.mailbox.message import MessageView
from backend.transactions import challenges, decide, rows, verdicts
from backend.transactions.jobs import current, progress, request_duty
from backend.transactions.records import (
    Duty,
    DutyJob,
    HistoryContext,
    LookBasis,
    MessageJob,
    Reached,
    ScreeningContext,
    Sighting,
    SyncPage,
)
from backend.transactions.rows import HistoryRow, MailboxRow
from backend.transactions.script import (
    Script,
    each,
    locked,
    maybe,
    micros,
    micros_or_none,
    packed,
    q,
    row_count,
    wake,
)

# ---- What a sync commits


def commit_sync(job: DutyJob, page: SyncPage, now: datetime) -> Script[int]:
    """Commit new message rows, corrections, deletions and the moved cursor as part of a duty that goes on. Known
    message ids are dropped, and so are challenges we sent. The cursor never moves backwards (compared as integers).
    Returns how many rows were new. Raises `LaneLost`."""
    mailbox = yield from _mailbox_of(job.mailbox_id)
    yield from progress(job)
    yield from _move_cursor(mailbox, page, now)
    if page.gap is not None:
        yield q("save_gap", mailbox_id=job.mailbox_id, gap=json.dumps(page.gap.to_json()))
    new = yield from _insert(job.mailbox_id, page, page.sightings, now)
    yield from _apply_owner_acts(job.mailbox_id, page, now)
    if new or page.corrections or page.returned:
        yield wake(job.mailbox_id)
    return len(new)


def commit_look(
    mailbox_id: MailboxId,
    seen: Mailbox,
    page: SyncPage,
    hint: NoticeHint | None,
    kept: Sequence[MessageJob],
    reached: Sequence[Reached],
    now: datetime,
) -> Script[Mapping[str, MessageJob | None]]:
    """Like `commit_sync`, for a page listed when the mailbox was as `seen`, with the `hint` of the last notices and the
    verdicts `reached` on the page's messages: all or nothing. What is left to do is due now; the lane itself goes on
    with the jobs it `kept`. Returns the next job of each new message among these two (None: its verdict ended it).

    Raises `LaneLost` if what the look rests on (`LookBasis`) has changed since, and what `record_verdict` raises.
    """
    mailbox = yield from _mailbox_of(mailbox_id)
    if rows.look_basis(mailbox) != LookBasis.of(seen):
        raise LaneLost("conflict.lane")
    yield from _move_cursor(mailbox, page, now, hint)
    ours = {job.gmail_id: job for job in kept}
    new = yield from _insert(mailbox_id, page, page.sightings, now)
    yield from _apply_owner_acts(mailbox_id, page, now)
    following: dict[str, MessageJob | None] = {name: job for name, job in ours.items() if name in new}
    following |= yield from _record_all(mailbox_id, [one for one in reached if one.job.gmail_id in new], now)
    if new - ours.keys() or page.corrections or page.returned:
        yield wake(mailbox_id)
    return following


def _record_all(
    mailbox_id: MailboxId, reached: Sequence[Reached], now: datetime
) -> Script[dict[str, MessageJob | None]]:
    """Record verdicts on new messages. No other process has seen them, so those that stay need no check for orders."""
    stay = [one for one in reached if one.stays]
    if stay:
        yield from verdicts.write_stays(mailbox_id, stay, now)
    following: dict[str, MessageJob | None] = {one.job.gmail_id: None for one in stay}
    for one in reached:
        if not one.stays:
            following[one.job.gmail_id] = yield from verdicts.record_verdict(
                one.job, one.verdict, one.screened, one.challenge, now
            )
    return following


def _apply_owner_acts(mailbox_id: MailboxId, page: SyncPage, now: datetime) -> Script[None]:
    """Apply what the owner did in Gmail."""
    for back in page.returned:
        yield from decide.returned(mailbox_id, back, now)
    for correction in page.corrections:
        yield from decide.decide(mailbox_id, correction.order, now)
    if page.deleted:
        ids = packed(page.deleted)
        ended = yield from each(str, "end_deleted", mailbox_id=mailbox_id, ids=ids, now=micros(now))
        for gmail_id in ended:
            yield from challenges.void_of_message(mailbox_id, gmail_id, now)


def gone(job: MessageJob, now: datetime) -> Script[None]:
    """The message no longer exists: nothing is left to do about it."""
    yield from current(job)
    yield q("end_gone", mailbox_id=job.mailbox_id, gmail_id=job.gmail_id, now=micros(now))
    yield from challenges.void_of_message(job.mailbox_id, job.gmail_id, now)


def screening_context(mailbox_id: MailboxId) -> Script[ScreeningContext]:
    """What messages are screened with before they are fetched; without the mailbox's failures."""
    mailbox = yield from mailbox_without_failures(mailbox_id)
    blocks = mailbox is not None and (yield from row_count("blocks", mailbox_id=mailbox_id))
    return ScreeningContext(mailbox, bool(blocks))


def mailbox_without_failures(mailbox_id: MailboxId) -> Script[Mailbox | None]:
    """One mailbox, without its failures."""
    return maybe(rows.mailbox, "mailbox", mailbox_id=mailbox_id)


def _mailbox_of(mailbox_id: MailboxId) -> Script[MailboxRow]:
    """The locked mailbox of a job."""
    try:
        return (yield from locked(mailbox_id))
    except NotFound as error:
        raise LaneLost("conflict.mailbox") from error


def _move_cursor(
    mailbox: MailboxRow, page: SyncPage, now: datetime, hint: NoticeHint | None = None
) -> Script[None]:
    old: str = mailbox["cursor"]
    before = rows.hint(mailbox["told_to"], mailbox["told_at"])
    heard = before if hint is None else hint.merged(before)
    forward = page.cursor != "" and (old == "" or position(page.cursor) > position(old))
    unheard = mailbox["unheard_since"]
    if forward and unheard is None:
        unheard = micros(now)
    if mailbox["notices"] == NoticeMode.POLL or (heard is not None and now - heard.at < NOTICE_DELAY):
        unheard = None
    since = mailbox["safe_since"] if page.safe_since is None else micros_or_none(page.safe_since)
    yield q(
        "save_cursor",
        mailbox_id=mailbox["id"],
        cursor=page.cursor if forward else old,
        page_token=page.page_token,
        page_start=page.page_start,
        safe_since=since,
        moved_at=micros(now) if forward else mailbox["moved_at"],
        unheard_since=unheard,
        told_to="" if heard is None else str(heard.position),
        told_at=None if heard is None else micros(heard.at),
    )


def _insert(
    mailbox_id: MailboxId,
    page: SyncPage,
    sightings: Sequence[Sighting],
    now: datetime,
) -> Script[frozenset[str]]:
    """Insert those without a row, due now; returns their ids."""
    if not sightings:
        return frozenset()
    values = [
        (
            seen.gmail_id,
            seen.thread_id,
            None if seen.labels is None else packed(sorted(seen.labels)),
            seen.stage,
        )
        for seen in sightings
    ]
    new = yield from each(
        str,
        "insert_messages",
        mailbox_id=mailbox_id,
        rows=json.dumps(values),
        backlog=page.backlog,
        now=micros(now),
    )
    return frozenset(new)


def history_context(
    mailbox_id: MailboxId, appeared: Collection[str], relabelled: Sequence[str]
) -> Script[HistoryContext]:
    """What a page of history is compared with: what is known of its new messages and of others whose labels changed.
    Raises `LaneLost` if the mailbox was deleted."""
    row: HistoryRow | None = yield q("around_history", mailbox_id=mailbox_id, ids=packed(sorted(appeared)))
    if row is None:
        raise LaneLost("conflict.mailbox")
    return rows.history_context(row, known=(yield from known(mailbox_id, relabelled)))


def held_at_rest(mailbox_id: MailboxId, limit: int) -> Script[Mapping[str, str]]:
    """Held messages with nothing left to do, latest change first, and who decided about each."""
    return dict((yield from each(tuple[str, str], "held_at_rest", mailbox_id=mailbox_id, limit=limit)))


def decided_on(mailbox_id: MailboxId, gmail_ids: Sequence[str]) -> Script[frozenset[tuple[str, str]]]:
    """(gmail id, decision) of every decision ever made about these messages, undone or not."""
    if not gmail_ids:
        return frozenset()
    ids = packed(gmail_ids)
    return frozenset((yield from each(tuple[str, str], "decided_on", mailbox_id=mailbox_id, ids=ids)))


def sent_challenge_ids(mailbox_id: MailboxId, gmail_ids: Sequence[str]) -> Script[frozenset[str]]:
    """Which of these are challenges we sent."""
    if not gmail_ids:
        return frozenset()
    return frozenset((yield from each(str, "ours", mailbox_id=mailbox_id, ids=packed(gmail_ids))))


def challenge_pending_in(mailbox_id: MailboxId, thread_id: str) -> Script[bool]:
    """Whether a challenge of ours is about to be sent in this thread (intended or sending)."""
    return bool((yield from row_count("challenge_pending_in", mailbox_id=mailbox_id, thread_id=thread_id)))


def known(mailbox_id: MailboxId, gmail_ids: Sequence[str]) -> Script[Mapping[str, MessageView]]:
    """The views of those messages that have a row."""
    if not gmail_ids:
        return {}
    ids = packed(gmail_ids)
    found = yield from each(rows.view, "messages_by_id", mailbox_id=mailbox_id, ids=ids)
    return {view.gmail_id: view for view in found}


def learn(mailbox_id: MailboxId, addresses: frozenset[str], thread_id: str, now: datetime) -> Script[None]:
    """The owner has written to these addresses, in this thread ("" = none)."""
    if addresses:
        listed = packed(sorted(address.lower() for address in addresses))
        yield q("learn_addresses", mailbox_id=mailbox_id, addresses=listed, now=micros(now))
    if thread_id:
        yield q("learn_thread", mailbox_id=mailbox_id, thread_id=thread_id, now=micros(now))


def held_from(mailbox_id: MailboxId, addresses: frozenset[str]) -> Script[tuple[tuple[str, str], ...]]:
    """(sender, gmail id) of one held, undecided message from each of these senders that has any."""
    if not addresses:
        return ()
    listed = packed(sorted(addresses))
    return (yield from each(tuple[str, str], "held_from", mailbox_id=mailbox_id, addresses=listed))


def save_index(job: DutyJob, page: str, done: int, total: int, finished: bool, now: datetime) -> Script[None]:
    """Store how far the correspondent index is."""
    mailbox = yield from _mailbox_of(job.mailbox_id)
    yield from progress(job)
    yield q(
        "save_index",
        mailbox_id=job.mailbox_id,
        page=page,
        done=done,
        total=total,
        indexed_at=micros(now) if finished else mailbox["indexed_at"],
    )


# ---- How a mailbox gets notices of new mail


def set_notice_mode(mailbox_id: MailboxId, notices: NoticeMode) -> Script[None]:
    """Set how the mailbox gets notices of new mail. POLL forgets the watch, which must have been stopped."""
    yield q("hear_by", mailbox_id=mailbox_id, notices=notices)


def note_pull_failure(missing: PullFailure | None) -> Script[None]:
    """Note what stops notices for all mailboxes that pull them, None for nothing."""
    yield q("save_missing", missing=missing or "")


def owner_acted(mailbox_id: MailboxId, now: datetime) -> Script[None]:
    """The owner of a polled mailbox is active: its history is due now, and often from now on. Does nothing for a
    mailbox that gets pushes."""
    if (yield from row_count("note_owner_acted", mailbox_id=mailbox_id, now=micros(now))):
        yield from request_duty(mailbox_id, Duty.SYNC, now)
