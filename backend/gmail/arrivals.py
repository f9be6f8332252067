"""Gmail's JSON of a message as an `Arrival`. Only the reading process imports this: strangers wrote the messages."""

from __future__ import annotations

import binascii
import html
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from backend.domain.mail.message import Arrival
from backend.domain.mail.mime import MimeLimits, Part, from_parts
from backend.gmail.answers import AnswerUnreadable, labels, milliseconds, objects, required, text

_LIMITS = MimeLimits()


def read_message(raw: bytes) -> Arrival:
    """The message in the body of a messages.get answer. Raises `AnswerUnreadable`."""
    return arrival(_object(raw))


def arrival(data: Mapping[str, Any]) -> Arrival:
    """The message in the JSON object of a messages.get answer. Raises `AnswerUnreadable` if it has no id."""
    payload = data.get("payload")
    return _arrival(
        data, _part(payload if isinstance(payload, dict) else {}, depth=0, budget=[_LIMITS.parts + 1])
    )


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
"""Bytes that `read_briefly` reads of each text part."""

_BRIEF_PARTS = 50


def read_briefly(raw: bytes) -> Arrival:
    """Read only the headers, Gmail's snippet and the beginning of the text parts, for a message too complex to be read
    in full. Raises `AnswerUnreadable`."""
    data = _object(raw)
    payload = data.get("payload")
    root = payload if isinstance(payload, dict) else {}
    snippet = html.unescape(text(data, "snippet")[:2_000]).encode("utf-8", "replace")
    parts = list(_first_text_parts(root))
    if not any(part.content_type == "text/plain" for part in parts):
        parts.insert(0, Part("text/plain", "utf-8", body=snippet, size=len(snippet)))
    return _arrival(data, Part("multipart/mixed", headers=_fields(root), children=tuple(parts)))


def _first_text_parts(root: Mapping[str, Any]) -> Iterator[Part]:
    """The beginning of the first plain text and of the first HTML, within the first `_BRIEF_PARTS` parts."""
    queue, found = [root], set[str]()
    for _ in range(_BRIEF_PARTS):
        if not queue:
            return
        part = queue.pop(0)
        queue += islice(objects(part.get("parts")), _BRIEF_PARTS)
        kind, body = text(part, "mimeType").lower(), part.get("body")
        wanted = kind in ("text/plain", "text/html") and kind not in found and not text(part, "filename")
        if wanted and isinstance(body, dict):
            content = decode_base64(text(body, "data")[: BRIEF // 3 * 4])
            if content:
                found.add(kind)
                yield Part(kind, headers=_fields(part), body=content, size=len(content))


def decode_base64(data: object) -> bytes | None:
    """Decode base64 of either alphabet, padded or not; None if it is not valid."""
    if not isinstance(data, str):
        return None
    packed = data.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return binascii.a2b_base64(packed + "=" * (-len(packed) % 4))
    except (binascii.Error, ValueError):
        return None


def _part(data: Mapping[str, Any], depth: int, budget: list[int]) -> Part:
    """A part and its children. `budget[0]` is the number of parts that may still be read, shared by all calls."""
    budget[0] -= 1
    body = data.get("body") if isinstance(data.get("body"), dict) else {}
    assert isinstance(body, dict)
    children: list[Part] = []
    # Keep one part and one level beyond the limits, so that the domain notices they were exceeded.
    for child in objects(data.get("parts")) if depth <= _LIMITS.depth else ():
        if budget[0] <= 0:
            break
        children.append(_part(child, depth + 1, budget))
    content = decode_base64(body["data"]) if "data" in body else None
    size = body.get("size")
    # None: the content is not in this answer (an attachment), or there is none (a container); b"": an empty text.
    if content is None and not (children or body.get("attachmentId") or size):
        content = b""
    return Part(
        content_type=text(data, "mimeType"),
        filename=text(data, "filename"),
        headers=_fields(data),
        body=content,
        size=size if isinstance(size, int) and size >= 0 else len(content or b""),
        children=tuple(children),
    )


def _fields(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple([(text(field, "name"), text(field, "value")) for field in objects(data.get("headers"))])
