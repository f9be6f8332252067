"""Upgrading while the previous release's processes are up: a step only adds, but for the lanes', and disturbs nobody's
work."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from itertools import count, pairwise
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from backend.demo.play import every_message
from backend.domain.errors import AccessLost, Conflict
from backend.domain.mailbox.message import Outcome, Stage
from backend.store import opening, postgres, sqlite
from backend.store.library import Dialect, Migration, migrations
from backend.store.opening import open_store
from backend.transactions.store import Store
from tests.contract.store.stories import Story, owning
from tests.journeys.from_0_1_0 import VERSION, Kept

KNOWN = migrations(Dialect.POSTGRES)
COLUMNS = """
SELECT table_name || '.' || column_name AS name, data_type AS kind,
    is_nullable = 'YES' OR column_default IS NOT NULL AS may_be_left_out
FROM information_schema.columns WHERE table_schema = current_schema() AND table_name <> 'schema_migrations'
"""
NEXT = Migration(
    KNOWN[-1].version + 1,
    "next",
    """
    ALTER TABLE challenges ADD COLUMN colour TEXT NOT NULL DEFAULT '';
    ALTER TABLE messages ADD COLUMN colour TEXT NOT NULL DEFAULT '';
    ALTER TABLE mailboxes ADD COLUMN colour TEXT NOT NULL DEFAULT '';
    ALTER TABLE duties ADD COLUMN colour BIGINT;
    CREATE TABLE colours (mailbox_id TEXT COLLATE "C" NOT NULL REFERENCES mailboxes (id));
    CREATE INDEX messages_colour ON messages (mailbox_id, colour);
    """,
)
"""What the next release might bring: it takes the locks in another order than the work does."""


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Store]:
    """The only server's store."""
    store = open_store(address)
    await store.open()
    try:
        async with owning(store):
            yield store
    finally:
        await store.close()


Columns = dict[str, tuple[str, bool]]


@pytest_asyncio.fixture(loop_scope="session")
async def address(postgres_address: str) -> AsyncIterator[str]:
    """An empty place of its own on the server: these tests leave a schema behind that no other must see."""
    connection = await asyncpg.connect(postgres_address)
    await connection.execute("CREATE SCHEMA apart")
    yield f"{postgres_address}&search_path=apart"
    await connection.execute("DROP SCHEMA apart CASCADE")
    await connection.close()


async def columns(address: str) -> Columns:
    """Every column there is: its kind, and whether a row may be written without it."""
    connection = await asyncpg.connect(address)
    try:
        rows = await connection.fetch(COLUMNS)
        return {row["name"]: (row["kind"], row["may_be_left_out"]) for row in rows}
    finally:
        await connection.close()


def releases(patch: pytest.MonkeyPatch, *steps: Migration) -> None:
    """From now on a release knows these steps."""
    for module in (postgres, opening, sqlite):
        patch.setattr(module, "migrations", lambda _: steps)


async def test_a_release_reads_and_writes_what_a_later_one_has_upgraded(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Columns] = []
    for number in range(len(KNOWN)):
        releases(monkeypatch, *KNOWN[: number + 1])
        assert await postgres.upgrade_server(address) == 1
        seen.append(await columns(address))
    for step, (earlier, later) in zip(KNOWN[1:], pairwise(seen), strict=True):
        if step.version == postgres.LANES:
            continue  # refused while an earlier release is at work
        assert {name: kind for name, (kind, _) in earlier.items()}.items() <= {
            name: kind for name, (kind, _) in later.items()
        }.items()
        tables = {name.partition(".")[0] for name in earlier}
        added = {name: out for name, (_, out) in later.items() if name not in earlier}
        # The earlier release knows nothing of them, and its rows must be taken all the same.
        assert [n for n, may in added.items() if n.partition(".")[0] in tables and not may] == []


