"""Errors and their sentences: each has words, the words name no value that it lacks, and none is left over."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import backend
from backend.domain.errors import PitchgateError, Refused, TryLater
from backend.locale import DEFAULT, LANGUAGES, catalogue, error_words
from backend.web.app import HTTP_CODES, TABLE

HERE = Path(backend.__file__).parent
OURS = [path for path in sorted(HERE.rglob("*.py")) if "sandbox" not in path.relative_to(HERE).parts]
OF_EACH_KIND = {"GoogleError": {"reason"}}
"""Blanks that a class fills by itself."""


@cache
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in OURS}


@cache
def classes() -> dict[str, set[str]]:
    """The names of all errors, each with the blanks it always has."""
    found: dict[str, set[str]] = {"PitchgateError": set()}
    defined = [node for tree in trees().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    while new := [
        (node.name, getattr(base, "id", getattr(base, "attr", "")))
        for node in defined
        for base in node.bases
        if node.name not in found and getattr(base, "id", getattr(base, "attr", "")) in found
    ]:
        for name, base in new:
            found[name] = found[base] | OF_EACH_KIND.get(name, set())
    return found


def raised() -> Iterator[tuple[str, str, set[str] | None]]:
    """Place, key and blanks (None: not to be seen) of each error that is made with a key in so many letters."""
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            key = node.args[0]
            if name in classes() and isinstance(key, ast.Constant) and isinstance(key.value, str):
                named = {keyword.arg for keyword in node.keywords}
                blanks = (
                    None if None in named else classes()[name] | {word for word in named if word is not None}
                )
                yield f"{path.relative_to(HERE)}:{node.lineno}", key.value, blanks


def sentences(key: str) -> list[str]:
    """The ids of the title and the remedy of a key, its own or those of what is more general."""
    names = key.split(".")
    groups = [".".join(names[:count]) for count in range(len(names), 0, -1)]
    ids = ([f"error.{group}.{part}" for group in groups] for part in ("title", "remedy"))
    return [found[0] for found in ([i for i in some if i in catalogue(DEFAULT)] for some in ids) if found]


def test_every_error_has_words() -> None:
    found = list(raised())
    assert len(found) > 200
    assert [place for place, key, _ in found if not any(i.endswith(".title") for i in sentences(key))] == []
    for code in {*HTTP_CODES.values(), *(row.code for row in TABLE.values() if not row.own_words)}:
        assert f"error.{code}.title" in catalogue(DEFAULT), code


def test_no_sentence_names_a_value_that_its_error_lacks() -> None:
    lacking = [
        (place, identifier)
        for place, key, blanks in raised()
        for identifier in sentences(key)
        if blanks is not None
        and {name for _, name, _, _ in string.Formatter().parse(catalogue(DEFAULT)[identifier]) if name}
        - blanks
    ]
    assert lacking == []


def test_no_sentence_is_left_over() -> None:
    """A sentence belongs to a key that stands in the code, whole or put together around a blank, or to its groups."""
    whole, shapes = set(), set()
    for node in (node for tree in trees().values() for node in ast.walk(tree)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            whole.add(node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = [
                re.escape(part.value) if isinstance(part, ast.Constant) else r"[a-z_]+"
                for part in node.values
            ]
            if re.fullmatch(r"[a-z_\\.\[\]+-]+", text := "".join(map(str, parts))) and "." in text:
                shapes.add(re.compile(text))
    groups = {word[: match.start()] for word in whole for match in re.finditer(r"\.|$", word)}
    keys = {i.removeprefix("error.").rpartition(".")[0] for i in catalogue(DEFAULT).ids if i[:6] == "error."}
    assert {key for key in keys if key not in groups and not any(s.fullmatch(key) for s in shapes)} == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_has_no_words_of_its_own_has_those_of_its_group(language: str) -> None:
    title, remedy = error_words(language, TryLater("later.indexing"))
    assert title == catalogue(language)["error.later.title"]
    assert remedy == catalogue(language)["error.later.remedy"]
    assert error_words(language, PitchgateError("never.heard_of")) == ("never.heard_of", "")


def test_blanks_are_filled_as_the_language_writes_them() -> None:
    assert error_words("de", Refused("note_long", length=1234, most=200)) == (
        "Die Notiz hat 1.234 Zeichen.",
        "Höchstens 200 passen hinein.",
    )
