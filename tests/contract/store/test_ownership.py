"""Whose a mailbox is on PostgreSQL, with several replicas in this process and in others."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from backend.doctor.machine import CheckState, check_database
from backend.domain.errors import LaneLost, Refused
from backend.domain.mailbox.mailbox import NoticeHint
from backend.settings import Settings
from backend.store import lane_sessions
from backend.store.lane_sessions import BUCKETS, NEWCOMER, Connection, LaneSessions, bucket_of
from backend.store.opening import open_store
from backend.store.postgres import APPLICATION, PostgresDriver
from backend.transactions.script import EVERY, Script, Transaction, q
from tests.contract.store.conftest import Owner
from tests.contract.store.stories import Story, threads
from tests.contract.store.wires import Pooler, Wire
from tests.doubles import START

PATIENCE = 60.0
SILENCE = 1.5
"""Seconds, in place of 30: what is waited for is the server's own doing."""
NAMES = tuple(f"box{number}" for number in range(40))


@pytest.fixture
def address(postgres_address: str) -> str:
    """Here only the server store is told about."""
    return postgres_address


@pytest.fixture
def owned() -> bool:
    """Here the replicas own, and not the store that tells the story."""
    return False


@dataclass
class Replica:
    """One that runs in this process."""

    driver: PostgresDriver
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    shares: list[int] = field(default_factory=list)

    @property
    def sessions(self) -> LaneSessions:
        return self.driver.ownership

    @property
    def owned(self) -> list[int]:
        """Buckets, by session."""
        return [len(one.owned) for one in self.sessions._sessions]

    @property
    def buckets(self) -> set[int]:
        return set().union(*(one.owned for one in self.sessions._sessions))

    def holder(self, mailbox_id: str) -> Connection:
        """The connection whose session owns the mailbox."""
        bucket = bucket_of(mailbox_id)
        return next(one.connection for one in self.sessions._sessions if bucket in one.owned)

    def cut(self) -> None:
        """Its machine loses its power."""
        self.stop.set()
        for one in self.sessions._sessions:
            one.drop()


class Replicas:
    """Opens some, and closes them in the end."""

    def __init__(self, address: str, stack: AsyncExitStack) -> None:
        self._address, self._stack = address, stack
        self._changed = asyncio.Event()
        self._all: list[Replica] = []

    async def open(self, address: str = "", **pace: Any) -> Replica:
        """One more, at this pace."""
        driver = PostgresDriver(address or self._address, pool=2)
        pace = {"beat": 0.2, "grace": 0.05} | pace
        driver.ownership = LaneSessions(address or self._address, driver.publish, **pace)
        replica = Replica(driver)

        def divide(among: int) -> None:
            replica.shares.append(among)
            self._changed.set()

        replica.sessions.join(divide)
        await driver.open()
        running = asyncio.create_task(replica.sessions.run(replica.stop, self._changed.set))

        async def end() -> None:
            replica.stop.set()
            await running
            await driver.close()

        self._stack.push_async_callback(end)
        self._all.append(replica)
        return replica

    async def until(self, what: Callable[[], bool]) -> None:
        """Wait for what only a change of what is owned can bring about."""
        async with asyncio.timeout(PATIENCE):
            while not what():
                self._changed.clear()
                await self._changed.wait()

    async def even(self) -> None:
        """Wait until every bucket is somebody's, and each session has as many as any other."""
        await self.until(self._are_even)

    def _are_even(self) -> bool:
        counts = [count for one in self._all if not one.stop.is_set() for count in one.owned]
        return sum(counts) == BUCKETS and max(counts) - min(counts) <= 1


@pytest_asyncio.fixture(loop_scope="session")
async def replicas(address: str, owners: dict[str, Owner]) -> AsyncIterator[Replicas]:
    if address in owners:  # of tests before
        await owners.pop(address).end()
    async with AsyncExitStack() as stack:
        yield Replicas(address, stack)


def learn(mailbox_id: str, *names: str) -> Script[None]:
    """What a lane commits."""
    for name in names:
        yield q("learn_thread", mailbox_id=mailbox_id, thread_id=name, now=0)


async def commit(replica: Replica, mailbox_id: str, *names: str) -> None:
    await replica.driver.run(Transaction.WRITE_IN_LANE, mailbox_id, learn, mailbox_id, *names)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
async def test_replicas_have_even_shares_of_all_buckets(replicas: Replicas, number: int) -> None:
    some = [await replicas.open() for _ in range(number)]
    await replicas.even()
    assert set().union(*(one.buckets for one in some)) == set(range(BUCKETS))
    for name in NAMES:
        assert sum(one.sessions.owns(name) for one in some) == 1


