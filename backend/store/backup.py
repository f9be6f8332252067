"""Backups of the embedded file: taken while a server runs, then opened and checked; restored only when nobody uses the
file, and the replaced file is kept next to it. What ran when the backup was made counts as stopped.

A backup names the keys that open what is sealed in it. Without them it is not restored: no owner's mailbox could be
read, and the server would not start.

A step of SQLite's backup that copies every page at once holds one read lock: writers go on, and the copy is the
database at one moment. Copies are readable by their owner alone, like the file itself.

The other way out of the file is to a PostgreSQL server: everything moves in one transaction and is compared before it
is committed. Nobody else may have the file open, from before the first row to the end: later writes of a server would
be left behind.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import asyncpg

from backend.domain.errors import Conflict, Refused
from backend.domain.mailbox.archive import OWNED_TABLES
from backend.store import postgres
from backend.store.library import Dialect, Query, migrations, queries
from backend.store.sqlite import file_version, held_alone, make_private, upgrade_file
from backend.store.sqlite_writer import BUSY_SECONDS
from backend.transactions.mailboxes import LASTING
from backend.transactions.script import Departures

SEALED_BY = "sealed_by."
"""In a backup's `tallies`, the prefix of a key's id: the row says how much that key opens."""

SEALED = {"mailboxes": "sealed_token", "chains": "sealed_key"}
"""What is sealed, by table. An older release's database lacks some: its backup is made before the upgrade."""


class Keys(Protocol):
    """The available keys, by ids that reveal nothing of them."""

    @property
    def ids(self) -> tuple[str, ...]: ...

    def key_of(self, sealed: bytes) -> str | None:
        """The id of the key that opens it, None if none does."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What a backup contains."""

    bytes: int
    schema: int
    mailboxes: int
    messages: int


@dataclass(frozen=True, slots=True)
class Needs:
    """The keys that a backup needs (by id, with how much each opened when it was made; older backups do not say), and
    the mailboxes whose token none of our keys opens. `left` are those whose owners have left since."""

    ids: Mapping[str, int]
    shut: tuple[str, ...]
    left: tuple[str, ...]


def back_up(source: Path, target: Path, keys: Keys | None = None) -> Copy:
    """Copy the database to the new file `target` (mode 0600) and check the copy.

    Raises `Refused` if there is no database or `target` exists, `Conflict` if the copy does not check out; then
    there is no `target`.
    """
    if target.exists():
        raise Refused("file_exists.backup", path=target, field="FILE")
    return _checked_copy(source, target, keys)


def needs(backup: Path, keys: Keys, departures: Departures) -> Needs:
    """What a backup needs. Raises `Refused` if the file is no backup, or damaged."""
    try:
        with closing(_open_read_only(backup)) as copy:
            named = copy.execute(
                "SELECT name, n FROM tallies WHERE name LIKE ?", (f"{SEALED_BY}%",)
            ).fetchall()
            boxes = copy.execute("SELECT id, sealed_token FROM mailboxes ORDER BY id").fetchall()
    except sqlite3.DatabaseError as error:
        raise Refused("backup_broken", path=backup, why=error, field="FILE") from error
    left = {mailbox for mailbox, _ in boxes if departures.has(mailbox)}
    shut = (one for one, sealed in boxes if sealed and one not in left and keys.key_of(sealed) is None)
    ids = {name.removeprefix(SEALED_BY): count for name, count in named}
    return Needs(ids, tuple(shut), tuple(sorted(left)))


def restore(
    backup: Path, path: Path, now: datetime, without: Collection[str] = ()
) -> tuple[Copy, Path | None]:
    """Put `backup` in the database's place; returns what it holds and where the old one is kept, if there was one.
    Tokens of the mailboxes in `without` are left out: their owners connect again.

    Raises `Refused` if the backup is damaged or from a newer release, `Conflict` if somebody uses the database. Then
    nothing has changed. At every moment there is a whole database under its name.
    """
    draft = path.with_name(f".{path.name}.restoring")
    draft.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        found = _checked_copy(backup, draft)
        newest = migrations(Dialect.SQLITE)[-1].version
        if found.schema > newest:
            raise Refused("backup_newer", path=backup, schema=found.schema, newest=newest, field="FILE")
        _forget_owner(draft)
        _drop_tokens(draft, without)
        if not path.exists():
            os.replace(draft, path)
            return found, None
        with closing(held_alone(path, "in_use")):
            kept = path.with_name(f"{path.stem}.before-{now:%Y%m%dT%H%M%SZ}{path.suffix}")
            os.link(path, kept)
            os.replace(draft, path)
        return found, kept
    finally:
        draft.unlink(missing_ok=True)


