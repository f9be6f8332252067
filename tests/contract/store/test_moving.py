"""From the embedded file to a server: everything goes over, or nothing."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from backend.commands.store import db_group
from backend.domain.challenge import LedgerEntry, Posting
from backend.domain.errors import Conflict, Refused
from backend.domain.mailbox.decisions import Decision, RuleKind
from backend.domain.mailbox.message import Grounds, Outcome, PolicyRow, Verdict
from backend.domain.reading.score import Score, ScoreTrace
from backend.store import backup as moving
from backend.store.backup import ORDER, copy
from backend.store.opening import open_store, place
from backend.transactions.jobs import begin_owning
from backend.transactions.records import (
    DisconnectReceipt,
    GrantEnd,
    NewDevice,
    OneTimeCode,
    Purpose,
    Scope,
    StoredModel,
)
from backend.transactions.script import EVERY, Transaction
from backend.transactions.store import Store
from tests import postgres_server
from tests.contract.store.stories import Story
from tests.doubles import PlainKeys

EMPTIED = ["notices"]
"""Tables that only the release before writes."""
HOUR = timedelta(hours=1)
ALL = frozenset(Scope)
TRACE = ScoreTrace("model reading runtime", "t" * 32, "s" * 32, 20, 18)


async def fill(path: Path) -> None:
    """A file with a row in every table."""
    store = open_store(path, PlainKeys())
    await store.open()
    story = Story(store)
    for name in ("ana", "bea"):
        await story.mailbox(name)
        story.prefix = f"{name}-"
        challenge = await story.receive(name, "m1", Outcome.CHALLENGE)
        assert challenge is not None
        await story.receive(name, "m2", Outcome.HOLD, "Zoë@x.test")
        await story.arrive(name, "m4")
        grounds = Grounds('{"mode":"observe"}', '{"at":1,"p":"00"}', TRACE, b"sealed counts")
        verdict = Verdict(Outcome.INBOX, PolicyRow.BELOW_HOLD, Score(0.1, -2.0), grounds=grounds)
        await store.record_verdict(await story.job("m4"), verdict, None, None, story.now)
        await store.count_try(name, challenge.id, f"k-{name}")
        await store.write_note(name, challenge.id, "We met in Köln.", story.now)
        await story.solve(challenge)
        await story.work()
        await story.decide(name, "m2", Decision.ALLOW)
        await story.work()
        await store.learn(name, frozenset({"carl@x.test"}), "t7", story.now)
        await store.set_rule(name, "bad.test", RuleKind.BLOCK, story.now)
        await store.post(name, LedgerEntry("di@x.test", 3, Posting.GRANTED, "grant:1"), story.now)
        laptop = OneTimeCode(f"code-{name}", name, Purpose.DEVICE, "x", story.now + HOUR, "laptop")
        await store.add_code(laptop, story.now)
        await store.exchange(f"code-{name}", "x", NewDevice(f"d-{name}", f"h-{name}", ALL), story.now)
        await story.browser(name)
        await story.preview(name, "m3")
        await story.digest(name, "m2", token_hash=f"digest-{name}")
        await store.begin_unsubscribe(name, "m2", story.now)
        await story.push(7, f"{name}@corp.test")
        await story.a_week(1, name=name)
        await store.count_weeks(name, story.now)
        assert await store.draw_questions(name, story.now) == 4
    await story.mailbox("cyd")
    await store.ask_to_leave("cyd", "receipt", story.now)
    await store.forget("cyd", DisconnectReceipt(GrantEnd.REVOKED, story.now))
    await store.ping()
    await store._driver.run(Transaction.WRITE_FEW, EVERY, begin_owning)
    await store.add_model(StoredModel("two", "2" * 64, "two.onnx", bytes(range(256))), "op", story.now)
    await store.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file with everything in it."""
    path = tmp_path / "store.sqlite3"
    asyncio.run(fill(path))
    return path


@pytest.fixture
def target(postgres_address: str) -> Iterator[str]:
    """An empty database."""
    asyncio.run(postgres_server.empty(postgres_address))
    yield postgres_address
    asyncio.run(postgres_server.empty(postgres_address))


async def rows(address: str) -> dict[str, int]:
    connection = await asyncpg.connect(address)
    try:
        await connection.execute("SET app.mailbox = '*'")
        return {table: await connection.fetchval(f"SELECT COUNT(*) FROM {table}") for table in ORDER}
    finally:
        await connection.close()


