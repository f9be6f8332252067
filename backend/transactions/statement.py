"""What a transaction script is made of.

A script is a generator: it yields statements (the name of a query and its parameters), receives what the
query gave, and returns its result. It holds all the branching of one transaction and does no I/O, so the
embedded file and the server run the very same one. Raising ends the transaction with nothing written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable
from datetime import datetime
from typing import Any, NamedTuple, ParamSpec, TypeVar

from backend.domain.errors import Refused
from backend.domain.mail.message import MailboxId
from backend.domain.moments import micros as micros
from backend.domain.moments import moment as moment
from backend.transactions.row_reader import Reader, Row, reader

T = TypeVar("T")
V = TypeVar("V")
P = ParamSpec("P")


class Statement(NamedTuple):
    """One query by name. Its own declaration says what comes back: rows, one row, a value or a count."""

    name: str
    params: dict[str, Any]


Script = Generator[Statement, Any, T]

WAKE = "wake"


def wake(mailbox_id: MailboxId) -> Statement:
    """Yielded by a script that makes something due in a mailbox: after the commit its lane is woken, in whichever
    process runs it."""
    return Statement(WAKE, {"mailbox_id": mailbox_id})


KEYS = Statement("keys", {})
"""Yielded by a script that seals: it receives the store's `DecisionKeys`, or None if there are none and nothing is
sealed."""

EVERY: MailboxId = "*"
"""The scope of a transaction that is about all mailboxes: counting, looking up by address."""


def q(name: str, /, **params: Any) -> Statement:
    """The query `name` with its parameters."""
    return Statement(name, params)


def each(kind: type[V] | Reader[V], name: str, /, **params: Any) -> Script[tuple[V, ...]]:
    """Run query `name` and make a `kind` of every row, as `row_reader.reader` does."""
    found: list[Row] = yield q(name, **params)
    return tuple(map(reader(kind), found))


def maybe(kind: type[V] | Reader[V], name: str, /, **params: Any) -> Script[V | None]:
    """The same for a query of one row; None without one."""
    found: Row | None = yield q(name, **params)
    return None if found is None else reader(kind)(found)


def only(kind: type[V] | Reader[V], name: str, /, **params: Any) -> Script[V]:
    """The same for a query that always gives one row."""
    found: Row = yield q(name, **params)
    made: V = reader(kind)(found)
    return made


def number(name: str, /, **params: Any) -> Script[int]:
    """Run query `name` and return its count, or the number of rows it changed; 0 for no row."""
    found: int | None = yield q(name, **params)
    return found or 0


def micros_or_none(at: datetime | None) -> int | None:
    """Like `micros`, None for None."""
    return None if at is None else micros(at)


def moment_or_none(value: int | None) -> datetime | None:
    """Inverse of `micros_or_none`."""
    return None if value is None else moment(value)


def storable(text: str) -> str:
    """Text from outside without NUL, which a server's text cannot hold."""
    return text.replace("\0", "")


def columns(value: Any) -> dict[str, Any]:
    """The fields of a dataclass as parameters of a query that writes it."""
    params = {name: getattr(value, name) for name in value.__dataclass_fields__}
    for name, of in params.items():
        if write := _WRITERS.get(type(of)):
            params[name] = write(of)
    return params


def no_text() -> Refused:
    """The error for text that no row can hold, such as half a surrogate pair. Mail has been cleaned before: only a
    caller can have sent it."""
    return Refused("malformed.text")


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def within(value: str) -> str:
    """A LIKE pattern (ESCAPE '!') for JSON lists made by `packed` that contain this text."""
    text = _encode(value)
    for sign in "!%_":
        text = text.replace(sign, f"!{sign}")
    return f"%{text}%"


def packed(values: Iterable[Any]) -> str:
    """A JSON list, for storing and for handing a query many values at once."""
    listed = list(values)
    return _encode(listed) if listed else "[]"


_WRITERS: dict[type, Callable[[Any], Any]] = {
    str: storable,
    datetime: micros,
    tuple: packed,
    frozenset: lambda words: packed(sorted(words)),
}
