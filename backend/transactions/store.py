"""The store: each transaction bound to a driver in one typed line."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Generic, Protocol, cast

from backend.domain.errors import PitchgateError
from backend.domain.mail.message import MailboxId
from backend.domain.watching.audit import Chain
from backend.transactions import challenges as _challenges
from backend.transactions import decide as _decide
from backend.transactions import decisions as _decisions
from backend.transactions import devices as _devices
from backend.transactions import first_run as _first_run
from backend.transactions import jobs as _jobs
from backend.transactions import mailboxes as _mailboxes
from backend.transactions import review as _review
from backend.transactions import senders as _senders
from backend.transactions import sync as _sync
from backend.transactions import verdicts as _verdicts
from backend.transactions import views as _views
from backend.transactions.records import Device, DisconnectReceipt, NewDevice
from backend.transactions.rows import MessageRow
from backend.transactions.script import (
    EVERY,
    Departures,
    Driver,
    Heads,
    Notifier,
    Ownership,
    P,
    Script,
    T,
    Transaction,
)

# ---- Binding transactions to the driver
# mailbox = reads(mailboxes.mailbox)       store.mailbox(mailbox_id) runs it on one snapshot
# connect = writes_all(mailboxes.connect)  about no single mailbox
# The bound method has the transaction's own parameters. If it is about a mailbox, the first one names it: a
# `MailboxId`, or a job, session or code that has one. The databases use it to hide other mailboxes' rows. A transaction
# without one is refused when the class is made, and so is one about a mailbox that is bound to see all.


class HasDriver(Protocol):
    """Any object with a driver."""

    _driver: Driver


class Bound(Generic[P, T]):
    """A method of the store that runs one transaction."""

    def __init__(self, kind: Transaction, make: Callable[P, Script[T]], *, everywhere: bool = False) -> None:
        if names_mailbox(make) is everywhere:
            wrong = "names a mailbox, and would be shown all" if everywhere else "names no mailbox first"
            raise TypeError(f"{make.__module__}.{make.__qualname__} {wrong}")
        self.kind, self.make, self.everywhere = kind, make, everywhere
        self.__doc__ = make.__doc__

    def __get__(self, store: HasDriver | None, _: type[object]) -> Callable[P, Coroutine[Any, Any, T]]:
        if store is None:
            return cast("Callable[P, Coroutine[Any, Any, T]]", self)  # looked up on the class
        run = store._driver.run

        def method(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            scope = EVERY
            if not self.everywhere:
                about: Any = args[0] if args else kwargs["mailbox_id"]
                scope = about if isinstance(about, str) else about.mailbox_id
            return run(self.kind, scope, self.make, *args, **kwargs)

        store.__dict__[self._name] = method  # found there from now on
        return method

    def __set_name__(self, _: type[object], name: str) -> None:
        self._name = name


def names_mailbox(make: Callable[..., object]) -> bool:
    """Whether the first parameter is a `MailboxId`, or has one as its `mailbox_id`."""
    first = next(iter(make.__annotations__.values()))
    known: dict[str, Any] = getattr(make, "__globals__", {})
    carried: dict[str, str] = getattr(known.get(first), "__annotations__", {})
    return "MailboxId" in (first, carried.get("mailbox_id"))


def reads(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads, about one mailbox."""
    return Bound(Transaction.READ, make)


