"""The lanes of one process: one in memory for each mailbox that it owns.

A lane knows when something is due in its mailbox and what is running. When the time comes it reads what is due and
starts as much as there is room for, each in its own task; a commit by a page or a command wakes it. A push asks
for a look, which lists a mailbox's history and screens what is new, alongside the rest. Rows are never marked as
taken: what a stopped process leaves undone is still due.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count

import structlog

from backend.domain.errors import StoreAway
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import NoticeHint
from backend.lanes.running import RETRY_SECONDS, Runner
from backend.pipeline.context import Context
from backend.pipeline.memory import Look
from backend.pipeline.sync import FoundMail
from backend.ports.gmail import Authorizer
from backend.transactions.records import Duty, DutyJob, MessageJob
from backend.transactions.script import EVERY

log = structlog.get_logger()

SHARES = 4
"""One mailbox may run at most a quarter of all tasks, and a quarter is reserved for duties: a mailbox with much to do,
or with Google's quota used up, delays no other."""

DEATHS_TO_RUN_ALONE = 2
"""After this many deaths in a row a message runs alone. A dying process takes all its jobs along; only one that ran
alone is known to be the cause."""

ONE_AT_A_TIME = timedelta(seconds=5)
"""How long jobs run one at a time after a suspect was seen, counted from the latest one."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
"""Seconds before a store that could not be read is asked again, doubling up to the longest."""

REREAD_SHARE = 8
"""What was left for lack of room is read again when an eighth of all tasks is free: reading many costs no more than
reading one."""


# ---- One mailbox's lane, and the queue in which lanes wait until something is due


@dataclass(slots=True)
class Lane:
    """A mailbox and its running `tasks`. `due` is when to read what is due, None for never (`planned`: queued times,
    some stale); `more` says that due messages were left for lack of room. `after_death`: its last owner died, so the
    messages it left run one at a time. `touched`: messages that were running when something in the mailbox became due.
    It may be theirs, so the lane is read again when they end."""

    mailbox_id: MailboxId
    after_death: bool
    due: datetime | None = None
    more: bool = False
    messages: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    duties: set[Duty] = field(default_factory=set)
    looking: bool = False
    tasks: set[asyncio.Task[bool]] = field(default_factory=set)
    planned: set[datetime] = field(default_factory=set)

    @property
    def is_idle(self) -> bool:
        """Whether nothing in it is running."""
        return not (self.messages or self.duties or self.looking)


class Queue:
    """All lanes of a process by mailbox, and when each is due."""

    def __init__(self) -> None:
        self.lanes: dict[MailboxId, Lane] = {}
        self._turns: list[tuple[datetime, int, MailboxId]] = []
        """When lanes are due, at equal times in the order of planning. A lane's own `due` says which entry counts."""
        self._number = count()

    @property
    def first(self) -> datetime | None:
        """When the first lane is due."""
        return self._turns[0][0] if self._turns else None

    def plan(self, lane: Lane, at: datetime) -> None:
        """Make the lane due at this time, unless it is due earlier."""
        if lane.due is None or at < lane.due:
            lane.due = at
            if at not in lane.planned:
                lane.planned.add(at)
                heapq.heappush(self._turns, (at, next(self._number), lane.mailbox_id))

    def next(self, now: datetime) -> Lane | None:
        """The lane that has been due longest."""
        while self._turns and self._turns[0][0] <= now:
            at, _, mailbox_id = heapq.heappop(self._turns)
            lane = self.lanes.get(mailbox_id)
            if lane is None:
                continue
            lane.planned.discard(at)
            if lane.due == at:
                lane.due = None
                return lane
        return None


# ---- All lanes of the process


