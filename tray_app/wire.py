"""JSON of docs/reference/api.md to the app's values and, for the state file and the local page, back. Pure.

What is missing or of the wrong kind raises `WrongVersion`: such an answer is not one this app can trust.
Unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tray_app.errors import WrongVersion
from tray_app.state import Message, Status
from tray_app.words import t


def unreadable() -> WrongVersion:
    """The error for an answer that cannot be trusted."""
    return WrongVersion(
        t("error.not_understood"),
        t("error.not_understood_remedy"),
    )


def status_from_json(data: Mapping[str, Any]) -> Status:
    """The answer of GET /status."""
    try:
        preferences, held, index = data["preferences"], data["held"], data.get("index") or {}
        return Status(
            version=str(data["version"]),
            email=str(data["email"]),
            condition=str(data["condition"]),
            title=str(data.get("title") or ""),
            cause=str(data.get("cause") or ""),
            remedy=str(data.get("remedy") or ""),
            who=str(data.get("who") or "nobody"),
            warnings=tuple(str(sentence) for sentence in data.get("warnings") or ()),
            mode=str(preferences["mode"]),
            strictness=str(preferences["strictness"]),
            welcome=frozenset(str(topic) for topic in preferences.get("welcome") or ()),
            paused_until=_time(preferences.get("paused_until")),
            held_messages=int(held["messages"]),
            held_senders=int(held["senders"]),
            questions=int(data.get("questions") or 0),
            index_done=int(index.get("done", 0)),
            index_total=int(index.get("total", 0)),
            event=str(data["event"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable() from error


def message_from_json(data: Mapping[str, Any]) -> Message:
    """One message. Reasons are kept as their texts, strongest first, those that speak for a pitch only."""
    try:
        return Message(
            gmail_id=str(data["gmail_id"]),
            sender=str(data["sender"]),
            sender_name=str(data.get("sender_name") or ""),
            domain=str(data.get("domain") or ""),
            subject=str(data.get("subject") or ""),
            placement=str(data.get("placement") or "inbox"),
            score=None if data.get("score") is None else float(data["score"]),
            reasons=tuple(_reason(reason) for reason in data.get("reasons") or () if _speaks(reason)),
            received_at=_time(data.get("received_at")),
            decided_by=str(data.get("decided_by") or ""),
            note=str(data.get("note") or ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise unreadable() from error


def message_to_json(message: Message) -> dict[str, Any]:
    """Inverse of `message_from_json` for what is kept."""
    return {
        "gmail_id": message.gmail_id,
        "sender": message.sender,
        "sender_name": message.sender_name,
        "domain": message.domain,
        "subject": message.subject,
        "placement": message.placement,
        "score": message.score,
        "reasons": list(message.reasons),
        "received_at": message.received_at.isoformat() if message.received_at else None,
        "decided_by": message.decided_by,
        "note": message.note,
    }


def _reason(reason: Any) -> str:
    return reason if isinstance(reason, str) else str(reason["text"])


def _speaks(reason: Any) -> bool:
    return isinstance(reason, str) or float(reason.get("weight", 0)) > 0


def _time(value: Any) -> datetime | None:
    if not value:
        return None
    at = datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