def _drop_tokens(path: Path, without: Collection[str]) -> None:
    with closing(sqlite3.connect(path)) as copy, copy:
        blank = "UPDATE mailboxes SET sealed_token = X'' WHERE id = ?"
        copy.executemany(blank, ((mailbox,) for mailbox in without))
        copy.execute("DELETE FROM tallies WHERE name LIKE ?", (f"{SEALED_BY}%",))


def _name_keys(copy: sqlite3.Connection, keys: Keys) -> None:
    """Note in the copy which keys open what is sealed in it."""
    counts = Counter(
        found
        for table in SEALED.keys() & _tables(copy)
        for (one,) in copy.execute(f"SELECT {SEALED[table]} FROM {table}")  # noqa: S608 - our own names
        if one and (found := keys.key_of(one)) is not None
    )
    copy.executemany(
        "INSERT INTO tallies VALUES (?, ?)", ((SEALED_BY + name, n) for name, n in counts.items())
    )
    copy.commit()


def _tables(copy: sqlite3.Connection) -> set[str]:
    return {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _forget_owner(path: Path) -> None:
    """What ran when the backup was made has stopped, and its process did not die of it."""
    with closing(sqlite3.connect(path)) as copy, copy:
        if "lane_owners" in _tables(copy):
            copy.execute(queries(Dialect.SQLITE)["end_owning"].sql)
        else:  # from a release that marked messages as taken
            copy.execute("UPDATE messages SET lease = NULL")
        copy.execute(queries(Dialect.SQLITE)["doubt_intents"].sql)


def _checked_copy(source: Path, target: Path, keys: Keys | None = None) -> Copy:
    if not source.is_file():
        raise Refused("no_file.database", path=source)
    draft = target.with_name(f"{target.name}.part")
    draft.unlink(missing_ok=True)
    try:
        make_private(draft)
        with closing(_open_read_only(source)) as here, closing(sqlite3.connect(draft)) as there:
            here.backup(there, pages=-1)
            there.execute("PRAGMA journal_mode = DELETE")  # one file, whole in itself
            if keys is not None:
                _name_keys(there, keys)
        found = _check(draft)
        _flush_to_disk(draft)
        _put(draft, target)
        _flush_to_disk(target.parent)
        return found
    except sqlite3.DatabaseError as error:
        raise Refused("backup_broken", path=source, why=error, field="FILE") from error
    except FileExistsError as error:
        raise Refused("file_exists", path=target, field="FILE") from error
    finally:
        draft.unlink(missing_ok=True)


def _put(draft: Path, target: Path) -> None:
    """Give the draft its name. A link never replaces a file created meanwhile."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, as on many sticks
        os.rename(draft, target)


def _check(path: Path) -> Copy:
    """Open the copy as the server would, and check all of it."""
    with closing(_open_read_only(path)) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchall()
        if [row[0] for row in found] != ["ok"] or copy.execute("PRAGMA foreign_key_check").fetchone():
            raise Conflict("copy_damaged")
        mailboxes, messages = (
            copy.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
            for table in ("mailboxes", "messages")
        )
        return Copy(path.stat().st_size, file_version(copy), mailboxes, messages)


def _open_read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- Moving to a server


ORDER = ("mailboxes", *(name for name in OWNED_TABLES if name != "mailboxes"), *LASTING)
"""Parents before children."""

CHUNK = 2_000
MODULUS = 1_000_003
"""Numbers are summed by remainder: the sum of a million times in microseconds would overflow."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One table that was copied."""

    table: str
    rows: int


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    kind: str  # of PostgreSQL: bigint, boolean, text, bytea, double precision


async def copy(source: Path, target: str, tell: Callable[[str, int], None] = lambda *_: None) -> list[Moved]:
    """Copy the file `source` into the empty database `target`.

    `tell(table, rows)` is called as rows go over. Raises `Refused` if there is nothing to copy or the
    target holds something, `Conflict` while a server has the file open, and if the copy does not match: then the target
    is as empty as before.
    """
    here = _open_source(source)
    try:
        await postgres.upgrade_server(target)
        there: Any = await asyncpg.connect(target)
    except BaseException:
        here.close()
        raise
    try:
        async with there.transaction():
            await there.execute("SET LOCAL app.mailbox = '*'")
            await _refuse_if_used(there)
            moved = [await _copy_table(here, there, table, tell) for table in ORDER]
            for table in ORDER:
                await _compare(here, there, table)
            await _check_ledger(there)
        # A server plans by its statistics: without any, a page of held mail took seconds after a move.
        await there.execute("ANALYZE")
        return moved
    finally:
        here.close()
        await there.close()


def _open_source(source: Path) -> sqlite3.Connection:
    if not source.exists():
        raise Refused("no_file", path=source, field="source")
    upgrade_file(source)
    return held_alone(source, "in_use.copy")


async def _refuse_if_used(there: Any) -> None:
    for table in ORDER:
        if await there.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})"):  # noqa: S608 - our own name
            raise Refused("not_empty", table=table, field="target")


