"""The lanes of one process: one in memory for each mailbox that it owns.

A lane knows when something is due in its mailbox and what is running. When the time comes it reads what is due and
starts as much as there is room for, each in its own task; a commit by a page or a command wakes it. Pushes ask for
looks at a mailbox's history, which run separately. Rows are never marked as taken: what a stopped process leaves undone
is still due.
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
from backend.lanes.running import AGAIN, Runner
from backend.pipeline.context import Context
from backend.pipeline.memory import Look
from backend.pipeline.sync import FoundMail
from backend.ports.gmail import Authorizer
from backend.transactions.records import Duty, DutyJob, MessageJob
from backend.transactions.script import EVERY

log = structlog.get_logger()

SHARES = 4
"""One mailbox may run at most one such share of all tasks, and as many tasks are reserved for duties: a mailbox with
much to do, or with Google's quota used up, delays no other."""

SUSPECTED = 2
"""After so many deaths in a row a message runs alone. A dying process takes all running jobs with it, and only one that
ran alone can be the cause."""

CAREFUL = timedelta(seconds=5)
"""How long jobs run one at a time after a suspect was seen, counted from the latest one."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
"""Seconds before a store that could not be read is asked again, doubled from the first to the second."""

WORTH = 8
"""What was left for lack of room is read again when an eighth of all tasks is free: the read costs as much for many as
for one."""


class Lanes:
    """Runs until stopped. One per process. `failed` counts failed tries by job and cause since the start."""

    def __init__(self, context: Context, authorizer: Authorizer, wake: asyncio.Event | None = None) -> None:
        self._context = context
        self._wake = wake or asyncio.Event()
        self.failed: Counter[tuple[str, str]] = Counter()
        self._runner = Runner(context, authorizer, self.failed)
        self._queue = Queue()
        self._left: set[MailboxId] = set()
        """Lanes with more to do than the process had room for."""
        self._careful_until: datetime | None = None
        self._running: set[asyncio.Task[bool]] = set()
        self._messages = 0
        self._lost: dict[MailboxId, Lane] = {}
        """Lanes whose mailboxes another process owns by now, while something still runs here."""
        self._all = self._waits = self._looks_wait = False
        """Whether any lane may have something due without having been woken; whether one waits for a task to end; and
        whether a look does."""
        self._told = asyncio.Event()
        context.looks.wake = self._told.set
        context.store.on_due(self.rouse)
        context.store.ownership.on_told(self._told_elsewhere)
        self._share = max(1, context.settings.worker_tasks // SHARES)

    @property
    def busy(self) -> int:
        return len(self._running)

    @property
    def _free(self) -> int:
        one = self._careful_until is not None and self._careful
        return (1 if one else self._context.settings.worker_tasks) - len(self._running)

    @property
    def _room(self) -> int:
        """How many more messages may be started."""
        if self._careful:
            return self._free
        duties = len(self._running) - self._messages
        return self._free - max(0, self._context.settings.worker_tasks // SHARES - duties)

    @property
    def _careful(self) -> bool:
        return self._careful_until is not None and self._context.clock.now() < self._careful_until

    def rouse(self, mailbox_id: MailboxId) -> None:
        """Something may be due now in this mailbox, or in any (`EVERY`)."""
        if mailbox_id == EVERY or mailbox_id in self._lost:
            self._all = True
        elif self._context.store.ownership.owns(mailbox_id):
            lane = self._lane(mailbox_id)
            lane.touched |= lane.messages
            self._queue.plan(lane, self._context.clock.now())
        self._wake.set()

    def _owned(self) -> None:
        """Ownership has changed. Drop a lost mailbox's lane at once: should it come back, what others did meanwhile is
        unknown."""
        for name in [name for name in self._queue.lanes if not self._context.store.ownership.owns(name)]:
            self._lose(name)
        self.rouse(EVERY)

    def _told_elsewhere(self, mailbox_id: MailboxId, told: NoticeHint | None) -> None:
        """Another process received a push about this mailbox."""
        looks, window = self._context.looks, self._context.settings.push_settle
        if told is None:
            for name in self._queue.lanes:
                looks.at_once(name)
        elif self._context.store.ownership.owns(mailbox_id):
            looks.after_push(mailbox_id, told, window, seen=False, echo=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`, then let running jobs finish or drop them, and give the mailboxes back."""
        stopped, ended = asyncio.create_task(stop.wait()), asyncio.Event()
        stopped.add_done_callback(self._stopping)
        owning = asyncio.create_task(self._context.store.ownership.run(ended, self._owned))
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
                    self._all = True
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
        self._told.set()

    async def _turn(self) -> None:
        """Start what is due, as far as there is room."""
        await self._store_takes()
        if self._all:
            self._all = False
            await self._read_all()
        worth = max(1, self._context.settings.worker_tasks // WORTH)
        if self._careful or self._room >= worth:
            left, self._left = self._left, set()
            for lane in filter(None, map(self._queue.lanes.get, left)):
                self._queue.plan(lane, self._context.clock.now())
        while self._free > 0 and (first := self._queue.next(self._context.clock.now())) is not None:
            await self._serve(first)
        self._waits = self._free <= 0 or bool(self._left)

    async def _store_takes(self) -> None:
        """Raise `StoreAway` if the store is known to refuse writes: fetching mail would be wasted."""
        if self._context.store.away:
            await self._context.store.ping()

    async def _read_all(self) -> None:
        """Read which mailboxes this process owns, and when each has something due. Look at once at a newly owned one:
        pushes about it may have reached another process."""
        store = self._context.store
        found = {name: at for name, at in (await store.lanes()).items() if store.ownership.owns(name)}
        for name in self._queue.lanes.keys() - found.keys():
            self._lose(name)
        self._lost = {name: lane for name, lane in self._lost.items() if not lane.rests}
        for name, at in found.items():
            if name in self._lost:
                self._all = True  # once the running jobs have ended
                continue
            if at is not None or name not in self._queue.lanes:
                lane = self._lane(name)
                lane.touched |= lane.messages
                self._queue.plan(lane, at or self._context.clock.now())

    def _lane(self, mailbox_id: MailboxId) -> Lane:
        lane = self._queue.lanes.get(mailbox_id)
        if lane is None:
            careful = self._context.store.ownership.after_death(mailbox_id)
            lane = self._queue.lanes[mailbox_id] = Lane(mailbox_id, careful)
            self._context.looks.at_once(mailbox_id)
        return lane

    def _lose(self, mailbox_id: MailboxId) -> None:
        """Another process owns the mailbox now, or it was deleted. Running jobs could not write their results."""
        lane = self._queue.lanes.pop(mailbox_id)
        self._context.looks.forget(mailbox_id)
        if not lane.rests:
            self._lost[mailbox_id] = lane
            for task in lane.tasks:
                task.cancel()

    async def _serve(self, lane: Lane) -> None:
        """Read what is due in a mailbox and start it."""
        if not self._context.store.ownership.owns(lane.mailbox_id):
            self._lose(lane.mailbox_id)
            return
        room = min(self._share - len(lane.messages), self._room)
        if lane.careful:
            room = min(room, 1 - len(lane.messages))
        now, listed = self._context.clock.now(), len(lane.messages) + max(room, 0) + 1
        # Jobs that end during this read still look due in its result.
        messages, duties = frozenset(lane.messages), frozenset(lane.duties)
        try:
            work = await self._context.store.lane_work(lane.mailbox_id, listed)
        except BaseException:
            self._queue.plan(lane, now)
            raise
        if self._queue.lanes.get(lane.mailbox_id) is not lane:
            return  # lost meanwhile
        lane.more = self._begin_messages(lane, work.messages, messages, room, now)
        if lane.careful and not (lane.more or lane.messages or lane.looking):
            lane.careful = not self._context.looks.has_looked(lane.mailbox_id)
        left = self._begin_duties(lane, work.duties, duties, now)
        if left or (lane.more and len(lane.messages) <= self._share // 2):
            self._left.add(lane.mailbox_id)

    def _begin_messages(
        self, lane: Lane, jobs: Sequence[MessageJob], under_way: frozenset[str], room: int, now: datetime
    ) -> bool:
        """Whether any due message had to be left. One more was read than there is room for."""
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
        if job.deaths < SUSPECTED:
            return True
        self._careful_until = now + CAREFUL
        return not self._running

    def _begin_duties(
        self, lane: Lane, jobs: Sequence[DutyJob], under_way: frozenset[Duty], now: datetime
    ) -> bool:
        """Whether any due duty had to be left."""
        for job in jobs:
            if job.duty in under_way | lane.duties:
                continue
            if job.due_at > now:
                self._queue.plan(lane, job.due_at)
                return False
            # A renewal that runs while the owner leaves could start the watch again, and nobody could stop it any more.
            alone = Duty.LEAVE in lane.duties or (job.duty is Duty.LEAVE and not lane.rests)
            if self._free <= 0 or alone:
                return True
            self._start(lane, job)
        return False

    def room_for_found(self, lane: Lane) -> int:
        """How many newly found messages may be started. None after a death: what is found is then marked in the store
        before it is read."""
        if lane.careful or self._careful:
            return 0
        most = self._context.settings.worker_tasks
        return max(0, min(self._share - len(lane.messages), most - self._messages))

    def take(self, lane: Lane, found: FoundMail) -> None:
        """Screen what a look has found."""
        for job in found.jobs:
            self._start(lane, job, found)

    def _start(self, lane: Lane, job: MessageJob | DutyJob, found: FoundMail | None = None) -> None:
        marks = lane.careful and found is None
        if isinstance(job, MessageJob):
            lane.messages.add(job.gmail_id)
            self._messages += 1
        else:
            lane.duties.add(job.duty)
        task = asyncio.create_task(self._runner.run(job, _Hands(self, lane), found, marks=marks))
        lane.tasks.add(task)
        self._running.add(task)
        task.add_done_callback(partial(self._done, lane, job))

    def _done(self, lane: Lane, job: MessageJob | DutyJob, task: asyncio.Task[bool]) -> None:
        """Read the lane again if something was left, or is due at a time that only the store knows."""
        self._running.discard(task)
        lane.tasks.discard(task)
        again = lane.careful or isinstance(job, DutyJob) or task.cancelled() or not task.result()
        if isinstance(job, MessageJob):
            again |= job.gmail_id in lane.touched
            lane.touched.discard(job.gmail_id)
            lane.messages.discard(job.gmail_id)
            self._messages -= 1
        else:
            lane.duties.discard(job.duty)
            self._all |= job.duty is Duty.LEAVE  # the mailbox was deleted
        if again:
            self._queue.plan(lane, self._context.clock.now())
            self._wake.set()
        self._ended(lane)

    def _ended(self, lane: Lane) -> None:
        if lane.more and len(lane.messages) <= self._share // 2:
            self._left.add(lane.mailbox_id)
        if self._left or self._waits or self._lost:
            self._wake.set()
        if self._looks_wait:
            self._told.set()

    # ---- Looks

    async def _look(self, stop: asyncio.Event) -> None:
        """Start every due look, as far as there is room, until `stop`."""
        looks, loop = self._context.looks, asyncio.get_running_loop()
        while not stop.is_set():
            self._told.clear()
            try:
                await self._store_takes()
            except StoreAway:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(AGAIN):
                        await stop.wait()
                continue
            while self._free > 0 and (look := looks.begin()) is not None:
                self._start_look(look)
            self._looks_wait = self._free <= 0
            at = None if self._looks_wait else looks.next()
            alarm = at and loop.call_later(max(at - looks.tick(), 0.001), self._told.set)
            await self._told.wait()
            if alarm:
                alarm.cancel()

    def _start_look(self, look: Look) -> None:
        lane = self._queue.lanes.get(look.mailbox_id)
        if lane is None or Duty.LEAVE in lane.duties:  # owned by another process by now, or by none
            self._context.looks.end(look)
            return
        lane.looking = True
        task = asyncio.create_task(self._runner.look(look, _Hands(self, lane)))
        lane.tasks.add(task)
        self._running.add(task)
        task.add_done_callback(partial(self._looked, lane))

    def _looked(self, lane: Lane, task: asyncio.Task[bool]) -> None:
        self._running.discard(task)
        lane.tasks.discard(task)
        lane.looking = False
        if lane.careful:
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
class _Hands:
    """`backend.pipeline.sync.Hands` of one lane."""

    lanes: Lanes
    lane: Lane

    def room(self, mailbox_id: MailboxId) -> int:
        return self.lanes.room_for_found(self.lane)

    def take(self, found: FoundMail) -> None:
        self.lanes.take(self.lane, found)


# ---- One mailbox's lane, and the queue in which lanes wait until something is due


@dataclass(slots=True)
class Lane:
    """A mailbox and its running `tasks`. `due` is when to read what is due, None for never (a `planned` time may come
    to nothing); `more` says that due messages were left for lack of room. `careful`: its last owner died, and what that
    one left has not been checked yet. `touched`: messages that were running when something in the mailbox became due.
    It may be theirs, so the lane is read again when they end."""

    mailbox_id: MailboxId
    careful: bool
    due: datetime | None = None
    more: bool = False
    messages: set[str] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    duties: set[Duty] = field(default_factory=set)
    looking: bool = False
    tasks: set[asyncio.Task[bool]] = field(default_factory=set)
    planned: set[datetime] = field(default_factory=set)

    @property
    def rests(self) -> bool:
        """Whether nothing of it is running."""
        return not (self.messages or self.duties or self.looking)


class Queue:
    """All lanes of a process by mailbox, and when each is due."""

    def __init__(self) -> None:
        self.lanes: dict[MailboxId, Lane] = {}
        self._turns: list[tuple[datetime, int, MailboxId]] = []
        """When lanes are due; at equal times the one that has waited longer. A lane's own `due` says which entry
        counts."""
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
            at, _, name = heapq.heappop(self._turns)
            lane = self.lanes.get(name)
            if lane is None:
                continue
            lane.planned.discard(at)
            if lane.due == at:
                lane.due = None
                return lane
        return None
