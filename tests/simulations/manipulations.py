"""What somebody who can write to the database and has no key may do to a log of decisions, and whether it is found.

    python -m tests.simulations.manipulations

Each of `MANIPULATIONS` is done to a copy of a small database, and `pitchgate audit verify` looks at it, without and
with the heads that are kept beside the database. A line for each; the last is one JSON object: how many were `tried`,
`found` without heads, and `found_with_heads`.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

from click.testing import CliRunner

from backend.__main__ import cli
from backend.domain.mailbox.decisions import Decision
from backend.domain.mailbox.message import Grounds, Outcome, PolicyRow, Verdict
from backend.domain.reading.score import Score
from backend.domain.watching.audit import Chain, bits
from backend.settings_read import read_settings
from backend.store.library import OWNED_TABLES
from backend.store.opening import open_configured
from backend.transactions.script import HEADS
from backend.vault import VaultKeys, configured_vault
from tests.contract.store.stories import Story
from tests.values import appended

FILE, OLD = "pitchgate.sqlite3", "old.sqlite3"
Change = Callable[[sqlite3.Connection], object]
EMPTY = "at = NULL, gmail_id = NULL, salt = NULL, payload = NULL"
LOGS = ("decisions", "chains", "decision_settings")
OTHER_KEY = b"x" * 32


def sql(*statements: str) -> Change:
    return lambda connection: [connection.execute(statement) for statement in statements]


def entries(change: str) -> str:
    return f"UPDATE decisions SET {change} AND mailbox_id = 'ana'"


def resealed(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Let entries say otherwise, digests and seals made again with another key."""
    every = connection.execute("SELECT * FROM decisions WHERE mailbox_id = 'ana' ORDER BY number").fetchall()
    chain = Chain(number=first - 1, seal=every[first - 2][-1] if first > 1 else bytes(32))
    for _, _, at, about, salt, payload, _, _ in every[first - 1 : last]:
        lie = (payload or "{}").replace("quarantine", "allowed")
        chain = _put(connection, chain, at or 0, about or "", salt or b"", lie)
    if last >= len(every):
        _end(connection, chain)


def add_entry(connection: sqlite3.Connection, payload: str) -> None:
    """Add an entry that says this, sealed with another key."""
    number, seal = connection.execute("SELECT number, seal FROM chains WHERE mailbox_id = 'ana'").fetchone()
    _end(connection, _put(connection, Chain(number=number, seal=seal), 1 << 51, "", bytes(16), payload))


def _put(
    connection: sqlite3.Connection, chain: Chain, at: int, about: str, salt: bytes, payload: str
) -> Chain:
    entry, chain = appended(OTHER_KEY, chain, at, about, salt, payload)
    connection.execute("INSERT OR REPLACE INTO decisions VALUES ('ana', ?, ?, ?, ?, ?, ?, ?)", entry)
    return chain


def _end(connection: sqlite3.Connection, chain: Chain) -> None:
    told = (chain.number, chain.seal, chain.tag)
    connection.execute("UPDATE chains SET number = ?, seal = ?, tag = ? WHERE mailbox_id = 'ana'", told)


def emptied_and_said(connection: sqlite3.Connection) -> None:
    """Empty some entries and add an erasure of one's own."""
    connection.execute(entries(f"{EMPTY} WHERE number < 10"))
    add_entry(connection, '{"kind":"erased","up_to":9}')


def put_back(connection: sqlite3.Connection) -> None:
    """Put the whole database back as it was."""
    old = Path(connection.execute("PRAGMA database_list").fetchone()[2]).with_name(OLD)
    with closing(sqlite3.connect(old)) as copy:
        copy.backup(connection)


