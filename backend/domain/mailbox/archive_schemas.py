"""The schemas of what an archive holds as JSON. Pure, total."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from backend.domain.entry.challenge import ChallengeState
from backend.domain.mailbox.correction import RuleKind
from backend.domain.mailbox.labels import Placement

Fits = Callable[[Any], bool]


def are_texts(value: Any) -> bool:
    """["…", …]"""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def are_reasons(value: Any) -> bool:
    """[{"text": "…", "weight": 0.5, "words": ["…"]}, …]"""
    return _list_of({"text": _text, "weight": _number, "words": are_texts})(value)


def is_before(value: Any) -> bool:
    """What `corrections.Trace.before` writes and an undo reads."""
    return _object({name: _list_of(fields) for name, fields in _BEFORE.items()})(value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _whole(value: Any) -> bool:
    return isinstance(value, int) and _number(value)


def _one_of(*words: str | None) -> Fits:
    return lambda value: (value is None or isinstance(value, str)) and value in words


def _object(fields: Mapping[str, Fits]) -> Fits:
    return lambda value: (
        isinstance(value, dict) and all(name in value and fits(value[name]) for name, fits in fields.items())
    )


def _list_of(fields: Mapping[str, Fits]) -> Fits:
    return lambda value: isinstance(value, list) and all(map(_object(fields), value))


_LONGEST = 2_000
_LARGEST = 2**62
_KIND = _one_of(*RuleKind, None)
_BEFORE: Mapping[str, Mapping[str, Fits]] = {
    "rules": {"subject": _text, "before": _KIND, "after": _KIND},
    "messages": {
        "gmail_id": _text,
        "placement": _one_of(*Placement, None),
        "decided_by": _text,
        "revision": _whole,
        "moved": lambda value: isinstance(value, bool),
    },
    "challenges": {"id": _text, "state": _one_of(*ChallengeState), "gmail_id": _text},
    "refunds": {"sender": _text, "gmail_id": _text},
}
