"""The job loop of one process.

It looks at the histories that pushes told of, and claims due jobs under a lease; each runs in a task of its own and is
ended. A process that dies leaves its leases to run out; the next to claim goes on. On stop it begins nothing more,
waits for what runs, gives back the leases of what does not finish in time, and leaves looks still to come to the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from backend.domain.errors import LaneLost, StoreAway
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.message import Stage
from backend.pipeline.context import Context
from backend.pipeline.looks import Look
from backend.pipeline.stages import run_duty, run_stage
from backend.pipeline.sync import look_at
from backend.pipeline.together import VerdictBatch, together
from backend.ports.gmail import Authorizer
from backend.transactions.records import Due, Duty, DutyJob, MessageJob
from backend.transactions.store import new_lease
from backend.worker.endings import Endings

log = structlog.get_logger()

SHARE_OF_LEASE = 0.8
"""A stage that runs longer than this share of its lease is stopped: past the lease it could not commit."""

SHARES = 4
"""A mailbox may have so many messages under way as a share of all tasks makes, and as many tasks are kept for duties:
one with much to do, or with Google's quota used up, keeps nobody else waiting."""

WORTH = 8
"""With no room left for messages, an eighth of all tasks must be free before the store is asked again: asking costs as
much for many as for one."""

DEADLY = "workers_died"
"""The code of a message under which as many workers died in a row as it may have tries."""

SUSPECTED = 2
"""After so many deaths in a row a message runs alone. A process that dies takes all it holds with it, and only what
ran alone can be the cause."""

CAREFUL = timedelta(seconds=5)
"""How long one job runs at a time once a suspect was seen, and again from each further one."""


FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
"""Seconds until a store that did not let us claim is asked again, doubled from the first to the second."""

Run = Callable[[], Awaitable[tuple[MessageJob, ...] | None]]
"""Runs a job; what it leaves in our hands."""

AGAIN = 1.0
"""Seconds until a look is tried again that the store did not take."""


