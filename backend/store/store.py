"""`SqlStore`: the store ports over either database. A line binds a transaction; nothing else is here."""

from __future__ import annotations

import secrets
from asyncio import to_thread
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

from backend.domain.errors import PitchgateError
from backend.ports.decisions import DecisionKeys
from backend.ports.devices import Device, NewDevice, Notifier
from backend.ports.jobs import Due, DutyJob, MessageJob
from backend.ports.owner import DisconnectReceipt
from backend.store.binding import looks, looks_all, puts, puts_all, reads, reads_all, writes, writes_all
from backend.store.departures import Departures
from backend.store.driver import Driver
from backend.store.library import Dialect
from backend.store.schema import place
from backend.store.sqlite import SqliteDriver
from backend.store.watched import Watched
from backend.transactions import (
    addon,
    archive,
    challenges,
    claims,
    corrections,
    credits,
    dead_letters,
    digests,
    first_run,
    held_list,
    jobs,
    lists,
    notices,
    review,
    review_orders,
    review_senders,
    senders,
    servers,
    sync,
    undoing,
    verdicts,
    views,
    web_push,
)
from backend.transactions import devices as device_transactions
from backend.transactions import mailboxes as mailbox_transactions
from backend.transactions.message_rows import MessageRow
from backend.transactions.statement import EVERY

PULSE = 5.0
"""Seconds between two writes that only ask whether writing works."""


def new_lease(worker: str) -> str:
    """A name for one claim, never given twice: a worker that lost a job cannot mistake it for its own."""
    return f"{worker}:{secrets.token_hex(8)}"


