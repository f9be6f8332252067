"""Which type each query's answer is said to have, read from the transactions themselves, and what holds it to that."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import backend.transactions
from backend.transactions.driver import Driver
from backend.transactions.statement import Script

NAMED_LATER = {
    "WalkedRow": ("shelf_rows", "shelf_heads", "shelf_heads_of_all"),
    "MessageRow": tuple(
        f"{which}_{kind}" for which in ("latest", "earlier") for kind in ("messages", "placed", "inbox")
    ),
}
"""Queries whose name a transaction makes up as it runs, by the type it gives them."""


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
            and node.func.id in ("q", "number", "each")
        ):
            continue
        where = f"{module.__name__}:{node.lineno}"
        holder = above[above[node]]
        kind: Any = None
        if node.func.id == "each":
            kind = _resolved(f"list[{ast.unparse(node.args.pop(0))}]", module)
        elif node.func.id == "number":
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


def row_of(kind: Any) -> Any:
    """The row type inside `list[Row]` or `Row | None`; None for anything else."""
    parts = get_args(kind)
    return next((part for part in (kind, *parts) if _is_row(part)), None)


def _is_row(kind: Any) -> bool:
    """Whether it is one, or a value of the domain that is made of a row by `each`."""
    return is_typeddict(kind) or is_dataclass(kind) or hasattr(kind, "_fields")


@cache
def columns_of(row: Any) -> Mapping[str, Any]:
    """The columns of a row type and the type of each."""
    return get_type_hints(row)


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
    if get_origin(kind) in (UnionType, Union):
        return any(fits(value, part) for part in get_args(kind))
    if kind is NoneType or kind is None:
        return value is None
    if get_origin(kind) is list:
        return all(fits(one, get_args(kind)[0]) for one in value)
    if _is_row(kind):
        return value is not None and all(fits(value[name], of) for name, of in columns_of(kind).items())
    return isinstance(value, (int, float) if kind is float else kind)


class Checking:
    """A driver whose every answer is held against the type the transactions give it."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    async def write(self, scope: str, make: Callable[..., Script[Any]], *args: Any, **kwargs: Any) -> Any:
        """As `Driver.write`."""
        return await self._driver.write(scope, checked(make), *args, **kwargs)

    async def write_small(
        self, scope: str, make: Callable[..., Script[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """As `Driver.write_small`."""
        return await self._driver.write_small(scope, checked(make), *args, **kwargs)

    async def read(self, scope: str, make: Callable[..., Script[Any]], *args: Any, **kwargs: Any) -> Any:
        """As `Driver.read`."""
        return await self._driver.read(scope, checked(make), *args, **kwargs)

    async def read_small(
        self, scope: str, make: Callable[..., Script[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """As `Driver.read_small`."""
        return await self._driver.read_small(scope, checked(make), *args, **kwargs)


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