class Lanes:
    """Runs until stopped. One per process. `failed` counts failed tries by job and cause since the start."""

    def __init__(self, context: Context, authorizer: Authorizer, wake: asyncio.Event | None = None) -> None:
        self._context = context
        self._wake = wake or asyncio.Event()
        self.failed: Counter[tuple[str, str]] = Counter()
        self._runner = Runner(context, authorizer, self.failed)
        self._queue = Queue()
        self._left_over: set[MailboxId] = set()
        """Lanes with more to do than the process had room for."""
        self._one_at_a_time_until: datetime | None = None
        self._running: set[asyncio.Task[bool]] = set()
        self._messages = 0
        self._lost: dict[MailboxId, Lane] = {}
        """Lanes whose mailboxes another process owns by now, while something still runs here."""
        self._reread_all = self._lane_waits = self._look_waits = False
        """Whether any lane may have something due without having been woken; whether one waits for a task to end; and
        whether a look does."""
        self._look_due = asyncio.Event()
        context.looks.wake = self._look_due.set
        context.store.on_due(self.rouse)
        context.store.ownership.on_notice_elsewhere(self._notice_elsewhere)
        self._share = max(1, context.settings.worker_tasks // SHARES)

    @property
    def busy(self) -> int:
        return len(self._running)

    @property
    def _free(self) -> int:
        return (1 if self._one_at_a_time else self._context.settings.worker_tasks) - len(self._running)

    @property
    def _room(self) -> int:
        """How many more messages may be started."""
        if self._one_at_a_time:
            return self._free
        duties = len(self._running) - self._messages
        return self._free - max(0, self._context.settings.worker_tasks // SHARES - duties)

    @property
    def _one_at_a_time(self) -> bool:
        return self._one_at_a_time_until is not None and self._context.clock.now() < self._one_at_a_time_until

    def rouse(self, mailbox_id: MailboxId) -> None:
        """Something may be due now in this mailbox, or in any (`EVERY`)."""
        if mailbox_id == EVERY or mailbox_id in self._lost:
            self._reread_all = True
        elif self._context.store.ownership.owns(mailbox_id):
            lane = self._lane(mailbox_id)
            lane.touched |= lane.messages
            self._queue.plan(lane, self._context.clock.now())
        self._wake.set()

    def _ownership_changed(self) -> None:
        """Ownership has changed. Drop a lost mailbox's lane at once: should it come back, what others did meanwhile is
        unknown."""
        owns = self._context.store.ownership.owns
        for mailbox_id in [mailbox_id for mailbox_id in self._queue.lanes if not owns(mailbox_id)]:
            self._lose(mailbox_id)
        self.rouse(EVERY)

    def _notice_elsewhere(self, mailbox_id: MailboxId, hint: NoticeHint | None) -> None:
        """Another process got a push about this mailbox; without a hint, pushes about any may have been lost."""
        looks, window = self._context.looks, self._context.settings.push_settle
        if hint is None:
            for each in self._queue.lanes:
                looks.at_once(each)
        elif self._context.store.ownership.owns(mailbox_id):
            looks.after_push(mailbox_id, hint, window, already_listed=False, echo=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`, then let running jobs finish or drop them, and give the mailboxes back."""
        stopped, ended = asyncio.create_task(stop.wait()), asyncio.Event()
        stopped.add_done_callback(self._stopping)
        owning = asyncio.create_task(self._context.store.ownership.run(ended, self._ownership_changed))
        looking = asyncio.create_task(self._look(stop))
        pause = 0.0
        try:
            while not stop.is_set():
                self._wake.clear()
                if owning.done():
                    await owning  # raises what failed in it
                try:
                    await self._turn()
                except Exception as error:
                    # What is due stays due, so nothing is lost.
                    if not isinstance(error, StoreAway):
                        log.exception("lanes_not_read")
                    self._reread_all = True
                    pause = min(2 * pause or FIRST_PAUSE, LONGEST_PAUSE)
                    await asyncio.wait({stopped}, timeout=pause)
                else:
                    pause = 0.0
                    await self._nap()
            await looking
            await self._wind_down()
            ended.set()
            await owning
        finally:
            for task in (looking, stopped, owning):
                task.cancel()

    def _stopping(self, _: object) -> None:
        self._wake.set()
        self._look_due.set()

    async def _turn(self) -> None:
        """Start what is due, as far as there is room."""
        await self._require_writable_store()
        if self._reread_all:
            self._reread_all = False
            await self._read_all()
        enough = max(1, self._context.settings.worker_tasks // REREAD_SHARE)
        if self._one_at_a_time or self._room >= enough:
            left, self._left_over = self._left_over, set()
            for lane in filter(None, map(self._queue.lanes.get, left)):
                self._queue.plan(lane, self._context.clock.now())
        while self._free > 0 and (first := self._queue.next(self._context.clock.now())) is not None:
            await self._serve(first)
        self._lane_waits = self._free <= 0 or bool(self._left_over)

    async def _require_writable_store(self) -> None:
        """Raise `StoreAway` if the store is known to refuse writes: fetching mail would be wasted."""
        if self._context.store.away:
            await self._context.store.ping()

    async def _read_all(self) -> None:
        """Read which mailboxes this process owns, and when each has something due. Look at once at a newly owned one:
        pushes about it may have reached another process."""
        store, before = self._context.store, set(self._queue.lanes)
        found = {each: at for each, at in (await store.lanes()).items() if store.ownership.owns(each)}
        # A mailbox connected during the read is not in its result.
        for mailbox_id in (before & self._queue.lanes.keys()) - found.keys():
            self._lose(mailbox_id)
        self._lost = {each: lane for each, lane in self._lost.items() if not lane.is_idle}
        for mailbox_id, at in found.items():
            if mailbox_id in self._lost:
                self._reread_all = True  # once the running jobs have ended
                continue
            if at is not None or mailbox_id not in self._queue.lanes:
                lane = self._lane(mailbox_id)
                lane.touched |= lane.messages
                self._queue.plan(lane, at or self._context.clock.now())

    def _lane(self, mailbox_id: MailboxId) -> Lane:
        lane = self._queue.lanes.get(mailbox_id)
        if lane is None:
            after_death = self._context.store.ownership.after_death(mailbox_id)
            lane = self._queue.lanes[mailbox_id] = Lane(mailbox_id, after_death)
            self._context.looks.at_once(mailbox_id)
        return lane

    def _lose(self, mailbox_id: MailboxId) -> None:
        """Another process owns the mailbox now, or it was deleted. Running jobs could not write their results."""
        lane = self._queue.lanes.pop(mailbox_id)
        self._context.looks.forget(mailbox_id)
        if not lane.is_idle:
            self._lost[mailbox_id] = lane
            for task in lane.tasks:
                task.cancel()

    async def _serve(self, lane: Lane) -> None:
        """Read what is due in a mailbox and start it."""
        if not self._context.store.ownership.owns(lane.mailbox_id):
            self._lose(lane.mailbox_id)
            return
        room = min(self._share - len(lane.messages), self._room)
        if lane.after_death:
            room = min(room, 1 - len(lane.messages))
        now, limit = self._context.clock.now(), len(lane.messages) + max(room, 0) + 1
        # Jobs that end during this read still look due in its result.
        messages, duties = frozenset(lane.messages), frozenset(lane.duties)
        try:
            work = await self._context.store.lane_work(lane.mailbox_id, limit)
        except BaseException:
            self._queue.plan(lane, now)
            raise
        if self._queue.lanes.get(lane.mailbox_id) is not lane:
            return  # lost meanwhile
        lane.more = self._begin_messages(lane, work.messages, messages, room, now)
        # The last owner's work is done; a first look must be, too.
        if lane.after_death and not (lane.more or lane.messages or lane.looking):
            lane.after_death = not self._context.looks.has_looked(lane.mailbox_id)
        left = self._begin_duties(lane, work.duties, duties, now)
        if left or (lane.more and len(lane.messages) <= self._share // 2):
            self._left_over.add(lane.mailbox_id)

    def _begin_messages(
        self, lane: Lane, jobs: Sequence[MessageJob], under_way: frozenset[str], room: int, now: datetime
    ) -> bool:
        """Start due ones; True if any is left. One more was read than there is room for."""
        for job in jobs:
            if job.gmail_id in under_way | lane.messages:
                continue
            if job.due_at > now:
                self._queue.plan(lane, job.due_at)
                return False
            if room <= 0 or Duty.LEAVE in lane.duties or not self._may_begin(job, now):
                return True
            room -= 1
            self._start(lane, job)
        return False

    def _may_begin(self, job: MessageJob, now: datetime) -> bool:
        """A message suspected of killing the process runs only when nothing else does."""
        if job.deaths < DEATHS_TO_RUN_ALONE:
            return True
        self._one_at_a_time_until = now + ONE_AT_A_TIME
        return not self._running

    def _begin_duties(
        self, lane: Lane, jobs: Sequence[DutyJob], under_way: frozenset[Duty], now: datetime
    ) -> bool:
        """Start due ones; True if any is left."""
        for job in jobs:
            if job.duty in under_way | lane.duties:
                continue
            if job.due_at > now:
                self._queue.plan(lane, job.due_at)
                return False
            # A renewal that runs while the owner leaves could start the watch again, and nobody could stop it any more.
            must_wait = Duty.LEAVE in lane.duties or (job.duty is Duty.LEAVE and not lane.is_idle)
            if self._free <= 0 or must_wait:
                return True
            self._start(lane, job)
        return False

    def room_for_found(self, lane: Lane) -> int:
        """How many newly found messages may be started. 0 after a death: what is found is then marked in the store
        before it is read."""
        if lane.after_death or self._one_at_a_time:
            return 0
        most = self._context.settings.worker_tasks
        return max(0, min(self._share - len(lane.messages), most - self._messages))

    def take(self, lane: Lane, found: FoundMail) -> None:
        """Screen what a look has found."""
        for job in found.jobs:
            self._start(lane, job, found)

    def _start(self, lane: Lane, job: MessageJob | DutyJob, found: FoundMail | None = None) -> None:
        count_death = lane.after_death and found is None
        if isinstance(job, MessageJob):
            lane.messages.add(job.gmail_id)
            self._messages += 1
        else:
            lane.duties.add(job.duty)
        running = self._runner.run(job, _Screeners(self, lane), found, count_death=count_death)
        task = asyncio.create_task(running)
        lane.tasks.add(task)
        self._running.add(task)
        task.add_done_callback(partial(self._done, lane, job))

    def _done(self, lane: Lane, job: MessageJob | DutyJob, task: asyncio.Task[bool]) -> None:
        """Read the lane again if something was left, or is due at a time that only the store knows."""
        self._running.discard(task)
        lane.tasks.discard(task)
        ended = not task.cancelled() and task.result()  # if not, the row says when it is due again
        again = lane.after_death or isinstance(job, DutyJob) or not ended
        if isinstance(job, MessageJob):
            again |= job.gmail_id in lane.touched
            lane.touched.discard(job.gmail_id)
            lane.messages.discard(job.gmail_id)
            self._messages -= 1
        else:
            lane.duties.discard(job.duty)
            self._reread_all |= job.duty is Duty.LEAVE  # the mailbox was deleted
        if again:
            self._queue.plan(lane, self._context.clock.now())
            self._wake.set()
        self._ended(lane)

    def _ended(self, lane: Lane) -> None:
        if lane.more and len(lane.messages) <= self._share // 2:
            self._left_over.add(lane.mailbox_id)
        if self._left_over or self._lane_waits or self._lost:
            self._wake.set()
        if self._look_waits:
            self._look_due.set()

    # ---- Looks

    async def _look(self, stop: asyncio.Event) -> None:
        """Start every due look, as far as there is room, until `stop`."""
        looks, loop = self._context.looks, asyncio.get_running_loop()
        while not stop.is_set():
            self._look_due.clear()
            try:
                await self._require_writable_store()
            except Exception as error:
                if not isinstance(error, StoreAway):
                    log.exception("looks_not_begun")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_SECONDS):
                        await stop.wait()
                continue
            while self._free > 0 and (look := looks.begin()) is not None:
                self._start_look(look)
            self._look_waits = self._free <= 0
            at = None if self._look_waits else looks.next()
            alarm = at and loop.call_later(max(at - looks.tick(), 0.001), self._look_due.set)
            await self._look_due.wait()
            if alarm:
                alarm.cancel()

    def _start_look(self, look: Look) -> None:
        lane = self._queue.lanes.get(look.mailbox_id)
        if lane is None or Duty.LEAVE in lane.duties:  # owned by another process by now, or by none
            self._context.looks.end(look)
            return
        lane.looking = True
        task = asyncio.create_task(self._runner.look(look, _Screeners(self, lane)))
        lane.tasks.add(task)
        self._running.add(task)
        task.add_done_callback(partial(self._looked, lane))

    def _looked(self, lane: Lane, task: asyncio.Task[bool]) -> None:
        self._running.discard(task)
        lane.tasks.discard(task)
        lane.looking = False
        if lane.after_death:
            self._queue.plan(lane, self._context.clock.now())
            self._wake.set()
        self._ended(lane)

    async def _nap(self) -> None:
        """Sleep until woken, stopped, or the next lane is due; at most `poll_seconds`, since clocks may be set."""
        seconds = self._context.settings.poll_seconds
        if (at := self._queue.first) is not None and self._free > 0:
            seconds = min(seconds, max((at - self._context.clock.now()).total_seconds(), 0.005))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()

    async def _wind_down(self) -> None:
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=self._context.settings.stop_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class _Screeners:
    """How a look at this lane's mailbox starts to screen what it finds (`backend.pipeline.sync.Screeners`)."""

    lanes: Lanes
    lane: Lane

    def room(self, mailbox_id: MailboxId) -> int:
        return self.lanes.room_for_found(self.lane)

    def take(self, found: FoundMail) -> None:
        self.lanes.take(self.lane, found)