class SqlStore(Watched):
    """Every store port over either database: one line binds a transaction to the driver."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._pinged = -PULSE
        self.departures = Departures(None)

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        await self._driver.open()

    async def keep_away(self) -> int:
        """Delete mailboxes whose owners have left, which a backup of before has brought back; returns how many."""
        back = [box.id for box in await self.mailboxes() if self.departures.has(box.id)]
        for mailbox_id in back:
            await self.forget(mailbox_id)
        return len(back)

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""
        await self._driver.close()

    async def ping(self) -> None:
        """Raise `StoreAway` if the store takes nothing. What was found is believed for five seconds, so that whoever
        asks makes no work; a write that failed meanwhile is told at once."""
        now = monotonic()
        if now - self._pinged >= PULSE or self._driver.outage.error is not None:
            await self._driver.put(EVERY, views.pulse, datetime.now(UTC))
            self._pinged = now
        if self._driver.outage.error is not None:
            raise self._driver.outage.error

    @property
    def rings(self) -> int:
        """How often a job became due since the start; see `wait`."""
        return self._driver.notifier.rings

    async def wait(self, timeout: float, heard: int | None = None) -> bool:
        """Wait until a job may have become due, at most `timeout` seconds; True if so.

        `heard` is `rings` as it was before the caller last looked for work: a job that became due between
        the look and the wait ends the wait at once. Jobs postponed to a time do not ring when it comes.
        """
        return await self._driver.notifier.rung(timeout, heard)

    def on_due(self, listener: Callable[[], None]) -> None:
        """Call `listener` in the event loop whenever a job may have become due."""
        self._driver.notifier.listen(listener)

    # Before `dead_letters` names a method.
    retry_dead_letter = writes(dead_letters.retry_dead_letter)
    drop_dead_letter = writes(dead_letters.drop_dead_letter)

    async def dead_letters(self, mailbox_id: str | None = None) -> list[MessageRow]:
        """Dead letters, of one mailbox or of all, oldest first (operator's view)."""
        return await self._driver.read(mailbox_id or EVERY, dead_letters.list_dead_letters, mailbox_id)

    connect = writes_all(mailbox_transactions.connect)
    mailbox = looks(mailbox_transactions.mailbox)
    mailbox_by_email = looks_all(mailbox_transactions.mailbox_by_email)
    mailboxes = reads_all(mailbox_transactions.mailboxes)
    sealed_token = looks(mailbox_transactions.sealed_token)
    sealed_tokens = reads_all(mailbox_transactions.sealed_tokens)
    save_sealed_token = puts(mailbox_transactions.save_sealed_token)
    swap_sealed_token = puts(mailbox_transactions.swap_sealed_token)
    save_grant_end = puts(mailbox_transactions.save_grant_end)
    save_preferences = writes(mailbox_transactions.save_preferences)
    save_labels = puts(mailbox_transactions.save_labels)
    save_watch = puts(mailbox_transactions.save_watch)
    set_link = puts(mailbox_transactions.set_link)
    lose_link = puts(mailbox_transactions.lose_link)
    busy = reads(mailbox_transactions.busy)

    async def forget(
        self, mailbox_id: str, disconnect_receipt: DisconnectReceipt | None = None
    ) -> Mapping[str, int]:
        """See `OwnerStore`."""
        await to_thread(self.departures.note, mailbox_id)
        deleted = await self._driver.write(
            mailbox_id, mailbox_transactions.forget, mailbox_id, disconnect_receipt
        )
        await self._driver.wipe()
        return deleted

    note_push = puts_all(jobs.note_push)
    inherit = writes_all(servers.inherit)
    bring_back = writes_all(servers.bring_back)
    at_work = puts_all(servers.at_work)
    want = puts(jobs.want)
    hear_by = writes(notices.hear_by)
    note_missing = writes_all(notices.note_missing)
    owner_acted = writes(notices.owner_acted)
    last_notice = looks(notices.last_notice)

    async def claim_duties(
        self, worker: str, now: datetime, lease_until: datetime, limit: int
    ) -> tuple[DutyJob, ...]:
        """See `JobStore`."""
        return await self._driver.put(EVERY, jobs.claim_duties, now, new_lease(worker), lease_until, limit)

    async def claim_duty(self, worker: str, now: datetime, lease_until: datetime) -> DutyJob | None:
        """One of `claim_duties`, None if none is due."""
        return next(iter(await self.claim_duties(worker, now, lease_until, 1)), None)

    digest_state = looks(digests.digest_state)
    tell_digest = writes(digests.tell_digest)
    digest_told = puts(digests.digest_told)
    digest_link = looks_all(digests.digest_link)
    use_digest_link = writes_all(digests.use_digest_link)
    undo_digest_link = writes_all(digests.undo_digest_link)
    web_pushes = looks(web_push.web_pushes)
    add_web_push = writes(web_push.add_web_push)
    swap_web_push = writes(web_push.swap_web_push)
    remove_web_push = writes(web_push.remove_web_push)
    hand_over_web_push = writes(web_push.hand_over_web_push)
    web_pushed = puts(web_push.web_pushed)
    finish_duty = puts(jobs.finish_duty)
    postpone_duty = puts(jobs.postpone_duty)
    commit_sync = puts(sync.commit_sync)
    surroundings = looks(sync.surroundings)
    held_at_rest = reads(sync.held_at_rest)
    decided_on = reads(sync.decided_on)
    ours = looks(sync.ours)
    challenge_pending_in = looks(sync.challenge_pending_in)
    known = reads(sync.known)
    learn = puts(sync.learn)
    held_from = reads(sync.held_from)
    save_index = puts(sync.save_index)

    async def claim_messages(
        self,
        worker: str,
        now: datetime,
        lease_until: datetime,
        limit: int,
        most: int | None = None,
        full: Collection[str] = (),
    ) -> tuple[MessageJob, ...]:
        """See `JobStore`."""
        return await self._driver.put(
            EVERY, claims.claim_messages, now, new_lease(worker), lease_until, limit, most, full
        )

    finish_stage = puts(jobs.finish_stage)
    postpone = puts(jobs.postpone)
    put_back = puts(jobs.put_back)
    make_dead_letter = puts(jobs.make_dead_letter)
    gone = puts(jobs.gone)

    async def next_due(self, now: datetime, full: Collection[str] = ()) -> Due:
        """See `JobStore`. May name a time at which nothing turns out to be due, never one too late."""
        return await self._driver.near(EVERY, jobs.next_due, full)

    standing = looks(verdicts.standing)
    dealings = looks(verdicts.dealings)
    record_verdict = puts(verdicts.record_verdict)
    owed_links = reads_all(verdicts.owed_links)
    room_at = looks(verdicts.room_at)
    pay_link = puts(verdicts.pay_link)
    record_stays = puts(verdicts.record_stays)
    correct = writes(corrections.correct)
    undo = writes(undoing.undo)
    set_rule = writes(verdicts.set_rule)
    beginning = looks(sync.beginning)
    challenge_of = looks(challenges.challenge_of)
    challenge_by_token = looks_all(challenges.challenge_by_token)
    screened = looks(challenges.screened)
    mark_sending = puts(challenges.mark_sending)
    mark_sent = puts(challenges.mark_sent)
    take_up = puts(challenges.take_up)
    mark_unsent = puts(challenges.mark_unsent)
    solve = writes_all(challenges.solve)
    promise = writes_all(challenges.promise)
    keep_promises = writes(challenges.keep_promises)
    post = puts(credits.post)
    balance = reads(credits.balance)
    ledger_differences = reads_all(credits.differences)
    messages = reads(views.messages)

    async def census(self, now: datetime | None = None) -> Mapping[str, int]:
        """See `Store`. `oldest_due_seconds` is measured at `now`, by default the machine's time."""
        return await self._driver.read(EVERY, views.census, now or datetime.now(UTC))

    retain = writes(views.retain)
    begin_challenge = puts(senders.begin_challenge)
    count_try = puts(senders.count_try)
    write_note = writes(senders.write_note)
    note_bounce = puts(senders.note_bounce)

    # ---- first run, lists, leaving
    order_preview = writes(first_run.order)
    preview_run = reads(first_run.run)
    list_previews = writes(first_run.list_previews)
    previews_to_read = reads(first_run.to_read)
    record_previews = writes(first_run.record)
    previews = reads(first_run.previews)
    say_preview = writes(first_run.say)
    rules = reads(lists.rules)
    count_rules = reads(lists.count_rules)
    rules_of = reads(lists.rules_of)
    put_rules = writes(lists.put_rules)
    ask_to_leave = writes(lists.ask_to_leave)
    receipt = reads_all(lists.receipt)
    drop_receipts = writes_all(lists.drop_receipts)

    # ---- the add-on's cards
    tenant = reads_all(addon.tenant)
    reading = reads(addon.reading)
    sender = reads(addon.sender)
    adopt = writes(addon.adopt)
    prefer = writes(addon.prefer)

    # ---- devices, sessions, what they are told
    device_by_token = reads_all(device_transactions.device_by_token)
    device_seen = writes(device_transactions.device_seen)
    devices = reads(device_transactions.devices)
    remove_device = writes(device_transactions.remove_device)
    add_code = writes(device_transactions.add_code)

    async def exchange(
        self, code_hash: str, challenge: str, device: NewDevice, now: datetime
    ) -> tuple[Device, str]:
        """See `DeviceStore`."""
        done = await self._driver.write(
            EVERY, device_transactions.exchange, code_hash, challenge, device, now
        )
        if isinstance(done, PitchgateError):
            raise done
        return done

    redeem_ticket = writes_all(device_transactions.redeem_ticket)
    add_session = writes(device_transactions.add_session)
    session = reads_all(device_transactions.session)
    sessions = reads(device_transactions.sessions)
    remove_other_sessions = writes(device_transactions.remove_other_sessions)
    extend_session = writes(device_transactions.extend_session)
    remove_session = writes(device_transactions.remove_session)
    overview = reads(held_list.overview)
    held = reads(held_list.held)
    correct_once = writes(held_list.correct_once)
    change_preferences = writes(held_list.change_preferences)
    news = reads(held_list.news)

    def changed(self, mailbox_id: str) -> Notifier:
        """See `DeviceStore`."""
        return self._driver.notifiers.of(mailbox_id)

    # ---- the review page
    released_topics = reads(review.released_topics)
    review = reads(review.review)
    sender_profile = reads(review_senders.sender_profile)
    mail = reads(review_senders.mail)
    order = writes(review_orders.order)
    undo_order = writes(review_orders.undo_order)
    give = writes(review_orders.give)
    ask_off = writes(review_orders.ask_off)
    told_off = writes(review_orders.told_off)
    review_news = reads(review_senders.review_news)

    # ---- an owner's archive
    archive_page = reads(archive.page)
    restore_rows = writes(archive.restore)


def open_store(where: str | Path, keys: DecisionKeys | None = None) -> SqlStore:
    """The store at `where`: a path or sqlite:///path for the embedded file, postgresql://… for a server.

    It is not connected yet: `await store.open()` does that. Without `keys` no log of decisions is written.
    """
    found = place(where)
    if found.dialect is Dialect.POSTGRES:
        from backend.store.postgres import PostgresDriver  # its driver is an extra

        return SqlStore(PostgresDriver(found.address, keys=keys))
    return SqlStore(SqliteDriver(found.path, keys))
