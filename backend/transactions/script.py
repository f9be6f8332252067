"""What a transaction script is made of, and what runs it.

A script is a generator: it yields statements (the name of a query and its parameters), receives what the
query gave, and returns its result. It holds all the branching of one transaction and does no I/O, so the
SQLite and PostgreSQL run the very same one. Raising ends the transaction with nothing written.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar
from weakref import WeakValueDictionary

import structlog

from backend.domain.errors import NotFound, Refused, StoreAway
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.mailbox import NoticeHint
from backend.domain.moments import micros as micros
from backend.domain.moments import moment as moment
from backend.transactions.rows import MailboxRow, Reader, Row, reader

T = TypeVar("T")
V = TypeVar("V")
P = ParamSpec("P")


class Statement(NamedTuple):
    """One query by name. Its own declaration says what comes back: rows, one row, a value or a count."""

    name: str
    params: dict[str, Any]


Script = Generator[Statement, Any, T]

WAKE = "wake"


def wake(mailbox_id: MailboxId) -> Statement:
    """Yielded by a script that makes something due in a mailbox: after the commit its lane is woken, in whichever
    process runs it."""
    return Statement(WAKE, {"mailbox_id": mailbox_id})


KEYS = Statement("keys", {})
"""Yielded by a script that seals: it receives the store's `DecisionKeys`. A store without keys answers None, and
nothing is sealed."""

EVERY: MailboxId = "*"
"""The scope of a transaction that is about all mailboxes: counting, looking up by address."""


def q(name: str, /, **params: Any) -> Statement:
    """The query `name` with its parameters."""
    return Statement(name, params)


def each(kind: type[V] | Reader[V], name: str, /, **params: Any) -> Script[tuple[V, ...]]:
    """Run query `name` and make a `kind` of every row, as `rows.reader` does."""
    found: list[Row] = yield q(name, **params)
    return tuple(map(reader(kind), found))


def maybe(kind: type[V] | Reader[V], name: str, /, **params: Any) -> Script[V | None]:
    """The same for a query of one row; None without one."""
    found: Row | None = yield q(name, **params)
    return None if found is None else reader(kind)(found)


def only(kind: type[V] | Reader[V], name: str, /, **params: Any) -> Script[V]:
    """The same for a query that always gives one row."""
    found: Row = yield q(name, **params)
    made: V = reader(kind)(found)
    return made


def row_count(name: str, /, **params: Any) -> Script[int]:
    """Run query `name` and return its count, or the number of rows it changed; 0 for no row."""
    found: int | None = yield q(name, **params)
    return found or 0


def micros_or_none(at: datetime | None) -> int | None:
    """Like `micros`, None for None."""
    return None if at is None else micros(at)


def moment_or_none(value: int | None) -> datetime | None:
    """Inverse of `micros_or_none`."""
    return None if value is None else moment(value)


def storable(text: str) -> str:
    """Text from outside without NUL, which a server's text cannot hold."""
    return text.replace("\0", "")


