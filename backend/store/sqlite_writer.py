"""The embedded store's one writing connection, its group commits, and how a script runs on a connection."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Collection, Mapping
from functools import partial
from queue import SimpleQueue
from typing import Any

from backend.domain.errors import NotFound, StoreAway
from backend.ports.system import DecisionKeys
from backend.store.library import Dialect, Query, Yields, queries
from backend.store.schema import BUSY_SECONDS
from backend.transactions.driver import Notifier, Notifiers
from backend.transactions.statement import KEYS, WAKE, Script, Statement, T, no_text

# ---- A script on one SQLite connection


def run_script(
    connection: sqlite3.Connection,
    known: Mapping[str, Query],
    script: Script[T],
    wake: Callable[[str], None] | None = None,
    keys: DecisionKeys | None = None,
) -> T:
    """Run a script: send it the result of each of its statements until it returns."""
    try:
        statement = next(script)
        while True:
            if statement is KEYS:
                found = keys
            elif statement.name != WAKE:
                found = _execute(connection, known[statement.name], statement)
            elif wake is not None:
                found = wake(statement.params["mailbox_id"])
            statement = script.send(found)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        script.close()


def _execute(connection: sqlite3.Connection, query: Query, statement: Statement) -> Any:
    try:
        cursor = connection.execute(query.sql, statement.params)
    except UnicodeEncodeError as error:
        raise no_text() from error
    except sqlite3.IntegrityError as error:
        if "FOREIGN KEY" in str(error):
            raise NotFound("unknown_mailbox") from error
        raise
    if query.yields is Yields.COUNT:
        return cursor.rowcount
    rows = cursor.fetchall()
    if query.yields is Yields.ROWS:
        return rows
    if not rows:
        return None
    return rows[0] if query.yields is Yields.ROW else rows[0][0]


# ---- The writing connection and group commit
# A commit waits for the disk once. All waiting scripts share it, each in its own savepoint, so one's error undoes that
# one alone. Their results are returned only after the commit: acknowledged means stored (synchronous=FULL). While one
# commit runs, the next batch gathers. Scripts that write a few rows by key run in the event loop, and only the commit
# in the thread: each statement there would compete with the loop for the interpreter. A batch with any other script
# runs in the thread as a whole.


BATCH = 256
"""Most scripts that share one commit: bounds how long the first of them waits."""

SLICE = 16
"""Scripts of a batch that run in the event loop without a break; the loop does other work in between."""

NEAR_BUSY_MS = 5
"""Milliseconds the event loop waits for a lock before a thread takes over: the whole loop stops meanwhile."""

WATCHED = (("INSERT", "events", "NEW"), ("DELETE", "devices", "OLD"), ("DELETE", "sessions", "OLD"))
"""What open streams are woken by. PostgreSQL has the same in its schema (migration 0009)."""

AWAY = {
    sqlite3.SQLITE_BUSY: "later.store",
    sqlite3.SQLITE_LOCKED: "later.store",
    sqlite3.SQLITE_IOERR: "later.store.unwritable",  # quotas and file limits too; FULL is only a full disk
    sqlite3.SQLITE_CANTOPEN: "later.store.unwritable",
    sqlite3.SQLITE_PERM: "later.store.unwritable",
    sqlite3.SQLITE_FULL: "later.store.full",
    sqlite3.SQLITE_CORRUPT: "later.store.damaged",
    sqlite3.SQLITE_NOTADB: "later.store.damaged",
}
"""SQLite's error codes when the file is the cause, with ours."""

Work = Callable[[sqlite3.Connection], None]
"""What a thread of the store does with its connection."""


