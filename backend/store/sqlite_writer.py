"""The SQLite store's one writing connection, its group commits, and how it runs transaction scripts (generators of
queries)."""

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
from backend.transactions.script import KEYS, WAKE, Notifier, Notifiers, Script, Statement, T, unstorable_text

# ---- A script on one SQLite connection


def run_script(
    connection: sqlite3.Connection,
    queries_by_name: Mapping[str, Query],
    script: Script[T],
    wake: Callable[[str], None] | None = None,
    keys: DecisionKeys | None = None,
) -> T:
    """Run a script: send it the result of each of its statements until it returns. `wake` is called with each mailbox
    whose lane it wakes; `keys` seal its entries in the log of decisions."""
    try:
        statement = next(script)
        while True:
            if statement is KEYS:
                answer = keys
            elif statement.name != WAKE:
                answer = _execute(connection, queries_by_name[statement.name], statement)
            elif wake is not None:
                answer = wake(statement.params["mailbox_id"])
            statement = script.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        script.close()


def _execute(connection: sqlite3.Connection, query: Query, statement: Statement) -> Any:
    try:
        cursor = connection.execute(query.sql, statement.params)
    except UnicodeEncodeError as error:
        raise unstorable_text() from error  # half a surrogate pair, for example
    except sqlite3.IntegrityError as error:
        if "FOREIGN KEY" in str(error):
            raise NotFound("unknown_mailbox") from error  # the mailbox was deleted meanwhile
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
# A commit waits for the disk, so all waiting scripts share one. Each has its own savepoint: an error undoes one script.
# Results are returned only after the commit: acknowledged means stored (synchronous=FULL). While one batch commits, the
# next gathers. A batch of scripts that write a few rows by key runs in the event loop and only commits in the thread,
# where each statement would compete with the loop for the GIL. Any other batch runs in the thread.


BATCH = 256
"""Most scripts in one commit: bounds how long the first of them waits."""

SLICE = 16
"""Scripts that run in the event loop before it may do other work."""

BUSY_SECONDS = 10.0
"""How long a commit waits for another process that is writing."""

LOOP_BUSY_MS = 5
"""Milliseconds the event loop, which stops meanwhile, waits for a lock before the thread takes over."""

WAKES_STREAMS = (("INSERT", "events", "NEW"), ("DELETE", "devices", "OLD"), ("DELETE", "sessions", "OLD"))
"""Changes that wake the open event streams of a mailbox. PostgreSQL has triggers for them (migration 0009)."""

FILE_ERRORS = {
    sqlite3.SQLITE_BUSY: "later.store",
    sqlite3.SQLITE_LOCKED: "later.store",
    sqlite3.SQLITE_PROTOCOL: "later.store",
    sqlite3.SQLITE_IOERR: "later.store.unwritable",  # an exceeded quota or file size limit too
    sqlite3.SQLITE_CANTOPEN: "later.store.unwritable",
    sqlite3.SQLITE_PERM: "later.store.unwritable",
    sqlite3.SQLITE_FULL: "later.store.full",
    sqlite3.SQLITE_CORRUPT: "later.store.damaged",
    sqlite3.SQLITE_NOTADB: "later.store.damaged",
}
"""SQLite's error codes for trouble with the file, and the keys of our errors."""

Work = Callable[[sqlite3.Connection], None]
"""What a thread of the store does with its connection."""