def columns(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as parameters of a query that writes it."""
    params = {name: getattr(value, name) for name in value.__dataclass_fields__}
    for name, of in params.items():
        if write := _WRITERS.get(type(of)):
            params[name] = write(of)
    return params


def unstorable_text() -> Refused:
    """The error for text that no row can hold, such as half a surrogate pair. Mail has been cleaned before: only a
    caller can have sent it."""
    return Refused("malformed.text")


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def list_pattern(value: str) -> str:
    """A LIKE pattern (ESCAPE '!') for JSON lists made by `packed` that contain this text."""
    text = _encode(value)
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return f"%{text}%"


def packed(values: Iterable[Any]) -> str:
    """A JSON list, for storing and for handing a query many values at once."""
    listed = list(values)
    return _encode(listed) if listed else "[]"


_WRITERS: dict[type, Callable[[Any], Any]] = {
    str: storable,
    datetime: micros,
    tuple: packed,
    frozenset: lambda words: packed(sorted(words)),
}


# ---- A mailbox's row


def lock(mailbox_id: MailboxId) -> Script[None]:
    """Lock the mailbox's row until the end of the transaction. Raises `NotFound`.

    A transaction that decides over several rows of a mailbox locks this one first, then message rows: always in the
    same order, so two transactions never wait for each other.
    """
    found: str | None = yield q("lock_mailbox", mailbox_id=mailbox_id)
    if found is None:
        raise NotFound("unknown_mailbox.connect")


def locked(mailbox_id: MailboxId) -> Script[MailboxRow]:
    """The same; returns the row."""
    row: MailboxRow | None = yield q("mailbox_for_write", mailbox_id=mailbox_id)
    if row is None:
        raise NotFound("unknown_mailbox.connect")
    return row


# ---- What runs a script


class Transaction(Enum):
    """What a script does. With a few rows by key it may run in the event loop, which costs less than a thread."""

    READ = auto()  # on one snapshot
    READ_FEW = auto()
    WRITE = auto()
    WRITE_FEW = auto()
    WRITE_IN_LANE = auto()  # a few: raises `LaneLost` if another process owns the mailbox


class Driver(Protocol):
    """A database that runs scripts. `scope` is the mailbox a script is about, or `EVERY`."""

    @property
    def notifier(self) -> Notifier:
        """Rung after commits that made a job due."""

    @property
    def notifiers(self) -> Notifiers:
        """Rung for a mailbox after commits that its open streams need: a change of what its owner sees, and the end of
        a device or session."""

    @property
    def outage(self) -> Outage:
        """Whether writes are failing."""

    @property
    def ownership(self) -> Ownership:
        """Which mailboxes this process owns."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""

    async def close(self) -> None:
        """Finish what is queued, then disconnect."""

    async def wipe(self) -> None:
        """Remove deleted data from the files as well, as far as this is ours to do. May run again."""

    async def run(
        self,
        kind: Transaction,
        scope: MailboxId,
        make: Callable[P, Script[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run the script in a transaction of its own; returns once it is durable. An error undoes it."""


# ---- Which process owns a mailbox


class Ownership(Protocol):
    """Which mailboxes this process owns: their lanes run here, and only this process commits what lanes do."""

    def owns(self, mailbox_id: MailboxId) -> bool:
        """Whether this process owns the mailbox, as far as it knows; a commit makes sure."""

    def may_be_lost(self, mailbox_id: MailboxId) -> bool:
        """Whether another process may own it by now: asked before an action that a failed commit could not undo."""

    def after_death(self, mailbox_id: MailboxId) -> bool:
        """Whether it was taken over from a process that died, possibly because of something in it."""

    async def run(self, stop: asyncio.Event, changed: Callable[[], None]) -> None:
        """Take mailboxes and keep them until `stop`, then give them back; `changed` is called after each change of
        ownership."""

    def join(self, divide: Callable[[int], None]) -> None:
        """Count among the processes that run lanes, even before any runs here. `divide` receives by how many processes
        Google's quota is divided, now and at each change."""

    async def tell_owner(self, mailbox_id: MailboxId, hint: NoticeHint) -> bool:
        """Pass on a push about a mailbox of another process. False if that cannot be done."""

    def on_notice_elsewhere(self, listener: Callable[[MailboxId, NoticeHint | None], None]) -> None:
        """Call `listener` with what `tell_owner` was given in any process; with `EVERY` when some may have been
        missed."""


# ---- Waking lanes and streams


class Notifier:
    """Wakes waiters in the event loop after a commit.

    A waiter reads `rings` before it looks, and passes it to `rung`: a ring between the look and the wait is then not
    missed.
    """

    def __init__(self) -> None:
        self.rings = 0
        self._listeners: list[Callable[[MailboxId], None]] = []
        self._rung = asyncio.Event()

    def ring(self, mailbox_id: MailboxId = EVERY) -> None:
        """Wake everybody, on account of this mailbox. Call it in the event loop's thread."""
        self.rings += 1
        rung, self._rung = self._rung, asyncio.Event()
        rung.set()
        for listener in self._listeners:
            listener(mailbox_id)

    def listen(self, listener: Callable[[MailboxId], None]) -> None:
        """Call `listener` at every ring, with the mailbox (`EVERY`: it may concern any)."""
        self._listeners.append(listener)

    async def rung(self, timeout: float, heard: int | None = None) -> bool:
        """Wait for a ring, at most `timeout` seconds; True if there was one (since `heard`, if given)."""
        if heard is not None and heard != self.rings:
            return True
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        return True


class Notifiers:
    """A notifier for each mailbox with waiters; forgotten when nobody holds it any more."""

    def __init__(self) -> None:
        self._notifiers: WeakValueDictionary[str, Notifier] = WeakValueDictionary()

    def of(self, mailbox_id: MailboxId) -> Notifier:
        """The notifier of a mailbox, the same for all who hold it."""
        return self._notifiers.setdefault(mailbox_id, Notifier())

    def ring(self, mailbox_id: str) -> None:
        """Wake this mailbox's waiters. Call it in the event loop's thread."""
        notifier = self._notifiers.get(mailbox_id)
        if notifier is not None:
            notifier.ring()

    def ring_all(self) -> None:
        """Wake everybody: something may have been missed."""
        for notifier in list(self._notifiers.values()):
            notifier.ring()


# ---- Logging store failures
# A full disk fails every job, push and look of every process many times a second: log it once.


log = structlog.get_logger()

REMINDER = 60.0
"""Seconds between two lines about one outage."""

QUIET = 5.0
"""Seconds without a failure after which a successful write ends the outage: on a full disk small writes may still
succeed."""


class Outage:
    """Whether writes are failing. `now` gives monotonic seconds."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.error: StoreAway | None = None
        """The last failure, while it lasts."""
        self._began = self._failed_at = self._logged_at = 0.0
        self._failures = 0

    def met(self, error: StoreAway) -> None:
        """A transaction failed."""
        now = self._now()
        if self.error is None or self.error.trouble != error.trouble:
            self._began, self._logged_at, self._failures = now, now, 0
            log.error("store_fails", trouble=error.trouble, cause=error.reason)
        self.error, self._failed_at = error, now
        self._failures += 1
        if now - self._logged_at >= REMINDER:
            self._logged_at = now
            log.error("store_still_fails", trouble=error.trouble, failures=self._failures, **self._since(now))

    def written(self) -> None:
        """A write was committed."""
        if self.error is None or (now := self._now()) - self._failed_at < QUIET:
            return
        log.warning("store_back", trouble=self.error.trouble, failures=self._failures, **self._since(now))
        self.error = None

    def _since(self, now: float) -> dict[str, int]:
        return {"seconds": round(now - self._began)}


# ---- Kept next to the database
# What must survive a restored database, or be out of reach of its administrator, is in files next to it. A line is on
# disk before anything that depends on it happens.


LEFT, HEADS = "pitchgate.departed", "pitchgate.heads"


class Departures:
    """Who has left, noted in `folder` (nothing without one), so that an older backup does not bring them back. A line
    is the hash of a mailbox's own id and the day: no address, and nothing that leads to one."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / LEFT
        self._known: frozenset[str] | None = None

    def has(self, mailbox_id: str) -> bool:
        """Whether this mailbox was deleted. Its owner may have come back since, with another id."""
        if self._known is None:
            self._known = frozenset(line.partition(" ")[0] for line in _lines(self._path))
        return _hash(mailbox_id) in self._known

    def note(self, mailbox_id: str) -> None:
        """Note it before the rows are deleted. Raises `StoreAway` if that cannot be written."""
        if self._path is None or self.has(mailbox_id):
            return
        _append(self._path, f"{_hash(mailbox_id)} {datetime.now(UTC):%Y-%m-%d}")
        self._known = None


class Heads:
    """Where each log of decisions ended, day by day, noted in `folder`: shows when a log was replaced by an older one
    or is missing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = None if folder is None else folder / HEADS

    def read(self) -> Iterator[tuple[str, int, str]]:
        """Mailbox, number and seal in hex of each."""
        for line in _lines(self._path):
            match line.split(" "):
                case [mailbox_id, number, seal] if number.isdecimal():
                    yield mailbox_id, int(number), seal

    def note(self, mailbox_id: str, number: int, seal: str) -> None:
        """Note one. Raises `StoreAway` if that cannot be written."""
        if self._path is not None:
            _append(self._path, f"{mailbox_id} {number} {seal}")


def _lines(path: Path | None) -> list[str]:
    return path.read_text("ascii", "replace").splitlines() if path is not None and path.exists() else []


def _append(path: Path, line: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{line}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreAway("later.store.unwritable", reason=type(error).__name__) from error


def _hash(mailbox_id: str) -> str:
    return hashlib.sha256(mailbox_id.encode()).hexdigest()
