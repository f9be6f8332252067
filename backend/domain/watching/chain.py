"""An append-only log as a chain: each entry's seal covers its number, what it says and the seal before it.

Seals are HMACs under a key that the mailbox alone has, so whoever can write to the database and lacks the key can
change nothing unseen: neither an entry, nor its place, nor the end of the log. What an entry says is sealed by its
salted digest alone, and so can be erased: the tombstone that stays still verifies, and tells nothing.

An older copy of the whole log, head included, is a valid log. That its end was cut off is found by comparing it with
the heads that are logged daily.
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


class Chain(NamedTuple):
    """A log's sealed key, the number up to which entries were sealed with a key that is lost (`began`), and its head:
    number and seal of the last entry, and a seal over both. `setting` names what its last verdict was reached with."""

    sealed_key: bytes = b""
    began: int = 0
    number: int = 0
    seal: bytes = START
    tag: bytes = START
    setting: str = ""


class Fault(StrEnum):
    """What is wrong with a log at an entry."""

    CHANGED = "changed"  # what it says, its time or its message is not what was written
    RESEALED = "resealed"  # its digest, its place or a neighbour's seal is not what was written
    MISSING = "missing"  # it, and those after it up to the next that is there
    CUT = "cut"  # the log and its head do not end alike
    HEAD = "head"  # the head itself was not written with this key
    LOGGED = "logged"  # it is not the head that was logged


def grown(key: bytes, chain: Chain, at: int, about: str, salt: bytes, payload: str) -> tuple[Entry, Chain]:
    """The next entry of a chain, and the chain with it."""
    number, digest = chain.number + 1, _digest(at, about, salt, payload)
    seal = _seal(key, b"entry", number, chain.seal + digest)
    tag = _seal(key, b"head", number, seal)
    longer = Chain(chain.sealed_key, chain.began, number, seal, tag, chain.setting)
    return Entry(number, at, about, salt, payload, digest, seal), longer


def faults(
    key: bytes, chain: Chain, entries: Iterable[Entry], logged: Iterable[tuple[int, str]] = ()
) -> Iterator[tuple[int, Fault]]:
    """All that is wrong, by number, with `entries` in their order; those sealed with a lost key are believed. Each is
    judged by what stands before it, so that one fault does not hide the next. `logged`: heads that were logged, as
    number and seal in hex."""
    number, before, seals = chain.began, START, dict[int, bytes]()
    for entry in entries:
        seals[entry.number] = entry.seal
        if 0 < entry.number <= chain.began:
            continue
        if entry.number > number + 1:
            yield number + 1, Fault.MISSING
        sealed = _seal(key, b"entry", number + 1, before + entry.digest)
        if entry.number == number + 1 and not compare_digest(sealed, entry.seal):
            yield entry.number, Fault.RESEALED
        if not _digest_fits(entry):
            yield entry.number, Fault.CHANGED
        number, before = entry.number, entry.seal
    if number != chain.number or not compare_digest(before, chain.seal):
        yield number + 1, Fault.CUT
    head = _seal(key, b"head", chain.number, chain.seal)
    if chain.number > chain.began and not compare_digest(head, chain.tag):
        yield chain.number, Fault.HEAD
    for place, seal in logged:
        if place and seals.get(place, b"").hex() != seal:
            yield place, Fault.LOGGED


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
