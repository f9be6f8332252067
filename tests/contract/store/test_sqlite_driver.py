"""The embedded store's own promises: group commit, isolation of errors, and acknowledged means kept."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.domain.errors import NotFound, StoreAway
from backend.store import sqlite as driver_module
from backend.store.opening import open_store
from backend.store.sqlite import SqliteDriver, connect_file, file_version, upgrade_file
from backend.store.sqlite_writer import caller_error
from backend.transactions import jobs
from backend.transactions.records import PushFate
from backend.transactions.script import EVERY, Script, Transaction, q
from backend.transactions.store import Store
from tests.contract.store.row_types import Checking
from tests.contract.store.stories import Story, threads

LEARNER = Path(__file__).with_name("learner.py")


@pytest.fixture
def address(tmp_path: Path) -> str:
    """Here only the embedded store is told about."""
    return str(tmp_path / "store.sqlite3")


async def test_one_error_undoes_its_own_script_and_no_neighbours(story: Story) -> None:
    await story.mailbox("ana")

    def half_way(number: int) -> Script[None]:
        yield q("learn_thread", mailbox_id="ana", thread_id=f"t{number}", now=0)
        if number % 2:
            raise LookupError(number)

    driver = story.store._driver
    outcomes = await asyncio.gather(
        *(driver.run(Transaction.WRITE, EVERY, half_way, number) for number in range(20)),
        return_exceptions=True,
    )
    assert [isinstance(outcome, LookupError) for outcome in outcomes] == [bool(n % 2) for n in range(20)]
    assert await threads(story.store) == {f"t{number}" for number in range(0, 20, 2)}


async def test_small_and_large_scripts_of_one_commit_do_not_disturb_each_other(story: Story) -> None:
    await story.mailbox("ana")

    def learn(thread: str, fails: bool = False) -> Script[None]:
        yield q("learn_thread", mailbox_id="ana", thread_id=thread, now=0)
        if fails:
            raise LookupError(thread)

    driver = story.store._driver
    alone = await asyncio.gather(
        driver.run(Transaction.WRITE_FEW, EVERY, learn, "a"),
        driver.run(Transaction.WRITE_FEW, EVERY, learn, "b", fails=True),
        return_exceptions=True,
    )
    mixed = await asyncio.gather(
        driver.run(Transaction.WRITE_FEW, EVERY, learn, "c", fails=True),
        driver.run(Transaction.WRITE, EVERY, learn, "d"),
        return_exceptions=True,
    )
    failed = [isinstance(outcome, LookupError) for outcome in (*alone, *mixed)]
    assert failed == [False, True, True, False]
    assert await threads(story.store) == {"a", "d"}


async def test_a_small_script_waits_for_another_process_and_the_loop_does_not(
    story: Story, address: str
) -> None:
    await story.mailbox("ana")
    other = sqlite3.connect(address, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    push = asyncio.create_task(story.push())
    for _ in range(3):
        await asyncio.to_thread(int)
    assert not push.done()
    assert await story.store.mailbox("ana"), "what only reads goes on"
    other.execute("COMMIT")
    other.close()
    assert await push is PushFate.NEW


async def test_scripts_that_wait_together_share_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[str] = []

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect_file(path)
        connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
        return connection

    monkeypatch.setattr(driver_module, "connect_file", traced)
    store = open_store(tmp_path / "store.sqlite3")
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    commits.clear()
    fates = await asyncio.gather(*(story.push() for _ in range(200)))
    await store.close()
    assert fates == [PushFate.NEW] * 200
    assert len(commits) < 100


async def test_the_reader_cannot_write(story: Story) -> None:
    def write() -> Script[None]:
        yield q("pulse", now=1)

    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await story.store._driver.run(Transaction.READ, EVERY, write)
    await story.store.ping()


async def test_a_caller_who_gave_up_disturbs_nobody(story: Story) -> None:
    await story.mailbox("ana")
    tasks = [asyncio.create_task(story.push()) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [outcome for outcome in outcomes[1::2] if outcome is not PushFate.NEW] == []
    await story.store.ping()


async def test_a_commit_that_fails_is_acknowledged_to_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(sqlite3.Connection):
        broken = False

        def execute(self, sql: str, *args: object) -> sqlite3.Cursor:
            if sql == "COMMIT" and Full.broken:
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(sql, *args)  # type: ignore[arg-type]

    plain = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: plain(*args, factory=Full, **kwargs))
    store = open_store(tmp_path / "store.sqlite3")
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    Full.broken = True
    outcomes = await asyncio.gather(*(story.push() for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [sqlite3.OperationalError] * 5
    Full.broken = False
    fates = [await story.push() for _ in range(5)]
    await store.close()
    assert fates == [PushFate.NEW] * 5


def test_a_file_that_is_no_database_is_not_left_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[sqlite3.Connection] = []
    plain = sqlite3.connect

    def noted(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        opened.append(plain(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", noted)
    (tmp_path / "store.sqlite3").write_text("no database " * 100)
    with pytest.raises(sqlite3.DatabaseError):
        connect_file(tmp_path / "store.sqlite3")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


async def test_what_is_queued_is_finished_before_the_store_closes(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite3")
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    pushes = [asyncio.create_task(story.push()) for _ in range(50)]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    assert await asyncio.gather(*pushes) == [PushFate.NEW] * 50
    with pytest.raises(RuntimeError, match="not open"):
        await store.ping()


async def test_nobody_waits_for_a_thread_that_has_ended(tmp_path: Path) -> None:
    driver = SqliteDriver(tmp_path / "store.sqlite3")
    await driver.open()
    alive = {asyncio.create_task(asyncio.to_thread(thread.join)) for thread in driver._threads}
    for thread in driver._threads:
        thread.queue.put(None)  # the readers share a queue: either may take it
        _, alive = await asyncio.wait(alive, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(RuntimeError, match="not open"):
            async with asyncio.timeout(5):
                await driver.run(Transaction.READ, EVERY, jobs.lanes)
    assert driver._loop_reader is not None
    driver._loop_reader.close()


async def test_two_processes_may_share_the_file(story: Story, address: str) -> None:
    await story.mailbox("ana")
    other = open_store(f"sqlite:///{address}")
    await other.open()
    try:
        names, stores = [f"t{number}" for number in range(40)], (story.store, other)
        await asyncio.gather(
            *(store.learn("ana", frozenset(), name, story.now) for name in names for store in stores)
        )
        seen = [await threads(store) for store in stores]
    finally:
        await other.close()
    assert seen == [set(names)] * 2


def test_upgrading_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.sqlite3"
    assert upgrade_file(path) >= 1
    assert upgrade_file(path) == 0
    connection = connect_file(path)
    assert file_version(connection) >= 1
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


async def test_an_unknown_mailbox_is_not_found_even_where_only_a_key_says_so(store: Store) -> None:
    with pytest.raises(NotFound):
        await store.learn("nobody", frozenset({"a@x.test"}), "", Story(store).now)


def test_an_address_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="db_target"):
        open_store("mysql://somewhere/else")
    assert isinstance(open_store("plain/path")._driver, SqliteDriver)


@pytest.mark.parametrize("acknowledged", [1, 40, 150])
def test_what_was_acknowledged_before_a_kill_is_there_afterwards(tmp_path: Path, acknowledged: int) -> None:
    """Kill the process with SIGKILL in full flight; every thread it had told of must be known again."""
    path = tmp_path / "store.sqlite3"
    process = subprocess.Popen(
        [sys.executable, str(LEARNER), str(path)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    seen = [line.strip() for line, _ in zip(process.stdout, range(acknowledged), strict=False)]
    process.send_signal(signal.SIGKILL)
    seen += [line.strip() for line in process.stdout if line.endswith("\n")]
    process.stdout.close()
    process.wait(timeout=10)
    assert len(seen) >= acknowledged
    connection = connect_file(path)
    kept = {row["thread_id"] for row in connection.execute("SELECT thread_id FROM threads")}
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    assert set(seen) <= kept


async def test_a_full_file_is_told_as_full_and_goes_on_when_there_is_room(story: Story) -> None:
    await story.mailbox("ana")
    checking = story.store._driver
    assert isinstance(checking, Checking)
    driver = checking._driver
    assert isinstance(driver, SqliteDriver)
    writer = driver._threads[0]._connection
    pages = writer.execute("PRAGMA page_count").fetchone()[0]
    writer.execute(f"PRAGMA max_page_count = {pages}")

    async def learn_and_learn() -> None:
        for number in range(2_000):
            await story.store.learn("ana", frozenset(), f"thread-{number}", story.now)

    with pytest.raises(StoreAway) as away:
        await learn_and_learn()
    assert (away.value.trouble, away.value.reason) == ("full", "SQLITE_FULL")
    with pytest.raises(StoreAway, match="full"):
        await story.store.ping()
    writer.execute(f"PRAGMA max_page_count = {pages + 10_000}")
    assert await story.push() is PushFate.NEW


async def test_a_damaged_file_is_the_stores_trouble_and_makes_no_dead_letter() -> None:
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_CORRUPT, "SQLITE_CORRUPT"
    away = caller_error(error)
    assert isinstance(away, StoreAway)
    assert away.trouble == "damaged"


def contents(path: Path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.iterdir() if file.name.startswith(path.name))


async def test_who_is_forgotten_is_in_no_byte_of_a_file_that_is_open(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    store = open_store(path)
    await store.open()
    story = Story(store)
    await story.mailbox("bob")
    await story.mailbox("zelda")
    await story.arrive("zelda", *(f"quillfeather{number}" for number in range(300)))
    assert contents(path).count(b"quillfeather") > 300
    await store.forget("zelda")
    found = contents(path)
    assert (found.count(b"quillfeather"), found.count(b"zelda"), found.count(b"bob@corp.test") > 0) == (
        0,
        0,
        True,
    )
    await store.close()


async def test_what_older_releases_left_in_the_pages_goes_with_the_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite3"
    upgrade_file(path)
    with closing(sqlite3.connect(path)) as before:  # as a release before kept it: deleted, and still there
        before.execute("PRAGMA secure_delete = OFF")
        before.execute("PRAGMA application_id = 0")
        before.executemany("INSERT INTO tallies VALUES (?, 1)", ((f"quillfeather{n}",) for n in range(2_000)))
        before.commit()
        before.execute("DELETE FROM tallies WHERE name LIKE 'quill%'")
        before.commit()
    assert b"quillfeather" in contents(path)
    upgrade_file(path)
    assert b"quillfeather" not in contents(path)
