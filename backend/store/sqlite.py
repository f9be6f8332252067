"""The embedded store: one SQLite file, one writer thread with group commit, two reader threads.

A read of a few rows by key costs less than asking another thread for it: those run where they are asked for, on a
connection of the event loop's own. What is written within one turn of the loop is handed over as one.

A commit waits for the disk once. All scripts that wait share it, each inside a savepoint so that one's
error undoes that one alone. Nobody hears of their result before the commit: acknowledged means kept
(synchronous=FULL). Several processes may have the file open; SQLite's own lock orders their commits.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from backend.domain.errors import StoreAway
from backend.ports.decisions import DecisionKeys
from backend.store.library import Dialect, queries
from backend.store.notifier import Notifier, Notifiers
from backend.store.sqlite_schema import connect, upgrade
from backend.store.sqlite_script import run_script
from backend.transactions.statement import P, Script, T

READERS = 2
NEAR_BUSY_MS = 5
"""How long a near read waits for a lock before a reader thread is asked instead: the loop stands still meanwhile."""

BATCH = 256
"""Scripts that share one commit at most: bounds how long the first of them waits."""

WATCHED = (("INSERT", "events", "NEW"), ("DELETE", "devices", "OLD"), ("DELETE", "sessions", "OLD"))
"""What open streams are woken by. PostgreSQL has the same in its schema (migration 0009)."""

AWAY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class _Call:
    """A script waiting for its turn, and the future that waits for it."""

    __slots__ = ("args", "error", "future", "kwargs", "make", "result")

    def __init__(
        self, make: Callable[..., Script[Any]], args: Any, kwargs: Any, future: asyncio.Future[Any]
    ) -> None:
        self.make = make
        self.args = args
        self.kwargs = kwargs
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None

    def resolve(self) -> None:
        if self.future.done():  # cancelled meanwhile; what was written stays written
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class _Thread(threading.Thread):
    """One connection and the thread that owns it."""

    def __init__(
        self,
        path: Path,
        loop: asyncio.AbstractEventLoop,
        notifier: Notifier,
        notifiers: Notifiers,
        queue: SimpleQueue[list[_Call] | None],
        keys: DecisionKeys | None = None,
        *,
        writes: bool,
    ) -> None:
        super().__init__(name=f"store-{'writer' if writes else 'reader'}", daemon=True)
        self.queue = queue
        self._path = path
        self._loop = loop
        self._notifier = notifier
        self._notifiers = notifiers
        self._writes = writes
        self._keys = keys
        self._queries = queries(Dialect.SQLITE)
        self._rings = False
        self._changed: set[str] = set()

    def run(self) -> None:
        connection = connect(self._path)
        if self._writes:
            self._watch(connection)
        else:
            connection.execute("PRAGMA query_only = ON")
        try:
            while batch := self._batch():
                self._run_batch(connection, batch)
        finally:
            connection.close()

    def _watch(self, connection: sqlite3.Connection) -> None:
        """Note whose streams a commit concerns, by triggers of this connection: no script can forget to say so.

        What is noted of a script that is undone wakes somebody for nothing, which is no harm.
        """
        connection.create_function("note_change", 1, self._changed.add)
        for event, table, row in WATCHED:
            connection.execute(
                f"CREATE TEMP TRIGGER note_{table} AFTER {event} ON {table} "
                f"BEGIN SELECT note_change({row}.mailbox_id); END"
            )

    def _batch(self) -> list[_Call]:
        """The next calls that wait, at least one; [] to stop."""
        batch = self.queue.get() or []
        while batch and self._writes and len(batch) < BATCH:
            try:
                more = self.queue.get_nowait()
            except Empty:
                break
            if more is None:
                self.queue.put(None)
                break
            batch += more
        return batch

    def _run_batch(self, connection: sqlite3.Connection, batch: list[_Call]) -> None:
        self._rings = False
        self._changed.clear()
        try:
            connection.execute("BEGIN IMMEDIATE" if self._writes else "BEGIN")
            for call in batch:
                self._run_call(connection, call)
                if not connection.in_transaction:
                    raise call.error or sqlite3.OperationalError("the transaction was rolled back")
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            self._rings = False
            self._changed.clear()
            for call in batch:
                call.error = call.error or _told(error)
        try:
            self._loop.call_soon_threadsafe(self._tell, batch, self._rings, frozenset(self._changed))
        except RuntimeError:  # the loop was closed under us: nobody waits any more
            return

    def _tell(self, batch: Iterable[_Call], rings: bool, changed: Iterable[str]) -> None:
        for call in batch:
            call.resolve()
        if rings:
            self._notifier.ring()
        for mailbox_id in changed:
            self._notifiers.ring(mailbox_id)

    def _run_call(self, connection: sqlite3.Connection, call: _Call) -> None:
        if call.future.cancelled():
            return
        if not self._writes:
            try:
                call.result = self._run_script(connection, call)
            except BaseException as error:
                call.error = _told(error)
            return
        rings, self._rings = self._rings, False
        connection.execute("SAVEPOINT script")
        try:
            call.result = self._run_script(connection, call)
            connection.execute("RELEASE script")
        except BaseException as error:
            call.error = _told(error)
            self._rings = False
            if connection.in_transaction:
                connection.execute("ROLLBACK TO script")
                connection.execute("RELEASE script")
        self._rings = self._rings or rings

    def _run_script(self, connection: sqlite3.Connection, call: _Call) -> Any:
        script = call.make(*call.args, **call.kwargs)
        return run_script(connection, self._queries, script, self._ring, self._keys)

    def _ring(self) -> None:
        self._rings = True


def _told(error: BaseException) -> BaseException:
    """What a caller hears of it: a file that is locked, full or unreadable is the store's trouble, not the call's."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in AWAY:
        away = StoreAway("later.store", reason=error.sqlite_errorname)  # type: ignore[attr-defined]
        away.__cause__ = error
        return away
    return error


