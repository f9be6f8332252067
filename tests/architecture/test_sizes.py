"""Small modules, small functions: what does not fit has two duties."""

from __future__ import annotations

import ast

from tests.architecture.source import PACKAGES, body_lines, listing, modules

MODULE_LINES = 300
TEST_MODULE_LINES = 400
FUNCTION_LINES = 40


def test_no_module_is_longer_than_300_lines() -> None:
    long = {str(m.path): m.lines for m in modules(*PACKAGES) if m.lines > MODULE_LINES}
    assert not long, listing(long)


def test_no_test_module_is_longer_than_400_lines() -> None:
    long = {str(m.path): m.lines for m in modules("tests") if m.lines > TEST_MODULE_LINES}
    assert not long, listing(long)


def test_no_function_is_longer_than_40_lines() -> None:
    long = {
        f"{module.path}:{definition.lineno} {name}": body_lines(definition)
        for module in modules(*PACKAGES)
        for name, definition in module.definitions()
        if not isinstance(definition, ast.ClassDef) and body_lines(definition) > FUNCTION_LINES
    }
    assert not long, listing(long)