def test_everything_goes_over_and_works_there(source: Path, target: str) -> None:
    seen: list[str] = []
    moved = asyncio.run(copy(source, target, lambda table, _: seen.append(table)))
    connection = sqlite3.connect(source)
    there = {table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in ORDER}
    connection.close()
    assert {one.table: one.rows for one in moved} == there == asyncio.run(rows(target))
    assert [name for name, number in there.items() if not number] == EMPTIED
    assert set(seen) == {*ORDER} - {*EMPTIED}

    async def same() -> None:
        before, after = open_store(source), open_store(target)
        await before.open()
        await after.open()
        try:
            assert await before.mailboxes() == await after.mailboxes()
            for name in ("ana", "bea"):
                assert await before.messages(name) == await after.messages(name)
                assert await before.challenge_of(name, "m1") == await after.challenge_of(name, "m1")
                assert await before.screened(name, "m2") == await after.screened(name, "m2")
            assert await after.ledger_differences() == ()
        finally:
            await before.close()
            await after.close()

    asyncio.run(same())


def test_a_target_that_holds_something_is_left_alone(source: Path, target: str) -> None:
    asyncio.run(copy(source, target))
    before = asyncio.run(rows(target))
    with pytest.raises(Refused, match="not_empty"):
        asyncio.run(copy(source, target))
    assert asyncio.run(rows(target)) == before


def test_a_copy_that_does_not_match_is_not_kept(
    source: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = moving._converted
    monkeypatch.setattr(
        moving,
        "_converted",
        lambda row, truths: [
            value + 1 if value == 3 and "balance" in tuple(row.keys()) else value
            for value in true(row, truths)
        ],
    )
    with pytest.raises(Conflict, match="copy_differs"):
        asyncio.run(copy(source, target))
    assert set(asyncio.run(rows(target)).values()) == {0}


def test_nothing_is_not_copied(tmp_path: Path, target: str) -> None:
    with pytest.raises(Refused, match="no_file"):
        asyncio.run(copy(tmp_path / "nothing.sqlite3", target))
    assert not (tmp_path / "nothing.sqlite3").exists()


def test_a_file_that_a_server_has_open_is_not_copied(source: Path, target: str) -> None:
    """What it wrote after its table had been read would have been left behind, and "all of it" said."""

    async def beside(running: Store) -> None:
        with pytest.raises(Conflict, match="in_use"):
            await copy(source, target)
        await Story(running).mailbox("late")

    async def served() -> None:
        running = open_store(source)
        await running.open()
        try:
            await beside(running)
        finally:
            await running.close()

    asyncio.run(served())
    assert set(asyncio.run(rows(target)).values()) == {0}
    asyncio.run(copy(source, target))
    assert asyncio.run(rows(target))["mailboxes"] == 3


def test_nobody_opens_the_file_while_it_is_copied(source: Path, target: str) -> None:
    tries: list[str] = []

    def tell(*_: object) -> None:
        with closing(sqlite3.connect(source, timeout=0)) as other:
            try:
                other.execute("SELECT * FROM mailboxes").fetchall()
            except sqlite3.OperationalError as error:
                tries.append(str(error))

    asyncio.run(copy(source, target, tell))
    assert set(tries) == {"database is locked"}


def test_the_commands_tell_upgrade_and_copy(
    source: Path, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = CliRunner()
    monkeypatch.setenv("PITCHGATE_STATE_DIR", str(tmp_path / "fresh"))
    status = runner.invoke(db_group, ["status", "--json"])
    assert status.exit_code == 1
    report = json.loads(status.stdout)
    assert (report["kind"], report["version"]) == ("sqlite", 0)
    assert report["pending"][0] == "0001 first"
    assert not (tmp_path / "fresh").exists()
    assert "steps applied" in runner.invoke(db_group, ["upgrade"]).stdout
    assert "was up to date" in runner.invoke(db_group, ["upgrade"]).stdout
    assert runner.invoke(db_group, ["status"]).exit_code == 0

    monkeypatch.setenv("PITCHGATE_DATABASE_URL", target)
    assert runner.invoke(db_group, ["upgrade"]).exit_code == 0
    status = runner.invoke(db_group, ["status"])
    assert (status.exit_code, "up to date" in status.stdout) == (0, True)
    copied = runner.invoke(db_group, ["copy", target, "--source", str(source)])
    assert copied.exit_code == 0, copied.output
    assert "counts and sums were compared" in copied.stdout
    refused = runner.invoke(db_group, ["copy", str(tmp_path / "other.sqlite3")])
    assert isinstance(refused.exception, Refused)
    monkeypatch.setenv("PITCHGATE_DATABASE_URL", "mysql://nowhere/at/all")
    assert isinstance(runner.invoke(db_group, ["status"]).exception, Refused)


def test_a_servers_password_is_not_told() -> None:
    assert place("postgresql://me:secret@db.test/pitchgate").name == "postgresql://db.test/pitchgate"
    assert place("sqlite:///some/file").name == "some/file"