async def test_servers_that_know_of_no_owners_are_refused_by_name(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        releases(patch, *(step for step in KNOWN if step.version < postgres.LANES))
        await postgres.upgrade_server(address)
    before = await postgres.current_version(address)
    earlier = await asyncpg.connect(address)
    for channel in (postgres.CHANNEL, postgres.CHANGES):  # as a server has listened since 0.1.0
        await earlier.add_listener(channel, print)
    with pytest.raises(Conflict, match=rf"store\.earlier this machine \(session {earlier.get_server_pid()} "):
        await postgres.upgrade_server(address)
    assert await postgres.current_version(address) == before
    await earlier.close()
    ours = open_store(address)
    await ours.open()
    await ours.close()
    assert await postgres.current_version(address) == KNOWN[-1].version


async def work(story: Story, stop: asyncio.Event, done: Counter[str], number: int) -> None:
    """What a process does all day, on a mailbox of its own."""
    box = f"box{number}"
    for one in count():
        if stop.is_set():
            return
        await story.store.learn(box, frozenset({f"friend{one}@x.test"}), f"t{one}", story.now)
        await story.store.set_rule(box, f"{one}.test", None, story.now)
        job = await story.due_duty()
        assert job is None
        await story.store.mailbox(box)
        await story.store.standing(box, "bo@x.test", "x.test", "t1", story.now)
        await story.store.messages(box)
        done[box] += 1


async def test_nothing_fails_while_the_schema_is_upgraded_under_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(address) as store:
        stop, done, story = asyncio.Event(), Counter[str](), Story(store)
        boxes = [f"box{number}" for number in range(4)]
        for box in boxes:  # all of them first: a new mailbox has duties, which nobody else may find
            await story.mailbox(box)
        working = [asyncio.create_task(work(story, stop, done, number)) for number in range(4)]
        while set(done) < set(boxes):  # everybody is at work
            assert not any(task.done() for task in working), [task for task in working if task.done()]
            await asyncio.sleep(0.01)
        with monkeypatch.context() as patch:
            releases(patch, *KNOWN, NEXT)
            assert await postgres.upgrade_server(address) == 1
        before = Counter(done)
        while any(done[box] < before[box] + 5 for box in boxes):
            assert not any(task.done() for task in working), [task for task in working if task.done()]
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*working)
        # Every kind of write of this release finds the next one's tables as good as its own.
        await story.mailbox("ana")
        await story.receive("ana", "m1", Outcome.CHALLENGE)
        assert (await story.view("ana", "m1")).stage is None
        found = await opening.status(opening.place(address))
        assert (found.version, found.ahead) == (NEXT.version, True)


async def test_a_step_does_not_queue_everybody_up_behind_a_long_transaction(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "LOCK_WAIT", "20ms")
    monkeypatch.setattr(postgres, "STEP_PAUSE", 0.02)
    monkeypatch.setattr(postgres, "STEP_TRIES", 3)
    store = open_store(address)
    await store.open()
    holder = await asyncpg.connect(address)
    try:
        await holder.execute("BEGIN; LOCK TABLE messages IN ACCESS SHARE MODE")  # as a backup does
        with monkeypatch.context() as patch:
            releases(patch, *KNOWN, NEXT)
            with pytest.raises(Conflict, match="schema_step"):
                await postgres.upgrade_server(address)
            assert await postgres.current_version(address) == KNOWN[-1].version
            await Story(store).connect("ana")  # work went on, and goes on
            patch.setattr(postgres, "STEP_TRIES", 1_000)
            upgrading = asyncio.create_task(postgres.upgrade_server(address))
            await asyncio.sleep(0.05)
            await holder.execute("COMMIT")
            assert await upgrading == 1
    finally:
        await holder.close()
        await store.close()


