"""Which mailboxes are this replica's on PostgreSQL.

Mailboxes fall into 256 buckets. A replica owns a bucket while one of its lane sessions holds the bucket's advisory
lock, and what lanes write is committed on that very session: whoever loses the session has lost lock and pen together.
The server itself ends a session that has said nothing for 30 seconds, so a process that is paused, or cut off, loses
its buckets to others, and finds a closed connection when it comes back. No clock is compared with another's.

How many sessions there are is seen from locks as well: each holds a shared one, its place. Each takes its even share.
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
from backend.transactions.statement import EVERY, micros, moment

log = structlog.get_logger()

Connection = Any
"""An asyncpg connection."""

BROKEN = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.IdleSessionTimeoutError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.CannotConnectNowError,
    # asyncpg's word when a cut falls between taking a connection and using it: nothing was sent.
    asyncpg.InternalClientError,
    OSError,
)

BUCKETS = 256
SESSIONS = 4
"""Of a replica: so many of its lanes' commits run side by side."""
CHANNEL = "pitchgate_buckets"
"""Told when buckets are free, and when a session has come or gone."""
PUSHES = "pitchgate_pushes"
"""Told of pushes that came to a replica which does not own the mailbox."""
SILENCE = 30.0
"""Seconds after which the server ends a session that says nothing."""
BEAT = 5.0
"""Seconds between two looks at who holds what; they keep the session alive."""
GRACE = 2.0
"""Seconds that lanes get to end what they are at before their bucket goes to another replica."""
PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds until a lost session is opened again, doubled while that does not help."""
LAST_WORDS = 5.0
"""Seconds in which all buckets are given back on stop, or go with their sessions."""
NEWCOMER = 20
"""How much smaller a newcomer's part of Google's quota is, until all others have noticed it."""
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
_GIVE = "SELECT pg_advisory_unlock($1, bucket) FROM unnest($2::INT[]) AS bucket"


def bucket_of(mailbox_id: str) -> int:
    """The same for every replica."""
    return zlib.crc32(mailbox_id.encode()) % BUCKETS


def is_broken(error: BaseException) -> bool:
    """Whether the connection is what failed. asyncpg reports some breaks as misuse of a closed connection."""
    return isinstance(error, BROKEN) or (
        isinstance(error, asyncpg.InterfaceError)
        and any(word in str(error) for word in ("closed", "released back"))
    )


def share(rank: int, among: int) -> int:
    """How many buckets the session of this rank has, of so many sessions: all have as many, to within one."""
    return BUCKETS // among + (rank < BUCKETS % among)


def preference(rank: int, among: int) -> list[int]:
    """In which order a session takes free buckets, so that those who come together seldom want the same; what it gives
    back it gives from the end."""
    first = rank * BUCKETS // among
    return [*range(first, BUCKETS), *range(first)]


async def refuse_shared_sessions(url: str) -> None:
    """Raise `Refused` if a pooler hands our transactions to whichever session is free: locks held by a session and
    notices would be anybody's. Two connections that are open at once never are the same session otherwise."""
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
    """Have the server end the session, and undo what it has open, when we say nothing for so long, or do not read."""
    milliseconds = round(1000 * seconds)
    await connection.execute(
        f"SET idle_session_timeout = {milliseconds}; SET idle_in_transaction_session_timeout = {milliseconds};"
        f" SET tcp_user_timeout = {milliseconds}"
    )


class _Session:
    """One direct connection, and the buckets whose locks it holds. `pen` is for one transaction at a time."""

    def __init__(self, place: int) -> None:
        self.place = place
        self.pen = asyncio.Lock()
        self.wake = asyncio.Event()
        self.connection: Connection | None = None
        self.owned: set[int] = set()
        self.leaving: set[int] = set()
        """Locked still, and about to be given back: what is under way may be committed, nothing is begun."""
        self.leaves_at = 0.0
        self.heard_at = 0.0
        """When the last thing was asked that was answered."""

    @property
    def locked(self) -> set[int]:
        return self.owned | self.leaving

    def drop(self) -> None:
        """The session is over, and so is what it held."""
        if self.connection is not None:
            self.connection.terminate()
        self.connection = None
        self.owned, self.leaving = set(), set()


