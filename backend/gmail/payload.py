"""Gmail's part trees as the domain's parts, and what cannot be read of its answers. Imports no HTTP library, so the
reading process may use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.ports.gmail import Added, HistoryPage, ListPage, Relabelled

# ---- Malformed answers
# In this module so the reader process need not import aiohttp.


class AnswerUnreadable(Exception):
    """The answer is not what its headers, or the protocol, say."""


# ---- Gmail's JSON as domain values
# What Google leaves out is normal; what it gets wrong costs only itself.


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def history_page(data: Mapping[str, Any]) -> HistoryPage:
    """A page of history.list. The generic `messages` of a record repeats the rest and is not read."""
    added: list[Added] = []
    moved: list[Relabelled] = []
    gone: list[str] = []
    for record in objects(data.get("history")):
        for entry in objects(record.get("messagesAdded")):
            message = _message(entry)
            added.append(Added(required(message, "id"), required(message, "threadId"), labels(message)))
        for kind in ("labelsAdded", "labelsRemoved"):
            moved.extend(_relabelled(entry, kind, record) for entry in objects(record.get(kind)))
        gone.extend(required(_message(entry), "id") for entry in objects(record.get("messagesDeleted")))
    return HistoryPage(
        tuple(added),
        tuple(moved),
        tuple(gone),
        number_text(data.get("historyId")),
        text(data, "nextPageToken"),
    )


def list_page(data: Mapping[str, Any]) -> ListPage:
    """A page of messages.list."""
    ids = tuple(
        (required(entry, "id"), required(entry, "threadId")) for entry in objects(data.get("messages"))
    )
    estimate = data.get("resultSizeEstimate")
    return ListPage(ids, text(data, "nextPageToken"), estimate if isinstance(estimate, int) else len(ids))


def labels(data: Mapping[str, Any]) -> frozenset[str] | None:
    """The label ids, or None where Google did not say."""
    ids = data.get("labelIds")
    return frozenset(str(label) for label in ids) if isinstance(ids, list) else None


def milliseconds(value: object) -> datetime:
    """An epoch in milliseconds, as text or number. What is none becomes 1970: old mail, never answered."""
    try:
        return _EPOCH + timedelta(milliseconds=int(value))  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError, OverflowError):
        return _EPOCH


def number_text(value: object) -> str:
    """A 64-bit number that travels as text, sometimes as a number. Raises `AnswerUnreadable`."""
    digits = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 20):
        raise AnswerUnreadable("a history id is missing")
    return digits


def text(data: Mapping[str, Any], name: str) -> str:
    """The text under `name`, "" where there is none."""
    value = data.get(name)
    return value if isinstance(value, str) else ""


def objects(value: object) -> Iterable[dict[str, Any]]:
    """The objects of a list; nothing where there is no list."""
    return (entry for entry in value if isinstance(entry, dict)) if isinstance(value, list) else ()


def _relabelled(entry: Mapping[str, Any], kind: str, record: Mapping[str, Any]) -> Relabelled:
    message, changed = _message(entry), labels(entry) or frozenset()
    added, removed = (changed, frozenset[str]()) if kind == "labelsAdded" else (frozenset[str](), changed)
    origin = str(record.get("id") or "")[:20]
    return Relabelled(
        required(message, "id"), required(message, "threadId"), added, removed, labels(message), origin
    )


def _message(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    message = entry.get("message")
    if not isinstance(message, dict):
        raise AnswerUnreadable("a history record names no message")
    return message


def required(data: Mapping[str, Any], name: str) -> str:
    """The text under `name`. Raises `AnswerUnreadable` without one."""
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerUnreadable(f"{name} is missing")
    return value
