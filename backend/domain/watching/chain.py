"""An append-only log as a chain: each entry's seal covers its number, what it says and the seal before it.

Seals are HMACs under a key that the mailbox alone has, so whoever can write to the database and lacks the key can
change nothing unseen: neither an entry, nor its place, nor the end of the log. What an entry says is sealed by its
salted digest alone, and so can be erased: the tombstone that stays still verifies, and tells nothing.

An older copy of the whole log, head included, is a valid log. That its end was cut off is found by comparing it with
the heads that are logged daily (`cut`).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Iterator
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from typing import Any, NamedTuple

KEY_BYTES = 32
SALT_BYTES = 16
START = bytes(32)
"""What stands before the first entry."""


class Entry(NamedTuple):
    """One entry, numbered from 1. `about` is a message's id, `at` microseconds since 1970; both, `payload` and `salt`
    are None in a tombstone."""

    number: int
    at: int | None
    about: str | None
    salt: bytes | None
    payload: str | None
    digest: bytes
    seal: bytes

    @property
    def says(self) -> dict[str, Any]:
        """The payload read; nothing in a tombstone."""
        told: dict[str, Any] = json.loads(self.payload or "{}")
        return told


class Head(NamedTuple):
    """Where a log ends: the number and the seal of its last entry, and a seal over both."""

    number: int = 0
    seal: bytes = START
    tag: bytes = b""


class Fault(StrEnum):
    """What is wrong with a log at an entry."""

    CHANGED = "changed"  # what it says, its time or its message is not what was written
    RESEALED = "resealed"  # its digest, its place or a neighbour's seal is not what was written
    MISSING = "missing"  # it, and those after it up to the next that is there
    CUT = "cut"  # the log and its head do not end alike
    HEAD = "head"  # the head itself was not written with this key


def grown(key: bytes, head: Head, at: int, about: str, salt: bytes, payload: str) -> tuple[Entry, Head]:
    """The next entry behind `head`, and the head it makes."""
    number, digest = head.number + 1, _digest(at, about, salt, payload)
    seal = _seal(key, b"entry", number, head.seal + digest)
    tag = _seal(key, b"head", number, seal)
    return Entry(number, at, about, salt, payload, digest, seal), Head(number, seal, tag)


def faults(key: bytes, head: Head, entries: Iterable[Entry], began: int = 0) -> Iterator[tuple[int, Fault]]:
    """All that is wrong, by number. `entries` are those behind number `began`, where the key came into use, in their
    order. Each is judged by what stands before it, so that one fault does not hide the next."""
    number, before = began, START
    for entry in entries:
        if entry.number > number + 1:
            yield number + 1, Fault.MISSING
        sealed = _seal(key, b"entry", number + 1, before + entry.digest)
        if entry.number == number + 1 and not compare_digest(sealed, entry.seal):
            yield entry.number, Fault.RESEALED
        if not _digest_fits(entry):
            yield entry.number, Fault.CHANGED
        number, before = entry.number, entry.seal
    if number != head.number or not compare_digest(before, head.seal):
        yield number + 1, Fault.CUT
    if head.number > began and not compare_digest(_seal(key, b"head", head.number, head.seal), head.tag):
        yield head.number, Fault.HEAD


def cut(seals: dict[int, bytes], logged: Iterable[tuple[int, str]]) -> list[int]:
    """Numbers of the `logged` heads (number, seal in hex) that a log with these `seals` does not have."""
    return [number for number, seal in logged if number and seals.get(number, b"").hex() != seal]


def name_of(content: str) -> str:
    """The name of what many entries share: 32 hex digits of its digest."""
    return sha256(content.encode()).hexdigest()[:32]


def keyed(key: bytes, text: str) -> str:
    """A digest that means something to whoever has the key alone; 16 hex digits."""
    return hmac.digest(key, b"text" + text.encode(), "sha256").hex()[:16]


def _digest_fits(entry: Entry) -> bool:
    at, about, salt, payload = told = entry[1:5]
    if at is None or about is None or salt is None or payload is None:
        return told == (None, None, None, None)
    return compare_digest(_digest(at, about, salt, payload), entry.digest)


def _digest(at: int, about: str, salt: bytes, payload: str) -> bytes:
    return sha256(salt + at.to_bytes(8, "big", signed=True) + f"{about}\0{payload}".encode()).digest()


def _seal(key: bytes, what: bytes, number: int, covered: bytes) -> bytes:
    return hmac.digest(key, what + number.to_bytes(8, "big", signed=True) + covered, "sha256")
