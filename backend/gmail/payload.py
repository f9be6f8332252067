"""Gmail's JSON as values of the domain. What Google leaves out is normal; what it gets wrong costs only itself."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from backend.domain.mail.message import Arrival
from backend.domain.mail.mime import MimeLimits, Part, from_parts
from backend.gmail.unreadable import AnswerUnreadable
from backend.ports.gmail import Added, HistoryPage, ListPage, Relabelled

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LIMITS = MimeLimits()


def opened(raw: bytes) -> Arrival:
    """A message of messages.get from the bytes of the answer. Raises `AnswerUnreadable`."""
    try:
        data = json.loads(raw)
    except ValueError as error:
        raise AnswerUnreadable("not JSON") from error
    if not isinstance(data, dict):
        raise AnswerUnreadable("no JSON object")
    return arrival(data)


def arrival(data: Mapping[str, Any]) -> Arrival:
    """A message of messages.get. Raises `AnswerUnreadable` without an id."""
    payload = data.get("payload")
    part = _part(payload if isinstance(payload, dict) else {}, 0, [_LIMITS.parts + 1])
    size = data.get("sizeEstimate")
    return Arrival(
        gmail_id=_id(data, "id"),
        thread_id=_id(data, "threadId"),
        labels=labels(data) or frozenset(),
        received_at=milliseconds(data.get("internalDate")),
        message=from_parts(part, _LIMITS),
        size=size if isinstance(size, int) else 0,
    )


def history_page(data: Mapping[str, Any]) -> HistoryPage:
    """A page of history.list. The generic `messages` of a record repeats the rest and is not read."""
    added: list[Added] = []
    moved: list[Relabelled] = []
    gone: list[str] = []
    for record in objects(data.get("history")):
        for entry in objects(record.get("messagesAdded")):
            message = _message(entry)
            added.append(Added(_id(message, "id"), _id(message, "threadId"), labels(message)))
        for kind in ("labelsAdded", "labelsRemoved"):
            moved.extend(_relabelled(entry, kind, record) for entry in objects(record.get(kind)))
        gone.extend(_id(_message(entry), "id") for entry in objects(record.get("messagesDeleted")))
    return HistoryPage(
        tuple(added),
        tuple(moved),
        tuple(gone),
        number_text(data.get("historyId")),
        text(data, "nextPageToken"),
    )


def list_page(data: Mapping[str, Any]) -> ListPage:
    """A page of messages.list."""
    ids = tuple((_id(entry, "id"), _id(entry, "threadId")) for entry in objects(data.get("messages")))
    estimate = data.get("resultSizeEstimate")
    return ListPage(ids, text(data, "nextPageToken"), estimate if isinstance(estimate, int) else len(ids))


def labels(data: Mapping[str, Any]) -> frozenset[str] | None:
    """The label ids, or None where Google did not say."""
    ids = data.get("labelIds")
    return frozenset(str(label) for label in ids) if isinstance(ids, list) else None


def decoded(data: object) -> bytes | None:
    """Base64 of either alphabet, padded or not; None for what is no base64 text."""
    if not isinstance(data, str):
        return None
    packed = data.translate(_URL_TO_PLAIN).rstrip("=")
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4))
    except (binascii.Error, ValueError):
        return None


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


_URL_TO_PLAIN = str.maketrans("-_", "+/")


def _part(data: Mapping[str, Any], depth: int, left: list[int]) -> Part:
    """One node and what hangs below it; `left` counts how many more nodes are looked at."""
    left[0] -= 1
    body = data.get("body") if isinstance(data.get("body"), dict) else {}
    assert isinstance(body, dict)
    children: list[Part] = []
    # One node and one level beyond the limits are kept, so that the domain sees that there was more.
    for child in objects(data.get("parts")) if depth <= _LIMITS.depth else ():
        if left[0] <= 0:
            break
        children.append(_part(child, depth + 1, left))
    content = decoded(body["data"]) if "data" in body else None
    size = body.get("size")
    return Part(
        content_type=text(data, "mimeType"),
        filename=text(data, "filename"),
        headers=tuple((text(field, "name"), text(field, "value")) for field in objects(data.get("headers"))),
        body=content if content is not None or _has_content(body, children) else b"",
        size=size if isinstance(size, int) and size >= 0 else len(content or b""),
        children=tuple(children),
    )


def _has_content(body: Mapping[str, Any], children: list[Part]) -> bool:
    """Whether a node without data has some elsewhere (an attachment), or is a container."""
    return bool(children or body.get("attachmentId") or body.get("size"))


def _relabelled(entry: Mapping[str, Any], kind: str, record: Mapping[str, Any]) -> Relabelled:
    message, changed = _message(entry), labels(entry) or frozenset()
    added, removed = (changed, frozenset[str]()) if kind == "labelsAdded" else (frozenset[str](), changed)
    origin = str(record.get("id") or "")[:20]
    return Relabelled(_id(message, "id"), _id(message, "threadId"), added, removed, labels(message), origin)


def _message(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    message = entry.get("message")
    if not isinstance(message, dict):
        raise AnswerUnreadable("a history record names no message")
    return message


def _id(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value:
        raise AnswerUnreadable(f"{name} is missing")
    return value
