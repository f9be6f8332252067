"""Settings: each field of `Settings` with the words below it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

from annotated_types import Ge, Gt, Le
from pydantic import SecretStr

from backend import settings as module
from backend.settings import Settings
from backend.settings_read import FILE_VARIABLE
from tests.reference.tables import page

KINDS = {
    "str": "",
    "bool": "",
    "int": "",
    "float": "",
    "Path": "path",
    "tuple[str, ...]": "list",
    "tuple[SecretStr, ...]": "list, **secret**",
    "SecretStr": "**secret**",
    "WebAddress": "",
    "WebAddress | Literal['']": "web address",
    "Bind": "host:port, unix:… or fd://…",
    "Database": "address, **secret** if it holds a password",
    "Topic": "projects/…/topics/…",
    "Subscription": "projects/…/subscriptions/…",
    "Account": "service account",
    "Probability": "",
    "LogLevel": "",
}
"""How the type of a field is called, by its annotation, where its limits and default do not say it."""

OTHERS = (
    (
        FILE_VARIABLE,
        "path",
        "",
        "a file of settings, one NAME=value a line",
    ),
    (
        "GOOGLE_APPLICATION_CREDENTIALS",
        "path",
        "",
        "Google's own: the service account's key file, with `pull`",
    ),
    ("LC_ALL, LC_MESSAGES, LANG", "locale", "", "the language of what commands say"),
    (
        "PITCHGATE_TRAY_HOME",
        "path",
        "the platform's folder",
        "where the desktop app keeps its state; for tests",
    ),
    (
        "PITCHGATE_TRAY_SERVER",
        "web address",
        "",
        "the server the desktop app offers to connect to; for tests",
    ),
)


def settings() -> str:
    """Every variable that the server reads."""
    rows = [_row(name, kind, words) for name, kind, words in fields()]
    return page(
        "Settings",
        """All are read once, at the start: from the environment, then from the file that `--settings FILE` or
        `PITCHGATE_SETTINGS_FILE` names (lines `NAME=value`). In brackets: what fits; the default. Times are seconds,
        sizes bytes, lists are comma-separated.""",
        """A value that does not fit stops the start and is named, never quoted. An unknown name is logged as
        `unknown_setting`, with the one that may be meant. In practice: [operations](operations.md).""",
        [
            f"- {name} ({'; '.join(filter(None, (shape, default))) or 'text'}): {words}"
            for name, shape, default, words in rows
        ],
        "## Other variables",
        [
            f"- `{name}` ({'; '.join(filter(None, (kind, default)))}): {words}"
            for name, kind, default, words in OTHERS
        ],
    )


def fields() -> Iterator[tuple[str, str, str]]:
    """Name, annotation and words of each field, in their order."""
    (found,) = [
        each
        for each in ast.parse(inspect.getsource(module)).body
        if isinstance(each, ast.ClassDef) and each.name == "Settings"
    ]
    for field, after in zip(found.body, found.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match after:
                case ast.Expr(value=ast.Constant(value=str(words))):
                    yield field.target.id, ast.unparse(field.annotation), words
                case _:
                    yield field.target.id, ast.unparse(field.annotation), ""


def _row(name: str, annotation: str, words: str) -> tuple[str, ...]:
    field = Settings.model_fields[name]
    kind = field.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        called = ", ".join(f"`{each.value}`" for each in kind)
    else:
        called = KINDS[annotation]
    least = next((f"{each.ge:n}" for each in field.metadata if isinstance(each, Ge)), "")
    above = next((f"over {each.gt:n}" for each in field.metadata if isinstance(each, Gt)), "")
    most = next((f"{each.le:n}" for each in field.metadata if isinstance(each, Le)), "")
    limits = f"{least}–{most}" if most else (least and f"from {least}") or above
    shape = ", ".join(filter(None, (called, limits)))
    return f"`PITCHGATE_{name.upper()}`", shape, _default(field.default), " ".join(words.split())


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Enum):
        value = value.value
    elif isinstance(value, bool):
        value = str(value).lower()
    elif isinstance(value, float):
        value = f"{value:.10g}"
    elif isinstance(value, tuple):
        value = ",".join(map(str, value))
    elif isinstance(value, Path) and value.is_absolute():
        return "the shipped model"
    return f"`{value}`" if str(value) else ""
