"""Backups of the embedded file: taken while a server runs, opened and checked before they count; put back
only when nobody uses the file, and with the file they replace kept beside it. Jobs that were in hand when the
backup was made are then free at once, since their holders never end them here.

A backup names the keys that open what is sealed in it. Without them it is not put back: no owner's mailbox could be
read, and the server would not start.

A step of SQLite's backup that copies every page at once holds one read lock: writers go on, and what is copied
is one moment's database. Copies are readable by their owner alone, like the file itself.
"""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from backend.domain.errors import SEARCH_LAG, Conflict, Refused
from backend.store.library import Dialect, migrations, queries
from backend.store.schema import BUSY_SECONDS, file_version, make_private
from backend.store.sqlite import held_alone
from backend.transactions.driver import Departures
from backend.transactions.statement import micros

SEALED_BY = "sealed_by."
"""In a backup, before the id of a key: in `tallies` it says how much that key opens."""

SEALED = {"mailboxes": "sealed_token", "chains": "sealed_key"}
"""What is sealed, by table. The database of an older release has not all of them: its backup is made before it is
upgraded."""


class Keys(Protocol):
    """The keys there are, by ids that show nothing of them."""

    @property
    def ids(self) -> tuple[str, ...]: ...

    def key_of(self, sealed: bytes) -> str | None:
        """The id of the key that opens it, None if none does."""


@dataclass(frozen=True, slots=True)
class Copy:
    """What was found in a backup when it was opened."""

    bytes: int
    schema: int
    mailboxes: int
    messages: int


@dataclass(frozen=True, slots=True)
class Needs:
    """The keys that what is sealed in a backup needs (by id, with how much each opens, as it was when the backup was
    made; older ones do not say), and the mailboxes whose token no key of ours opens. `left` are those whose owners have
    left since."""

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
    """What a backup needs. Raises `Refused` if it is none, or damaged."""
    try:
        with closing(_reading(backup)) as copy:
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

    Raises `Refused` if the backup is damaged or of a newer release, `Conflict` if somebody uses the database. Then
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
        _free_jobs(draft, now)
        _leave_out(draft, without)
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


def _leave_out(path: Path, without: Collection[str]) -> None:
    with closing(sqlite3.connect(path)) as copy, copy:
        blank = "UPDATE mailboxes SET sealed_token = X'' WHERE id = ?"
        copy.executemany(blank, ((mailbox,) for mailbox in without))
        copy.execute("DELETE FROM tallies WHERE name LIKE ?", (f"{SEALED_BY}%",))


def _name_keys(copy: sqlite3.Connection, keys: Keys) -> None:
    """Into the copy: which keys open what is sealed in it."""
    tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    counts = Counter(
        found
        for table in SEALED.keys() & tables
        for (one,) in copy.execute(f"SELECT {SEALED[table]} FROM {table}")  # noqa: S608 - our own names
        if one and (found := keys.key_of(one)) is not None
    )
    copy.executemany(
        "INSERT INTO tallies VALUES (?, ?)", ((SEALED_BY + name, n) for name, n in counts.items())
    )
    copy.commit()


def _free_jobs(path: Path, now: datetime) -> None:
    at = {"now": micros(now), "searchable": micros(now + SEARCH_LAG)}
    with closing(sqlite3.connect(path)) as copy, copy:
        for name in ("free_messages", "free_duties", "free_lanes", "doubt_intents"):
            query = queries(Dialect.SQLITE)[name]
            copy.execute(query.sql, {param: at[param] for param in query.params})


def _checked_copy(source: Path, target: Path, keys: Keys | None = None) -> Copy:
    if not source.is_file():
        raise Refused("no_file.database", path=source)
    draft = target.with_name(f"{target.name}.part")
    draft.unlink(missing_ok=True)
    try:
        make_private(draft)
        with closing(_reading(source)) as here, closing(sqlite3.connect(draft)) as there:
            here.backup(there, pages=-1)
            there.execute("PRAGMA journal_mode = DELETE")  # one file, whole in itself
            if keys is not None:
                _name_keys(there, keys)
        found = _check(draft)
        _on_disk(draft)
        _put(draft, target)
        _on_disk(target.parent)
        return found
    except sqlite3.DatabaseError as error:
        raise Refused("backup_broken", path=source, why=error, field="FILE") from error
    except FileExistsError as error:
        raise Refused("file_exists", path=target, field="FILE") from error
    finally:
        draft.unlink(missing_ok=True)


def _put(draft: Path, target: Path) -> None:
    """Give the draft its name. A link never replaces what came there meanwhile."""
    try:
        os.link(draft, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, as on many sticks
        os.rename(draft, target)


def _check(path: Path) -> Copy:
    """Open the copy as the server would, and look through all of it."""
    with closing(_reading(path)) as copy:
        found = copy.execute("PRAGMA integrity_check").fetchall()
        if [row[0] for row in found] != ["ok"] or copy.execute("PRAGMA foreign_key_check").fetchone():
            raise Conflict("copy_damaged")
        mailboxes, messages = (
            copy.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own names
            for table in ("mailboxes", "messages")
        )
        return Copy(path.stat().st_size, file_version(copy), mailboxes, messages)


def _reading(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)


def _on_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
