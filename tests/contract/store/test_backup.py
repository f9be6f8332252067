"""Backups of the embedded file: one moment's whole database, for its owner's eyes only, put back without loss."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.commands.store import db_group
from backend.domain.challenge import ChallengeState
from backend.domain.errors import Conflict, Refused
from backend.domain.mailbox.message import Outcome
from backend.store import backup, sqlite
from backend.store.library import Dialect, migrations
from backend.store.opening import open_store
from backend.store.sqlite import connect_file
from backend.transactions.records import Duty
from backend.transactions.script import Departures
from tests.contract.store.stories import Story
from tests.doubles import in_english
from tests.journeys.from_0_1_0 import VERSION, Kept

NOBODY_ELSE = 0o600
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def _anybody_may_read() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def with_mailbox(path: Path, name: str, *messages: str) -> None:
    async def fill() -> None:
        store = open_store(path)
        await store.open()
        story = Story(store)
        await story.mailbox(name)
        await story.arrive(name, *messages)
        await store.close()

    asyncio.run(fill())


def entries(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as copy:
        return [row[0] for row in copy.execute("SELECT gmail_id FROM messages ORDER BY gmail_id")]


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "pitchgate.sqlite3"
    store = open_store(path)
    await store.open()
    await Story(store).mailbox("ana")
    found = {entry.name: mode(entry) for entry in path.parent.iterdir()}
    await store.close()
    assert found == {path.name + end: NOBODY_ELSE for end in ("", "-wal", "-shm")}
    assert mode(path.parent) == 0o700


def test_a_file_that_was_open_to_all_is_closed_when_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    path = folder / "pitchgate.sqlite3"
    with_mailbox(path, "ana", "m1")
    path.chmod(0o644)
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(folder))
    assert CliRunner().invoke(db_group, ["upgrade"]).exit_code == 0
    assert mode(path) == NOBODY_ELSE
    listing = [sys.executable, "-m", "backend", "jobs", "list"]
    subprocess.run(listing, check=True, capture_output=True, timeout=60)
    assert mode(folder) == 0o700


def test_a_folder_with_other_things_in_it_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "letters.txt").write_text("somebody else's")
    with_mailbox(tmp_path / "pitchgate.sqlite3", "ana", "m1")
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(tmp_path))
    listing = [sys.executable, "-m", "backend", "jobs", "list"]
    subprocess.run(listing, check=True, capture_output=True, timeout=60)
    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "pitchgate.sqlite3") == NOBODY_ELSE


def test_a_backup_under_writes_is_one_moment(tmp_path: Path) -> None:
    """Each commit writes two rows: no copy may hold one without the other, whenever it is made."""
    path = tmp_path / "pitchgate.sqlite3"
    with_mailbox(path, "ana", "m1")
    with closing(connect_file(path)) as connection:
        connection.execute("CREATE TABLE pairs (number INTEGER)")
    stop, written = threading.Event(), threading.Semaphore(0)

    def write() -> None:
        with closing(connect_file(path)) as connection:
            number = 0
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO pairs VALUES (?)", [(number,), (number,)])
                connection.execute("COMMIT")
                number += 1
                written.release()

    writer = threading.Thread(target=write)
    writer.start()
    counts = []
    try:
        for number in range(8):
            assert written.acquire(timeout=30)  # it has gone on since the last copy
            target = tmp_path / f"copy{number}.sqlite3"
            backup.back_up(path, target)
            with closing(sqlite3.connect(target)) as copy:
                odd = copy.execute("SELECT number FROM pairs GROUP BY number HAVING COUNT(*) <> 2").fetchall()
                assert odd == []
                counts.append(copy.execute("SELECT COUNT(*) FROM pairs").fetchone()[0])
            assert mode(target) == NOBODY_ELSE
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(counts)
    assert counts[-1] > counts[0], "the copies were made under writes"


async def test_a_backup_holds_what_stands_only_in_the_log_of_a_running_server(tmp_path: Path) -> None:
    path, target = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    store = open_store(path)
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    await story.arrive("ana", "m1", "m2")
    found = await asyncio.to_thread(backup.back_up, path, target)
    await store.close()
    assert (found.mailboxes, found.messages) == (1, 2)
    assert names(target) == ["m1", "m2"]
    assert entries(tmp_path) == ["copy.sqlite3", "pitchgate.sqlite3"]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path, target = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    with_mailbox(path, "ana", "m1")
    target.write_text("mine")
    with pytest.raises(Refused, match="file_exists"):
        backup.back_up(path, target)
    assert target.read_text() == "mine"
    with pytest.raises(Refused, match="no_file"):
        backup.back_up(tmp_path / "none", tmp_path / "new")


def test_a_disk_without_hard_links_takes_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, target = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    with_mailbox(path, "ana", "m1")

    def no_link(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    backup.back_up(path, target)
    assert names(target) == ["m1"]
    assert "copy.sqlite3.part" not in entries(tmp_path)


def test_a_damaged_database_makes_no_backup(tmp_path: Path) -> None:
    path, target = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    with_mailbox(path, "ana", *(f"m{number}" for number in range(400)))
    with closing(connect_file(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 3 * 4096] = b"\xff" * (3 * 4096)
    path.write_bytes(data)
    with pytest.raises((Conflict, Refused)):
        backup.back_up(path, target)
    assert not target.exists()
    assert entries(tmp_path) == ["pitchgate.sqlite3"]


async def test_restoring_refuses_while_somebody_has_the_file_open(tmp_path: Path) -> None:
    path, copy = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    store = open_store(path)
    await store.open()
    await Story(store).mailbox("ana")
    await Story(store).arrive("ana", "m1")
    await asyncio.to_thread(backup.back_up, path, copy)
    await Story(store).arrive("ana", "m2")
    with pytest.raises(Conflict, match="in_use"):
        await asyncio.to_thread(backup.restore, copy, path, NOW)
    await Story(store).arrive("ana", "m3")  # the server goes on
    await store.close()
    assert names(path) == ["m1", "m2", "m3"]
    assert entries(tmp_path) == ["copy.sqlite3", "pitchgate.sqlite3"]


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    path, copy = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    with_mailbox(path, "ana", "m1")
    backup.back_up(path, copy)
    with_mailbox(path, "bea", "m2")
    found, kept = backup.restore(copy, path, NOW)
    assert found.messages == 1
    assert kept is not None
    assert (names(path), names(kept)) == (["m1"], ["m1", "m2"])
    assert (mode(path), mode(kept)) == (NOBODY_ELSE, NOBODY_ELSE)


def test_what_is_no_backup_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pitchgate.sqlite3"
    with_mailbox(path, "ana", "m1")
    for content in (b"", b"not a database" * 500):
        (tmp_path / "wrong").write_bytes(content)
        with pytest.raises(Refused):
            backup.restore(tmp_path / "wrong", path, NOW)
    newer = tmp_path / "newer.sqlite3"
    backup.back_up(path, newer)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    with pytest.raises(Refused, match="backup_newer"):
        backup.restore(newer, path, NOW)
    assert names(path) == ["m1"]


async def test_what_was_under_way_at_the_backup_goes_on_once_it_is_put_back(tmp_path: Path) -> None:
    path, copy = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    store = open_store(path)
    await store.open()
    story = Story(store)
    await story.mailbox("ana")
    await story.arrive("ana", "pitch")
    await story.judge(await story.job("pitch"), Outcome.CHALLENGE)
    await store.finish_stage(await story.job("pitch"), story.now)
    await story.arrive("ana", "new")
    assert len(await story.due()) == 2
    await story.hold("ana", Duty.SYNC)
    stop = asyncio.Event()
    owning = asyncio.create_task(store.ownership.run(stop, lambda: None))
    while not store.ownership.owns("ana"):  # noqa: ASYNC110 - one turn of the loop
        await asyncio.sleep(0)
    await asyncio.to_thread(backup.back_up, path, copy)
    stop.set()
    await owning
    await store.close()
    await asyncio.to_thread(backup.restore, copy, path, story.pass_time(seconds=1))

    store = open_store(path)
    await store.open()
    story.store = store
    assert {job.gmail_id for job in await story.due()} == {"pitch", "new"}
    duty = await story.due_duty()
    assert duty is not None
    assert duty.duty is Duty.SYNC
    # The answer may have left between the backup and the end of that server: it is looked for first.
    known = await store.challenge_of("ana", "pitch")
    assert known is not None
    assert known.state is ChallengeState.SENDING
    assert known.sending_at == known.created_at, "long enough ago to be found"
    stop.clear()
    owning = asyncio.create_task(store.ownership.run(stop, lambda: None))
    while not store.ownership.owns("ana"):  # noqa: ASYNC110 - as above
        await asyncio.sleep(0)
    assert not store.ownership.after_death("ana"), "nobody died over it"
    stop.set()
    await owning
    await store.close()


def test_a_new_machine_has_nothing_to_keep(tmp_path: Path) -> None:
    source, path = tmp_path / "source.sqlite3", tmp_path / "new" / "pitchgate.sqlite3"
    with_mailbox(source, "ana", "m1")
    backup.back_up(source, tmp_path / "copy.sqlite3")
    assert backup.restore(tmp_path / "copy.sqlite3", path, NOW)[1] is None
    assert names(path) == ["m1"]
    assert (mode(path), mode(path.parent)) == (NOBODY_ELSE, 0o700)


def test_of_a_server_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PITCHGATE_DATABASE_URL", "postgresql://someone:CSPX-secret@db.test/one")
    for command, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        error = CliRunner().invoke(db_group, [command, str(tmp_path / "file")]).exception
        assert isinstance(error, Refused)
        assert tool in in_english(error)
        assert "CSPX-secret" not in f"{in_english(error)}"


class OneKey:
    """Opens what begins with its name."""

    def __init__(self, *ids: str) -> None:
        self.ids = ids

    def key_of(self, sealed: bytes) -> str | None:
        return next((name for name in self.ids if sealed.startswith(name.encode())), None)


def two_owners(path: Path) -> None:
    async def fill() -> None:
        store = open_store(path)
        await store.open()
        story = Story(store)
        for name, sealed in (("ana", b"old token"), ("bob", b"new token")):
            await story.mailbox(name)
            await store.save_sealed_token(name, sealed, story.now)
        await store.close()

    asyncio.run(fill())


def test_a_backup_names_the_keys_it_needs_and_whose_token_none_opens(tmp_path: Path) -> None:
    path, copy, left = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3", Departures(tmp_path)
    two_owners(path)
    backup.back_up(path, copy, OneKey("old", "new"))
    assert backup.needs(copy, OneKey("new", "old"), left) == backup.Needs({"old": 1, "new": 1}, (), ())
    assert backup.needs(copy, OneKey("new"), left) == backup.Needs({"old": 1, "new": 1}, ("ana",), ())
    assert backup.needs(path, OneKey("new"), left) == backup.Needs({}, ("ana",), ()), (
        "an older backup names none"
    )
    left.note("ana")
    assert backup.needs(copy, OneKey("new"), left) == backup.Needs({"old": 1, "new": 1}, (), ("ana",))


@pytest.mark.parametrize(
    "newest", [step.version for step in migrations(Dialect.SQLITE) if step.version >= VERSION]
)
def test_the_database_of_an_older_release_is_backed_up_and_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    """Who upgrades makes a backup with the new release's program first."""
    path, copy, left = (
        tmp_path / "state" / "pitchgate.sqlite3",
        tmp_path / "copy.sqlite3",
        Departures(tmp_path),
    )
    Kept().restore(path, "1")
    done = tuple(step for step in migrations(Dialect.SQLITE) if step.version <= newest)
    monkeypatch.setattr(sqlite, "migrations", lambda _: done)
    sqlite.upgrade_file(path)
    monkeypatch.undo()
    fernet = OneKey("gAAAA")
    assert backup.back_up(path, copy, fernet).schema == newest
    assert backup.needs(copy, fernet, left).ids == {"gAAAA": 1}
    found, _ = backup.restore(copy, path, NOW)
    assert (found.schema, found.mailboxes) == (newest, 1)


def test_tokens_without_a_key_are_left_out_and_no_note_of_keys_stays(tmp_path: Path) -> None:
    path, copy = tmp_path / "pitchgate.sqlite3", tmp_path / "copy.sqlite3"
    two_owners(path)
    backup.back_up(path, copy, OneKey("old", "new"))
    backup.restore(copy, path, NOW, ("ana",))
    with closing(sqlite3.connect(path)) as put:
        tokens = dict(put.execute("SELECT id, sealed_token FROM mailboxes").fetchall())
        notes = put.execute("SELECT COUNT(*) FROM tallies").fetchone()[0]
    assert (tokens, notes) == ({"ana": b"", "bob": b"new token"}, 0)


async def test_who_has_left_is_deleted_at_the_start_after_a_restore(tmp_path: Path) -> None:
    store = open_store(tmp_path / "pitchgate.sqlite3")
    store.departures = Departures(tmp_path)
    await store.open()
    story = Story(store)
    for name in ("ana", "bob"):
        await story.mailbox(name)
    assert await store.keep_away() == 0
    Departures(tmp_path).note("bob")
    store.departures = Departures(tmp_path)
    assert await store.keep_away() == 1
    assert [box.id for box in await store.mailboxes()] == ["ana"]
    await store.close()
