"""Mailboxes and messages for tests of the pure model: no process, no clock."""

from __future__ import annotations

import random

from backend.sandbox.mail.history import HistoryRecord
from backend.sandbox.mail.mailbox import Mailbox, Owner, StoredMessage

NOW_MS = 1_796_130_302_000
NOW = NOW_MS / 1000


def mailbox(address: str = "ana@corp.test", seed: int = 7) -> Mailbox:
    return Mailbox(Owner(address, "Ana", "1", "corp.test"), random.Random(seed))


def listening(seed: int = 7) -> tuple[Mailbox, list[list[HistoryRecord]]]:
    """A mailbox and the list that records its changes, one entry an operation."""
    found: list[list[HistoryRecord]] = []
    return Mailbox(
        Owner("ana@corp.test", "Ana", "1"), random.Random(seed), lambda _, records: found.append(records)
    ), found


def letter(**headers: str) -> bytes:
    """A raw message; `text` is the body, underscores in names stand for dashes."""
    text = headers.pop("text", "Good day")
    fields = {"From": "Bo <bo@ext.test>", "To": "ana@corp.test", "Subject": "Hello"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return ("\r\n".join([*lines, "", text, ""])).encode()


def put(
    box: Mailbox, *labels: str, at: int = NOW_MS, thread_id: str | None = None, **headers: str
) -> StoredMessage:
    """Store a message received at `at`."""
    return put_raw(box, letter(**headers), *labels, at=at, thread_id=thread_id)


def put_raw(
    box: Mailbox, raw: bytes, *labels: str, at: int = NOW_MS, thread_id: str | None = None
) -> StoredMessage:
    """Store raw bytes received at `at`; without labels it is unread in the inbox."""
    return box.add(raw, labels or ("INBOX", "UNREAD"), at, thread_id=thread_id)
