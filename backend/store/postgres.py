"""The store on PostgreSQL: a pool of connections, one transaction per script, woken by LISTEN/NOTIFY."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

import asyncpg
import structlog

from backend.domain.errors import Conflict, NotFound, PitchgateError, StoreAway
from backend.ports.system import DecisionKeys
from backend.store import lane_sessions
from backend.store.lane_sessions import BROKEN, Connection, LaneSessions, is_broken
from backend.store.library import Dialect, Migration, Query, Yields, migrations, queries
from backend.transactions.script import (
    EVERY,
    KEYS,
    WAKE,
    Notifier,
    Notifiers,
    Outage,
    P,
    Script,
    Statement,
    T,
    Transaction,
    unstorable_text,
)

# ---- The PostgreSQL schema


MIGRATING = 0x7069746368
"""The advisory lock under which one process at a time upgrades the schema."""
LOCK_WAIT = "2s"
"""How long a step waits for a table. All other use of that table waits behind it meanwhile."""
LANES = 33
"""The migration since which mailboxes have owners. Servers of earlier releases cannot run with it."""
APPLICATION = "pitchgate"
"""The name of the session on which a server listens."""
STEP_TRIES = 30
STEP_PAUSE = 0.5


async def upgrade_server(url: str) -> int:
    """Bring the schema up to date, one transaction per step, one process at a time; returns the steps made.

    The previous release may still be running, unless it has no owners of mailboxes (`store.earlier`): a step only adds,
    and a later release removes what it replaced. A step that cannot lock its tables at once, or deadlocks, is rolled
    back and retried. Raises `Conflict` if something locks them for good.
    """
    connection: Connection = await asyncpg.connect(url, timeout=10)
    made = 0
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", MIGRATING)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())"
        )
        done = await version(connection)
        if 0 < done < LANES:
            await _refuse_beside_earlier_servers(connection)
        for step in migrations(Dialect.POSTGRES):
            if step.version > done:
                await _make_step(connection, step)
                made += 1
    finally:
        await connection.close()
    return made


async def _refuse_beside_earlier_servers(connection: Connection) -> None:
    """Earlier releases ran jobs without owning the mailbox. Each of their servers shows by its listening session."""
    rows = await connection.fetch(
        "SELECT pid, COALESCE(client_addr::TEXT, 'this machine') AS place, backend_start::TIMESTAMPTZ(0) AS since"
        " FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN \"pitchgate%'"
        " AND application_name <> $1 ORDER BY backend_start",
        APPLICATION,
    )
    if rows:
        servers = "; ".join(f"{row['place']} (session {row['pid']} since {row['since']})" for row in rows)
        raise Conflict("store.earlier", servers=servers)


async def _make_step(connection: Connection, step: Migration) -> None:
    for _ in range(STEP_TRIES):
        try:
            async with connection.transaction():
                await connection.execute(
                    f"SET LOCAL app.mailbox = {literal(EVERY)}; SET LOCAL lock_timeout = '{LOCK_WAIT}'"
                )
                await connection.execute(step.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)", step.version, step.name
                )
            return
        except (asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError):
            await asyncio.sleep(STEP_PAUSE)
    raise Conflict("schema_step", step=f"{step.version:04}")


async def version(connection: Connection) -> int:
    """The number of the last migration made, 0 before the first."""
    if not await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL"):
        return 0
    found: int = await connection.fetchval("SELECT COALESCE(MAX(version), 0) FROM schema_migrations")
    return found


async def current_version(url: str) -> int:
    """`version` of the database at `url`. Changes nothing."""
    connection: Connection = await asyncpg.connect(url, timeout=10)
    try:
        return await version(connection)
    finally:
        await connection.close()


async def unbound_role(url: str) -> str:
    """The role we connect as, if row-level security does not bind it (a superuser, or BYPASSRLS); else ""."""
    connection: Connection = await asyncpg.connect(url, timeout=10)
    try:
        role: str | None = await connection.fetchval(
            "SELECT rolname::TEXT FROM pg_roles WHERE rolname = current_user AND (rolsuper OR rolbypassrls)"
        )
        return role or ""
    finally:
        await connection.close()


def literal(text: str) -> str:
    """`text` as an SQL string. SET takes no parameters; a quote is doubled, NUL cannot be in it."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"


# ---- The store on PostgreSQL
# A transaction names the mailbox it is about (`app.mailbox`), and row-level security hides all others' rows. BEGIN and
# that setting travel together, as do NOTIFY and COMMIT, so neither costs a round trip. A script that meets a deadlock
# or a just-upgraded schema, or whose connection broke before its COMMIT was sent, runs again from the start: a script
# has no effects outside its transaction. If a COMMIT got no answer, its outcome is unknown: the caller gets
# `StoreAway`, as when the server is away.