class PendingCall:
    """A script waiting for its turn, and its caller's future. `in_loop`: it may run in the event loop."""

    __slots__ = ("error", "future", "in_loop", "make", "result")

    def __init__(self, make: Callable[[], Script[Any]], future: asyncio.Future[Any], in_loop: bool) -> None:
        self.make = make
        self.future = future
        self.in_loop = in_loop
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
        self._lanes_to_wake: set[str] = set()
        self._streams_to_wake: set[str] = set()
        self._create_triggers()

    def _create_triggers(self) -> None:
        """Triggers note the mailboxes whose streams a commit wakes, so that no script can forget it.

        A script that is rolled back wakes them for nothing, which does no harm.
        """
        self._connection.execute(f"PRAGMA busy_timeout = {LOOP_BUSY_MS}")
        self._connection.create_function("note_change", 1, self._streams_to_wake.add)
        for event, table, row in WAKES_STREAMS:
            self._connection.execute(
                f"CREATE TEMP TRIGGER note_{table} AFTER {event} ON {table} "
                f"BEGIN SELECT note_change({row}.mailbox_id); END"
            )

    @property
    def idle_connection(self) -> sqlite3.Connection | None:
        """The connection, or None while a batch is under way."""
        return None if self._under_way else self._connection

    def add(self, call: PendingCall) -> None:
        """Run it in the next batch, with the other writes of this turn of the event loop."""
        self._waiting.append(call)
        if len(self._waiting) == 1 and not self._under_way:
            self._loop.call_soon(self._start_batch)

    def _start_batch(self) -> None:
        if self._under_way or not self._waiting:
            return
        batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
        self._under_way = True
        if all(call.in_loop for call in batch) and self._begin():
            self._run_in_loop(batch)
        else:
            self._queue.put(partial(self._run_in_thread, batch))

    def _run_in_loop(self, batch: list[PendingCall], first: int = 0) -> None:
        """Run a batch in the loop, slice by slice, from its script number `first`; then the thread commits it."""
        after = first + SLICE
        self._run(batch, slice(first, after))
        if after < len(batch) and self._connection.in_transaction:
            self._loop.call_soon(self._run_in_loop, batch, after)
        else:
            self._queue.put(partial(self._commit, batch))

    def _begin(self) -> bool:
        """Begin a transaction; False if another connection is writing."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False  # the thread waits longer, and reports what is wrong
        return True

    def _run_in_thread(self, batch: list[PendingCall], connection: sqlite3.Connection) -> None:
        """Run a whole batch in the thread."""
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._run(batch)
        except BaseException as error:
            self._roll_back(batch, error)
        finally:
            connection.execute(f"PRAGMA busy_timeout = {LOOP_BUSY_MS}")
        self._commit(batch, connection)

    def _run(self, batch: list[PendingCall], part: slice = slice(None)) -> None:
        try:
            for call in batch[part]:
                self._run_call(call)
                if (
                    not self._connection.in_transaction
                ):  # some errors, such as a full disk, roll back the whole batch
                    raise call.error or sqlite3.OperationalError("the transaction was rolled back")
        except BaseException as error:
            self._roll_back(batch, error)

    def _commit(self, batch: list[PendingCall], connection: sqlite3.Connection) -> None:
        """Commit, in the thread."""
        try:
            if connection.in_transaction:
                connection.execute("COMMIT")
        except BaseException as error:
            self._roll_back(batch, error)
        try:
            self._loop.call_soon_threadsafe(self._hand_out, batch)
        except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
            return

    def _roll_back(self, batch: list[PendingCall], error: BaseException) -> None:
        if self._connection.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # the failure may have rolled it back already
                self._connection.execute("ROLLBACK")
        self._lanes_to_wake.clear()
        self._streams_to_wake.clear()
        for call in batch:
            call.error = call.error or caller_error(error)

    def _hand_out(self, batch: Collection[PendingCall]) -> None:
        lanes, self._lanes_to_wake = self._lanes_to_wake, set()
        streams = [*self._streams_to_wake]
        self._streams_to_wake.clear()
        self._under_way = False
        for call in batch:
            call.resolve()
        for mailbox_id in lanes:
            self._notifier.ring(mailbox_id)
        for mailbox_id in streams:
            self._notifiers.ring(mailbox_id)
        self._start_batch()

    def _run_call(self, call: PendingCall) -> None:
        if call.future.cancelled():
            return
        before, self._lanes_to_wake = (
            self._lanes_to_wake,
            set(),
        )  # kept apart: a script that fails wakes nothing
        self._connection.execute("SAVEPOINT script")
        try:
            call.result = run_script(
                self._connection, self._queries, call.make(), self._lanes_to_wake.add, self._keys
            )
            self._connection.execute("RELEASE script")
        except BaseException as error:
            call.error = caller_error(error)
            self._lanes_to_wake.clear()
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO script")
                self._connection.execute("RELEASE script")
        self._lanes_to_wake |= before


def caller_error(error: BaseException) -> BaseException:
    """The error a caller gets: `StoreAway` if the file is locked, full or unreadable, else the same."""
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in FILE_ERRORS:
        away = StoreAway(FILE_ERRORS[code & 0xFF], reason=error.sqlite_errorname)
        away.__cause__ = error
        return away
    return error