async def _copy_table(
    here: sqlite3.Connection, there: Any, table: str, tell: Callable[[str, int], None]
) -> Moved:
    columns = await _columns(there, table)
    names = ", ".join(column.name for column in columns)
    marks = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
    insert = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own schema
    booleans = [number for number, column in enumerate(columns) if column.kind == "boolean"]
    total = 0
    # Events are copied themselves: copying a row must not add one.
    await there.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for chunk in _chunks(here.execute(f"SELECT {names} FROM {table}")):  # noqa: S608 - the same names
        await there.executemany(insert, [_converted(row, booleans) for row in chunk])
        total += len(chunk)
        tell(table, total)
    await there.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    return Moved(table, total)


def _chunks(cursor: sqlite3.Cursor) -> Iterator[list[Any]]:
    while chunk := cursor.fetchmany(CHUNK):
        yield chunk


def _converted(row: Any, booleans: list[int]) -> list[Any]:
    values = list(row)
    for number in booleans:
        values[number] = bool(values[number])
    return values


async def _columns(there: Any, table: str) -> list[_Column]:
    rows = await there.fetch(
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position",
        table,
    )
    return [_Column(row["column_name"], row["data_type"]) for row in rows]


async def _compare(here: sqlite3.Connection, there: Any, table: str) -> None:
    """The number of rows, and of each column how many values, their sum, their length or their extremes."""
    sums = {
        "bigint": f"CAST(COALESCE(SUM({{0}} % {MODULUS}), 0) AS BIGINT)",
        "boolean": "CAST(COALESCE(SUM(CASE WHEN {0} THEN 1 ELSE 0 END), 0) AS BIGINT)",
        "double precision": "MIN({0}), MAX({0})",
        "text": "CAST(COALESCE(SUM(LENGTH({0})), 0) AS BIGINT)",
        "bytea": "CAST(COALESCE(SUM(LENGTH({0})), 0) AS BIGINT)",
    }
    columns = await _columns(there, table)
    parts = ["COUNT(*)", *(f"COUNT({c.name}), {sums[c.kind].format(c.name)}" for c in columns)]
    question = f"SELECT {', '.join(parts)} FROM {table}"  # noqa: S608 - the same names
    ours, theirs = tuple(here.execute(question).fetchone()), tuple(await there.fetchrow(question))
    if ours != theirs:
        raise Conflict("copy_differs", table=table, ours=ours, theirs=theirs)


async def _check_ledger(there: Any) -> None:
    known = queries(Dialect.POSTGRES)
    checks: list[Query] = [known["balance_differences"], known["daily_differences"]]
    for check in checks:
        if await there.fetch(check.sql):
            raise Conflict("ledger_differs")
