"""What the baselines remember: TinyDB as in the article, and an indexed SQLite file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from typing import Any, Protocol

from tinydb import Query, TinyDB

SCHEMA = """
CREATE TABLE users (
    email TEXT PRIMARY KEY, access_token TEXT, refresh_token TEXT, history_id TEXT, label TEXT, mode TEXT
);
CREATE TABLE messages (
    owner TEXT, id TEXT, sender TEXT, subject TEXT, score REAL, held INTEGER, answered INTEGER,
    PRIMARY KEY (owner, id)
);
CREATE INDEX by_sender ON messages (owner, sender) WHERE answered;
CREATE TABLE contacts (owner TEXT, address TEXT, PRIMARY KEY (owner, address));
"""
USER = ("email", "access_token", "refresh_token", "history_id", "label", "mode")


class BaselineStore(Protocol):
    """Users, messages that were handled, and whom an owner knows."""

    def user(self, email: str) -> dict[str, Any] | None:
        """A connected user."""

    def done(self, owner: str, message_id: str) -> bool:
        """Whether a message was handled."""

    def known(self, owner: str, sender: str) -> bool:
        """Whether the owner has written to this address."""

    def challenged(self, owner: str, sender: str) -> bool:
        """Whether this sender was answered before."""

    def record(
        self, owner: str, message_id: str, sender: str, subject: str, score: float, held: bool, answered: bool
    ) -> None:
        """A message was handled."""

    def move(self, email: str, history_id: str) -> None:
        """History was read up to here."""


class TinyStore:
    """One JSON file, written whole at each change; one lock, since TinyDB knows no threads."""

    def __init__(self, path: str) -> None:
        database = TinyDB(path)
        self._users, self._messages = database.table("users"), database.table("messages")
        self._contacts = database.table("contacts")
        self._lock = threading.Lock()

    def add_users(self, users: Sequence[dict[str, Any]], old: int) -> None:
        """At the start; `old` messages of others are there already."""
        self._users.insert_multiple(users)
        row = {"sender": "old@seller.test", "subject": "Old", "score": 0.1, "held": False, "answered": False}
        self._messages.insert_multiple({"owner": "other", "id": str(n), **row} for n in range(old))

    def user(self, email: str) -> dict[str, Any] | None:
        """See `BaselineStore`."""
        with self._lock:
            return self._users.get(Query().email == email)  # type: ignore[return-value]

    def done(self, owner: str, message_id: str) -> bool:
        """See `BaselineStore`."""
        with self._lock:
            return self._messages.contains((Query().owner == owner) & (Query().id == message_id))

    def known(self, owner: str, sender: str) -> bool:
        """See `BaselineStore`."""
        with self._lock:
            return self._contacts.contains((Query().owner == owner) & (Query().address == sender))

    def challenged(self, owner: str, sender: str) -> bool:
        """See `BaselineStore`."""
        query = (Query().owner == owner) & (Query().sender == sender) & (Query().answered == True)  # noqa: E712
        with self._lock:
            return self._messages.contains(query)

    def record(
        self, owner: str, message_id: str, sender: str, subject: str, score: float, held: bool, answered: bool
    ) -> None:
        """See `BaselineStore`."""
        row = {"owner": owner, "id": message_id, "sender": sender, "subject": subject, "score": score}
        with self._lock:
            self._messages.insert(row | {"held": held, "answered": answered})

    def move(self, email: str, history_id: str) -> None:
        """See `BaselineStore`."""
        with self._lock:
            self._users.update({"history_id": history_id}, Query().email == email)


class KeptStore:
    """One SQLite file in WAL mode, a connection a thread."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._local = threading.local()

    def add_users(self, users: Sequence[dict[str, Any]], old: int) -> None:
        """At the start; `old` messages of others are there already."""
        self._run("PRAGMA journal_mode = WAL")
        self._connection.executescript(SCHEMA)
        self._connection.execute("BEGIN")
        rows = [tuple(user[name] for name in USER) for user in users]
        self._connection.executemany("INSERT INTO users VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._run(
            "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) INSERT INTO messages"
            " SELECT 'other' || n % 200, n, 'old@seller.test', 'Old', 0.1, 0, 0 FROM c",
            old,
        )
        self._connection.execute("COMMIT")

    @property
    def _connection(self) -> sqlite3.Connection:
        if not hasattr(self._local, "connection"):
            self._local.connection = sqlite3.connect(self._path, timeout=20, isolation_level=None)
            self._local.connection.row_factory = sqlite3.Row
            self._local.connection.execute("PRAGMA synchronous = FULL")
        found: sqlite3.Connection = self._local.connection
        return found

    def _run(self, sql: str, *values: object) -> Any:
        return self._connection.execute(sql, values).fetchone()

    def user(self, email: str) -> dict[str, Any] | None:
        """See `BaselineStore`."""
        row = self._run("SELECT * FROM users WHERE email = ?", email)
        return None if row is None else dict(row)

    def done(self, owner: str, message_id: str) -> bool:
        """See `BaselineStore`."""
        return self._run("SELECT 1 FROM messages WHERE owner = ? AND id = ?", owner, message_id) is not None

    def known(self, owner: str, sender: str) -> bool:
        """See `BaselineStore`."""
        return self._run("SELECT 1 FROM contacts WHERE owner = ? AND address = ?", owner, sender) is not None

    def challenged(self, owner: str, sender: str) -> bool:
        """See `BaselineStore`."""
        found = self._run("SELECT 1 FROM messages WHERE owner = ? AND sender = ? AND answered", owner, sender)
        return found is not None

    def record(
        self, owner: str, message_id: str, sender: str, subject: str, score: float, held: bool, answered: bool
    ) -> None:
        """See `BaselineStore`."""
        values = (owner, message_id, sender, subject, score, held, answered)
        self._run("INSERT OR IGNORE INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)", *values)

    def move(self, email: str, history_id: str) -> None:
        """See `BaselineStore`."""
        self._run("UPDATE users SET history_id = ? WHERE email = ?", history_id, email)
