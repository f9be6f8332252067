"""The body of a Pub/Sub push, in both of its forms, read tolerantly.

Wrapped: {"message": {"data": base64 of {"emailAddress", "historyId"}, "messageId"}, "subscription"}.
Unwrapped: {"emailAddress", "historyId"} is the body itself.
`historyId` may be a JSON string or number; base64 may be the URL or the plain alphabet, padded or not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

MAX_HISTORY_DIGITS = 20
"""An unsigned 64-bit number has at most 20 digits."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """`push_id` is Pub/Sub's message id (for the unwrapped form: one made of the content);
    `subscription` is "" where the body names none. `email` is lower-case."""

    push_id: str
    email: str
    history_id: str
    subscription: str = ""


def subscription_of(body: bytes) -> str:
    """The subscription a body names, "" if it names none or cannot be read."""
    data = _object(body)
    name = data.get("subscription") if data else None
    return name if isinstance(name, str) else ""


def read_envelope(body: bytes) -> Envelope | None:
    """The notice in `body`, or None when it is not one: acknowledge and count it, it will never get better."""
    outer = _object(body)
    if outer is None:
        return None
    message = outer.get("message")
    if not isinstance(message, dict):
        return _notice(outer, "", "")
    push_id = message.get("messageId") or message.get("message_id") or ""
    data = message.get("data")
    if not isinstance(push_id, str) or not isinstance(data, str):
        return None
    inner = _object(_decoded(data))
    return _notice(inner, push_id, subscription_of(body)) if inner else None


def _notice(data: dict[str, Any], push_id: str, subscription: str) -> Envelope | None:
    email, history = data.get("emailAddress"), data.get("historyId")
    if isinstance(history, int) and not isinstance(history, bool):
        history = str(history)
    if not isinstance(email, str) or "@" not in email or len(email) > 320:
        return None
    if not isinstance(history, str) or not history.isascii() or not history.isdigit():
        return None
    if len(history) > MAX_HISTORY_DIGITS or len(push_id) > 200:
        return None
    email = email.strip().lower()
    made = hashlib.sha256(f"{email} {history}".encode()).hexdigest()[:32]
    return Envelope(push_id or f"unwrapped-{made}", email, history, subscription)


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
