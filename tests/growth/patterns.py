"""Every pattern of the domain: found by importing all its modules and walking what they hold, and by reading them.

Nothing here is listed by hand. A compiled pattern is found wherever it hangs: in a module, a table, a closure, a
default, a class. A pattern that the code writes out only where it uses it is read from the source; one that is put
together only while the code runs could not be walked, and is a fault.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

import backend
import backend.domain

_SCANS = frozenset({"search", "sub", "subn", "findall", "finditer", "split"})
_AT_ONE_PLACE = frozenset({"match", "fullmatch"})


@dataclass(frozen=True)
class Found:
    """A pattern, where it was found, and how it is used: "match" and "fullmatch" look at one place of a text only."""

    module: str
    name: str
    pattern: re.Pattern[Any]
    uses: frozenset[str]


@cache
def modules() -> tuple[ModuleType, ...]:
    """All modules of the domain."""
    names = [module.name for module in pkgutil.walk_packages(backend.domain.__path__, "backend.domain.")]
    return tuple(importlib.import_module(name) for name in names)


@cache
def tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


@cache
def patterns() -> tuple[Found, ...]:
    """Every pattern once, in the order of the modules."""
    found: dict[tuple[object, int], Found] = {}
    for module in modules():
        for name, pattern in _held(module):
            found.setdefault(
                (pattern.pattern, pattern.flags), Found(module.__name__, name, pattern, _uses(name, pattern))
            )
        for call in _calls(module):
            if (pattern := _literal(call)) is not None:
                method = call.func.attr  # type: ignore[attr-defined]
                uses = frozenset({method if method != "compile" else "search"})
                found.setdefault(
                    (pattern.pattern, pattern.flags),
                    Found(module.__name__, f"line {call.lineno}", pattern, uses),
                )
    return tuple(found.values())


def escaping() -> list[str]:
    """Places at which the domain makes a pattern that `patterns` cannot see, or uses another library for them."""
    known = {(found.pattern.pattern, found.pattern.flags) for found in patterns()}
    seen = []
    for module in modules():
        in_functions = {
            id(call) for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.Lambda)
            for call in ast.walk(node)
        }  # fmt: skip
        for node in ast.walk(tree(module)):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                imported.append(node.module or "")
            if {"regex", "re2", "fnmatch", "glob", "sre_compile"} & set(imported) or (
                isinstance(node, ast.ImportFrom) and node.module == "re"
            ):
                seen.append(f"{module.__name__}:{node.lineno} imports {imported}")  # type: ignore[attr-defined]
        for call in _calls(module):
            pattern = _literal(call)
            hidden = pattern is None and (id(call) in in_functions or call.func.attr != "compile")  # type: ignore[attr-defined]
            lost = pattern is not None and (pattern.pattern, pattern.flags) not in known
            if hidden or lost:
                seen.append(f"{module.__name__}:{call.lineno} makes a pattern that cannot be walked")
    return seen


def _held(module: ModuleType) -> Iterator[tuple[str, re.Pattern[Any]]]:
    stack: list[tuple[str, Any]] = [(name, value) for name, value in vars(module).items() if name[:2] != "__"]
    seen: set[int] = set()
    while stack:
        name, value = stack.pop()
        if isinstance(value, re.Pattern):
            yield name, value
        elif id(value) not in seen:
            seen.add(id(value))
            stack.extend((name, part) for part in _parts(value, module))


def _parts(value: Any, module: ModuleType) -> Iterator[Any]:
    """What hangs on a value; of other modules' things nothing, for they are walked there."""
    if isinstance(value, dict):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, tuple | list | set | frozenset):
        yield from value
    elif is_dataclass(value) and not isinstance(value, type):
        yield from (getattr(value, field.name) for field in fields(value))
    elif getattr(value, "__module__", None) == module.__name__:
        if isinstance(value, type):
            yield from vars(value).values()
        elif isinstance(value, FunctionType):
            yield from (cell.cell_contents for cell in value.__closure__ or ())
            yield from value.__defaults__ or ()
            yield from (value.__kwdefaults__ or {}).values()
        yield from (part for part in (getattr(value, "__wrapped__", None),) if part is not None)


def _calls(module: ModuleType) -> Iterator[ast.Call]:
    """Calls of `re`'s functions."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if (
                isinstance(owner, ast.Name)
                and owner.id == "re"
                and node.func.attr in {"compile", *_SCANS, *_AT_ONE_PLACE}
            ):
                yield node


def _literal(call: ast.Call) -> re.Pattern[Any] | None:
    """The pattern that a call writes out, None if it puts one together."""
    try:
        text = ast.literal_eval(call.args[0])
    except ValueError:
        return None
    given = [*call.args[1:], *(word.value for word in call.keywords if word.arg == "flags")]
    names = [node.attr for arg in given for node in ast.walk(arg) if isinstance(node, ast.Attribute)]
    flags = re.NOFLAG
    for name in names:
        flags |= getattr(re, name, re.NOFLAG)
    return re.compile(text, flags)


def _uses(name: str, pattern: re.Pattern[Any]) -> frozenset[str]:
    """The methods called on a pattern by its name. One that is handed about may be used in any way."""
    found = {
        node.attr
        for module in modules() if vars(module).get(name) is pattern
        for node in ast.walk(tree(module)) if isinstance(node, ast.Attribute)
        if isinstance(node.value, ast.Name) and node.value.id == name
    }  # fmt: skip
    return frozenset(found & (_SCANS | _AT_ONE_PLACE)) or frozenset({"search"})
