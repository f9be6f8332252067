"""Our own source as data: which files there are, and what is defined in them."""

from __future__ import annotations

import ast
import os
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MADE = {".git", ".venv", "__pycache__", ".hypothesis", "var", "build", "dist", "node_modules"}
PACKAGES = ("backend", "tray_app", "model_export")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or is about to be, under version control; relative to the root."""
    return tuple(path for path in sorted(_listed()) if (ROOT / path).is_file())


def _listed() -> Iterator[Path]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60).stdout
    except (FileNotFoundError, subprocess.CalledProcessError):
        yield from _unpacked()  # from an archive, or without git
    else:
        yield from (Path(name) for name in listed.decode().split("\0") if name)


def _unpacked() -> Iterator[Path]:
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in MADE and not name.endswith(("_cache", ".egg-info"))]
        yield from (Path(folder, name).relative_to(ROOT) for name in names if not name.endswith(".pyc"))


def text(path: Path) -> str | None:
    """The file's text; None for a file that is not text."""
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


@cache
def project(folder: str = ".") -> dict[str, Any]:
    """pyproject.toml of the server; of the desktop app in "tray_app"."""
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Module:
    """One Python file."""

    path: Path
    source: str

    @property
    def lines(self) -> int:
        return self.source.count("\n")

    @cached_property
    def tree(self) -> ast.Module:
        """Parsed once for all tests, if one asks."""
        return ast.parse(self.source, filename=str(self.path))

    @cached_property
    def imports(self) -> tuple[ast.Import | ast.ImportFrom, ...]:
        """Every import, wherever in the module it stands."""
        return tuple(node for node in _statements(self.tree) if isinstance(node, ast.Import | ast.ImportFrom))

    def definitions(self) -> Iterator[tuple[str, Definition]]:
        """Every class and function, however deep, with its dotted name inside the module."""
        yield from _inside(self.tree, "")

    def public(self) -> Iterator[tuple[str, Definition]]:
        """What others may use: no part of the name starts with an underscore, and no function around it."""
        yield from _public(self.tree, "")


@cache
def parsed(path: Path) -> Module:
    """A Python file, read once for all tests."""
    return Module(path, (ROOT / path).read_text(encoding="utf-8"))


def modules(*folders: str) -> tuple[Module, ...]:
    return tuple(parsed(path) for path in files() if path.suffix == ".py" and path.parts[0] in folders)


def listing(found: Iterable[object] | Mapping[str, object]) -> str:
    """All of them, one a line: a gate tells everything at once."""
    lines = (
        (f"{key}: {value}" for key, value in found.items()) if isinstance(found, Mapping) else map(str, found)
    )
    return "\n" + "\n".join(sorted(lines))


def body_lines(definition: Definition) -> int:
    """Lines from the first statement after the docstring to the last line."""
    body = definition.body
    if ast.get_docstring(definition, clean=False) is not None:
        body = body[1:]
    return (definition.end_lineno or 0) - body[0].lineno + 1 if body else 0


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """The statements that stand directly in this one. Expressions, nine tenths of all nodes, hold none."""
    for field in ("body", "orelse", "handlers", "cases", "finalbody"):
        found = getattr(node, field, ())
        yield from found if isinstance(found, list) else ()


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    for child in _below(node):
        yield child
        yield from _statements(child)


def _inside(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
    for child in _below(node):
        if isinstance(child, Definition):
            yield prefix + child.name, child
            yield from _inside(child, f"{prefix}{child.name}.")
        else:
            yield from _inside(child, prefix)


def _public(node: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, Definition]]:
    for child in node.body:
        if not isinstance(child, Definition) or child.name.startswith("_"):
            continue
        yield prefix + child.name, child
        if isinstance(child, ast.ClassDef):
            yield from _public(child, f"{child.name}.")