async def test_one_that_joins_is_given_its_share_and_moves_nothing_else(replicas: Replicas) -> None:
    first, second = await replicas.open(), await replicas.open()
    await replicas.even()
    before = first.buckets, second.buckets
    await replicas.open()
    await replicas.even()
    assert first.buckets < before[0]
    assert second.buckets < before[1]


async def test_on_stop_all_is_handed_over_at_once(replicas: Replicas) -> None:
    first, second = await replicas.open(beat=PATIENCE), await replicas.open(beat=PATIENCE)
    await replicas.even()
    first.stop.set()
    await replicas.even()  # long before a replica would look by itself
    assert len(second.buckets) == BUCKETS
    assert not any(map(second.sessions.after_death, NAMES))


async def test_what_a_dead_replica_owned_is_taken_over_and_its_death_is_known(replicas: Replicas) -> None:
    first, second = await replicas.open(), await replicas.open()
    await replicas.even()
    had = {name for name in NAMES if first.sessions.owns(name)}
    first.cut()
    await replicas.even()
    assert {name for name in NAMES if second.sessions.after_death(name)} == had


async def test_a_session_that_its_own_process_opens_again_followed_no_death(replicas: Replicas) -> None:
    only = await replicas.open()
    await replicas.even()
    only.holder("ana").terminate()
    await replicas.until(lambda: not only.sessions.owns("ana"))
    await replicas.until(lambda: only.sessions.owns("ana"))
    assert not only.sessions.after_death("ana")


async def test_only_the_owner_commits(story: Story, replicas: Replicas) -> None:
    await story.connect("ana")
    some = [await replicas.open(), await replicas.open()]
    await replicas.even()
    owner, other = sorted(some, key=lambda one: not one.sessions.owns("ana"))
    await commit(owner, "ana", "t1")
    with pytest.raises(LaneLost):
        await commit(other, "ana", "t2")
    owner.stop.set()
    await replicas.even()
    await commit(other, "ana", "t3")
    with pytest.raises(LaneLost):
        await commit(owner, "ana", "t4")
    assert await threads(story.store) == {"t1", "t3"}


async def test_what_is_under_way_may_be_committed_while_a_bucket_is_given_back(
    story: Story, replicas: Replicas
) -> None:
    await story.connect("ana")
    first = await replicas.open(grace=PATIENCE)
    await replicas.even()
    second = await replicas.open(sessions=BUCKETS - 4)  # they want all buckets but four
    await replicas.until(lambda: not first.sessions.owns("ana"))
    await commit(first, "ana", "t1")
    assert not second.sessions.owns("ana")
    assert await threads(story.store) == {"t1"}


async def test_a_commit_on_a_session_that_the_server_ended_is_refused(
    story: Story, replicas: Replicas, address: str
) -> None:
    await story.connect("ana")
    owner = await replicas.open()
    await replicas.even()
    lock = await asyncpg.connect(address)
    await lock.execute("BEGIN; SET LOCAL app.mailbox = 'ana'; SELECT 1 FROM mailboxes FOR UPDATE")

    def script() -> Script[None]:
        yield from learn("ana", "t1")
        yield q("mailbox_for_write", mailbox_id="ana")

    pid = owner.holder("ana").get_server_pid()
    late = asyncio.create_task(owner.driver.run(Transaction.WRITE_IN_LANE, "ana", script))
    watcher = await asyncpg.connect(address)
    waits = "SELECT COUNT(*) FROM pg_locks WHERE pid = $1 AND NOT granted"
    while not await watcher.fetchval(waits, pid):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await watcher.execute("SELECT pg_terminate_backend($1, 5000)", pid)
    with pytest.raises(LaneLost):
        await late
    lock.terminate()
    await watcher.close()
    await replicas.until(lambda: owner.sessions.owns("ana"))
    await commit(owner, "ana", "t2")
    assert await threads(story.store) == {"t2"}


