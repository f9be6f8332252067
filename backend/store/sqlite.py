"""The embedded store: one SQLite file and its schema, one connection that writes (`sqlite_writer`), three that read."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import structlog

from backend.domain.errors import Conflict, StoreAway
from backend.domain.mailbox.mailbox import NoticeHint
from backend.ports.system import DecisionKeys
from backend.store.library import Dialect, Query, migrations, queries
from backend.store.sqlite_writer import (
    BUSY_SECONDS,
    LOOP_BUSY_MS,
    PendingCall,
    Work,
    Writer,
    caller_error,
    run_script,
)
from backend.transactions import jobs
from backend.transactions.script import EVERY, Notifier, Notifiers, Outage, P, Script, T, Transaction

# ---- The file, and its schema


log = structlog.get_logger()

_OURS = ("pitchgate.", "secret.keys")

WIPED = 0x50474154
"""The `application_id` of a file in which every page was written under `secure_delete`."""


def connect_file(path: Path) -> sqlite3.Connection:
    """A connection with our settings; transactions are begun and ended by hand."""
    connection = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level=None, cached_statements=512, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",  # deleted content is overwritten, not only marked as free
            "temp_store = MEMORY",
            "cache_size = -4096",  # KiB a connection: the system caches the file once for all
            "wal_autocheckpoint = 16000",  # 64 MB: a page written again and again reaches the file once
        ):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:  # not a database, or unreadable: Python 3.13 and later warn of unclosed ones
        connection.close()
        raise
    return connection


def make_private(path: Path) -> None:
    """Let only its owner read the file, also if it was made readable for others.

    SQLite gives `-wal` and `-shm` the mode of the file. An existing file is not opened here: closing it would end the
    locks that this process holds on it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    if os.name != "posix":
        return
    for name in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal"))):
        with suppress(FileNotFoundError, PermissionError):  # not ours to change
            if name.stat().st_mode & 0o077:
                name.chmod(0o600)


def make_folder_private(folder: Path) -> None:
    """Let only its owner read the folder, if it holds nothing but our files."""
    if os.name != "posix" or not folder.stat().st_mode & 0o077:
        return
    if all(entry.name.lstrip(".").startswith(_OURS) for entry in folder.iterdir()):
        with suppress(PermissionError):
            folder.chmod(0o700)