class LaneSessions:
    """`backend.transactions.driver.Ownership` on PostgreSQL. `publish` tells all replicas something on a channel."""

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
        self._deaths: set[int] = set()
        self._listeners: list[Callable[[str, NoticeHint | None], None]] = []
        self._changed: Callable[[], None] = lambda: None
        self._key = 0
        self._joined = 0.0
        self._divide: Callable[[int], None] = lambda _: None

    # ---- What lanes ask

    def owns(self, mailbox_id: str) -> bool:
        """See `Ownership`. Not of a session that may have been ended by the server for its silence."""
        bucket, since = bucket_of(mailbox_id), monotonic() - self._silence
        return any(bucket in one.owned and one.heard_at > since for one in self._sessions)

    def may_be_lost(self, mailbox_id: str) -> bool:
        """See `Ownership`."""
        return not self.owns(mailbox_id)

    def after_death(self, mailbox_id: str) -> bool:
        """See `Ownership`."""
        return bucket_of(mailbox_id) in self._deaths

    @contextlib.asynccontextmanager
    async def session(self, mailbox_id: str) -> AsyncIterator[Connection]:
        """The connection on which this mailbox's lane commits. Raises `LaneLost` if there is none, or it breaks:
        whether what was sent took place is for the next owner to find in the rows."""
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
        """See `Ownership`. Until we know of others, and they of us, we take next to nothing."""
        self._divide = divide
        divide(NEWCOMER)

    async def tell_owner(self, mailbox_id: str, told: NoticeHint) -> bool:
        """See `Ownership`. What nobody hears because nobody owns the mailbox is seen by the next owner's first look."""
        await self._publish(PUSHES, f"{mailbox_id} {told.position} {micros(told.at)}")
        return True

    def on_told(self, listener: Callable[[str, NoticeHint | None], None]) -> None:
        """See `Ownership`."""
        self._listeners.append(listener)

    def heard(self, notice: str) -> None:
        """What `tell_owner` published, "" when some may have been missed."""
        mailbox_id, position, at = notice.rsplit(" ", 2) if notice else (EVERY, "", "")
        told = NoticeHint(int(position), moment(int(at))) if notice else None
        for listener in self._listeners:
            listener(mailbox_id, told)

    def look(self) -> None:
        """Others say that who holds what has changed, or may have."""
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
        # All take their places before any takes a bucket: the first would take its sisters' shares, too.
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
        except (*BROKEN, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._lose(one, error)

    async def _introduce(self, one: _Session, connection: Connection) -> int:
        """Take the session's place; returns the class of its locks: schemas may share a database."""
        await end_when_silent(connection, self._silence)
        schema: str = await connection.fetchval("SELECT current_schema()::TEXT")
        key = zlib.crc32(f"pitchgate {schema}".encode()) >> 1
        await connection.execute("SELECT pg_advisory_lock_shared($1, $2)", key, BUCKETS + one.place)
        await connection.execute(f"NOTIFY {CHANNEL}")
        return key

    async def _hold(self, one: _Session, stop: asyncio.Event) -> bool:
        """Take what there is to take and keep it, until `stop` or the session is lost; whether that went well once."""
        held = False
        try:
            while (connection := one.connection) is not None and not connection.is_closed():
                one.wake.clear()
                async with one.pen:
                    if stop.is_set():
                        await self._leave(one, connection)
                        return held
                    await self._turn(one, connection)
                held = True
                wait = self._beat if not one.leaving else max(0.0, one.leaves_at - monotonic())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await one.wake.wait()
            self._lose(one, ConnectionError())
        except (*BROKEN, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self._lose(one, error)
        return held

    def _lose(self, one: _Session, error: BaseException) -> None:
        if one.locked:
            log.warning("lane_session_lost", cause=type(error).__name__, buckets=len(one.locked))
        one.drop()
        one.wake.set()
        self._changed()

    async def _turn(self, one: _Session, connection: Connection) -> None:
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
            await connection.fetch(_GIVE, self._key, given)
            await connection.execute(f"NOTIFY {CHANNEL}")

    async def _take(self, one: _Session, connection: Connection, wanted: Collection[int]) -> None:
        if not wanted:
            return
        taken = {row["bucket"] for row in await connection.fetch(_TAKE, self._key, wanted)}
        if len(taken) < len(wanted):
            one.wake.set()  # others came first: what is left for us is seen at the next look
        if not taken:
            return
        dead = {row["bucket"] for row in await connection.fetch(_MARK, sorted(taken), self._name)}
        self._deaths = (self._deaths - taken) | dead
        one.owned |= taken
        self._changed()

    async def _leave(self, one: _Session, connection: Connection) -> None:
        """Give everything back, the place as well, and only then tell the others."""
        given = sorted(one.locked)
        one.owned, one.leaving = set(), set()
        await connection.execute(_UNMARK, given)
        await connection.execute(f"SELECT pg_advisory_unlock_all(); NOTIFY {CHANNEL}")
        await connection.close()

    def _count(self, places: Iterable[Any]) -> None:
        """Of replicas: each has one session in each place."""
        numbers = [row["number"] for row in places]
        among, noticed = max(map(numbers.count, numbers)), monotonic() - self._joined > self._beat
        self._divide(among if noticed or among == 1 else among * NEWCOMER)
