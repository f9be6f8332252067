"""A row is read by the types of the fields it fills, and says where it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from backend.transactions.rows import EXTRA, Flag, Reader, Unreadable, reader
from backend.transactions.script import columns

AT = datetime(2026, 5, 1, 8, 30, 0, 1, tzinfo=UTC)
MICROS = (AT - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    colour: Colour | None


@dataclass(frozen=True, slots=True)
class Whole:
    at: datetime
    ended: datetime | None
    open: bool
    colours: frozenset[Colour]
    names: tuple[str, ...]
    details: Mapping[str, int]
    part: Part
    length: int
    lease: str = ""


def _length(text: str, twice: Flag) -> int:
    return len(text) * (1 + twice)


READ = Reader(Whole, ended="ended_at", length=_length, lease=EXTRA)
ROW: dict[str, Any] = {
    "at": MICROS,
    "ended_at": None,
    "open": 1,
    "colours": '["red","blue"]',
    "names": '["b","a"]',
    "details": '{"n":1}',
    "name": "x",
    "colour": "blue",
    "text": "abc",
    "twice": True,
}
WHOLE = Whole(
    AT, None, True, frozenset(Colour), ("b", "a"), {"n": 1}, Part("x", Colour.BLUE), length=6, lease="mine"
)


def test_every_field_comes_of_its_column_as_its_type_says() -> None:
    assert READ(ROW, lease="mine") == WHOLE


def test_what_is_not_given_has_its_default() -> None:
    assert READ(ROW).lease == ""
    with pytest.raises(Unreadable, match=r"Whole\.at cannot be read: extra\['at'\]"):
        Reader(Whole, at=EXTRA, ended="ended_at", length=_length, lease=EXTRA)(ROW)


def test_it_tells_which_columns_it_looks_at_and_how_they_are_stored() -> None:
    assert READ.columns == {
        **dict.fromkeys(("colours", "names", "details", "name", "text"), str),
        "at": int,
        "ended_at": int | None,
        "open": Flag,
        "colour": str | None,
        "twice": Flag,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"at": None}, r"Whole\.at cannot be read"),
        ({"colours": '["green"]'}, r"Whole\.colours cannot be read"),
        ({"colour": "green"}, r"Part\.colour cannot be read: .*row\['colour'\]"),
        ({"text": None}, r"Whole\.length cannot be read"),
        ({"names": "no JSON"}, r"Whole\.names cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named_without_its_content(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Unreadable, match=said) as raised:
        READ(ROW | changes)
    assert not [value for value in changes.values() if value and value in str(raised.value)]


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(Unreadable, match=r"Whole\.open cannot be read: .*'open'"):
        READ({name: value for name, value in ROW.items() if name != "open"})


def test_rows_of_one_or_two_columns_need_no_type_of_their_own() -> None:
    assert [reader(str)(("a",)), reader(tuple[str, int])(("a", 1))] == ["a", ("a", 1)]  # type: ignore[arg-type]


def test_fields_are_written_as_they_are_read() -> None:
    part = Part("a\0b", Colour.RED)
    assert columns(part) == {"name": "ab", "colour": "red"}
    written = columns(WHOLE)
    assert (written["at"], written["colours"], written["names"]) == (MICROS, '["blue","red"]', '["b","a"]')
