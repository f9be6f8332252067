"""A module is one idea: not two in one file, and not a fragment of another file's idea."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.architecture.source import PACKAGES, Module, body_lines, listing, modules

MODULE_LINES = 500
FUNCTION_LINES = 60
FRAGMENT_LINES = 60
FRAGMENTS = 1  # files that a reader opens only on the way from one other file; goes down only


def test_no_module_is_longer_than_500_lines() -> None:
    long = {str(m.path): m.lines for m in modules(*PACKAGES, "tests") if m.lines > MODULE_LINES}
    assert not long, listing(long)


def test_no_function_is_longer_than_60_lines() -> None:
    long = {
        f"{module.path}:{definition.lineno} {name}": body_lines(definition)
        for module in modules(*PACKAGES)
        for name, definition in module.definitions()
        if not isinstance(definition, ast.ClassDef) and body_lines(definition) > FUNCTION_LINES
    }
    assert not long, listing(long)


def test_a_small_file_with_one_importer_belongs_to_it() -> None:
    """The count may only go down."""
    found = fragments()
    assert len(found) <= FRAGMENTS, f"{len(found)} fragments, {FRAGMENTS} allowed:" + listing(found)


def fragments() -> dict[str, str]:
    """Product files under 60 lines that one other file imports, with that file."""
    named = {_dotted(module.path): module for module in modules(*PACKAGES)}
    importers: dict[str, set[str]] = defaultdict(set)
    for module in named.values():
        for target in _imports(module) & named.keys():
            if target != _dotted(module.path):
                importers[target].add(str(module.path))
    return {
        str(module.path): "only " + next(iter(importers[name]))
        for name, module in named.items()
        if module.lines < FRAGMENT_LINES
        and module.path.name not in ("__init__.py", "__main__.py")
        and len(importers[name]) == 1
    }


def _dotted(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imports(module: Module) -> set[str]:
    """Every dotted name that the module imports, from anywhere in it."""
    found = set()
    for node in module.imports:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
