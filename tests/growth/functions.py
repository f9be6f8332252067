"""Every public function of the domain that takes what a stranger wrote, as a function of one text.

Found by their annotations: the text stands in every place an argument has for one, at any depth of it.
"""

from __future__ import annotations

import ast
import inspect
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from functools import cache, partial
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

from selectolax.lexbor import LexborHTMLParser

from backend.domain.mail.message import Address, Arrival, Headers, Message, Owner
from backend.domain.mail.mime import MimeLimits, Part
from backend.domain.mail.selectors import Selectors
from backend.domain.mailbox.archive import TABLES
from backend.domain.mailbox.decisions import Move
from backend.domain.mailbox.mailbox import Preferences
from backend.ports.gmail import Relabelled
from tests.growth.patterns import modules, tree

STRANGERS = (str, bytes, object, Message, Arrival, Headers, Part)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Unmade(Exception):
    """No value of this type can be made."""


def functions() -> Iterator[tuple[str, Callable[[str], object]]]:
    """(name, the function with all its arguments made from a text). Raises `Unmade` for what cannot be called."""
    for module in modules():
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isroutine(inspect.unwrap(function)):
                continue
            if getattr(function, "__module__", "") != module.__name__:
                continue
            hints = get_type_hints(inspect.unwrap(function), vars(module) | _late())
            given = inspect.signature(inspect.unwrap(function)).parameters.values()
            needed = {p.name: hints[p.name] for p in given if p.default is p.empty}
            if any(_takes_text(hint) for hint in needed.values()):
                yield f"{module.__name__}.{name}", partial(_call, function, needed)


def _call(function: Callable[..., object], needed: Mapping[str, Any], text: str) -> object:
    result = function(**{name: _OURS.get(name) or made(hint, text) for name, hint in needed.items()})
    return list(result) if isinstance(result, Iterator) else result


def _takes_text(hint: Any) -> bool:
    return hint in STRANGERS or any(_takes_text(part) for part in get_args(hint))


def made(hint: Any, text: str) -> Any:
    """A value of the type `hint` with `text` wherever it holds one."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint in _MADE:
        return _MADE[hint](text)
    if origin in (Union, types.UnionType):
        return made(parts[0], text)
    if origin in (list, Sequence, Iterable, tuple, frozenset, set):
        if origin is tuple and parts[-1] is not Ellipsis:
            return tuple(made(part, text) for part in parts)
        pieces = text.split() if parts[0] is str else [text]
        values = [made(parts[0], piece) for piece in pieces]
        return values if origin in (list, Sequence, Iterable) else origin(values)
    if origin in (dict, Mapping):
        return {made(parts[0], word): made(parts[1], word) for word in text.split()[:1_000]}
    if origin is Callable:
        return lambda *_: made(parts[-1], text[:200])
    if isinstance(hint, type) and issubclass(hint, Enum):
        return next(iter(hint))
    if isinstance(hint, type) and issubclass(hint, Exception):
        return hint(text)
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(**{name: made(_hints(hint)[name], text) for name in hint.__dataclass_fields__})
    if hasattr(hint, "_fields"):  # a NamedTuple
        return hint(**{name: made(part, text) for name, part in _hints(hint).items()})
    if is_typeddict(hint):
        return {name: made(part, text) for name, part in _hints(hint).items()}
    raise Unmade(str(hint))


_hints = cache(get_type_hints)


def _headers(text: str) -> Headers:
    """Every field the domain asks for by name, each with a piece of the text, and one with all of it."""
    names = _field_names()
    piece = text[: len(text) // 8]
    return Headers((*((name, piece) for name in names), (text[:200], text)))


@cache
def _field_names() -> tuple[str, ...]:
    words = {
        node.value for module in modules() if ".mail." in module.__name__ or ".reading." in module.__name__
        for node in ast.walk(tree(module)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }  # fmt: skip
    return tuple(sorted(word for word in words if re.fullmatch(r"[A-Z][A-Za-z]+(-[A-Z][A-Za-z]*)*", word)))


def _message(text: str) -> Message:
    sender = Address("ann@corp.test", text[:200])
    return Message(
        headers=_headers(text), from_=(sender,), to=(Address(text),), subject=text, message_id=text, in_reply_to=text,
        references=tuple(text.split()), text=text, html=text,
    )  # fmt: skip


def _late() -> dict[str, Any]:
    """What modules import for their annotations alone."""
    from backend.domain.reading.model_text import ModelInput

    return {"ModelInput": ModelInput}


# Arguments that no stranger writes, and that are refused unless they have a form.
_OURS = {"link": "https://gate.test/c/" + "t" * 32, "marker": "m1", "table": TABLES["messages"]}

_MADE: dict[Any, Callable[[str], Any]] = {
    str: lambda text: text,
    object: lambda text: text,
    Any: lambda text: text,
    bytes: lambda text: text.encode("utf-8", "surrogatepass"),
    int: lambda text: 3,
    float: lambda text: 0.5,
    bool: lambda text: True,
    type(None): lambda text: None,
    datetime: lambda text: _NOW,
    date: lambda text: _NOW.date(),
    timedelta: lambda text: timedelta(days=1),
    Headers: _headers,
    Message: _message,
    Address: lambda text: Address(text, text[:200]),
    Selectors: lambda text: Selectors(LexborHTMLParser("<p class=a>").body, len(text), lambda part: part),
    Owner: lambda text: Owner("o@own.test", "Olga Own"),
    Preferences: lambda text: Preferences(),
    Move: lambda text: Relabelled(text, text, frozenset({text}), frozenset(), None, text),
    MimeLimits: lambda text: MimeLimits(),
    Part: lambda text: Part(
        headers=(("From", text), ("Content-Type", text), ("Subject", text)),
        body=text.encode("utf-8", "replace"),
        size=9,
    ),
}
