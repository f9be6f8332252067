"""No module and no template holds a sentence that a person sees: those stand in the catalogues."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import backend

HERE = Path(backend.__file__).parent
QUIET = {
    "sandbox": "plays Google for developers",
    "domain": "raises codes; recognises phrases of others; describes the policy for docs/reference",
    "captcha": "raises codes; causes are for the log",
    "gmail": "raises codes; causes are for the log",
    "reader": "raises codes; causes are for the log",
    "scoring": "raises codes; faults of a model file are for who made it",
    "store": "queries",
    "transactions/rows.py": "makes code; its errors are for the log",
    "web/api/contract.py": "the document of the API",
    "web/api/schemas.py": "the document of the API",
    "web/services.py": "what /metrics tells a monitor",
    "pipeline/memory.py": "what /metrics tells a monitor",
}
MEANT = {
    "Pitchgate's notices": "how an account is called at Google",
    "Your reading": "a letter of the demo",
    "Dear Rosa, shall we say the 12th?": "a letter of the demo",
    ": never decided": "the demo's JSON",
    ": stuck at ": "the demo's JSON",
    "dead letter": "the demo's JSON",
    ": meant to be ": "the demo's JSON",
    "settings file": "a check of the doctor's: doctor.name.settings_file",
    "round trip": "a check of the doctor's: doctor.name.round_trip",
    "# Written by Pitchgate.": "a comment in a file",
    "[Unit]": "a systemd unit",
    " -m backend serve": "a systemd unit",
    "taken at its word": "what a verdict without Gmail is written with",
    "device request": "what a secret is sealed for",
    " {in:inbox in:sent}": "a search",
    "Value error, ": "how pydantic begins",
    "failing open": "what a monitor reads",
    "disk full": "what a monitor reads",
    "not ready": "what a monitor reads",
    "event: board": "a stream's line",
    "names a mailbox, and would be shown all": "an error at import: what a developer reads",
    "names no mailbox first": "an error at import: what a developer reads",
}
"""How each begins, and why it need not be in a catalogue."""
PROSE = re.compile(r"(?<![\w<\"=/.-])[A-Za-z’']{2,}[,;:]? [a-z’']{2,}(?![\w=\]-])")
SHOWN = {*"echo Table add_column add_row ClickException UsageError BadParameter confirm prompt".split()}
"""What is called with something to show: there a single word is one too many."""


def sources(files: str) -> list[Path]:
    paths = (path.relative_to(HERE) for path in sorted(HERE.rglob(files)))
    return [path for path in paths if not {path.parts[0], path.as_posix()} & QUIET.keys()]


def literals(node: ast.AST) -> Iterator[str]:
    """The texts below, but for what only a developer reads: docstrings, assertions, errors of Python's own, logs."""
    if isinstance(node, ast.Assert) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return
    if isinstance(node, ast.Raise) and hasattr(builtins, getattr(getattr(node.exc, "func", None), "id", "-")):
        return
    if isinstance(node, ast.Call) and getattr(getattr(node.func, "value", None), "id", "") in ("log", "re"):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for below in ast.iter_child_nodes(node):
        yield from literals(below)


def test_no_module_holds_a_sentence_that_a_person_sees() -> None:
    found, meant = {}, set()
    for path in sources("*.py"):
        for text in literals(ast.parse((HERE / path).read_text(encoding="utf-8"))):
            reasons = {start for start in MEANT if text.startswith(start)}
            meant |= reasons
            if PROSE.search(text) and not reasons:
                found[path.as_posix()] = text
    assert found == {}
    assert meant == MEANT.keys(), "what is gone needs no reason"


def test_nothing_is_shown_that_is_not_looked_up() -> None:
    shown = [
        (path.as_posix(), text.value)
        for path in sources("*.py")
        for call in ast.walk(ast.parse((HERE / path).read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func) != "echo"  # ours takes a key; click's takes words
        if getattr(call.func, "attr", getattr(call.func, "id", "")) in SHOWN
        for argument in call.args
        for text in (argument.values if isinstance(argument, ast.JoinedStr) else [argument])
        if isinstance(text, ast.Constant) and re.search("[A-Za-z]{2}", str(text.value))
    ]
    assert shown == []


@pytest.mark.parametrize("template", sorted(page.as_posix() for page in sources("*.html")))
def test_no_template_holds_a_word(template: str) -> None:
    text = (HERE / template).read_text(encoding="utf-8")
    text = re.sub(r"<(style|script)\b.*?</\1>|<!--.*?-->|\{#.*?#\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{% (block kind|macro described)\b.*?\{% end(block|macro) %\}", "", text)  # attributes
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    said = re.findall(r'\b(?:aria-label|title|alt|placeholder)="([^"]*)"', text)
    said += re.sub(r"<[^>]*>", "\n", text).split("\n")
    assert {word for part in said for word in re.findall(r"[A-Za-z’]{2,}", part)} <= {"Pitchgate"}
