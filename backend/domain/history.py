"""How Gmail reports changes in a mailbox: the body of a Pub/Sub push, and a page of its history."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from backend.domain.errors import Refused

# ---- The body of a Pub/Sub push
# It has one of two forms.
# Wrapped: {"message": {"data": base64 of {"emailAddress", "historyId"}, "messageId"}, "subscription"}.
# Unwrapped: {"emailAddress", "historyId"} is the body itself; the wrapper's fields come in headers, if at all.
# `historyId` may be a JSON string or number; base64 may use the URL or the standard alphabet, padded or not.


MAX_HISTORY_DIGITS = 20
"""An unsigned 64-bit number has at most 20 digits."""


_NOT_STORABLE = re.compile("[\ud800-\udfff\\x00]")  # lone surrogates and NUL, which no database accepts


@dataclass(frozen=True, slots=True)
class PushNotice:
    """The content of a push: the mailbox's address (lower-case) and its history id. `push_id` is Pub/Sub's message id,
    or made from the content if an unwrapped push has none; `subscription` is "" if not named."""

    push_id: str
    email: str
    history_id: str
    subscription: str = ""


@dataclass(frozen=True, slots=True)
class PushHeaders:
    """The wrapper's fields in the headers of an unwrapped push; "" unless Pub/Sub is configured to write them."""

    subscription: str = ""
    push_id: str = ""


def read_push(body: bytes, metadata: PushHeaders = PushHeaders()) -> tuple[str | None, PushNotice | None]:
    """(subscription, notice) of a push. The subscription is "" if its wrapper names none, None without wrapper
    or header. A push without a readable notice (None) should be acknowledged all the same: Pub/Sub would only repeat
    it."""
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


def _notice(data: dict[str, Any], push_id: str, subscription: str) -> PushNotice | None:
    email, history = data.get("emailAddress"), data.get("historyId")
    if isinstance(history, int) and not isinstance(history, bool):
        history = str(history)
    if not isinstance(email, str) or "@" not in email or len(email) > 320:
        return None
    if not isinstance(history, str) or not history.isascii() or not history.isdigit():
        return None
    if len(history) > MAX_HISTORY_DIGITS or len(push_id) > 200 or _NOT_STORABLE.search(email + push_id):
        return None
    email = email.strip().lower()
    if not push_id:
        push_id = f"unwrapped-{hashlib.sha256(f'{email} {history}'.encode()).hexdigest()[:32]}"
    return PushNotice(push_id, email, history, subscription)


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


# ---- New messages in a page of history
# Each edit of a draft makes a new message id, which is ignored. All else is either incoming mail to screen or the
# owner's own mail to learn correspondents from. An id may occur in many records and is returned once.


_IGNORED = frozenset({"DRAFT", "CHAT"})


def position(history_id: str) -> int:
    """A history id as a number: ids are compared as numbers, not as texts. Raises `Refused`."""
    if not (history_id.isascii() and history_id.isdigit()):
        raise Refused("malformed.history", field="historyId")
    return int(history_id)


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message to screen, or the owner's `own` sent mail to learn from. `labels` is None if Google did not say."""

    gmail_id: str
    thread_id: str
    labels: frozenset[str] | None
    own: bool


def new_messages(
    added: Iterable[tuple[str, str, frozenset[str] | None]], gained: Iterable[tuple[str, str, frozenset[str]]]
) -> tuple[NewMessage, ...]:
    """Messages that were `added` (id, thread, labels), or became sent mail because they `gained` a label (id, thread,
    labels added); each once, in order."""
    seen: dict[str, NewMessage] = {}
    for gmail_id, thread_id, labels in added:
        if labels is not None and labels & _IGNORED and "SENT" not in labels:
            continue
        own = labels is not None and "SENT" in labels
        seen.setdefault(gmail_id, NewMessage(gmail_id, thread_id, labels, own))
    for gmail_id, thread_id, labels in gained:
        if "SENT" in labels:  # a draft that was sent
            seen[gmail_id] = NewMessage(gmail_id, thread_id, labels, own=True)
    return tuple(seen.values())