@asynccontextmanager
async def another_process(address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A replica that owns everything, and can be paused."""
    command = (sys.executable, "-m", "tests.contract.store.paused_replica", address, str(SILENCE))
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        await heard(process, "owner")
        yield process
    finally:
        process.kill()
        await process.wait()


async def heard(process: asyncio.subprocess.Process, fact: str) -> dict[str, bool]:
    """The next line in which it says so."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while line := await process.stdout.readline():
            facts: dict[str, bool] = json.loads(line) if line.startswith(b"{") else {}
            if fact in facts:
                return facts
    raise EOFError(fact)


@pytest.mark.parametrize("order", ["idle", "open"])
async def test_a_process_that_was_paused_commits_nothing_when_it_wakes(
    story: Story, replicas: Replicas, address: str, order: str
) -> None:
    await story.connect("ana")
    async with another_process(address) as paused:
        assert paused.stdin is not None
        if order == "open":
            paused.stdin.write(b"open\n")
            await heard(paused, "open")
        paused.send_signal(signal.SIGSTOP)
        other = await replicas.open()
        await replicas.even()
        assert other.sessions.after_death("ana")
        await commit(other, "ana", "t1")
        paused.stdin.write(b"idle\n")
        paused.send_signal(signal.SIGCONT)
        facts = await heard(paused, "committed")
    assert not facts["committed"]
    assert facts["owns"] is (order == "open"), "it was asked before it was paused"
    assert await threads(story.store) == {"t1"}


@pytest.mark.parametrize("silent_from", ["begin", "commit"])
async def test_a_replica_behind_a_silent_wire_commits_nothing_after_others_took_over(
    story: Story, replicas: Replicas, address: str, silent_from: str
) -> None:
    await story.connect("ana")

    def script() -> Script[None]:
        yield from learn("ana", "late")
        wire.go_silent()  # what is sent after this, the COMMIT, is under way for ever

    async with Wire(address) as wire:
        cut_off = await replicas.open(wire.address, silence=SILENCE)
        await replicas.even()
        if silent_from == "begin":
            wire.go_silent()
        late = asyncio.create_task(cut_off.driver.run(Transaction.WRITE_IN_LANE, "ana", script))
        other = await replicas.open()
        await replicas.until(lambda: len(other.buckets) == BUCKETS)
        await commit(other, "ana", "t1")
        wire.speak_again()
        with pytest.raises(LaneLost):
            await late
        cut_off.stop.set()
        await replicas.even()
    assert await threads(story.store) == {"t1"}


async def test_a_push_reaches_the_owner_wherever_it_lands(replicas: Replicas) -> None:
    some = [await replicas.open(), await replicas.open()]
    await replicas.even()
    owner, other = sorted(some, key=lambda one: not one.sessions.owns("ana"))
    told = asyncio.Queue[tuple[str, NoticeHint | None]]()
    owner.sessions.on_notice_elsewhere(lambda *one: told.put_nowait(one))
    assert await other.sessions.tell_owner("ana", NoticeHint(7, START))
    async with asyncio.timeout(PATIENCE):
        assert await told.get() == ("ana", NoticeHint(7, START))


async def test_one_that_may_have_missed_a_push_is_told_so(replicas: Replicas, address: str) -> None:
    replica = await replicas.open()
    told = asyncio.Queue[tuple[str, NoticeHint | None]]()
    replica.sessions.on_notice_elsewhere(lambda *one: told.put_nowait(one))
    connection = await asyncpg.connect(address)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", APPLICATION
    )
    await connection.close()
    async with asyncio.timeout(PATIENCE):
        assert await told.get() == (EVERY, None)


async def test_a_newcomer_takes_little_of_the_quota_until_all_know_of_it(replicas: Replicas) -> None:
    first = await replicas.open()
    await replicas.even()
    assert first.shares[:2] == [NEWCOMER, 1]
    second = await replicas.open(beat=2.0)  # so that its first survey comes before all know of it
    await replicas.until(lambda: first.shares[-1] == second.shares[-1] == 2)
    assert set(second.shares) == {NEWCOMER, 2 * NEWCOMER, 2}
    first.stop.set()
    await replicas.until(lambda: second.shares[-1] == 1)


async def test_a_pooler_that_shares_sessions_is_refused(address: str) -> None:
    async with Pooler(address, by_session=False) as pooler:
        with pytest.raises(Refused, match=r"store\.pooler"):
            await open_store(pooler.address).open()
        (finding,) = await check_database(Settings(database_url=pooler.address))
    assert (finding.name, finding.key, finding.state) == ("database", "store.pooler", CheckState.BROKEN)
    assert "pool_mode = session" in finding.mend


async def test_a_pooler_that_gives_everybody_a_session_will_do(replicas: Replicas, address: str) -> None:
    async with Pooler(address, by_session=True) as pooler:
        replica = await replicas.open(pooler.address)
        await replicas.even()
        replica.stop.set()
        await replicas.until(lambda: replica.owned == [0, 0, 0, 0])
        await replica.driver.close()


async def test_a_session_that_turns_out_to_be_shared_owns_nothing(
    replicas: Replicas, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a pooler had one to spare for each of us at the start."""

    async def nothing(url: str) -> None:
        """Does not look."""

    monkeypatch.setattr(lane_sessions, "refuse_shared_sessions", nothing)
    async with Pooler(address, by_session=False) as pooler:
        with capture_logs() as logs:
            replica = await replicas.open(pooler.address)
            await replicas.until(lambda: any(entry["event"] == "lane_session_shared" for entry in logs))
        assert replica.buckets == set()
        replica.cut()
