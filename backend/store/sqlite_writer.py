"""The one connection that writes to the embedded store, group commit, and running a script on a connection."""

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
    """Give a script what its statements give, until it returns."""
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
# A commit waits for the disk once. All scripts that wait share it, each inside a savepoint so that one's error undoes
# that one alone. Nobody hears of their result before the commit: acknowledged means kept (synchronous=FULL). While
# one commit is under way the next batch gathers. Scripts that write a few rows by key run in the event loop, and the
# thread is asked for the commit alone: each statement it ran would be a struggle with the loop for the interpreter. A
# batch with any other script runs in the thread as a whole.


BATCH = 256
"""Scripts that share one commit at most: bounds how long the first of them waits."""

SLICE = 16
"""Scripts of a batch that run in the event loop in one go: between two such goes it does what else there is to do."""

NEAR_BUSY_MS = 5
"""How long the event loop waits for a lock before a thread is asked instead: everything stands still meanwhile."""

WATCHED = (("INSERT", "events", "NEW"), ("DELETE", "devices", "OLD"), ("DELETE", "sessions", "OLD"))
"""What open streams are woken by. PostgreSQL has the same in its schema (migration 0009)."""

AWAY = {
    sqlite3.SQLITE_BUSY: "later.store",
    sqlite3.SQLITE_LOCKED: "later.store",
    sqlite3.SQLITE_IOERR: "later.store.unwritable",  # a quota and a limit on files, too: only a full disk is full
    sqlite3.SQLITE_CANTOPEN: "later.store.unwritable",
    sqlite3.SQLITE_PERM: "later.store.unwritable",
    sqlite3.SQLITE_FULL: "later.store.full",
    sqlite3.SQLITE_CORRUPT: "later.store.damaged",
    sqlite3.SQLITE_NOTADB: "later.store.damaged",
}
"""What SQLite says when the file is the trouble, and what it is called."""

Work = Callable[[sqlite3.Connection], None]
"""What a thread of the store does with its connection."""


class PendingCall:
    """A script waiting for its turn, and the future that waits for it. `near`: it may run in the event loop."""

    __slots__ = ("error", "future", "make", "near", "result")

    def __init__(self, make: Callable[[], Script[Any]], future: asyncio.Future[Any], near: bool) -> None:
        self.make = make
        self.future = future
        self.near = near
        self.result: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        """Tell who waits."""
        if self.future.done():  # cancelled meanwhile; what was written stays written
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Gives scripts to `connection`, batch by batch; `queue` is that of the thread that ends them."""

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
        """Note whose streams a commit concerns, by triggers of this connection: no script can forget to say so.

        What is noted of a script that is undone wakes somebody for nothing, which is no harm.
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
        """The connection, while nothing is under way on it."""
        return None if self._under_way else self._connection

    def add(self, call: PendingCall) -> None:
        """Run it in the next commit, with whatever else is written in this turn of the loop."""
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
        """A batch from its `first` script on, slice by slice, in the loop; then the thread commits it."""
        after = first + SLICE
        self._run(batch, slice(first, after))
        if after < len(batch) and self._connection.in_transaction:
            self._loop.call_soon(self._some, batch, after)
        else:
            self._queue.put(partial(self._end, batch))

    def _began(self) -> bool:
        """Whether nobody else writes to the file."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False  # the thread waits longer, and tells what is wrong
        return True

    def _whole(self, batch: list[PendingCall], connection: sqlite3.Connection) -> None:
        """A batch from beginning to end, in the thread."""
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
        except RuntimeError:  # the loop was closed under us: nobody waits any more
            return

    def _undo(self, batch: list[PendingCall], error: BaseException) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # what made it fail may have rolled it back already
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
    """What a caller hears of it: a file that is locked, full or unreadable is the store's trouble, not the call's."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in AWAY:
        away = StoreAway(AWAY[code & 0xFF], reason=error.sqlite_errorname)
        away.__cause__ = error
        return away
    return error
