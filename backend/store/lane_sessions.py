"""Which mailboxes this replica owns on PostgreSQL.

Mailboxes fall into 256 buckets. A replica owns a bucket while one of its lane sessions holds the bucket's advisory
lock. Lanes commit on that very session: a process that loses the session loses the lock and the ability to write
together. The server ends a session that has been silent for 30 seconds, so a process that is paused or cut off loses
its buckets to others, and finds a closed connection when it comes back. No clock is compared with another's.

Locks also show how many sessions there are: each holds a shared lock, its place. Each session takes an even share of
the buckets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from time import monotonic
from typing import Any

import asyncpg
import structlog

from backend.domain.errors import LaneLost, Refused
from backend.domain.mailbox.mailbox import NoticeHint
from backend.transactions.script import EVERY, micros, moment

log = structlog.get_logger()

Connection = Any
"""An asyncpg connection."""

BROKEN = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.CannotConnectNowError,
    # asyncpg raises it for a cut between taking a connection and using it: nothing was sent.
    asyncpg.InternalClientError,
    OSError,
)

BUCKETS = 256
SESSIONS = 4
"""Sessions per replica: so many of its lanes' commits run in parallel."""
CHANNEL = "pitchgate_buckets"
"""Notified when buckets are free, and when a session has come or gone."""
PUSHES = "pitchgate_pushes"
"""Carries pushes that came to a replica which does not own the mailbox."""
SILENCE = 30.0
"""Seconds of silence after which the server ends a session."""
BEAT = 5.0
"""Seconds between two checks of the locks, which also keep the session alive."""
GRACE = 2.0
"""Seconds that lanes get to finish what is running before their bucket goes to another replica."""
PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds before a lost session is opened again, doubled after each failure."""
LAST_WORDS = 5.0
"""Seconds to give back all buckets on stop; after that they are lost with their sessions."""
NEWCOMER = 20
"""How much smaller a newcomer's part of Google's quota is until all others have noticed it."""
ROUNDS = 5
"""How often two connections are compared to find a pooler that shares sessions."""

_SURVEY = """
SELECT objid::BIGINT AS number, pid, pid = pg_backend_pid() AS mine FROM pg_locks
WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = $1::BIGINT::OID
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_TAKE = "SELECT bucket FROM unnest($2::INT[]) AS bucket WHERE pg_try_advisory_lock($1, bucket)"
_MARK = """
WITH before AS (SELECT bucket, owner FROM lane_owners WHERE bucket = ANY($1::INT[])),
marked AS (
    INSERT INTO lane_owners (bucket, owner) SELECT unnest($1::INT[]), $2
    ON CONFLICT (bucket) DO UPDATE SET owner = excluded.owner
)
SELECT bucket FROM before WHERE owner <> $2
"""
_UNMARK = "DELETE FROM lane_owners WHERE bucket = ANY($1::INT[])"
_GIVE_BACK = "SELECT pg_advisory_unlock($1, bucket) FROM unnest($2::INT[]) AS bucket"


def bucket_of(mailbox_id: str) -> int:
    """The bucket of a mailbox, the same for every replica."""
    return zlib.crc32(mailbox_id.encode()) % BUCKETS


def is_broken(error: BaseException) -> bool:
    """Whether the connection failed. asyncpg reports some breaks as misuse of a closed connection."""
    return isinstance(error, BROKEN) or (
        isinstance(error, asyncpg.InterfaceError)
        and any(word in str(error) for word in ("closed", "released back"))
    )


def _ends_session(error: Exception, connection: Connection | None) -> bool:
    """Whether this error ends a lane session. A cut between two steps of a query makes asyncpg raise whatever
    its lost protocol leads to: then the closed connection tells."""
    known = isinstance(error, (*BROKEN, asyncpg.PostgresError, asyncpg.InterfaceError))
    return known or connection is None or connection.is_closed()


def share(rank: int, among: int) -> int:
    """How many buckets the session of this rank gets among so many sessions: shares differ by at most one."""
    return BUCKETS // among + (rank < BUCKETS % among)