class Worker:
    """Runs jobs until told to stop. One per process; `name` tells workers apart in leases and logs. `failed` counts
    tries that failed, by job and cause, since the start."""

    def __init__(
        self, context: Context, authorizer: Authorizer, name: str, wake: asyncio.Event | None = None
    ) -> None:
        self._context = context
        self._authorizer = authorizer
        self._name = name
        self._wake = wake or asyncio.Event()
        self.failed: Counter[tuple[str, str]] = Counter()
        self._endings = Endings(context, self.failed)
        self._careful_until: datetime | None = None
        self._running: set[asyncio.Task[bool]] = set()
        self._in_hand: Counter[MailboxId] = Counter()
        self._told = asyncio.Event()
        context.looks.wake = self._told.set
        self._share = max(1, context.settings.worker_tasks // SHARES)
        self._short = False
        """Whether something may be due for which there was no room, and in which mailboxes."""
        self._skipped: Sequence[str] = ()
        self._due: datetime | None = None
        self._log = structlog.get_logger().bind()

    @property
    def busy(self) -> int:
        """Jobs under way."""
        return len(self._running)

    @property
    def _free(self) -> int:
        return (1 if self._careful else self._context.settings.worker_tasks) - len(self._running)

    @property
    def _room(self) -> int:
        """How many messages may be begun."""
        if self._careful:
            return self._free
        duties = len(self._running) - self._in_hand.total()
        return self._free - max(0, self._context.settings.worker_tasks // SHARES - duties)

    @property
    def _careful(self) -> bool:
        return self._careful_until is not None and self._context.clock.now() < self._careful_until

    async def run(self, stop: asyncio.Event) -> None:
        """Claim and run until `stop` is set, then finish or give back what runs."""
        stopped = asyncio.create_task(stop.wait())
        stopped.add_done_callback(lambda _: self._wake.set())
        pause = 0.0
        looking = asyncio.create_task(self._look(stop))
        stopped.add_done_callback(lambda _: self._told.set())
        try:
            while not stop.is_set():
                self._wake.clear()
                self._due = None
                self._short = self._free <= 0
                if self._short:
                    await self._nap()
                    continue
                try:
                    claimed = await self._claim()
                except Exception as error:
                    # Nothing was claimed, so nothing is lost; it is asked again.
                    if not isinstance(error, StoreAway):
                        log.exception("claim_failed", worker=self._name)
                    pause = min(2 * pause or FIRST_PAUSE, LONGEST_PAUSE)
                    await asyncio.wait({stopped}, timeout=pause)
                    continue
                pause = 0.0
                if not claimed:
                    await self._nap()
            await looking
            await self._wind_down()
        finally:
            looking.cancel()
            stopped.cancel()

    async def _look(self, stop: asyncio.Event) -> None:
        """Begin every look that is due, as there is room, until `stop`."""
        looks = self._context.looks
        while not stop.is_set():
            self._told.clear()
            if not await self._store_takes():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN):
                        await stop.wait()
                continue
            while self._free > 0 and (look := looks.begin()) is not None:
                self._start_look(look)
            wait = None if self._free <= 0 or (at := looks.next()) is None else max(at - looks.tick(), 0.001)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._told.wait()

    async def _store_takes(self) -> bool:
        """Whether the store takes what is written, as far as is known: a look would fetch mail in vain."""
        try:
            if self._context.store.away:
                await self._context.store.ping()
        except StoreAway:
            return False
        return True

    def _start_look(self, look: Look) -> None:
        task = asyncio.create_task(self._run_look(look))
        self._running.add(task)
        task.add_done_callback(self._looked)

    def _looked(self, task: asyncio.Task[bool]) -> None:
        self._running.discard(task)
        self._told.set()
        if self._short:
            self._wake.set()

    async def _run_look(self, look: Look) -> bool:
        """Look, and whatever comes of it see to it that the mailbox is looked at."""
        context, looks = self._context, self._context.looks
        structlog.contextvars.bind_contextvars(mailbox=look.mailbox_id)
        began = context.clock.now()
        try:
            async with asyncio.timeout(context.settings.lease_seconds * SHARE_OF_LEASE):
                again = await look_at(context, look, self)
        except LaneLost:
            looks.end(look, 0.0)  # another came first
        except StoreAway:
            looks.end(look, AGAIN)
        except Exception as error:
            await self._leave(look, began, error)
        except BaseException:
            looks.end(look, AGAIN)
            raise
        else:
            looks.end(look, again)
        return True

    async def _leave(self, look: Look, began: datetime, error: Exception) -> None:
        """What went wrong is a matter of the duty."""
        try:
            await self._endings.after_look(look, error, began)
        except Exception as worse:
            if not isinstance(worse, StoreAway):
                log.exception("look_not_left")
            self._context.looks.end(look, AGAIN)
        else:
            self._context.looks.end(look)

    async def _claim(self) -> int:
        """Start as many due jobs as there is room for; returns how many."""
        context, free = self._context, self._free
        now = context.clock.now()
        full = self._full()
        room = self._room
        self._short, self._skipped = room <= 0 or self._careful, full
        due = await context.store.next_due(now, full)
        turn = due.message if room > 0 else None
        self._due = Due(due.duty, turn).first
        until = now + timedelta(seconds=context.settings.lease_seconds)
        share = self._share - self._share // 2
        messages: tuple[MessageJob, ...] = ()
        if turn is not None and turn <= now:
            messages = await context.store.claim_messages(self._name, now, until, room, share, full)
        if any(message.deaths >= SUSPECTED for message in messages):
            self._careful_until = now + CAREFUL
            messages = await self._alone(messages)
            free = len(messages)
        self._begin(messages)
        claimed: tuple[DutyJob, ...] = ()
        if due.duty is not None and due.duty <= now and len(messages) < free:
            claimed = await context.store.claim_duties(self._name, now, until, free - len(messages))
        for duty in claimed:
            self._start(duty, partial(run_duty, context, self._authorizer, duty, self))
        return len(messages) + len(claimed)

    def _full(self) -> list[str]:
        """Mailboxes of which so much is under way that another claim might be more than their share."""
        return [name for name in self._in_hand if self._is_full(name)]

    def _is_full(self, mailbox_id: MailboxId) -> bool:
        return self._in_hand[mailbox_id] > self._share // 2

    async def _alone(self, messages: tuple[MessageJob, ...]) -> tuple[MessageJob, ...]:
        """Of these one suspect, if nothing else runs. The others are put back."""
        first = None if self._running else max(messages, key=lambda message: message.deaths)
        others = (message for message in messages if message is not first)
        await asyncio.gather(*map(self._context.store.put_back, others))
        return () if first is None else (first,)

    def _begin(self, messages: Sequence[MessageJob]) -> None:
        others = together(self._context.store, self._context.clock, messages)
        for message in messages:
            some = others.get(message.mailbox_id) if message.stage is Stage.SCREEN else None
            self._start(message, partial(run_stage, self._context, message, some))

    # ---- `backend.pipeline.sync.Hands`

    @property
    def lease(self) -> str:
        """See `Hands.lease`."""
        return new_lease(self._name)

    def room(self, mailbox_id: MailboxId, found: int) -> int:
        """See `Hands.room`. None while a suspect is looked for: what is found waits for its turn alone."""
        under_way, most = self._in_hand[mailbox_id], self._context.settings.worker_tasks
        room = min(self._share - under_way, self._share - self._share // 2, most - self._in_hand.total())
        return 0 if self._careful else max(0, min(found, room))

    def take(self, batch: VerdictBatch) -> None:
        """See `Hands.take`."""
        for message in batch.jobs:
            self._start(message, partial(run_stage, self._context, message, batch))

    def _start(self, job: MessageJob | DutyJob, run: Run) -> None:
        task = asyncio.create_task(self._run_one(job, run))
        self._running.add(task)
        self._count(job.mailbox_id, isinstance(job, MessageJob))
        task.add_done_callback(partial(self._done, job))

    def _done(self, job: MessageJob | DutyJob, task: asyncio.Task[bool]) -> None:
        """Look for more work only if something due was left behind; the store wakes us for anything new."""
        self._running.discard(task)
        self._count(job.mailbox_id, -isinstance(job, MessageJob))
        room_again = job.mailbox_id in self._skipped and not self._is_full(job.mailbox_id)
        if self._short:
            room_again = self._careful or self._room >= max(1, self._context.settings.worker_tasks // WORTH)
        if room_again or task.cancelled() or not task.result():
            self._wake.set()
        if self._context.looks.next() is not None:
            self._told.set()

    def _count(self, mailbox_id: MailboxId, more: int) -> None:
        """So many messages of this mailbox more are under way."""
        self._in_hand[mailbox_id] += more
        if not self._in_hand[mailbox_id]:
            del self._in_hand[mailbox_id]

    async def _run_one(self, job: MessageJob | DutyJob, run: Run) -> bool:
        """Run it to its end; whether that is the end of a message that went well."""
        # Every line that is logged in this task tells which message it is about.
        about = {"message": job.gmail_id} if isinstance(job, MessageJob) else {}
        structlog.contextvars.bind_contextvars(mailbox=job.mailbox_id, **about)
        began, at = time.perf_counter(), self._context.clock.now()
        kind = job.stage if isinstance(job, MessageJob) else job.duty
        try:
            if isinstance(job, MessageJob) and job.deaths >= self._context.settings.max_attempts:
                await self._endings.make_dead_letter(job, DEADLY)
                return False
            async with asyncio.timeout(self._context.settings.lease_seconds * SHARE_OF_LEASE):
                following = await run()
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await asyncio.shield(self._endings.give_back(job))
            raise
        except LaneLost:
            log.info("lease_lost", job=kind, mailbox=job.mailbox_id, worker=self._name)
        except Exception as error:
            await self._endings.after(job, error, at)
        else:
            spent = round((time.perf_counter() - began) * 1000, 1)
            # Syncs come by the second; what they find shows in the messages.
            tell = self._log.debug if kind is Duty.SYNC else self._log.info
            tell("job_done", job=kind, mailbox=job.mailbox_id, attempt=job.attempt, ms=spent)
            if isinstance(job, DutyJob):
                return False
            for message in following or ():  # one at most
                return await self._run_one(message, partial(run_stage, self._context, message))
            return True
        return False

    async def _nap(self) -> None:
        """Sleep until woken, stopped, or the next job is due; at most `poll_seconds`."""
        seconds = self._context.settings.poll_seconds
        if self._due is not None:
            seconds = min(seconds, max((self._due - self._context.clock.now()).total_seconds(), 0.005))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _wind_down(self) -> None:
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self._context.settings.stop_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        waiting, now, wish = (
            self._context.looks.waiting(),
            self._context.clock.now(),
            self._context.store.request_duty,
        )
        # Should others be at work on the database, they need not find out that we have gone.
        await asyncio.gather(*(wish(name, Duty.SYNC, now) for name in waiting), return_exceptions=True)
