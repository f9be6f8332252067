"""Rows into values: one reader for every dataclass, made once from the types of its fields. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from inspect import get_annotations
from types import NoneType
from typing import Any, Generic, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints

from backend.domain.moments import moment

V = TypeVar("V")

Flag = int
"""How a boolean is stored: 0 or 1 in the file, false or true on the server."""

BESIDE: Any = object()
"""The field is not in the row: it is passed with the row, or has its default."""


class Row(Protocol):
    """A row of either driver."""

    def __getitem__(self, key: str, /) -> Any: ...


class Unreadable(ValueError):
    """A row lacks a column, or its value does not fit the field. Names both, never content."""


class Reader(Generic[V]):
    """Makes a `kind` (a dataclass or named tuple) from a row. Each field is read from the column of its name, a field
    that is itself a dataclass from the same row. `sources` names exceptions: another column, the reader of a part, a
    function whose parameters are named and typed like the columns it uses, or `BESIDE`."""

    def __init__(self, kind: Callable[..., V], /, **sources: Any) -> None:
        self.kind: Any = kind
        self.columns: dict[str, Any] = {}
        """The columns it reads, and the type either database returns."""
        self._used: dict[str, Any] = {"kind": kind}
        self._fields = {
            name: self._expression(name, type_, sources.get(name, name))
            for name, type_ in get_type_hints(kind).items()
        }
        # One expression for all fields is as fast as handwritten lines.
        values = ", ".join(f"{name}={value}" for name, value in self._fields.items())
        self._read = self._compiled(f"kind({values})")

    def __call__(self, row: Row, /, **beside: Any) -> V:
        try:
            made: V = self._read(row, beside)
        except Unreadable:
            raise
        except (LookupError, TypeError, ValueError) as error:
            raise self._unreadable(row, beside) from error
        return made

    def _expression(self, name: str, type_: Any, source: Any) -> str:
        if source is BESIDE:
            default = next((one.default for one in fields(self.kind) if one.name == name), MISSING)
            return (
                f"beside[{name!r}]" if default is MISSING else f"beside.get({name!r}, {self._use(default)})"
            )
        plain = next((one for one in get_args(type_) if one is not NoneType), None)
        may_lack = NoneType in get_args(type_)
        if isinstance(source, str) and is_dataclass(type_):
            source = Reader(cast(Any, type_))
        if isinstance(source, Reader):
            self.columns |= source.columns
            return f"{self._use(source)}(row)"
        if not isinstance(source, str):
            looked_at = {
                one: of for one, of in get_annotations(source, eval_str=True).items() if one != "return"
            }
            self.columns |= looked_at
            return f"{self._use(source)}({', '.join(f'row[{one!r}]' for one in looked_at)})"
        stored, convert = _converted(plain if may_lack else type_)
        self.columns[source] = stored | None if may_lack else stored
        if convert is None:
            return f"row[{source!r}]"
        if may_lack:
            return f"None if (value := row[{source!r}]) is None else {self._use(convert)}(value)"
        return f"{self._use(convert)}(row[{source!r}])"

    def _use(self, thing: Any) -> str:
        self._used[f"used_{len(self._used)}"] = thing
        return next(reversed(self._used))

    def _compiled(self, expression: str) -> Callable[[Row, Mapping[str, Any]], Any]:
        made = eval(f"lambda row, beside: {expression}", self._used)  # noqa: S307 - of our own field names
        return cast("Callable[[Row, Mapping[str, Any]], Any]", made)

    def _unreadable(self, row: Row, beside: Mapping[str, Any]) -> Unreadable:
        for name, value in self._fields.items():
            try:
                self._compiled(value)(row, beside)
            except Unreadable as error:
                return error
            except (LookupError, TypeError, ValueError):
                return Unreadable(f"{self.kind.__name__}.{name} cannot be read: {value}")
        return Unreadable(f"{self.kind.__name__} cannot be made of its row")


def reader(kind: Any) -> Callable[[Row], Any]:
    """The function that makes a `kind` from a row: for a reader, a dataclass or named tuple, a tuple of all columns, or
    the type of the only column."""
    return kind if isinstance(kind, Reader) else _reader(kind)


@cache
def _reader(kind: Any) -> Callable[[Row], Any]:
    if get_origin(kind) is tuple:
        return cast("Callable[[Row], Any]", tuple)
    if kind in (str, int, bytes):
        return lambda row: cast(Any, row)[0]
    return Reader(kind)


def _converted(type_: Any) -> tuple[Any, Callable[[Any], Any] | None]:
    """How a value of this type is stored, and the function that reads it back; None if it is stored as it is."""
    if type_ is datetime:
        return int, moment
    if type_ is bool:
        return Flag, bool
    if isinstance(type_, type) and issubclass(type_, Enum):
        return str, {one.value: one for one in type_}.__getitem__
    origin, arguments = get_origin(type_), get_args(type_)
    if origin in (frozenset, tuple):
        _, convert = _converted(arguments[0])
        if get_origin(arguments[0]) is None:
            return str, _listed(origin, convert)
        return str, lambda text: origin(json.loads(text))
    if origin is Mapping:
        return str, json.loads
    return type_, None


def _listed(make: Callable[[Any], Any], convert: Callable[[Any], Any] | None) -> Callable[[str], Any]:
    """Reads JSON lists of words, many of them the same."""

    @lru_cache(maxsize=4096)
    def listed(text: str) -> Any:
        return make(map(convert, json.loads(text)) if convert else json.loads(text))

    return listed