class SqliteDriver:
    """`backend.store.driver.Driver` over one SQLite file."""

    def __init__(self, path: Path, keys: DecisionKeys | None = None) -> None:
        self._path = path
        self._keys = keys
        self._notifier = Notifier()
        self._notifiers = Notifiers()
        self._writes: SimpleQueue[list[_Call] | None] = SimpleQueue()
        self._reads: SimpleQueue[list[_Call] | None] = SimpleQueue()
        self._threads: tuple[_Thread, ...] = ()
        self._near: sqlite3.Connection | None = None
        self._this_turn: list[_Call] = []

    @property
    def notifier(self) -> Notifier:
        """Rung after commits of this process that made a job due."""
        return self._notifier

    @property
    def notifiers(self) -> Notifiers:
        """Rung after commits of this process; another's on the same file ring nothing here."""
        return self._notifiers

    async def open(self) -> None:
        """Create or upgrade the file, then start the threads."""
        await asyncio.to_thread(upgrade, self._path)
        loop = asyncio.get_running_loop()
        queues = [(self._writes, True), *((self._reads, False) for _ in range(READERS))]
        self._threads = tuple(
            _Thread(self._path, loop, self._notifier, self._notifiers, queue, self._keys, writes=writes)
            for queue, writes in queues
        )
        for thread in self._threads:
            thread.start()
        self._near = connect(self._path)
        self._near.execute("PRAGMA query_only = ON")
        self._near.execute(f"PRAGMA busy_timeout = {NEAR_BUSY_MS}")

    async def close(self) -> None:
        """Finish what is queued, then end the threads. Closing twice is fine."""
        self._hand_over()
        threads, self._threads = self._threads, ()
        near, self._near = self._near, None
        if near is not None:
            near.close()
        for thread in threads:
            thread.queue.put(None)
        for thread in threads:
            await asyncio.to_thread(thread.join)

    async def write(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in the writer's next commit, with whatever else is written in this turn of the loop."""
        call = self._call(make, args, kwargs)
        self._this_turn.append(call)
        if len(self._this_turn) == 1:
            call.future.get_loop().call_soon(self._hand_over)
        result: T = await call.future
        return result

    async def read(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in a reader's next snapshot."""
        call = self._call(make, args, kwargs)
        self._reads.put([call])
        result: T = await call.future
        return result

    async def near(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run here and now, on one snapshot."""
        connection = self._near
        if connection is None:
            raise RuntimeError("the store is not open")
        try:
            connection.execute("BEGIN")
            try:
                return run_script(connection, queries(Dialect.SQLITE), make(*args, **kwargs))
            finally:
                connection.execute("COMMIT")
        except sqlite3.OperationalError:
            return await self.read(scope, make, *args, **kwargs)  # it waits longer, and tells what is wrong

    def _hand_over(self) -> None:
        calls, self._this_turn = self._this_turn, []
        for first in range(0, len(calls), BATCH):
            self._writes.put(calls[first : first + BATCH])

    def _call(self, make: Callable[..., Script[Any]], args: Any, kwargs: Any) -> _Call:
        if not self._threads or not all(thread.is_alive() for thread in self._threads):
            raise RuntimeError("the store is not open")
        return _Call(make, args, kwargs, asyncio.get_running_loop().create_future())