class PendingCall:
    """A script waiting for its turn, and its caller's future. `near`: it may run in the event loop."""

    __slots__ = ("error", "future", "make", "near", "result")

    def __init__(self, make: Callable[[], Script[Any]], future: asyncio.Future[Any], near: bool) -> None:
        self.make = make
        self.future = future
        self.near = near
        self.result: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        """Give the caller the result."""
        if self.future.done():  # cancelled meanwhile; its writes stay
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Runs scripts on `connection`, batch by batch; `queue` belongs to the thread that commits them."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        queue: SimpleQueue[Work | None],
        notifier: Notifier,
        notifiers: Notifiers,
        keys: DecisionKeys | None,
    ) -> None:
        self._connection = connection
        self._queue = queue
        self._notifier, self._notifiers = notifier, notifiers
        self._keys = keys
        self._loop = asyncio.get_running_loop()
        self._queries = queries(Dialect.SQLITE)
        self._waiting: list[PendingCall] = []
        self._under_way = False
        self._woken: set[str] = set()
        self._changed: set[str] = set()
        self._watch()

    def _watch(self) -> None:
        """Note which mailboxes' streams a commit concerns, by triggers on this connection, so that no script can forget
        it.

        A note from a script that is rolled back wakes streams for nothing, which does no harm.
        """
        self._connection.execute(f"PRAGMA busy_timeout = {NEAR_BUSY_MS}")
        self._connection.create_function("note_change", 1, self._changed.add)
        for event, table, row in WATCHED:
            self._connection.execute(
                f"CREATE TEMP TRIGGER note_{table} AFTER {event} ON {table} "
                f"BEGIN SELECT note_change({row}.mailbox_id); END"
            )

    @property
    def idle(self) -> sqlite3.Connection | None:
        """The connection, if nothing is running on it."""
        return None if self._under_way else self._connection

    def add(self, call: PendingCall) -> None:
        """Run it in the next commit, with the other writes of this turn of the event loop."""
        self._waiting.append(call)
        if len(self._waiting) == 1 and not self._under_way:
            self._loop.call_soon(self._next)

    def _next(self) -> None:
        if self._under_way or not self._waiting:
            return
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._under_way = True
        if all(call.near for call in batch) and self._began():
            self._some(batch)
        else:
            self._queue.put(partial(self._whole, batch))

    def _some(self, batch: list[PendingCall], first: int = 0) -> None:
        """Run a batch from its `first` script on, slice by slice, in the loop; then the thread commits it."""
        after = first + SLICE
        self._run(batch, slice(first, after))
        if after < len(batch) and self._connection.in_transaction:
            self._loop.call_soon(self._some, batch, after)
        else:
            self._queue.put(partial(self._end, batch))

    def _began(self) -> bool:
        """Whether nobody else is writing to the file."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False  # the thread waits longer, and reports what is wrong
        return True

    def _whole(self, batch: list[PendingCall], connection: sqlite3.Connection) -> None:
        """Run a whole batch in the thread."""
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._run(batch)
        except BaseException as error:
            self._undo(batch, error)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {NEAR_BUSY_MS}")
        self._end(batch, connection)

    def _run(self, batch: list[PendingCall], part: slice = slice(None)) -> None:
        try:
            for call in batch[part]:
                self._run_call(call)
                if not self._connection.in_transaction:
                    raise call.error or sqlite3.OperationalError("the transaction was rolled back")
        except BaseException as error:
            self._undo(batch, error)

    def _end(self, batch: list[PendingCall], connection: sqlite3.Connection) -> None:
        """Commit, in the thread."""
        try:
            if connection.in_transaction:
                connection.execute("COMMIT")
        except BaseException as error:
            self._undo(batch, error)
        try:
            self._loop.call_soon_threadsafe(self._tell, batch)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
            return

    def _undo(self, batch: list[PendingCall], error: BaseException) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # the failure may have rolled it back already
                self._connection.execute("ROLLBACK")
        self._woken.clear()
        self._changed.clear()
        for call in batch:
            call.error = call.error or told(error)

    def _tell(self, batch: Collection[PendingCall]) -> None:
        woken, self._woken = self._woken, set()
        changed = [*self._changed]
        self._changed.clear()
        self._under_way = False
        for call in batch:
            call.resolve()
        for mailbox_id in woken:
            self._notifier.ring(mailbox_id)
        for mailbox_id in changed:
            self._notifiers.ring(mailbox_id)
        self._next()

    def _run_call(self, call: PendingCall) -> None:
        if call.future.cancelled():
            return
        before, self._woken = self._woken, set()
        self._connection.execute("SAVEPOINT script")
        try:
            call.result = run_script(
                self._connection, self._queries, call.make(), self._woken.add, self._keys
            )
            self._connection.execute("RELEASE script")
        except BaseException as error:
            call.error = told(error)
            self._woken.clear()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO script")
                self._connection.execute("RELEASE script")
        self._woken |= before


def told(error: BaseException) -> BaseException:
    """The error a caller gets: a file that is locked, full or unreadable is the store's trouble, not the call's."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in AWAY:
        away = StoreAway(AWAY[code & 0xFF], reason=error.sqlite_errorname)
        away.__cause__ = error
        return away
    return error