def upgrade_file(path: Path) -> int:
    """Upgrade the file's schema, one transaction per step; returns how many steps were made."""
    make_private(path)
    connection = connect_file(path)
    made, fresh = 0, file_version(connection) == 0
    try:
        for step in migrations(Dialect.SQLITE):
            connection.execute("BEGIN IMMEDIATE")
            if step.version > file_version(connection):
                for statement in _statements(step.sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {step.version:d}")
                made += 1
            connection.execute("COMMIT")
        _wipe_old_pages(connection, fresh)
        clear_log(connection)
    finally:
        connection.close()
    return made


def _wipe_old_pages(connection: sqlite3.Connection, fresh: bool) -> None:
    """Once for each file: rewrite it without the deleted rows that older releases left in its pages."""
    if connection.execute("PRAGMA application_id").fetchone()[0] == WIPED:
        return
    try:
        if not fresh:
            connection.execute("PRAGMA busy_timeout = 0")
            connection.execute("VACUUM")
        connection.execute(f"PRAGMA application_id = {WIPED:d}")
    except sqlite3.OperationalError as error:
        # Somebody uses it, or there is no room for a copy: left to the next start.
        log.warning("old_pages_kept", cause=error.sqlite_errorname)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def clear_log(connection: sqlite3.Connection) -> bool:
    """Move the write-ahead log into the file and empty it: old pages stay readable there. False if somebody still reads
    from it."""
    busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    return not busy


def file_version(connection: sqlite3.Connection) -> int:
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


# ---- The store on SQLite
# A read of a few rows by key costs less than asking another thread: it runs where it is called, on a connection of the
# event loop's own. Several processes may have the file open; SQLite's own lock orders their commits.

READERS = 2
AGAIN = 1.0
"""Seconds between two tries to own the file's mailboxes, and between two checks for other processes' writes."""
WIPE_TRIES, WIPE_MS = 20, 250
"""How often to try to empty the log, and how long each try waits for readers: others cannot write meanwhile."""


class _Thread(threading.Thread):
    """Run queued work on one connection; None ends the loop."""

    def __init__(self, name: str, connection: sqlite3.Connection, queue: SimpleQueue[Work | None]) -> None:
        super().__init__(name=name, daemon=True)
        self.queue = queue
        self._connection = connection
        self.ended = False

    def run(self) -> None:
        try:
            while (work := self.queue.get()) is not None:
                work(self._connection)
        finally:
            self.ended = True
            self._connection.close()


class SqliteDriver:
    """`backend.transactions.script.Driver` over one SQLite file."""

    def __init__(self, path: Path, keys: DecisionKeys | None = None) -> None:
        self._path = path
        self._keys = keys
        self._queries = queries(Dialect.SQLITE)
        self.notifier, self.notifiers = Notifier(), Notifiers()
        """Told of commits of this process; those of other processes are not heard here."""
        self._reads: SimpleQueue[Work | None] = SimpleQueue()
        self._threads: tuple[_Thread, ...] = ()
        self._loop_reader: sqlite3.Connection | None = None
        self._writer: Writer | None = None
        self.outage = Outage()
        self._version = 0
        self.ownership = FileOwnership(path, self)

    async def open(self) -> None:
        """Create or upgrade the file, then start the threads."""
        await asyncio.to_thread(upgrade_file, self._path)
        writing, writes = connect_file(self._path), SimpleQueue[Work | None]()
        self._writer = Writer(writing, writes, self.notifier, self.notifiers, self._keys)
        self._loop_reader = self._read_only()
        self._loop_reader.execute(f"PRAGMA busy_timeout = {LOOP_BUSY_MS}")
        readers = [_Thread("store-reader", self._read_only(), self._reads) for _ in range(READERS)]
        self._threads = (_Thread("store-writer", writing, writes), *readers)
        for thread in self._threads:
            thread.start()

    def _read_only(self) -> sqlite3.Connection:
        connection = connect_file(self._path)
        connection.execute("PRAGMA query_only = ON")
        return connection

    async def close(self) -> None:
        """Finish what is queued, then end the threads. Closing twice is fine."""
        if not self._threads:
            return
        last = self._call(_nothing)
        (threads, self._threads), (reader, self._loop_reader) = (self._threads, ()), (self._loop_reader, None)
        if self._writer is not None:
            self._writer.add(last)
            await last.future
        if reader is not None:
            reader.close()
        writer, *readers = threads
        for ended in (readers, [writer]):  # or two closing at once would both remove the log
            for thread in ended:
                thread.queue.put(None)
            for thread in ended:
                await asyncio.to_thread(thread.join)
        self.ownership.leave()

    async def run(
        self, kind: Transaction, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Writes of one turn of the event loop share one commit, and run in the loop if all are of a few rows. A lane's
        write needs no check: lanes run only in the process that has the lock, which keeps it as long as it lives."""
        script, result = partial(make, *args, **kwargs), None
        if kind is Transaction.READ_FEW:
            with suppress(sqlite3.OperationalError):  # a reader waits longer, and reports what is wrong
                return self._read_here(script())
        if kind in (Transaction.READ, Transaction.READ_FEW):
            call = self._call(script)
            self._reads.put(partial(_read, call, asyncio.get_running_loop()))
            result = await self._result_of(call)
        else:
            call = self._call(script, in_loop=kind is not Transaction.WRITE)
            assert self._writer is not None
            self._writer.add(call)
            result = await self._result_of(call)
            self.outage.written()
        return cast(T, result)

    def _read_here(self, script: Script[T]) -> T:
        """Read here and now, on one snapshot: on the writing connection if it is free, since every commit empties the
        other connections' page caches."""
        if self._loop_reader is None or self._writer is None:
            raise RuntimeError("the store is not open")
        return _snapshot(self._writer.idle_connection or self._loop_reader, self._queries, script)

    def written_by_others(self) -> bool:
        """Whether another process has written to the file since the last call."""
        connection = self._writer.idle_connection if self._writer and self._threads else None
        if connection is None:
            return False
        version: int = connection.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, version
        return before != version

    async def wipe(self) -> None:
        """`secure_delete` overwrites deleted rows in the file; this empties the write-ahead log, which still holds
        them. A long reader, such as a backup, delays it to the next time, or the next start."""
        for _ in range(WIPE_TRIES):
            if await asyncio.to_thread(self._clear_log):
                return
        log.warning("old_pages_kept", cause="SQLITE_BUSY")

    def _clear_log(self) -> bool:
        with closing(connect_file(self._path)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {WIPE_MS}")
            return clear_log(connection)

    async def _result_of(self, call: PendingCall) -> Any:
        try:
            return await call.future
        except StoreAway as error:
            self.outage.met(error)
            raise

    def _call(self, make: Callable[[], Script[Any]], *, in_loop: bool = False) -> PendingCall:
        if not self._threads or any(thread.ended for thread in self._threads):
            raise RuntimeError("the store is not open")
        return PendingCall(make, asyncio.get_running_loop().create_future(), in_loop)


def _snapshot(connection: sqlite3.Connection, known: Mapping[str, Query], script: Script[T]) -> T:
    connection.execute("BEGIN")
    try:
        return run_script(connection, known, script)
    finally:
        connection.execute("COMMIT")


def _read(call: PendingCall, loop: asyncio.AbstractEventLoop, connection: sqlite3.Connection) -> None:
    """Runs in a reader's thread."""
    if call.future.cancelled():
        return
    try:
        call.result = _snapshot(connection, queries(Dialect.SQLITE), call.make())
    except BaseException as error:
        call.error = caller_error(error)
    try:
        loop.call_soon_threadsafe(call.resolve)
    except RuntimeError:  # the loop was closed meanwhile: nobody waits any more
        return


def _nothing() -> Script[None]:
    """Done once everything queued before it is."""
    yield from ()


# ---- Who owns the mailboxes
# A lock file says who owns them: the system releases it when a process ends, however it ends.


class FileOwnership:
    """`backend.transactions.script.Ownership` of an embedded database: the process that has the lock file owns all its
    mailboxes. A row says that they have an owner; a process that gets the lock and finds the row set follows a dead
    one."""

    def __init__(self, path: Path, driver: SqliteDriver) -> None:
        self._path, self._driver = path, driver
        self._owned = self._after_death = False
        self._lock: ExitStack | None = None

    def owns(self, mailbox_id: str) -> bool:
        """See `Ownership`."""
        return self._owned

    def may_be_lost(self, mailbox_id: str) -> bool:
        """See `Ownership`: no other process gets the lock while this one lives."""
        return False

    def after_death(self, mailbox_id: str) -> bool:
        """See `Ownership`."""
        return self._after_death

    async def run(self, stop: asyncio.Event, changed: Callable[[], None]) -> None:
        """See `Ownership`. Tries again and again while another process has the lock."""
        try:
            while not (self._take_lock() and await self._take_over()) and not stop.is_set():
                await self._wait(stop)
            if not self._owned:
                return
            changed()
            while not stop.is_set():
                await self._wait(stop)
                if self._driver.written_by_others():
                    self._driver.notifier.ring()
            with suppress(StoreAway):  # then the next owner is more careful than necessary
                await self._driver.run(Transaction.WRITE_FEW, EVERY, jobs.end_owning)
            self._owned = False
            changed()
        finally:
            self.leave()

    def _take_lock(self) -> bool:
        """Take the lock unless we have it; False if another process has it."""
        if self._lock is None:
            lock = ExitStack()
            if not lock.enter_context(alone(self._path)):
                lock.close()
                return False
            self._lock = lock
        return True

    def leave(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.close()
        self._lock, self._owned = None, False

    async def _wait(self, stop: asyncio.Event) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(AGAIN):
                await stop.wait()

    async def _take_over(self) -> bool:
        try:
            self._after_death = await self._driver.run(Transaction.WRITE_FEW, EVERY, jobs.begin_owning)
        except StoreAway:
            return False
        self._owned = True
        return True

    def join(self, divide: Callable[[int], None]) -> None:
        """See `Ownership`. The lock is taken at once, so that anybody who checks sees that a server listens."""
        self._take_lock()

    async def tell_owner(self, mailbox_id: str, hint: NoticeHint) -> bool:
        """See `Ownership`. The owner finds what is stored when it checks the file for other processes' writes."""
        return False

    def on_notice_elsewhere(self, listener: Callable[[str, NoticeHint | None], None]) -> None:
        """See `Ownership`: nothing is ever passed on."""


@contextmanager
def alone(database: Path) -> Iterator[bool]:
    """True unless another server holds the lock on an empty file next to the database."""
    path = database.with_name(f"{database.name}-server")
    make_private(path)
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            yield False
        else:
            yield True


def held_alone(database: Path, key: str) -> sqlite3.Connection:
    """Lock the database until the connection is closed, with its write-ahead log moved into the one file: SQLite leaves
    WAL mode only while nobody else has it open. Raises `Conflict` (`key`) if somebody has."""
    connection = connect_file(database)
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise Conflict(key, path=database) from error
    return connection
