"""What only the server store promises: row-level security, wake-ups across processes, going on after breaks."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from structlog.testing import capture_logs

from backend.store.opening import open_store
from backend.store.postgres import upgrade_server, version
from backend.transactions.records import Duty, PushFate
from backend.transactions.script import EVERY, Script, Transaction, q
from backend.transactions.store import Store
from tests import postgres_server
from tests.contract.store.stories import Story, threads


@pytest.fixture
def address(postgres_address: str) -> str:
    """Here only the server store is told about."""
    return postgres_address


async def count_rows(connection: asyncpg.Connection, table: str = "messages") -> int:
    found: int = await connection.fetchval(f"SELECT COUNT(*) FROM {table}")
    return found


async def test_a_connection_that_names_no_mailbox_sees_nothing(story: Story, address: str) -> None:
    for name in ("ana", "eve"):
        await story.mailbox(name)
        await story.arrive(name, "m1", "m2")
    connection = await asyncpg.connect(address)
    try:
        assert await count_rows(connection) == 0
        assert await count_rows(connection, "mailboxes") == 0
        await connection.execute("SET app.mailbox = 'eve'")
        assert await count_rows(connection) == 2
        assert await count_rows(connection, "mailboxes") == 1
        assert await connection.execute("UPDATE messages SET subject = 'seen'") == "UPDATE 2"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "INSERT INTO rules (mailbox_id, subject, kind, set_at) VALUES ('ana', 'x', 'allow', 1)"
            )
        await connection.execute("SET app.mailbox = '*'")
        assert await count_rows(connection) == 4
        assert await connection.fetchval("SELECT COUNT(*) FROM messages WHERE subject = 'seen'") == 2
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("role", "expected"), [("postgres", ["row_security_off"]), (postgres_server.ROLE, [])]
)
async def test_a_role_that_no_policy_binds_is_warned_of(role: str, expected: list[str], address: str) -> None:
    other = open_store(address.replace(f"//{postgres_server.ROLE}@", f"//{role}@"))
    with capture_logs() as logs:
        await other.open()
    await other.close()
    assert [entry["event"] for entry in logs] == expected


async def test_a_script_that_forgets_its_mailbox_reaches_only_the_one_it_was_run_for(story: Story) -> None:
    for name in ("ana", "eve"):
        await story.mailbox(name)
        await story.arrive(name, "m1")

    def careless() -> Script[int]:
        found: int = yield q("forget_messages", mailbox_id="ana")
        return found

    assert await story.store._driver.run(Transaction.WRITE, "eve", careless) == 0
    assert await story.store._driver.run(Transaction.WRITE, "ana", careless) == 1


async def test_a_mailbox_id_with_a_quote_is_only_a_name(story: Story) -> None:
    name = "o'hara\\"
    assert await story.store.mailbox(name) is None
    assert await story.store.balance("x'; DROP TABLE messages; --", "bo@x.test") == 0
    await story.store.ping()


async def test_work_made_by_one_process_wakes_another(story: Story, address: str) -> None:
    await story.mailbox("ana")
    other = open_store(address)
    await other.open()
    try:
        heard = other._driver.notifier.rings
        await story.store.request_duty("ana", Duty.SYNC, story.now)
        assert await other._driver.notifier.rung(20, heard)
    finally:
        await other.close()


async def cut_connections(address: str) -> None:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def test_a_server_that_cut_every_connection_is_asked_again(story: Story, address: str) -> None:
    await story.mailbox("ana")
    for _ in range(3):
        await cut_connections(address)
        fates = await asyncio.gather(*(story.push() for _ in range(8)))
        assert fates == [PushFate.NEW] * 8


async def test_a_script_cut_in_the_middle_of_a_statement_is_run_again(story: Story, address: str) -> None:
    await story.mailbox("ana")
    lock = await asyncpg.connect(address)
    await lock.execute("BEGIN; SET LOCAL app.mailbox = 'ana'; SELECT 1 FROM mailboxes FOR UPDATE")

    def learn(number: int) -> Script[None]:
        yield q("learn_thread", mailbox_id="ana", thread_id=f"t{number}", now=0)
        yield q("mailbox_for_write", mailbox_id="ana")

    driver = story.store._driver
    waiting = [
        asyncio.create_task(driver.run(Transaction.WRITE, "ana", learn, number)) for number in range(4)
    ]
    watcher = await asyncpg.connect(address)
    while await watcher.fetchval("SELECT COUNT(*) FROM pg_locks WHERE NOT granted") < 4:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await watcher.close()
    await cut_connections(address)
    assert await asyncio.gather(*waiting) == [None] * 4
    assert await threads(story.store) == {f"t{number}" for number in range(4)}
    lock.terminate()


async def test_a_worker_hears_again_after_its_ear_was_cut(story: Story, address: str) -> None:
    await story.mailbox("ana")
    notifier = story.store._driver.notifier
    heard = notifier.rings
    await cut_connections(address)
    assert await notifier.rung(20, heard)  # rung once it listens again: something may have been missed
    heard = notifier.rings
    await story.store.request_duty("ana", Duty.SYNC, story.now)
    assert await notifier.rung(20, heard)


async def test_two_scripts_that_deadlock_are_run_again_and_both_happen(story: Story) -> None:
    for name in ("ana", "eve"):
        await story.mailbox(name)

    def touch(first: str, second: str, thread: str) -> Script[None]:
        yield q("mailbox_for_write", mailbox_id=first)
        yield q("mailbox_for_write", mailbox_id=second)
        yield q("learn_thread", mailbox_id="ana", thread_id=thread, now=0)

    driver, names = story.store._driver, [f"t{number}" for number in range(20)]
    pairs = [("ana", "eve"), ("eve", "ana")] * 10
    await asyncio.gather(
        *(
            driver.run(Transaction.WRITE, EVERY, touch, *pair, name)
            for pair, name in zip(pairs, names, strict=True)
        )
    )
    assert await threads(story.store) == set(names)


async def test_an_error_leaves_the_connection_fit_for_the_next(story: Story) -> None:
    await story.mailbox("ana")

    def broken() -> Script[None]:
        yield q("learn_thread", mailbox_id="ana", thread_id="t1", now=0)
        raise LookupError

    for _ in range(12):
        with pytest.raises(LookupError):
            await story.store._driver.run(Transaction.WRITE, "ana", broken)
    assert await threads(story.store) == set()


async def test_a_script_cancelled_at_any_point_happened_wholly_or_not_at_all(story: Story) -> None:
    await story.mailbox("ana")

    def two(number: int) -> Script[None]:
        yield q("learn_thread", mailbox_id="ana", thread_id=f"{number}-a", now=0)
        yield q("learn_thread", mailbox_id="ana", thread_id=f"{number}-b", now=0)

    cancelled = 0
    for number in range(40):
        task = asyncio.create_task(story.store._driver.run(Transaction.WRITE, "ana", two, number))
        for _ in range(number):
            await asyncio.sleep(0)
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
        cancelled += isinstance(outcome, asyncio.CancelledError)
        await story.store.ping()
    learned = await threads(story.store)
    assert learned == {f"{name[:-2]}-{half}" for name in learned for half in "ab"}
    assert cancelled


async def test_upgrading_by_many_at_once_happens_once(address: str, store: Store) -> None:
    assert await asyncio.gather(*(upgrade_server(address) for _ in range(4))) == [0, 0, 0, 0]
    connection = await asyncpg.connect(address)
    try:
        assert await version(connection) >= 1
    finally:
        await connection.close()
    await store.ping()


async def test_a_closed_store_says_so(address: str) -> None:
    store = open_store(address)
    with pytest.raises(RuntimeError, match="not open"):
        await store.ping()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(RuntimeError, match="not open"):
        await store.ping()
