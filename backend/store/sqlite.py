"""The embedded store: one SQLite file, one writer thread with group commit, one reader thread.

A commit waits for the disk once. All scripts that wait share it, each inside a savepoint so that one's
error undoes that one alone. Nobody hears of his result before the commit: acknowledged means kept
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

from backend.domain.errors import NotFound, StoreAway
from backend.store.library import Dialect, Yields, queries
from backend.store.notifier import Notifier, Notifiers
from backend.store.sqlite_schema import connect, upgrade
from backend.transactions.statement import WAKE, P, Script, Statement, T, no_text

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
        *,
        writes: bool,
    ) -> None:
        super().__init__(name=f"store-{'writer' if writes else 'reader'}", daemon=True)
        self.queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._path = path
        self._loop = loop
        self._notifier = notifier
        self._notifiers = notifiers
        self._writes = writes
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
        first = self.queue.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < BATCH:
            try:
                call = self.queue.get_nowait()
            except Empty:
                break
            if call is None:
                self.queue.put(None)
                break
            batch.append(call)
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
        try:
            statement = next(script)
            while True:
                statement = script.send(self._execute(connection, statement))
        except StopIteration as stop:
            return stop.value
        finally:
            script.close()

    def _execute(self, connection: sqlite3.Connection, statement: Statement) -> Any:
        if statement is WAKE:
            self._rings = True
            return None
        query = self._queries[statement.name]
        try:
            cursor = connection.execute(query.sql, statement.params)
        except UnicodeEncodeError as error:
            raise no_text() from error
        except sqlite3.IntegrityError as error:
            if "FOREIGN KEY" in str(error):
                raise NotFound("There is no such mailbox.", code="unknown_mailbox") from error
            raise
        if query.yields is Yields.COUNT:
            return cursor.rowcount
        rows = cursor.fetchall()
        if query.yields is Yields.ROWS:
            return rows
        if not rows:
            return None
        return rows[0] if query.yields is Yields.ROW else rows[0][0]


def _told(error: BaseException) -> BaseException:
    """What a caller hears of it: a file that is locked, full or unreadable is the store's trouble, not the call's."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in AWAY:
        away = StoreAway("The database file cannot be used just now.", reason=error.sqlite_errorname)  # type: ignore[attr-defined]
        away.__cause__ = error
        return away
    return error


class SqliteDriver:
    """`backend.store.driver.Driver` over one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._notifier = Notifier()
        self._notifiers = Notifiers()
        self._writer: _Thread | None = None
        self._reader: _Thread | None = None

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
        self._writer = _Thread(self._path, loop, self._notifier, self._notifiers, writes=True)
        self._reader = _Thread(self._path, loop, self._notifier, self._notifiers, writes=False)
        self._writer.start()
        self._reader.start()

    async def close(self) -> None:
        """Finish what is queued, then end the threads. Closing twice is fine."""
        threads = [thread for thread in (self._writer, self._reader) if thread is not None]
        self._writer = self._reader = None
        for thread in threads:
            thread.queue.put(None)
        for thread in threads:
            await asyncio.to_thread(thread.join)

    async def write(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in the writer's next commit."""
        return await _submit(self._writer, make, args, kwargs)

    async def read(self, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in the reader's next snapshot."""
        return await _submit(self._reader, make, args, kwargs)


async def _submit(thread: _Thread | None, make: Callable[..., Script[T]], args: Any, kwargs: Any) -> T:
    if thread is None or not thread.is_alive():
        raise RuntimeError("the store is not open")
    future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    thread.queue.put(_Call(make, args, kwargs, future))
    return await future
