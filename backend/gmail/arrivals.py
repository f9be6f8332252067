"""A message of Gmail's as a value of the domain: only the reading process imports this, since a stranger wrote it."""

from __future__ import annotations

import binascii
import html
import json
from collections.abc import Iterator, Mapping
from typing import Any

from backend.domain.mail.message import Arrival
from backend.domain.mail.mime import MimeLimits, Part, from_parts
from backend.gmail.answers import AnswerUnreadable, labels, milliseconds, objects, required, text

_LIMITS = MimeLimits()


def opened(raw: bytes) -> Arrival:
    """A message of messages.get from the bytes of the answer. Raises `AnswerUnreadable`."""
    return arrival(_object(raw))


def arrival(data: Mapping[str, Any]) -> Arrival:
    """A message of messages.get. Raises `AnswerUnreadable` without an id."""
    payload = data.get("payload")
    return _arrival(data, _part(payload if isinstance(payload, dict) else {}, 0, [_LIMITS.parts + 1]))


def _object(raw: bytes) -> dict[str, Any]:
    try:
        data = json.loads(raw)
    except ValueError as error:
        raise AnswerUnreadable("not JSON") from error
    if not isinstance(data, dict):
        raise AnswerUnreadable("no JSON object")
    return data


def _arrival(data: Mapping[str, Any], part: Part) -> Arrival:
    size = data.get("sizeEstimate")
    return Arrival(
        gmail_id=required(data, "id"),
        thread_id=required(data, "threadId"),
        labels=labels(data) or frozenset(),
        received_at=milliseconds(data.get("internalDate")),
        message=from_parts(part, _LIMITS),
        size=size if isinstance(size, int) else 0,
    )


BRIEF = 6_000
"""Bytes that are read of each text of a message that cannot be read whole."""

_BRIEF_PARTS = 50


def opened_briefly(raw: bytes) -> Arrival:
    """A message whose making keeps it from being read whole: its headers, Gmail's own snippet and the beginning of its
    texts. Raises `AnswerUnreadable`."""
    data = _object(raw)
    payload = data.get("payload")
    root = payload if isinstance(payload, dict) else {}
    snippet = html.unescape(text(data, "snippet")[:2_000]).encode("utf-8", "replace")
    texts = list(_beginnings(root))
    if not any(part.content_type == "text/plain" for part in texts):
        texts.insert(0, Part("text/plain", "utf-8", body=snippet, size=len(snippet)))
    return _arrival(data, Part("multipart/mixed", headers=_fields(root), children=tuple(texts)))


def _beginnings(root: Mapping[str, Any]) -> Iterator[Part]:
    """The beginning of the first text of either kind; no more parts are looked at than a few."""
    waiting, found = [root], set[str]()
    for _ in range(_BRIEF_PARTS):
        if not waiting:
            return
        part = waiting.pop(0)
        waiting += [child for child, _ in zip(objects(part.get("parts")), range(_BRIEF_PARTS), strict=False)]
        kind, body = text(part, "mimeType").lower(), part.get("body")
        wanted = kind in ("text/plain", "text/html") and kind not in found and not text(part, "filename")
        if wanted and isinstance(body, dict):
            content = decoded(text(body, "data")[: BRIEF // 3 * 4])
            if content:
                found.add(kind)
                yield Part(kind, headers=_fields(part), body=content, size=len(content))


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
        headers=_fields(data),
        body=content if content is not None or elsewhere else b"",
        size=size if isinstance(size, int) and size >= 0 else len(content or b""),
        children=tuple(children),
    )


def _fields(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple([(text(field, "name"), text(field, "value")) for field in objects(data.get("headers"))])
