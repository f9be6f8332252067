"""What this process keeps in memory until it stops: which histories to look at and when, what it is screening, which
changes are its own, and what it counts. A server looks at every history when it starts or takes over from one that
died, so a push need not be stored before it is acknowledged."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from backend.domain.digest import Rereading
from backend.domain.history import position
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import Mailbox, NoticeHint
from backend.domain.mailbox.message import FailOpenCause, PolicyRow, ReadLimit, Screened, Verdict
from backend.domain.policy.evidence import company_domain

# ---- Looks that pushes ask for


MOST_PUSHES = 4096
"""How many pushes are remembered, to recognise repeats."""


@dataclass(slots=True)
class _Wish:
    """When a mailbox is to be looked at: `due` is the next look, `second` the one after the window of the latest push,
    `before_echo` when a look was due that an echo then put off. While a look is `running`, `due` is what was asked for
    meanwhile. `hint` is what pushes reported."""

    due: float | None = None
    second: float | None = None
    before_echo: float | None = None
    running: bool = False
    hint: NoticeHint | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A due look, and what pushes reported."""

    mailbox_id: MailboxId
    hint: NoticeHint | None


class Looks:
    """One per process. Times are seconds of a monotonic clock (`tick`). A mailbox is known once this process has looked
    at its history."""

    def __init__(self, tick: Callable[[], float] = time.monotonic) -> None:
        self.tick = tick
        self.wake: Callable[[], None] = lambda: None
        self._known: dict[str, tuple[MailboxId, int]] = {}
        self._emails: dict[MailboxId, str] = {}
        self._mailboxes: dict[MailboxId, Mailbox] = {}
        self._wishes: dict[MailboxId, _Wish] = {}
        self._heap: list[tuple[float, MailboxId]] = []
        self._push_ids: dict[str, None] = {}

    def listed(self, mailbox: Mailbox) -> None:
        """Note that its history has been listed as far as its cursor."""
        email = mailbox.owner.email.lower()
        if self._emails.get(mailbox.id) != email:
            self.forget(mailbox.id)
        self._emails[mailbox.id] = email
        self._known[email] = mailbox.id, position(mailbox.cursor or "0")
        self._mailboxes[mailbox.id] = mailbox

    def pop_mailbox(self, mailbox_id: MailboxId) -> Mailbox | None:
        """The mailbox as the last look left it, for the next one. Others may have changed its row meanwhile: then the
        commit is refused. Taken away, so that after a look that fails the row is read."""
        return self._mailboxes.pop(mailbox_id, None)

    def has_looked(self, mailbox_id: MailboxId) -> bool:
        """Whether this process has looked at its history."""
        return mailbox_id in self._emails

    def forget(self, mailbox_id: MailboxId) -> None:
        """The mailbox was deleted, or a look failed: pushes about it go through the store until a duty has looked."""
        self.pop_mailbox(mailbox_id)
        email = self._emails.pop(mailbox_id, "")
        if self._known.get(email, ("", 0))[0] == mailbox_id:
            del self._known[email]

    def listed_to(self, email: str) -> tuple[MailboxId, int] | None:
        """The mailbox of this address and how far its history was listed, if it is known."""
        return self._known.get(email)

    def is_repeat(self, push_id: str) -> bool:
        """Whether this push came before."""
        return push_id in self._push_ids

    def note_push(self, push_id: str) -> None:
        """Note the push: it may be acknowledged, however often it comes."""
        self._push_ids[push_id] = None
        if len(self._push_ids) > MOST_PUSHES:
            del self._push_ids[next(iter(self._push_ids))]

    def after_push(
        self, mailbox_id: MailboxId, hint: NoticeHint, window: float, *, already_listed: bool, echo: bool
    ) -> None:
        """Look at once and again after the `window` in which Google drops further pushes.

        If the change a push reports has been listed already, look only after the window: the push may be the
        only sign of what came in the second after it. While the second look of an earlier push is still to come, it
        also serves as this push's first: pushes that come faster than Google sends them do not make us list faster. An
        `echo` most likely reports our own change: it gets its look after the window alone, and the second look of an
        earlier push waits for that, up to a window.
        """
        now, wish = self.tick(), self._wishes.setdefault(mailbox_id, _Wish())
        wish.hint = hint.merged(wish.hint)
        put_off, later, again = window if echo else 0.0, now + window, wish.second
        if again is not None and again > now:
            if wish.running:
                wish.due = _earlier(wish.due, again + put_off)
            elif wish.due is None or wish.due > again:
                wish.due = again
            elif put_off and wish.due == again:
                wish.before_echo = again if wish.before_echo is None else wish.before_echo
                wish.due = min(wish.before_echo + put_off, later)
        else:
            wish.due = _earlier(wish.due, later if already_listed or echo else now)
        wish.second = later if again is None else max(again, later)
        self._plan(mailbox_id, wish)

    def at_once(self, mailbox_id: MailboxId) -> None:
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
        wish.running, wish.due, wish.before_echo = True, None, None
        if wish.second is not None and wish.second <= now:
            wish.second = None
        return Look(mailbox_id, wish.hint)

    def end(self, look: Look, again_in: float | None = None) -> None:
        """The look is over; next in so many seconds, or when it was asked for meanwhile."""
        wish = self._wishes[look.mailbox_id]
        wish.running = False
        if again_in is not None:
            wish.due = _earlier(wish.due, self.tick() + again_in)
        wish.due = _earlier(wish.due, wish.second) if wish.second is not None else wish.due
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


# ---- Messages that are being screened
# Those of one sender, or of colleagues, are judged in order of date, each with the earlier ones as evidence: whether a
# look has just found them or they were left in the store.