async def test_rows_of_the_first_release_are_worked_on_by_this_one(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        releases(patch, KNOWN[0])
        await postgres.upgrade_server(address)
    old = await asyncpg.connect(address)
    await old.execute(
        """
        SET app.mailbox = '*';
        INSERT INTO mailboxes (id, sub, email, name, link, scopes, preferences, created_at, changed_at)
            VALUES ('ana', 'sub-ana', 'ana@corp.test', 'Ana', 'connected', '[]', '{}', 1, 1);
        INSERT INTO lanes (mailbox_id, turn_at) VALUES ('ana', 1);
        INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, stage, due_at)
            VALUES ('ana', 'm1', 't1', FALSE, 1, 1, 'screen', 1);
        """
    )
    await old.close()
    async with opened(address) as store:
        story = Story(store)
        job = await story.job("m1")
        assert job.stage is Stage.SCREEN
        await story.judge(job, Outcome.HOLD)
        assert await story.work() == [(Stage.ACT, "m1")]
        assert (await story.view("ana", "m1")).placement == "held"


MAILBOX = """
    INSERT INTO mailboxes (id, sub, email, name, link, scopes, preferences, created_at, changed_at)
    VALUES ('ana', 'sub-ana', 'ana@corp.test', 'Ana', 'connected', '[]', '{}', 1, 1)
"""
MESSAGE = """
    INSERT INTO messages (mailbox_id, gmail_id, thread_id, backlog, first_seen_at, changed_at, stage, due_at, lease)
    VALUES ('ana', 'm1', 't1', FALSE, 1, 1, 'screen', 1, '{lease}')
"""


@pytest.mark.parametrize(("lease", "died"), [("w", True), ("", False)])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_who_held_a_message_at_the_upgrade_has_died_over_it(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, lease: str, died: bool
) -> None:
    file, statements = tmp_path / "pitchgate.sqlite3", (MAILBOX, MESSAGE.format(lease=lease))
    with monkeypatch.context() as patch:
        known = migrations(Dialect(kind))
        releases(patch, *(step for step in known if step.version < postgres.LANES))
        if kind == "sqlite":
            sqlite.upgrade_file(file)
            with closing(sqlite3.connect(file)) as earlier, earlier:
                for one in statements:
                    earlier.execute(one)
        else:
            await postgres.upgrade_server(address)
            server = await asyncpg.connect(address)
            for one in ("SET app.mailbox = '*'", *statements):
                await server.execute(one)
            await server.close()
    async with opened(str(file) if kind == "sqlite" else address) as store:
        assert store.ownership.after_death("ana") is died
        (job,) = (await store.lane_work("ana", 9)).messages
        assert job.deaths == died


async def test_a_mailbox_of_0_1_0_is_there_after_the_upgrade(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        releases(patch, *(step for step in KNOWN if step.version <= VERSION))
        await postgres.upgrade_server(address)
    kept, old = Kept(), await asyncpg.connect(address)
    rows = kept.rows()
    await old.execute("SET app.mailbox = '*'")
    kinds = {name: kind for name, (kind, _) in (await columns(address)).items()}
    tables = {name.partition(".")[0] for name in kinds}
    for table in ("mailboxes", *sorted(tables - {"mailboxes"})):
        found = rows.execute(f"SELECT * FROM {table}")  # of our own dump
        names = [column[0] for column in found.description]
        truths = [kinds[f"{table}.{name}"] == "boolean" for name in names]
        marks = ", ".join(f"${number}" for number in range(1, len(names) + 1))
        await old.executemany(
            f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",
            [
                [bool(value) if truth else value for value, truth in zip(row, truths, strict=True)]
                for row in found
            ],
        )
    assert await postgres.upgrade_server(address) == len([step for step in KNOWN if step.version > VERSION])
    store = open_store(address)
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(kept.owner["email"])
        assert mailbox is not None
        assert not await store.ledger_differences()
        placed = {
            name: str(view.placement) for name, view in (await every_message(store, mailbox.id)).items()
        }
        assert placed == dict(rows.execute("SELECT gmail_id, placement FROM messages").fetchall())
        balances = await old.fetch("SELECT sender, balance FROM balances")
        assert [(row["sender"], row["balance"]) for row in balances] == [("sam@pitchworks.example", 1)]
    finally:
        rows.close()
        await store.close()
        await old.close()


async def test_sentences_of_an_earlier_release_become_codes(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lost,) = [number for number, step in enumerate(KNOWN) if step.name == "lost"]
    with monkeypatch.context() as patch:
        releases(patch, *KNOWN[:lost])
        await postgres.upgrade_server(address)
    connection = await asyncpg.connect(address)
    await connection.execute(
        """
        SET app.mailbox = '*';
        INSERT INTO mailboxes (id, sub, email, name, link, link_cause, scopes, preferences, created_at, changed_at)
            VALUES ('ana', 'a', 'ana@corp.test', 'Ana', 'needs_reconnect',
                'The permission to read and label mail is missing.', '[]', '{}', 1, 1);
        """
    )
    await postgres.upgrade_server(address)
    assert await connection.fetchval("SELECT link_cause FROM mailboxes") == AccessLost.SCOPE
    await connection.close()
