"""A message of Gmail's as a value of the domain: only the reading process imports this, since a stranger wrote it."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any

from backend.domain.mail.message import Arrival
from backend.domain.mail.mime import MimeLimits, Part, from_parts
from backend.gmail.answers import AnswerUnreadable, labels, milliseconds, objects, required, text

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
        gmail_id=required(data, "id"),
        thread_id=required(data, "threadId"),
        labels=labels(data) or frozenset(),
        received_at=milliseconds(data.get("internalDate")),
        message=from_parts(part, _LIMITS),
        size=size if isinstance(size, int) else 0,
    )


def decoded(data: object) -> bytes | None:
    """Base64 of either alphabet, padded or not; None for what is no base64 text."""
    if not isinstance(data, str):
        return None
    packed = data.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return binascii.a2b_base64(packed + "=" * (-len(packed) % 4))
    except (binascii.Error, ValueError):
        return None


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
    elsewhere = bool(children or body.get("attachmentId") or size)  # it is a container, or an attachment
    return Part(
        content_type=text(data, "mimeType"),
        filename=text(data, "filename"),
        headers=tuple(
            [(text(field, "name"), text(field, "value")) for field in objects(data.get("headers"))]
        ),
        body=content if content is not None or elsewhere else b"",
        size=size if isinstance(size, int) and size >= 0 else len(content or b""),
        children=tuple(children),
    )