BATCH_WAIT = 0.05
"""Seconds that a message waits for others to be read, and a verdict for others of its look: one of them may be late."""


class Place:
    """One message's place among the `others` of its mailbox that are being screened."""

    def __init__(self, gmail_id: str, others: list[Place]) -> None:
        loop = asyncio.get_running_loop()
        self._id, self._others = gmail_id, others
        self._screened: Screened | None = None
        self._begun = False
        self._read: asyncio.Future[None] = loop.create_future()
        self._over: asyncio.Future[None] = loop.create_future()
        others.append(self)

    def read(self, screened: Screened) -> None:
        """The message has been read."""
        self._screened = screened
        self._read.set_result(None)

    def leave(self) -> None:
        """Its verdict is on record, or it will have none for now."""
        self._others.remove(self)
        self._over.set_result(None)
        if not self._read.done():
            self._read.set_result(None)

    async def others_read(self) -> None:
        """Wait a little until all have been read."""
        if unread := [other._read for other in self._others if not other._read.done()]:
            await asyncio.wait(unread, timeout=BATCH_WAIT)

    def earlier(self) -> asyncio.Future[None] | None:
        """A future that is done when an earlier message, which is evidence for this one, has left. None if this one
        need not wait: then it begins, and later ones wait for it, even one that turns out to be older."""
        found = next((other._over for other in self._others if other._comes_before(self)), None)
        self._begun = found is None
        return found

    def _comes_before(self, other: Place) -> bool:
        ours, theirs = self._screened, other._screened
        if self is other or ours is None or theirs is None or not _alike(ours, theirs):
            return False
        return self._begun or (ours.received_at, self._id) < (theirs.received_at, other._id)


def _alike(one: Screened, other: Screened) -> bool:
    """Whether mail from one of these senders is evidence about the other."""
    same_firm = one.sender_domain == other.sender_domain and bool(company_domain(one.sender_domain))
    return (one.sender != "" and one.sender == other.sender) or same_firm


# ---- Our own changes in Gmail
# Remembered briefly, since Google pushes them back to us.


SOON = timedelta(seconds=2)
"""How long after our own change a push counts as its echo."""

MOST = 4096
"""Most mailboxes remembered. Forgetting one costs an extra sync."""


class OwnChanges:
    """One per process, keyed by the owner's address, as in pushes. Mistakes are harmless: an unrecognised echo costs
    one extra sync; new mail mistaken for an echo is found when the push window closes."""

    def __init__(self) -> None:
        self._changed: dict[str, datetime] = {}

    def expect(self, email: str, now: datetime) -> None:
        """Note that we are about to change this mailbox."""
        self._changed.pop(email, None)
        if len(self._changed) >= MOST:
            del self._changed[next(iter(self._changed))]
        self._changed[email] = now

    def heard(self, email: str, now: datetime) -> bool:
        """Whether a push about this mailbox is likely an echo of our own change."""
        at = self._changed.get(email)
        return at is not None and now - at < SOON


# ---- Counts and timings, for `/metrics`
# The store's census says what became of each message.


LAGS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 21_600.0)
READINGS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 10.0)
WATCHED = 20


class VerdictMetrics:
    """One per process. `lag` is the seconds from Gmail's receipt of a message to its verdict, except for mail from
    before the connection or while no server ran; `reading` is the seconds from the request to read and score a message
    to its score, waiting included."""

    def __init__(self) -> None:
        here = self.registry = CollectorRegistry()
        words = "Messages decided; model is empty where none was asked"
        self.verdicts = Counter("pitchgate_verdicts", words, ("row", "outcome", "model"), registry=here)
        words = "From Gmail's receipt of a message to its verdict, of those that were fresh when found"
        self.lag = Histogram("pitchgate_verdict_lag_seconds", words, buckets=LAGS, registry=here)
        words = "To read and score a message, waiting for a free reading process included"
        self.reading = Histogram("pitchgate_reading_seconds", words, buckets=READINGS, registry=here)
        words = "Messages let in because they could not be judged"
        self.fail_opens = Counter("pitchgate_fail_open", words, ("cause",), registry=here)
        for cause in FailOpenCause:  # an alarm on its rise needs the counter at 0 first
            self.fail_opens.labels(cause)
        words = "Messages whose own making kept them from being read in full"
        self.unread = Counter("pitchgate_unread", words, ("limit",), registry=here)
        for limit in ReadLimit:
            self.unread.labels(limit)
        words = "Second readings by what became of them; late and lost: the first one stands"
        self.read_again = Counter("pitchgate_second_readings", words, ("outcome",), registry=here)
        for outcome in Rereading:
            self.read_again.labels(outcome)
        self._latest: deque[bool] = deque(maxlen=WATCHED)
        words = "1 when none of the last 20 messages could be judged"
        gauge = Gauge("pitchgate_nothing_is_judged", words, registry=here)
        gauge.set_function(lambda: self.nothing_is_judged)

    def note(self, verdict: Verdict, read: bool = True) -> None:
        """Count a committed verdict by row, outcome and model ("" without one). `read`: whether the message had to be
        read for it."""
        model, failed = (
            verdict.score.model if verdict.score is not None else "",
            verdict.row is PolicyRow.FAIL_OPEN,
        )
        self.verdicts.labels(verdict.row, verdict.outcome, model).inc()
        if read:
            self._latest.append(failed)
        if failed:
            self.fail_opens.labels(verdict.cause).inc()

    @property
    def nothing_is_judged(self) -> bool:
        """Whether none of the last 20 messages that needed reading could be judged."""
        return len(self._latest) == WATCHED and all(self._latest)