def preference(rank: int, among: int) -> list[int]:
    """In which order a session takes free buckets: sessions that start together seldom want the same one. It gives them
    back from the end."""
    first = rank * BUCKETS // among
    return [*range(first, BUCKETS), *range(first)]


async def refuse_shared_sessions(url: str) -> None:
    """Raise `Refused` if a pooler shares sessions between transactions: a session's locks and notices could then belong
    to anybody. Two connections open at once are never the same session otherwise."""
    async with contextlib.AsyncExitStack() as stack:
        pair: list[Connection] = []
        for _ in range(2):
            connection: Connection = await asyncpg.connect(url, timeout=10, statement_cache_size=0)
            stack.callback(connection.terminate)
            pair.append(connection)
        seen: list[set[int]] = [set(), set()]
        for _ in range(ROUNDS):
            for connection, pids in zip(pair, seen, strict=True):
                async with connection.transaction():  # a statement is prepared and run within one
                    pids.add(await connection.fetchval("SELECT pg_backend_pid()"))
        if seen[0] == seen[1] or max(map(len, seen)) > 1:
            raise Refused("store.pooler", field="database_url")


async def end_when_silent(connection: Connection, seconds: float = SILENCE) -> None:
    """Have the server end the session and roll back if we send nothing for so long, or do not read."""
    milliseconds = round(1000 * seconds)
    await connection.execute(
        f"SET idle_session_timeout = {milliseconds}; SET idle_in_transaction_session_timeout = {milliseconds};"
        f" SET tcp_user_timeout = {milliseconds}"
    )