DROPPED = [f"DELETE FROM {table} WHERE mailbox_id = 'ana'" for table in LOGS]
MANIPULATIONS: dict[str, Change] = {
    "a verdict changed": sql(entries("payload = replace(payload, 'quarantine', 'allowed') WHERE number = 9")),
    "an entry's time changed": sql(entries("at = at + 1 WHERE number = 9")),
    "an entry's message changed": sql(entries("gmail_id = 'm0' WHERE number = 9")),
    "a verdict changed and sealed with another key": partial(resealed, first=9, last=9),
    "all entries sealed with another key": partial(resealed, first=1, last=99),
    "an entry added, sealed with another key": partial(add_entry, payload='{"kind":"verdict"}'),
    "an entry removed": sql("DELETE FROM decisions WHERE mailbox_id = 'ana' AND number = 9"),
    "an entry removed, the later ones numbered again": sql(
        "DELETE FROM decisions WHERE mailbox_id = 'ana' AND number = 9",
        *(entries(f"number = {number - 1} WHERE number = {number}") for number in range(10, 30)),
        "UPDATE chains SET number = number - 1 WHERE mailbox_id = 'ana'",
    ),
    "two entries swapped": sql(
        *(entries(f"number = {to} WHERE number = {number}") for number, to in ((8, 99), (9, 8), (99, 9)))
    ),
    "the end cut off": sql("DELETE FROM decisions WHERE mailbox_id = 'ana' AND number > 9"),
    "the end cut off, the head moved there": sql(
        "DELETE FROM decisions WHERE mailbox_id = 'ana' AND number > 9",
        "UPDATE chains SET (number, seal) = (SELECT number, seal FROM decisions WHERE mailbox_id = 'ana'"
        " ORDER BY number DESC) WHERE mailbox_id = 'ana'",
    ),
    "an entry emptied": sql(entries(f"{EMPTY} WHERE number = 9")),
    "every entry emptied": sql(entries(f"{EMPTY} WHERE number > 0")),
    "entries emptied, an erasure added with another key": emptied_and_said,
    "an erasure made to reach further": sql(
        entries(f"{EMPTY} WHERE number IN (5, 6)"),
        entries("payload = replace(payload, 4, 6) WHERE gmail_id = ''"),
    ),
    "an erased entry filled in": sql(entries("at = 1, gmail_id = 'm0', payload = '{}' WHERE number = 2")),
    "entries said to be of a lost key": sql("UPDATE chains SET began = 9 WHERE mailbox_id = 'ana'"),
    "the log's sealed key overwritten": sql("UPDATE chains SET sealed_key = x'00' WHERE mailbox_id = 'ana'"),
    "a setting changed": sql("UPDATE decision_settings SET content = '{}' WHERE mailbox_id = 'ana'"),
    "a setting deleted": sql("DELETE FROM decision_settings WHERE mailbox_id = 'ana'"),
    "a setting renamed": sql("UPDATE decision_settings SET name = 'x' || name WHERE mailbox_id = 'ana'"),
    "a log deleted": sql(*DROPPED),
    "the logs of two mailboxes swapped": sql(
        *(
            f"UPDATE {table} SET mailbox_id = '{to}' WHERE mailbox_id = '{name}'"
            for table in LOGS
            for name, to in (("ana", "-"), ("ben", "ana"), ("-", "ben"))
        )
    ),
    "a message changed beside the log": sql(
        "UPDATE messages SET policy_row = 'allowed' WHERE gmail_id = 'm8'"
    ),
    "the whole database put back as it was": put_back,
    "a mailbox deleted with its log and messages": sql(
        *(
            f"DELETE FROM {table} WHERE {'id' if table == 'mailboxes' else 'mailbox_id'} = 'ana'"
            for table in OWNED_TABLES
        )
    ),
    "a log deleted with its messages": sql(*DROPPED, "DELETE FROM messages WHERE mailbox_id = 'ana'"),
}


async def lived(folder: Path) -> None:
    """Ana's and Ben's mail of some months: verdicts, a decision, an erasure, heads, and a copy of some days before."""
    settings = read_settings(state_dir=folder)
    store = await open_configured(settings, VaultKeys(configured_vault(settings)))
    story = Story(store)
    for name in ("ana", "ben"):
        await story.mailbox(name)
    for first, last in ((0, 4), (4, 9), (9, 12)):
        for number in range(first, last):
            for mailbox_id, gmail_id in (("ana", f"m{number}"), ("ben", f"b{number}")):
                await story.arrive(mailbox_id, gmail_id)
                score = Score(0.9 + number / 1_000, 2.0)
                grounds = Grounds('{"mode":"quarantine"}', json.dumps({"p": bits(score.probability)}))
                verdict = Verdict(Outcome.HOLD, PolicyRow.QUARANTINE, score, grounds=grounds)
                facts = story.screened(f"{gmail_id}@pitch.test")
                await store.record_verdict(await story.job(gmail_id), verdict, facts, None, story.now)
                await story.work()
        if first == 4:
            await story.decide("ana", "m8", Decision.RELEASE)
            await story.work()
        for name in ("ana", "ben"):
            await store.retain(name, story.now, story.now - timedelta(days=90), 500)
            await store.keep_head(name)
        if first == 4:
            with (
                closing(sqlite3.connect(folder / FILE)) as now,
                closing(sqlite3.connect(folder / OLD)) as copy,
            ):
                now.backup(copy)
        story.pass_time(days=100 if not first else 3)
    await store.close()


def tried(folder: Path, name: str) -> tuple[bool, bool]:
    """Whether it is found, in this folder, without heads and with them."""
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        MANIPULATIONS[name](connection)
    with_heads = verified(folder)
    (folder / HEADS).unlink()
    return verified(folder), with_heads


def verified(folder: Path) -> bool:
    """Whether anything is wrong."""
    done = CliRunner().invoke(cli, ["audit", "verify"], env={"PITCHGATE_STATE_DIR": str(folder)})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code == 1


def every(folder: Path) -> Iterator[tuple[str, bool, bool]]:
    """Each manipulation, and whether it is found without heads and with them."""
    asyncio.run(lived(folder / "lived"))
    assert not verified(folder / "lived")
    for number, name in enumerate(MANIPULATIONS):
        shutil.copytree(folder / "lived", copy := folder / str(number))
        yield name, *tried(copy, name)


def main() -> None:
    """See the module."""
    with tempfile.TemporaryDirectory() as folder:
        found = list(every(Path(folder)))
    for name, without, with_heads in found:
        print(f"{name:52} {'found' if without else 'found with heads' if with_heads else 'NOT FOUND'}")
    report = {
        "tried": len(found),
        "found": sum(one[1] for one in found),
        "found_with_heads": sum(one[2] for one in found),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
