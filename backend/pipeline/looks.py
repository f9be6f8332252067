"""looks: which mailboxes' histories pushes ask us to look at, and when. In memory only: a server looks at every history
when it starts or takes over from one that died, so a push need not be stored before it is acknowledged."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass

from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox, NoticeHint
from backend.transactions.jobs import position

MOST_PUSHES = 4096
"""How many pushes are remembered, to recognise repeats."""


@dataclass(slots=True)
class _Wish:
    """`due` is the next look, `again` the last one asked for, `base` when a look that an echo put off was to be. While
    a look is `running`, `due` is what was asked for meanwhile."""

    due: float | None = None
    again: float | None = None
    base: float | None = None
    running: bool = False
    told: NoticeHint | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A due look, and what pushes reported."""

    mailbox_id: MailboxId
    told: NoticeHint | None


class Looks:
    """One per process. Times are seconds of a monotonic clock (`tick`). A mailbox is known once this process has looked
    at its history."""

    def __init__(self, tick: Callable[[], float] = time.monotonic) -> None:
        self.tick = tick
        self.wake: Callable[[], None] = lambda: None
        self._known: dict[str, tuple[MailboxId, int]] = {}
        self._emails: dict[MailboxId, str] = {}
        self._seen: dict[MailboxId, Mailbox] = {}
        self._wishes: dict[MailboxId, _Wish] = {}
        self._heap: list[tuple[float, MailboxId]] = []
        self._came: dict[str, None] = {}

    def looked(self, mailbox: Mailbox) -> None:
        """Its history has been listed as far as its cursor."""
        email = mailbox.owner.email.lower()
        if self._emails.get(mailbox.id) != email:
            self.forget(mailbox.id)
        self._emails[mailbox.id] = email
        self._known[email] = mailbox.id, position(mailbox.cursor or "0")
        self._seen[mailbox.id] = mailbox

    def take_seen(self, mailbox_id: MailboxId) -> Mailbox | None:
        """The mailbox as the last look left it, for the next one. Others may have changed its row meanwhile: then the
        commit is refused. Taken away, so that after a look that fails the row is read."""
        return self._seen.pop(mailbox_id, None)

    def knows(self, mailbox_id: MailboxId) -> bool:
        """Whether this process has looked at its history."""
        return mailbox_id in self._emails

    def forget(self, mailbox_id: MailboxId) -> None:
        """The mailbox was deleted, or a look failed: pushes about it go through the store until a duty has looked."""
        self.take_seen(mailbox_id)
        email = self._emails.pop(mailbox_id, "")
        if self._known.get(email, ("", 0))[0] == mailbox_id:
            del self._known[email]

    def known(self, email: str) -> tuple[MailboxId, int] | None:
        """The mailbox of this address and how far its history was listed, if it is known."""
        return self._known.get(email)

    def came(self, push_id: str) -> bool:
        """Whether this push was heard before."""
        return push_id in self._came

    def heard(self, push_id: str) -> None:
        """Note the push: it may be acknowledged, however often it comes."""
        self._came[push_id] = None
        if len(self._came) > MOST_PUSHES:
            del self._came[next(iter(self._came))]

    def hear(self, mailbox_id: MailboxId, told: NoticeHint, window: float, *, seen: bool, echo: bool) -> None:
        """Look at once and again after the `window` in which Google drops further pushes.

        If the change a push reports has been listed already (`seen`), look only after the window: the push may be the
        only sign of what came in the second after it. While the second look of an earlier push is still to come, it
        also serves as this push's first: pushes that come faster than Google sends them do not make us list faster. An
        `echo` most likely reports our own change: it gets its look after the window alone, and the second look of an
        earlier push waits for that, up to a window.
        """
        now, wish = self.tick(), self._wishes.setdefault(mailbox_id, _Wish())
        wish.told = told.beside(wish.told)
        put_off, later, again = window if echo else 0.0, now + window, wish.again
        if again is not None and again > now:
            if wish.running:
                wish.due = _earlier(wish.due, again + put_off)
            elif wish.due is None or wish.due > again:
                wish.due = again
            elif put_off and wish.due == again:
                wish.base = again if wish.base is None else wish.base
                wish.due = min(wish.base + put_off, later)
        else:
            wish.due = _earlier(wish.due, later if seen or echo else now)
        wish.again = later if again is None else max(again, later)
        self._plan(mailbox_id, wish)

    def want(self, mailbox_id: MailboxId) -> None:
        """Look at once: earlier pushes are unknown here."""
        wish = self._wishes.setdefault(mailbox_id, _Wish())
        wish.due = _earlier(wish.due, self.tick())
        self._plan(mailbox_id, wish)

    def next(self) -> float | None:
        """When the next look is due."""
        while self._heap:
            at, mailbox_id = self._heap[0]
            wish = self._wishes.get(mailbox_id)
            if wish is not None and not wish.running and wish.due == at:
                return at
            heapq.heappop(self._heap)  # of an earlier plan
        return None

    def begin(self) -> Look | None:
        """Start a due look, which runs until `end`; one at a time per mailbox."""
        now, at = self.tick(), self.next()
        if at is None or at > now:
            return None
        _, mailbox_id = heapq.heappop(self._heap)
        wish = self._wishes[mailbox_id]
        wish.running, wish.due, wish.base = True, None, None
        if wish.again is not None and wish.again <= now:
            wish.again = None
        return Look(mailbox_id, wish.told)

    def end(self, look: Look, again_in: float | None = None) -> None:
        """The look is over; next in so many seconds, or when it was asked for meanwhile."""
        wish = self._wishes[look.mailbox_id]
        wish.running = False
        if again_in is not None:
            wish.due = _earlier(wish.due, self.tick() + again_in)
        wish.due = _earlier(wish.due, wish.again) if wish.again is not None else wish.due
        if wish.due is None:
            del self._wishes[look.mailbox_id]
        else:
            self._plan(look.mailbox_id, wish)

    def waiting(self) -> tuple[MailboxId, ...]:
        """Mailboxes with a look running or still to come."""
        return tuple(self._wishes)

    def _plan(self, mailbox_id: MailboxId, wish: _Wish) -> None:
        if wish.due is not None and not wish.running:
            heapq.heappush(self._heap, (wish.due, mailbox_id))
            self.wake()


def _earlier(one: float | None, other: float) -> float:
    return other if one is None else min(one, other)
