"""Public names say what they promise."""

from __future__ import annotations

import ast
import tokenize
from io import StringIO

from tests.architecture.source import PACKAGES, Definition, body_lines, listing, modules

SHARE = 0.90
SHORT = 2  # lines: a body that says by itself what it does


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(module.path)
        for module in modules(*PACKAGES, "tests")
        if module.lines and not _begins_with_words(module.source)
    ]
    assert not silent, listing(silent)


def _begins_with_words(source: str) -> bool:
    """The first token that is no comment and no end of a line, without a look at what follows."""
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    first = next(token for token in tokens if token.type not in (tokenize.COMMENT, tokenize.NL))
    return first.type == tokenize.STRING


def test_nine_of_ten_public_names_have_a_docstring() -> None:
    public = [(module, name, node) for module in modules(*PACKAGES) for name, node in module.public()]
    silent = [
        f"{module.path}:{node.lineno} {name}"
        for module, name, node in public
        if ast.get_docstring(node) is None and not _speaks_for_itself(node)
    ]
    share = 1 - len(silent) / len(public)
    assert share >= SHARE, f"{share:.1%} documented; silent:\n" + "\n".join(silent)


def _speaks_for_itself(node: Definition) -> bool:
    """A function of one or two lines, or the second half of what is documented at its first half."""
    if not isinstance(node, ast.ClassDef) and body_lines(node) <= SHORT:
        return True
    marks = {ast.unparse(mark).rpartition(".")[2] for mark in node.decorator_list}
    return bool(marks & {"setter", "deleter", "overload", "override"})
