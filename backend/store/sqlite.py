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
from backend.store.bell import Bell
from backend.store.library import Dialect, Yields, migrations, queries
from backend.store.statement import WAKE, P, Script, Statement, T, no_text

BATCH = 256
"""Scripts that share one commit at most: bounds how long the first of them waits."""

BUSY_SECONDS = 10.0
"""How long a commit waits for another process that is writing."""

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

    def __init__(self, path: Path, loop: asyncio.AbstractEventLoop, bell: Bell, *, writes: bool) -> None:
        super().__init__(name=f"store-{'writer' if writes else 'reader'}", daemon=True)
        self.queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._path = path
        self._loop = loop
        self._bell = bell
        self._writes = writes
        self._queries = queries(Dialect.SQLITE)
        self._rings = False

    def run(self) -> None:
        connection = connect(self._path)
        if not self._writes:
            connection.execute("PRAGMA query_only = ON")
        try:
            while batch := self._batch():
                self._run_batch(connection, batch)
        finally:
            connection.close()

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
            for call in batch:
                call.error = call.error or _told(error)
        try:
            self._loop.call_soon_threadsafe(self._tell, batch, self._rings)
        except RuntimeError:  # the loop was closed under us: nobody waits any more
            return

    def _tell(self, batch: Iterable[_Call], rings: bool) -> None:
        for call in batch:
            call.resolve()
        if rings:
            self._bell.ring()

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
        self._bell = Bell()
        self._writer: _Thread | None = None
        self._reader: _Thread | None = None

    @property
    def bell(self) -> Bell:
        """Rung after commits of this process that made a job due."""
        return self._bell

    async def open(self) -> None:
        """Create or upgrade the file, then start the threads."""
        await asyncio.to_thread(upgrade, self._path)
        loop = asyncio.get_running_loop()
        self._writer = _Thread(self._path, loop, self._bell, writes=True)
        self._reader = _Thread(self._path, loop, self._bell, writes=False)
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


def connect(path: Path) -> sqlite3.Connection:
    """A connection with our settings; transactions are begun and ended by hand."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=512, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    for pragma in (
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "temp_store = MEMORY",
        "cache_size = -65536",
        "wal_autocheckpoint = 16000",  # 64 MB: pages written again and again go to the file once
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def upgrade(path: Path) -> int:
    """Bring the file's schema up to date, one transaction a step; returns how many steps were made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = connect(path)
    made = 0
    try:
        for step in migrations(Dialect.SQLITE):
            connection.execute("BEGIN IMMEDIATE")
            if step.version > version(connection):
                for statement in _statements(step.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {step.version:d}")
                made += 1
            connection.execute("COMMIT")
    finally:
        connection.close()
    return made


def version(connection: sqlite3.Connection) -> int:
    """The number of the last migration made."""
    found: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return found


def _statements(script: str) -> Iterable[str]:
    """The statements of a script. (`executescript` would commit the transaction it runs in.)"""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
