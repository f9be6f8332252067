"""Everything kept about an owner, as one JSON file they can read, take away and bring to another instance.

    {"format": "pitchgate-archive", "version": 1, "made_at": …, "mailbox": {…},
     "rules": [{…}, …], "ledger": […], "messages": […], …}

Times are ISO 8601 in UTC to the microsecond. `archive_tables.TABLES` says what each list holds; a test walks the
database and fails for a column that is neither there nor in `LEFT_OUT`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from backend.domain.errors import Refused
from backend.domain.mailbox import archive_schemas
from backend.domain.mailbox.archive_tables import JSON, Kind, Table
from backend.domain.moments import micros, moment

FORMAT = "pitchgate-archive"
VERSION = 1
MOST_TEXT = 2_000
MOST_JSON = 500_000
"""Characters of one field: a decision about a whole domain remembers every mail it moved."""

LARGEST = 2**62
MOST_CREDITS = 1_000_000
"""Of one entry: no sum of a file that can be sent leaves the range of a database."""


def written(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the store as it stands in the file."""
    return {name: _WRITERS[column.kind](row[name]) for name, column in table.columns.items()}


def read(table: Table, number: int, entry: object) -> dict[str, Any]:
    """Inverse of `written`. Raises `Refused` (malformed) that names list, entry (from 1) and field: the file may
    come from anybody."""
    where: Mapping[str, Any] = {"table": table.name, "entry": number, "field": "file"}
    if not isinstance(entry, dict):
        raise Refused("malformed.file.entry", **where)
    row: dict[str, Any] = {}
    for name, column in table.columns.items():
        value = entry.get(name)
        if value is None:
            if not column.may_lack:
                raise Refused("malformed.file.missing", name=name, **where)
            row[name] = None
            continue
        try:
            row[name] = _READERS[column.kind](value)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Refused("malformed.file.kind", name=name, **where) from error
        if column.words and row[name] not in column.words:
            raise Refused("malformed.file.word", name=name, said=str(value)[:40], **where)
    return row


def _time(value: object) -> int:
    if not isinstance(value, str):
        raise TypeError
    return micros(datetime.fromisoformat(value))


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > MOST_TEXT or "\0" in value:
        raise ValueError
    value.encode()  # raises for half a surrogate pair, which JSON can hold and no database does
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_CREDITS:
        raise ValueError
    return value


def _real(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < LARGEST:
        raise ValueError
    return float(value)


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _json(fits: Callable[[Any], bool]) -> Callable[[object], str]:
    """A reader of JSON of one shape: what has another would break whoever reads the row later."""

    def reader(value: object) -> str:
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        if len(text) > MOST_JSON or not fits(value):
            raise ValueError
        text.encode()
        return text

    return reader


_READERS: Mapping[Kind, Callable[[object], Any]] = {
    Kind.TEXT: _text,
    Kind.WHOLE: _whole,
    Kind.REAL: _real,
    Kind.TRUTH: _truth,
    Kind.TIME: _time,
    Kind.TEXTS: _json(archive_schemas.are_texts),
    Kind.REASONS: _json(archive_schemas.are_reasons),
    Kind.BEFORE: _json(archive_schemas.is_before),
}
_WRITERS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: lambda value: value,
    Kind.WHOLE: lambda value: value,
    Kind.REAL: lambda value: value,
    Kind.TRUTH: bool,
    Kind.TIME: lambda value: None if value is None else moment(value).isoformat(timespec="microseconds"),
    **dict.fromkeys(JSON, json.loads),
}
