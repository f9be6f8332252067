"""The threat table names a test for every defence, and each of them exists."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.architecture.source import ROOT, listing

PAGE = ROOT / "docs/security.md"
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_every_test_that_is_named_exists() -> None:
    named = TEST.findall(PAGE.read_text(encoding="utf-8"))
    lacking = [f"{path}::{name}" for path, name in named if name not in _tests(path)]
    assert not lacking, listing(lacking)


def test_every_defence_names_its_test() -> None:
    rows = _rows("The threat table")
    assert len(rows) > 20
    silent = [row for row in rows if not TEST.search(row.rstrip(" |").rpartition(" | ")[2])]
    assert not silent, listing(silent)


def _rows(heading: str) -> list[str]:
    """The rows of the table below a heading, without its head."""
    _, _, below = PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")
    section = below.partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


@cache
def _tests(path: str) -> set[str]:
    if not (ROOT / path).is_file():
        return set()
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