class _Session:
    """One direct connection, and the buckets whose locks it holds. `pen` allows one transaction at a time."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.pen = asyncio.Lock()
        self.wake = asyncio.Event()
        self.connection: Connection | None = None
        self.owned: set[int] = set()
        self.leaving: set[int] = set()
        """Still locked, but about to be given back: running work may commit, and nothing new starts."""
        self.leaves_at = 0.0
        self.heard_at = 0.0
        """When the last answered query was sent."""

    @property
    def locked(self) -> set[int]:
        return self.owned | self.leaving

    def drop(self) -> None:
        """The session has ended; its buckets are lost."""
        if self.connection is not None:
            self.connection.terminate()
        self.connection = None
        self.owned, self.leaving = set(), set()


class LaneSessions:
    """`backend.transactions.script.Ownership` on PostgreSQL. `publish` sends all replicas a text on a channel."""

    def __init__(
        self,
        url: str,
        publish: Callable[[str, str], Awaitable[None]],
        *,
        sessions: int = SESSIONS,
        silence: float = SILENCE,
        beat: float = BEAT,
        grace: float = GRACE,
    ) -> None:
        self._url, self._publish = url, publish
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._silence, self._beat, self._grace = silence, beat, grace
        self._sessions = [_Session(place) for place in range(sessions)]
        self._from_dead: set[int] = set()
        self._listeners: list[Callable[[str, NoticeHint | None], None]] = []
        self._changed: Callable[[], None] = lambda: None
        self._key = 0
        self._joined = 0.0
        self._divide: Callable[[int], None] = lambda _: None

    # ---- What lanes ask

    def owns(self, mailbox_id: str) -> bool:
        """See `Ownership`. False for a session silent so long that the server may have ended it."""
        bucket, since = bucket_of(mailbox_id), monotonic() - self._silence
        return any(bucket in one.owned and one.heard_at > since for one in self._sessions)

    def may_be_lost(self, mailbox_id: str) -> bool:
        """See `Ownership`."""
        return not self.owns(mailbox_id)

    def after_death(self, mailbox_id: str) -> bool:
        """See `Ownership`."""
        return bucket_of(mailbox_id) in self._from_dead

    @contextlib.asynccontextmanager
    async def session(self, mailbox_id: str) -> AsyncIterator[Connection]:
        """The connection on which this mailbox's lane commits. Raises `LaneLost` if there is none, or it breaks: the
        next owner sees in the rows whether a sent commit took place."""
        bucket = bucket_of(mailbox_id)
        holder = next((one for one in self._sessions if bucket in one.locked), None)
        if holder is None:
            raise LaneLost("conflict.lane")
        async with holder.pen:
            connection = holder.connection
            if connection is None or bucket not in holder.locked:
                raise LaneLost("conflict.lane")
            began = monotonic()
            try:
                yield connection
            except BaseException as error:
                if not is_broken(error) and not connection.is_closed():
                    raise
                self._lose(holder, error)
                if not isinstance(error, Exception):
                    raise
                raise LaneLost("conflict.lane") from error
            holder.heard_at = began

    def join(self, divide: Callable[[int], None]) -> None:
        """See `Ownership`. Until the replicas know of each other, this one uses next to nothing of the quota."""
        self._divide = divide
        divide(NEWCOMER)

    async def tell_owner(self, mailbox_id: str, hint: NoticeHint) -> bool:
        """See `Ownership`. If nobody owns the mailbox, the next owner's first look finds what came."""
        await self._publish(PUSHES, f"{mailbox_id} {hint.position} {micros(hint.at)}")
        return True

    def on_notice_elsewhere(self, listener: Callable[[str, NoticeHint | None], None]) -> None:
        """See `Ownership`."""
        self._listeners.append(listener)

    def heard(self, notice: str) -> None:
        """A text from `tell_owner`, "" when some may have been missed."""
        mailbox_id, position, at = notice.rsplit(" ", 2) if notice else (EVERY, "", "")
        hint = NoticeHint(int(position), moment(int(at))) if notice else None
        for listener in self._listeners:
            listener(mailbox_id, hint)

    def look(self) -> None:
        """Other replicas report that ownership has changed, or may have."""
        for one in self._sessions:
            one.wake.set()

    # ---- Taking, keeping, giving back

    async def run(self, stop: asyncio.Event, changed: Callable[[], None]) -> None:
        """See `Ownership`."""
        self._changed, self._joined = changed, monotonic()
        keeping = asyncio.create_task(self._keep_all(stop))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({keeping, stopped}, return_when=asyncio.FIRST_COMPLETED)
            self.look()
            await asyncio.wait({keeping}, timeout=LAST_WORDS)
            if keeping.done():
                await keeping  # raises what broke in it
        finally:
            keeping.cancel()
            stopped.cancel()
            for one in self._sessions:
                one.drop()
            changed()

    async def _keep_all(self, stop: asyncio.Event) -> None:
        # All sessions take their places before any takes a bucket, or the first would take the others' shares.
        await asyncio.gather(*map(self._open, self._sessions))
        await asyncio.gather(*(self._keep(one, stop) for one in self._sessions))

    async def _keep(self, one: _Session, stop: asyncio.Event) -> None:
        pause = PAUSE
        while not stop.is_set():
            if one.connection is not None and await self._hold(one, stop):
                pause = PAUSE
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await stop.wait()
            pause = min(2 * pause, LONGEST_PAUSE)
            if one.connection is None and not stop.is_set():
                await self._open(one)

    async def _open(self, one: _Session) -> None:
        try:
            connection: Connection = await asyncpg.connect(
                self._url, timeout=10, command_timeout=self._silence / 2
            )
        except (*BROKEN, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.info("lane_session_not_opened", cause=type(error).__name__)
            return
        one.connection, one.heard_at = connection, monotonic()
        connection.add_termination_listener(lambda _: one.wake.set())
        try:
            self._key = await self._introduce(one, connection)
        except Exception as error:
            if not _ends_session(error, connection):
                raise
            self._lose(one, error)

    async def _introduce(self, one: _Session, connection: Connection) -> int:
        """Take the session's place; returns the class of its locks, since schemas may share a database."""
        await end_when_silent(connection, self._silence)
        schema: str = await connection.fetchval("SELECT current_schema()::TEXT")
        key = zlib.crc32(f"pitchgate {schema}".encode()) >> 1
        await connection.execute("SELECT pg_advisory_lock_shared($1, $2)", key, BUCKETS + one.place)
        await connection.execute(f"NOTIFY {CHANNEL}")
        return key

    async def _hold(self, one: _Session, stop: asyncio.Event) -> bool:
        """Take buckets and keep them until `stop` or the session is lost; whether that worked at least once."""
        held = False
        try:
            while (connection := one.connection) is not None and not connection.is_closed():
                one.wake.clear()
                async with one.pen:
                    if stop.is_set():
                        await self._leave(one, connection)
                        return held
                    await self._rebalance(one, connection)
                held = True
                wait = self._beat if not one.leaving else max(0.0, one.leaves_at - monotonic())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await one.wake.wait()
            self._lose(one, ConnectionError())
        except Exception as error:
            if not _ends_session(error, one.connection):
                raise
            self._lose(one, error)
        return held

    def _lose(self, one: _Session, error: BaseException) -> None:
        if one.locked:
            log.warning("lane_session_lost", cause=type(error).__name__, buckets=len(one.locked))
        one.drop()
        one.wake.set()
        self._changed()

    async def _rebalance(self, one: _Session, connection: Connection) -> None:
        asked = monotonic()
        rows = await connection.fetch(_SURVEY, self._key)
        pid = next((row["pid"] for row in rows if row["mine"]), None)
        if {row["number"] for row in rows if row["mine"]} != one.locked | {BUCKETS + one.place}:
            # Only a pooler that shares sessions does that.
            log.error(
                "lane_session_shared", remedy="connect without a pooler, or with one that pools sessions"
            )
            raise ConnectionError
        one.heard_at = asked
        places = [row for row in rows if row["number"] >= BUCKETS]
        rank = sorted(row["pid"] for row in places).index(pid)
        if one.place == 0:
            self._count(places)
        due, order = share(rank, len(places)), preference(rank, len(places))
        if one.leaving and (len(one.owned) < due or monotonic() >= one.leaves_at):
            leaving = [bucket for bucket in order if bucket in one.leaving]
            await self._end_leaving(one, connection, leaving, due)
        if len(one.owned) > due:
            owned = [bucket for bucket in order if bucket in one.owned]
            one.owned, one.leaving = set(owned[:due]), one.leaving | set(owned[due:])
            one.leaves_at = monotonic() + self._grace
            self._changed()
        elif len(one.owned) < due:
            held = {row["number"] for row in rows}
            free = [bucket for bucket in order if bucket not in held]
            await self._take(one, connection, free[: due - len(one.owned)])

    async def _end_leaving(self, one: _Session, connection: Connection, leaving: list[int], due: int) -> None:
        """Keep as many as are missing again by now, give the others back."""
        kept = set(leaving[: max(0, due - len(one.owned))])
        one.owned |= kept
        one.leaving -= kept
        if kept:
            self._changed()
        if one.leaving and monotonic() >= one.leaves_at:
            given, one.leaving = sorted(one.leaving), set()
            await connection.execute(_UNMARK, given)
            await connection.fetch(_GIVE_BACK, self._key, given)
            await connection.execute(f"NOTIFY {CHANNEL}")

    async def _take(self, one: _Session, connection: Connection, wanted: Collection[int]) -> None:
        if not wanted:
            return
        taken = {row["bucket"] for row in await connection.fetch(_TAKE, self._key, wanted)}
        if len(taken) < len(wanted):
            one.wake.set()  # others came first: the next look shows what is left
        if not taken:
            return
        dead = {row["bucket"] for row in await connection.fetch(_MARK, sorted(taken), self._name)}
        self._from_dead = (self._from_dead - taken) | dead
        one.owned |= taken
        self._changed()

    async def _leave(self, one: _Session, connection: Connection) -> None:
        """Give everything back, the place as well, and only then notify the others."""
        given = sorted(one.locked)
        one.owned, one.leaving = set(), set()
        await connection.execute(_UNMARK, given)
        await connection.execute(f"SELECT pg_advisory_unlock_all(); NOTIFY {CHANNEL}")
        await connection.close()

    def _count(self, places: Iterable[Any]) -> None:
        """How many replicas there are: each has one session in each place."""
        numbers = [row["number"] for row in places]
        among, noticed = max(map(numbers.count, numbers)), monotonic() - self._joined > self._beat
        self._divide(among if noticed or among == 1 else among * NEWCOMER)
