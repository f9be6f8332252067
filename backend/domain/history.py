"""What Gmail says of a mailbox's changes: the body of a Pub/Sub push, read tolerantly, and a page of history."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# ---- The body of a Pub/Sub push
# Both forms are read tolerantly.
# Wrapped: {"message": {"data": base64 of {"emailAddress", "historyId"}, "messageId"}, "subscription"}.
# Unwrapped: {"emailAddress", "historyId"} is the body itself; the wrapper's fields come in headers, if at all.
# `historyId` may be a JSON string or number; base64 may be the URL or the plain alphabet, padded or not.


MAX_HISTORY_DIGITS = 20
"""An unsigned 64-bit number has at most 20 digits."""


_HALF = re.compile("[\ud800-\udfff\\x00]")  # no database takes half a character, nor NUL


@dataclass(frozen=True, slots=True)
class Envelope:
    """`push_id` is Pub/Sub's message id (one made of the content where an unwrapped push names
    none); `subscription` is "" where none is named. `email` is lower-case."""

    push_id: str
    email: str
    history_id: str
    subscription: str = ""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the headers of an unwrapped push tell, "" where Pub/Sub was not asked to write them."""

    subscription: str = ""
    push_id: str = ""


def read_push(body: bytes, metadata: Metadata = Metadata()) -> tuple[str | None, Envelope | None]:
    """The subscription a push names ("" for a wrapper without a name, None for neither wrapper nor header), and its
    notice. A push without a notice (None) should be acknowledged and counted: a repeat would not be better."""
    outer = _object(body)
    if outer is None or "message" not in outer:
        unwrapped = _notice(outer, metadata.push_id, metadata.subscription) if outer else None
        return metadata.subscription or None, unwrapped
    name, message = outer.get("subscription"), outer["message"]
    subscription = name if isinstance(name, str) else ""
    if not isinstance(message, dict):
        return subscription, _notice(outer, metadata.push_id, metadata.subscription)
    push_id = message.get("messageId") or message.get("message_id") or ""
    data = message.get("data")
    if not isinstance(push_id, str) or not isinstance(data, str):
        return subscription, None
    inner = _object(_decoded(data))
    return subscription, _notice(inner, push_id, subscription) if inner else None


def subscription_of(body: bytes, metadata: Metadata = Metadata()) -> str | None:
    """The first half of `read_push`."""
    return read_push(body, metadata)[0]


def read_envelope(body: bytes, metadata: Metadata = Metadata()) -> Envelope | None:
    """The second half of `read_push`."""
    return read_push(body, metadata)[1]


def _notice(data: dict[str, Any], push_id: str, subscription: str) -> Envelope | None:
    email, history = data.get("emailAddress"), data.get("historyId")
    if isinstance(history, int) and not isinstance(history, bool):
        history = str(history)
    if not isinstance(email, str) or "@" not in email or len(email) > 320:
        return None
    if not isinstance(history, str) or not history.isascii() or not history.isdigit():
        return None
    if len(history) > MAX_HISTORY_DIGITS or len(push_id) > 200 or _HALF.search(email + push_id):
        return None
    email = email.strip().lower()
    if not push_id:
        push_id = f"unwrapped-{hashlib.sha256(f'{email} {history}'.encode()).hexdigest()[:32]}"
    return Envelope(push_id, email, history, subscription)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _decoded(data: str) -> bytes:
    plain = data.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


# ---- What one page of history means
# Pure: the page comes in as plain values, and the ids to look at go out. Draft edits make a new message id
# each time and are nobody's business; everything else is either incoming mail to screen or the owner's own mail to
# learn from. The same id may occur in many records: it is returned once.


UNSEEN = frozenset({"DRAFT", "CHAT"})


@dataclass(frozen=True, slots=True)
class Appeared:
    """A message to look at. `own` is true for the owner's sent mail; `labels` None where Google did not say."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str] | None
    own: bool


def appeared(
    added: Iterable[tuple[str, str, frozenset[str] | None]],
    gained: Iterable[tuple[str, str, frozenset[str]]],
) -> tuple[Appeared, ...]:
    """Messages that came in (`added`: id, thread, labels) or became sent mail by a label (`gained`: id,
    thread, labels put on), each once, in order."""
    seen: dict[str, Appeared] = {}
    for gmail_id, thread_id, labels in added:
        if labels is not None and labels & UNSEEN and "SENT" not in labels:
            continue
        own = labels is not None and "SENT" in labels
        seen.setdefault(gmail_id, Appeared(gmail_id, thread_id, labels, own))
    for gmail_id, thread_id, labels in gained:
        if "SENT" in labels:  # a draft that was sent
            seen[gmail_id] = Appeared(gmail_id, thread_id, labels, own=True)
    return tuple(seen.values())
