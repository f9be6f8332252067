"""One mailbox's lane, and the queue in which lanes wait until something is due."""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count

from backend.domain.mail.message import MailboxId
from backend.transactions.records import Duty


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
