"""Answers of the API: JSON, its version header, entity tags, and one form for every error."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, cast

from quart import Response, json, request

from backend.domain.errors import PitchgateError, Refused
from backend.domain.mailbox.decisions import rule_domain
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import MessageView, Placement
from backend.locale import error_words, reason_words
from backend.locale import reason as reason_text
from backend.transactions.records import HeldSender
from backend.web.api import schemas
from backend.web.pages import language_of

PREFIX = "/api/v1"
VERSION_HEADER = "Pitchgate-Api"
API = "1"
JSON = "application/json"

STATUS = {
    "unauthenticated": 401,
    "scope_missing": 403,
    "not_found": 404,
    "wrong_method": 405,
    "key_reused": 409,
    "too_many_devices": 409,
    "code_expired": 410,
    "too_large": 413,
    "malformed": 422,
    "out_of_range": 422,
    "unknown_field": 422,
    "code_wrong": 422,
    "unreadable": 422,
    "client_too_old": 426,
    "rate_limited": 429,
    "broken": 500,
    "unavailable": 503,
}


def answer(data: Mapping[str, Any], status: int = 200) -> Response:
    """A JSON answer."""
    return Response(json.dumps(data, ensure_ascii=False).encode(), status, content_type=JSON)


def tagged(data: Mapping[str, Any]) -> Response:
    """The same with its entity tag, or 304 if the caller has it already."""
    response = answer(data)
    body = json.dumps(data, ensure_ascii=False, sort_keys=True).encode()
    tag = hashlib.sha256(body).hexdigest()[:32]
    if request.if_none_match.contains_weak(tag):
        response = Response(b"", 304)
        del response.headers["Content-Type"]
    response.headers["ETag"] = f'"{tag}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def refusal(error: PitchgateError, code: str = "", **headers: str) -> Response:
    """An error in the agreed form, its words in the caller's language. `code` in place of its own."""
    title, remedy = error_words(language_of(request.accept_languages), error)
    code = code or error.code
    field = error.field if isinstance(error, Refused) else ""
    response = answer({"code": code, "title": title, "remedy": remedy, "field": field}, STATUS.get(code, 422))
    response.headers[VERSION_HEADER] = API
    response.headers.extend(headers)
    return response


def message_json(view: MessageView, language: str) -> schemas.Message:
    """A message as docs/reference/api.md has it."""
    return {
        "gmail_id": view.gmail_id,
        "thread_id": view.thread_id,
        "sender": view.sender,
        "sender_name": view.sender_name,
        "domain": rule_domain(view.sender),
        "subject": view.subject,
        "placement": view.placement or Placement.INBOX,
        "outcome": view.outcome,
        "row": view.row,
        "score": view.score,
        "reasons": [_reason(one, language) for one in view.reasons],
        "guards": list(view.guards),
        "topics": sorted(view.topics),
        "cause": view.cause,
        "model": view.model,
        "received_at": view.received_at.isoformat() if view.received_at else None,
        "decided_at": view.decided_at.isoformat() if view.decided_at else None,
        "changed_at": view.changed_at.isoformat(),
        "decided_by": view.decided_by,
        "note": view.note,
    }


def _reason(kept: Mapping[str, Any], language: str) -> schemas.Reason:
    return {
        "text": reason_text(language, str(kept.get("text", ""))),
        "weight": kept.get("weight", 0.0),
        "words": [reason_words(language, str(word)) for word in kept.get("words", ())],
    }


def sender_json(group: HeldSender, language: str) -> schemas.Sender:
    """A sender with their held mail."""
    return {
        "sender": group.sender,
        "sender_name": group.messages[0].sender_name if group.messages else "",
        "domain": rule_domain(group.sender),
        "count": group.count,
        "latest_at": group.latest_at.isoformat(),
        "messages": [message_json(view, language) for view in group.messages],
    }


def preferences_json(preferences: Preferences) -> schemas.Preferences:
    """All settings."""
    return cast(schemas.Preferences, preferences.to_json())