def reads_key(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads a few rows by key, about one mailbox."""
    return Bound(Transaction.READ_FEW, make)


def reads_key_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads a few rows by key, across mailboxes."""
    return Bound(Transaction.READ_FEW, make, everywhere=True)


def writes(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that writes, about one mailbox."""
    return Bound(Transaction.WRITE, make)


def writes_key(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that writes a few rows by key, about one mailbox."""
    return Bound(Transaction.WRITE_FEW, make)


def writes_lane(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only the mailbox's lane runs. Raises `LaneLost` if another process owns the mailbox."""
    return Bound(Transaction.WRITE_IN_LANE, make)


def writes_key_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that writes a few rows by key, across mailboxes."""
    return Bound(Transaction.WRITE_FEW, make, everywhere=True)


def reads_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that only reads, across mailboxes: counting, looking up by address or token."""
    return Bound(Transaction.READ, make, everywhere=True)


def writes_all(make: Callable[P, Script[T]]) -> Bound[P, T]:
    """A transaction that writes, across mailboxes: solving by token."""
    return Bound(Transaction.WRITE, make, everywhere=True)


# ---- `Store`
# Each line binds a transaction; nothing else is here.


PULSE = 5.0
"""Seconds between two writes that only test whether writing works."""


class Store:
    """The store over either database. Methods are documented at their transactions."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._pinged = -PULSE
        self.departures, self.heads = Departures(None), Heads(None)

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        await self._driver.open()

    async def keep_away(self) -> int:
        """Delete mailboxes whose owners have left but which an older backup brought back; returns how many."""
        back = [box.id for box in await self.mailboxes() if self.departures.has(box.id)]
        for mailbox_id in back:
            await self.forget(mailbox_id)
        return len(back)

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""
        await self._driver.close()

    async def ping(self) -> None:
        """Raise `StoreAway` if the store refuses writes. The answer is kept for five seconds, so asking costs nothing;
        a write that failed meanwhile is reported at once."""
        now = monotonic()
        if now - self._pinged >= PULSE or self._driver.outage.error is not None:
            await self._driver.run(Transaction.WRITE_FEW, EVERY, _views.pulse, datetime.now(UTC))
            self._pinged = now
        if self._driver.outage.error is not None:
            raise self._driver.outage.error

    @property
    def ownership(self) -> Ownership:
        """Which mailboxes this process owns."""
        return self._driver.ownership

    @property
    def away(self) -> bool:
        """Whether the last attempted write failed."""
        return self._driver.outage.error is not None

    def on_due(self, listener: Callable[[MailboxId], None]) -> None:
        """Call `listener` in the event loop whenever something may have become due in a mailbox (`EVERY`: in any)."""
        self._driver.notifier.listen(listener)

    retry_dead_letter = writes(_jobs.retry_dead_letter)
    drop_dead_letter = writes(_jobs.drop_dead_letter)

    async def dead_letters(self, mailbox_id: MailboxId | None = None) -> list[MessageRow]:
        """Dead letters, of one mailbox or of all, oldest first (operator's view)."""
        return await self._driver.run(
            Transaction.READ, mailbox_id or EVERY, _jobs.list_dead_letters, mailbox_id
        )

    connect = writes_all(_mailboxes.connect)
    mailbox = reads_key(_mailboxes.mailbox)
    mailbox_by_email = reads_key_all(_mailboxes.mailbox_by_email)
    mailboxes = reads_all(_mailboxes.mailboxes)
    sealed_token = reads_key(_mailboxes.sealed_token)
    sealed_tokens = reads_all(_mailboxes.sealed_tokens)
    save_sealed_token = writes_key(_mailboxes.save_sealed_token)
    swap_sealed_token = writes_key(_mailboxes.swap_sealed_token)
    save_grant_expiry = writes_key(_mailboxes.save_grant_expiry)
    save_preferences = writes(_mailboxes.save_preferences)
    save_labels = writes_key(_mailboxes.save_labels)
    save_watch = writes_key(_mailboxes.save_watch)
    set_link = writes_key(_mailboxes.set_link)
    lose_link = writes_key(_mailboxes.lose_link)
    begin_leaving = writes_lane(_mailboxes.begin_leaving)

    async def forget(
        self, mailbox_id: MailboxId, disconnect_receipt: DisconnectReceipt | None = None
    ) -> Mapping[str, int]:
        """Delete every row of the mailbox, and note that its owner has left; returns the number deleted by table."""
        await to_thread(self.departures.note, mailbox_id)
        deleted = await self._driver.run(
            Transaction.WRITE, mailbox_id, _mailboxes.forget, mailbox_id, disconnect_receipt
        )
        await self._driver.wipe()
        return deleted

    note_push = writes_key_all(_jobs.note_push)
    postpone_look = writes_lane(_jobs.postpone_look)
    bring_back = writes_all(_jobs.bring_back)
    request_duty = writes_key(_jobs.request_duty)
    set_notice_mode = writes(_sync.set_notice_mode)
    note_pull_failure = writes_all(_sync.note_pull_failure)
    owner_acted = writes(_sync.owner_acted)

    digest_state = reads_key(_devices.digest_state)
    tell_digest = writes_lane(_devices.tell_digest)
    digest_told = writes_lane(_devices.digest_told)
    digest_link = reads_key_all(_devices.digest_link)
    use_digest_link = writes_all(_devices.use_digest_link)
    undo_digest_link = writes_all(_devices.undo_digest_link)
    web_pushes = reads_key(_devices.web_pushes)
    add_web_push = writes(_devices.add_web_push)
    swap_web_push = writes(_devices.swap_web_push)
    remove_web_push = writes(_devices.remove_web_push)
    hand_over_web_push = writes(_devices.hand_over_web_push)
    web_pushed = writes_lane(_devices.web_pushed)
    finish_duty = writes_lane(_jobs.finish_duty)
    postpone_duty = writes_lane(_jobs.postpone_duty)
    commit_sync = writes_lane(_sync.commit_sync)
    commit_look = writes_lane(_sync.commit_look)
    mailbox_without_failures = reads_key(_sync.mailbox_without_failures)
    history_context = reads_key(_sync.history_context)
    held_at_rest = reads(_sync.held_at_rest)
    decided_on = reads(_sync.decided_on)
    sent_challenge_ids = reads_key(_sync.sent_challenge_ids)
    challenge_pending_in = reads_key(_sync.challenge_pending_in)
    known = reads(_sync.known)
    learn = writes_lane(_sync.learn)
    held_from = reads(_sync.held_from)
    save_index = writes_lane(_sync.save_index)

    finish_stage = writes_lane(_jobs.finish_stage)
    postpone = writes_lane(_jobs.postpone)
    count_death = writes_lane(_jobs.count_death)
    take_back_death = writes_lane(_jobs.take_back_death)
    lanes = reads_all(_jobs.lanes)
    lane_work = reads_key(_jobs.lane_work)
    make_dead_letter = writes_lane(_jobs.make_dead_letter)
    gone = writes_lane(_sync.gone)

    standing = reads_key(_verdicts.standing)
    challenge_history = reads_key(_verdicts.challenge_history)
    record_verdict = writes_lane(_verdicts.record_verdict)
    owed_links = reads(_verdicts.owed_links)
    room_at = reads_key(_verdicts.room_at)
    pay_link = writes_lane(_verdicts.pay_link)
    earlier_in_inbox = reads_key(_verdicts.earlier_in_inbox)
    take_out = writes_lane(_verdicts.take_out)
    decide = writes(_decide.decide)
    undo = writes(_decide.undo)
    set_rule = writes(_senders.set_rule)
    screening_context = reads_key(_sync.screening_context)
    challenge_of = reads_key(_challenges.challenge_of)
    challenge_by_token = reads_key_all(_challenges.challenge_by_token)
    screened = reads_key(_challenges.screened)
    mark_sending = writes_lane(_challenges.mark_sending)
    mark_sent = writes_lane(_challenges.mark_sent)
    take_up = writes_lane(_challenges.take_up)
    mark_unsent = writes_lane(_challenges.mark_unsent)
    solve = writes_all(_challenges.solve)
    schedule_release = writes_all(_challenges.schedule_release)
    release_due = writes(_challenges.release_due)
    post = writes_key(_senders.post)
    balance = reads(_senders.balance)
    ledger_differences = reads_all(_senders.differences)
    messages = reads(_views.messages)

    async def census(self, now: datetime | None = None) -> Mapping[str, int]:
        """Counts for health, metrics, the live page and the demo. A key that is absent counts 0.

        mailboxes, messages.<outcome> (as decided first; "undecided" before), stages.<stage> (still to do;
        "ended" after), released (held once, back by now or on the way), dead_letters, challenges.<state>,
        notices.by_push (mailboxes), and oldest_due_seconds (how late the oldest due job is at `now`, by default the
        machine's time).
        """
        return await self._driver.run(Transaction.READ, EVERY, _views.census, now or datetime.now(UTC))

    retain = writes(_views.retain)
    begin_challenge = writes_key(_challenges.begin_challenge)
    count_try = writes_key(_challenges.count_try)
    write_note = writes(_challenges.write_note)
    note_bounce = writes_key(_challenges.note_bounce)

    # ---- first run, lists, leaving
    order_preview = writes(_first_run.order)
    preview_run = reads(_first_run.run)
    add_previews = writes(_first_run.add_previews)
    previews_to_read = reads(_first_run.to_read)
    record_previews = writes(_first_run.record)
    previews = reads(_first_run.previews)
    label_preview = writes(_first_run.label_preview)
    rules = reads(_senders.rules)
    count_rules = reads(_senders.count_rules)
    rules_of = reads(_senders.rules_of)
    put_rules = writes(_senders.put_rules)
    ask_to_leave = writes(_mailboxes.ask_to_leave)
    receipt = reads_all(_mailboxes.receipt)
    drop_receipts = writes_all(_mailboxes.drop_receipts)

    # ---- the add-on's cards
    tenant = reads_all(_views.tenant)
    card_data = reads(_views.card_data)
    sender = reads(_views.sender)
    insert_unseen = writes(_views.insert_unseen)
    save_preferences_unless_changed = writes(_views.save_preferences_unless_changed)

    # ---- devices, sessions, their news
    device_by_token = reads_all(_devices.device_by_token)
    device_seen = writes(_devices.device_seen)
    devices = reads(_devices.devices)
    remove_device = writes(_devices.remove_device)
    add_code = writes(_devices.add_code)

    async def exchange(
        self, code_hash: str, challenge: str, device: NewDevice, now: datetime
    ) -> tuple[Device, str]:
        """Use a code up and connect its computer; also returns the owner's address.

        Raises `Refused` (code_wrong: unknown, or another challenge, which uses it up too), `Expired` (code_expired:
        used or past its life), or `Refused` (too_many_devices).
        """
        done = await self._driver.run(
            Transaction.WRITE, EVERY, _devices.exchange, code_hash, challenge, device, now
        )
        if isinstance(done, PitchgateError):
            raise done
        return done

    redeem_ticket = writes_all(_devices.redeem_ticket)
    add_session = writes(_devices.add_session)
    session = reads_all(_devices.session)
    sessions = reads(_devices.sessions)
    remove_other_sessions = writes(_devices.remove_other_sessions)
    extend_session = writes(_devices.extend_session)
    remove_session = writes(_devices.remove_session)
    overview = reads(_views.overview)
    held = reads(_views.held)
    change_preferences = writes(_views.change_preferences)
    news = reads(_views.news)

    def changed(self, mailbox_id: MailboxId) -> Notifier:
        """Rung after the commit of every change that `news` reports, and when a device or session of the mailbox ends.
        Changes by other processes may be missed: look now and then as well."""
        return self._driver.notifiers.of(mailbox_id)

    # ---- the review page
    review = reads(_review.review)
    sender_profile = reads(_review.sender_profile)
    mail = reads(_review.mail)
    begin_unsubscribe = writes(_senders.begin_unsubscribe)
    finish_unsubscribe = writes(_senders.finish_unsubscribe)
    review_news = reads(_review.review_news)

    # ---- an owner's archive
    archive_page = reads(_mailboxes.page)
    restore_rows = writes(_mailboxes.restore)

    # ---- the log of decisions, what is counted from it, models
    figures = reads(_decisions.figures)
    count_weeks = writes(_decisions.count_weeks)
    drift = reads(_decisions.state)
    draw_questions = writes(_decisions.draw_questions)
    questions = reads(_decisions.open_questions)
    answer_question = writes(_decisions.answer_question)
    labels = reads(_decisions.labels)
    answered = reads(_decisions.answered)
    trial_labels = reads_all(_decisions.trial_labels)
    trial_counts = reads_all(_decisions.trial_counts)

    decision_chain = reads(_decisions.head)
    decisions = reads(_decisions.log)
    decided_messages = reads(_decisions.decided_messages)

    async def keep_head(self, mailbox_id: MailboxId) -> Chain | None:
        """Note the end of the mailbox's log next to the database as well; None before the first decision."""
        found = await self.decision_chain(mailbox_id)
        if found is not None:
            await to_thread(self.heads.note, mailbox_id, found.number, found.seal.hex())
        return found

    swap_chain_key = writes(_decisions.swap_key)

    models_in_use = reads_key_all(_decisions.models_in_use)
    known_models = reads_all(_decisions.known_models)
    stored_model = reads_all(_decisions.stored_model)
    add_model = writes_all(_decisions.add_model)
    change_models = writes_all(_decisions.change_models)
    model_acts = reads_all(_decisions.model_acts)
