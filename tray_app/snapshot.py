"""The state as JSON for the local review page. Pure."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2s
from typing import Any

from tray_app.menu import headline
from tray_app.state import Message, TrayState, TroubleKind, explained
from tray_app.wire import message_to_json


def snapshot(state: TrayState, now: datetime, no_tray: str = "") -> dict[str, Any]:
    """Everything the page shows; times as ISO 8601 in UTC. `no_tray` says why there is no icon, "" if there is."""
    undoable = state.undoable if state.undoable and now < state.undoable.until else None
    return {
        "server": state.server,
        "signed_in": state.signed_in,
        "connecting": state.connecting,
        "signed_out": state.trouble is not None and state.trouble.kind is TroubleKind.SIGNED_OUT,
        "headline": headline(state, now),
        "remedy": state.trouble.remedy
        if state.trouble
        else " ".join(explained(state.status) if state.status else ()),
        "online": state.signed_in and state.trouble is None and state.status is not None,
        "email": state.status.email if state.status else "",
        "as_of": state.updated_at.isoformat() if state.updated_at else None,
        "waiting": state.waiting,
        "undo": {"key": undoable.key, "text": undoable.text, "until": undoable.until.isoformat()}
        if undoable
        else None,
        "held": [_shown(message) for message in state.held],
        "passed": [_shown(message) for message in state.passed],
        "no_tray": no_tray,
    }


def _shown(message: Message) -> dict[str, Any]:
    """A message with the colours of its sender's face, the same as on the server's pages: t1 to t6."""
    number = blake2s(message.sender.lower().encode(errors="replace")).digest()[0] % 6 + 1
    return message_to_json(message) | {"tint": f"t{number}"}
