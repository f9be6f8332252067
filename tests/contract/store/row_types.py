"""Which type each query's answer is said to have, read from the transactions themselves, and what holds it to that."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import GenericAlias, ModuleType, NoneType, UnionType
from typing import Any, TypedDict, Union, cast, get_args, get_origin, get_type_hints, is_typeddict

import backend.transactions
from backend.transactions import rows
from backend.transactions.rows import Reader, reader
from backend.transactions.script import Driver, Script, Transaction

NAMED_LATER = {
    "WalkedRow": ("shelf_rows", "shelf_heads", "shelf_heads_of_all"),
    "MessageView": tuple(
        f"{which}_{kind}" for which in ("latest", "earlier") for kind in ("messages", "placed", "inbox")
    ),
}
"""Queries whose name a transaction makes up as it runs, by the type it gives them."""

READ_LATER: Mapping[str, tuple[Reader[Any], ...]] = {
    "MailboxRow": (rows.mailbox,),
    "ChallengeRow": (rows.challenge,),
    "ShelvedRow": (rows.view,),
}
"""What transactions make of a row that they have looked at as it is stored, by its type."""

ANSWERS: Mapping[str, Callable[[Any], Any]] = {
    "each": lambda kind: GenericAlias(list, (kind,)),
    "maybe": lambda kind: kind | None,
    "only": lambda kind: kind,
}
"""What the calls that read rows answer, of the kind they are given."""


@dataclass(frozen=True)
class Ask:
    """One place where a transaction asks. `kind` is the type it gives to the answer, None where it looks at none."""

    query: str
    where: str
    kind: Any


@cache
def asks() -> tuple[Ask, ...]:
    """All of them."""
    found: list[Ask] = []
    for module in pkgutil.iter_modules(backend.transactions.__path__):
        if module.name != "statement":
            found += _of(importlib.import_module(f"backend.transactions.{module.name}"))
    return tuple(found)


def _of(module: ModuleType) -> Iterator[Ask]:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    above = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if not (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("q", "row_count", *ANSWERS)
        ):
            continue
        where = f"{module.__name__}:{node.lineno}"
        holder = above[above[node]]
        kind: Any = None
        if node.func.id in ANSWERS:
            kind = ANSWERS[node.func.id](_stored(_resolved(ast.unparse(node.args.pop(0)), module)))
        elif node.func.id == "row_count":
            kind = int | None
        elif isinstance(holder, ast.AnnAssign):
            kind = _resolved(ast.unparse(holder.annotation), module)
        elif not isinstance(holder, ast.Expr) and isinstance(above[node], ast.Yield):
            kind = Any
        named = node.args[0]
        if isinstance(named, ast.Constant):
            yield Ask(str(named.value), where, kind)
        else:
            for query in NAMED_LATER.get(getattr(row_of(kind), "__name__", ""), ()):
                yield Ask(query, where, kind)


def _resolved(annotation: str, module: ModuleType) -> Any:
    return eval(annotation, vars(module))


def _stored(kind: Any) -> Any:
    """The row that a `kind` is read from."""
    if get_origin(kind) is tuple:
        return kind
    made: Any = reader(kind)
    return _typed(made) if isinstance(made, Reader) else tuple[kind]


@cache
def _typed(made: Reader[Any]) -> Any:
    return cast(Any, TypedDict)(made.kind.__name__, made.columns)


def row_of(kind: Any) -> Any:
    """The row type inside `list[Row]` or `Row | None`; None for anything else."""
    return next((part for part in (kind, *get_args(kind)) if _is_row(part)), None)


def _is_row(kind: Any) -> bool:
    return is_typeddict(kind) or get_origin(kind) is tuple


@cache
def columns_of(row: Any) -> Mapping[str, Any]:
    """The columns of a row type and the type of each."""
    read_later = READ_LATER.get(row.__name__, ())
    return get_type_hints(row) | {name: of for one in read_later for name, of in one.columns.items()}


@cache
def kinds() -> Mapping[str, tuple[Any, ...]]:
    """The types that each query's answer is given somewhere."""
    found: dict[str, tuple[Any, ...]] = {}
    for ask in asks():
        if ask.kind not in (None, Any):
            found[ask.query] = (*found.get(ask.query, ()), ask.kind)
    return found


def fits(value: Any, kind: Any) -> bool:
    """Whether `value`, as a driver gives it, is of `kind`."""
    return _check(kind)(value)


@cache
def _check(kind: Any) -> Callable[[Any], bool]:
    """The same of one kind, which is taken apart once: a test looks at a hundred thousand rows."""
    if get_origin(kind) in (UnionType, Union):
        parts = [_check(part) for part in get_args(kind)]
        return lambda value: any(part(value) for part in parts)
    if kind is NoneType or kind is None:
        return lambda value: value is None
    if get_origin(kind) is list:
        one = _check(get_args(kind)[0])
        return lambda value: all(map(one, value))
    if get_origin(kind) is tuple:
        fields = [_check(part) for part in get_args(kind)]
        return lambda value: (
            value is not None and all(part(field) for part, field in zip(fields, value, strict=False))
        )
    if _is_row(kind):
        columns = [(name, _check(of)) for name, of in columns_of(kind).items()]
        return lambda value: value is not None and all(check(value[name]) for name, check in columns)
    of = (int, float) if kind is float else kind
    return lambda value: isinstance(value, of)


class Checking:
    """A driver whose every answer is held against the type the transactions give it."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def run(
        self, kind: Transaction, scope: str, make: Callable[..., Script[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """As `Driver.run`."""
        return await self._driver.run(kind, scope, checked(make), *args, **kwargs)


def checked(make: Callable[..., Script[Any]]) -> Callable[..., Script[Any]]:
    """The same transaction, each answer looked at on its way in."""

    def script(*args: Any, **kwargs: Any) -> Script[Any]:
        inner, answer = make(*args, **kwargs), None
        while True:
            try:
                statement = inner.send(answer)
            except StopIteration as stop:
                return stop.value
            answer = yield statement
            found = kinds().get(statement.name)
            if found is not None:
                assert any(fits(answer, kind) for kind in found), (
                    f"{statement.name} gave {answer!r}, not {found}"
                )

    return script