log = structlog.get_logger()

CHANNEL = "pitchgate_due"
CHANGES = "pitchgate_changes"
"""The channel, named in migration 0009, on which triggers publish a mailbox's id."""
POOL = 10
"""Most connections of one process; more transactions at once would wait for each other anyway."""
TRIES = 8
PAUSE, LONGEST_PAUSE = 0.05, 1.6
"""Seconds before the second try, doubled before each further one: in all 5 seconds, a server's quick restart."""
LISTEN_PAUSE = 1.0

_RETRIED = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    # The schema was upgraded, so prepared statements are stale: the next try prepares them again.
    asyncpg.InvalidCachedStatementError,
)

_AWAY = {
    "53100": "later.store.full",  # disk_full
    "25006": "later.store.unwritable",  # read_only_sql_transaction: a standby, or set so
    "XX001": "later.store.damaged",  # data_corrupted
    "XX002": "later.store.damaged",  # index_corrupted
}
"""Error states of a server that takes no writes, with our codes."""


Acquire = Callable[[], contextlib.AbstractAsyncContextManager[Connection]]


class PostgresDriver:
    """`backend.transactions.script.Driver` over a PostgreSQL server. `pool` is the number of connections."""

    def __init__(self, url: str, pool: int = POOL, keys: DecisionKeys | None = None) -> None:
        self._url = url
        self._keys = keys
        self._size = pool
        self._pool: asyncpg.Pool[Any] | None = None
        self.notifier, self.notifiers = Notifier(), Notifiers()
        """Told of commits of any process."""
        self.outage = Outage()
        self.ownership = LaneSessions(url, self.publish)
        self._listening: asyncio.Task[None] | None = None
        self._queries = queries(Dialect.POSTGRES)

    async def open(self) -> None:
        """Upgrade the schema, then fill the pool and start listening."""
        try:
            await lane_sessions.refuse_shared_sessions(self._url)
            await upgrade_server(self._url)
            role = await unbound_role(self._url)
        except BROKEN as error:
            raise PitchgateError("store.away", why=type(error).__name__) from error
        if role:
            log.warning(
                "row_security_off", role=role, remedy="connect as a role without SUPERUSER and BYPASSRLS"
            )
        # No connection is kept ready: while the server is away, the pool would log that by itself.
        self._pool = await asyncpg.create_pool(
            self._url,
            min_size=0,
            max_size=self._size,
            statement_cache_size=512,
            init=_prepare,
            reset=_no_reset,
            timeout=10,
        )
        ready = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(ready))
        await ready.wait()

    async def close(self) -> None:
        """Let transactions under way end, then disconnect. Closing twice is fine."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
            self._listening = None
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.close()

    async def wipe(self) -> None:
        """Left to the server's own vacuum."""

    async def run(
        self, kind: Transaction, scope: str, make: Callable[P, Script[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run on a connection of the pool, or on the session that holds the lock of the lane's bucket; the comment
        above says when it is retried."""
        reads = kind in (Transaction.READ, Transaction.READ_FEW)
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if reads else "BEGIN"
        lane = partial(self.ownership.session, scope) if kind is Transaction.WRITE_IN_LANE else None
        begin = f"{begin}; SET LOCAL app.mailbox = {literal(scope)}"
        result = await self._run(begin, partial(make, *args, **kwargs), lane)
        if not reads:
            self.outage.written()
        return result

    async def _run(self, begin: str, make: Callable[[], Script[T]], lane: Acquire | None = None) -> T:
        if self._pool is None:
            raise RuntimeError("the store is not open")
        for attempt in range(1, TRIES + 1):
            ending = _Ending()
            try:
                return await self._run_once(lane or self._pool.acquire, begin, make(), ending)
            except asyncpg.ForeignKeyViolationError as error:
                raise NotFound("unknown_mailbox") from error
            except (*_RETRIED, *BROKEN, asyncpg.InterfaceError) as error:
                lost = not isinstance(error, _RETRIED)
                if lost and not is_broken(error):
                    raise
                if attempt == TRIES or (lost and ending.begun):
                    raise self._away("later.store", error) from error
                if self.outage.error is None:
                    log.info("store_retry", cause=type(error).__name__, attempt=attempt)
            except asyncpg.PostgresError as error:
                if (key := _AWAY.get(error.sqlstate)) is None:
                    raise
                raise self._away(key, error) from error
            await asyncio.sleep(min(PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE))
        raise AssertionError("unreachable")

    def _away(self, key: str, error: Exception) -> StoreAway:
        away = StoreAway(key, reason=type(error).__name__)
        self.outage.met(away)
        return away

    async def _run_once(self, acquire: Acquire, begin: str, script: Script[T], ending: _Ending) -> T:
        async with acquire() as connection:
            try:
                await connection.execute(begin)
                result, woken = await self._run_script(connection, script)
                ending.begun = True
                notices = (f"NOTIFY {CHANNEL}, {literal(mailbox_id)}; " for mailbox_id in sorted(woken))
                await connection.execute(f"{''.join(notices)}COMMIT")
            except BaseException:
                await _roll_back(connection)
                raise
            return result

    async def _run_script(self, connection: Connection, script: Script[T]) -> tuple[T, set[str]]:
        woken: set[str] = set()
        try:
            statement = next(script)
            while True:
                if statement is KEYS:
                    statement = script.send(self._keys)
                elif statement.name == WAKE:
                    woken.add(statement.params["mailbox_id"])
                    statement = script.send(None)
                else:
                    statement = script.send(await self._execute(connection, statement))
        except StopIteration as stop:
            return stop.value, woken
        finally:
            script.close()

    async def _execute(self, connection: Connection, statement: Statement) -> Any:
        query = self._queries[statement.name]
        values = [statement.params[name] for name in query.order]
        try:
            return await self._fetch(connection, query, values)
        except (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError) as error:
            raise unstorable_text() from error
        except asyncpg.DataError as error:
            if isinstance(error.__cause__, UnicodeEncodeError):
                raise unstorable_text() from error
            raise

    async def _fetch(self, connection: Connection, query: Query, values: list[Any]) -> Any:
        if query.yields is Yields.COUNT:
            status: str = await connection.execute(query.sql, *values)
            return int(status.rpartition(" ")[2])
        rows = await connection.fetch(query.sql, *values)
        if query.yields is Yields.ROWS:
            return rows
        if not rows:
            return None
        return rows[0] if query.yields is Yields.ROW else rows[0][0]

    async def publish(self, channel: str, text: str) -> None:
        """Notify every listening process."""

        def nothing() -> Script[None]:
            yield from ()

        await self._run(f"BEGIN; NOTIFY {channel}, {literal(text)}", nothing)

    async def _listen(self, ready: asyncio.Event) -> None:
        """Keep one connection listening, for as long as the store is open."""
        while True:
            try:
                connection: Connection = await asyncpg.connect(
                    self._url, timeout=10, server_settings={"application_name": APPLICATION}
                )
                try:
                    await lane_sessions.end_when_silent(connection)
                    await self._listen_on(connection, ready)
                finally:
                    connection.terminate()
            except (*BROKEN, asyncpg.InterfaceError) as error:
                log.info("store_listen_failed", cause=type(error).__name__)
            ready.set()  # lanes poll as well: without wake-ups the store is slower, not wrong
            await asyncio.sleep(LISTEN_PAUSE)

    async def _listen_on(self, connection: Connection, ready: asyncio.Event) -> None:
        """Ring at every notice until the connection ends, and once at its start, since one may have been missed."""
        ended = asyncio.Event()
        connection.add_termination_listener(lambda _: ended.set())
        await connection.add_listener(CHANNEL, lambda *message: self.notifier.ring(message[3]))
        await connection.add_listener(lane_sessions.PUSHES, lambda *message: self.ownership.heard(message[3]))
        await connection.add_listener(lane_sessions.CHANNEL, lambda *_: self.ownership.look())
        await connection.add_listener(CHANGES, lambda *message: self.notifiers.ring(message[3]))
        ready.set()
        self.notifier.ring()
        self.notifiers.ring_all()
        self.ownership.heard("")
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(lane_sessions.BEAT):
                    await ended.wait()
            await connection.execute("SELECT 1", timeout=lane_sessions.BEAT)


class _Ending:
    """Whether a COMMIT was sent: after that only the server knows the outcome."""

    def __init__(self) -> None:
        self.begun = False


async def _prepare(connection: Connection) -> None:
    """Set how long the server waits for us: others wait for locks of a process that is paused or cut off, but not for
    ever."""
    await connection.execute(f"SET idle_in_transaction_session_timeout = '{lane_sessions.SILENCE}s'")


async def _no_reset(connection: Connection) -> None:
    """Replaces the pool's reset of a returned connection by nothing: settings were local to the transaction."""


async def _roll_back(connection: Connection) -> None:
    try:
        await connection.execute("ROLLBACK")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
        # A broken connection has left the pool by itself, and refuses even this.
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()
