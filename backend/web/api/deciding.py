"""Corrections and undo, settings and pause."""

from __future__ import annotations

from datetime import UTC, datetime

from quart import Response

from backend.domain.errors import Refused
from backend.domain.mailbox.decisions import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import CATEGORIES
from backend.domain.watching.trial import Answer
from backend.transactions.records import Scope
from backend.web.api import requests, schemas
from backend.web.api.answers import answer, preferences_json
from backend.web.api.authentication import Call, blueprint, per_device, with_device
from backend.web.api.checking import with_body
from backend.web.api.described import described
from backend.web.api.reading import NETWORK
from backend.web.guards import guarded


@blueprint.post("/corrections")
@described(schemas.Corrected, scope=Scope.CORRECT, refuses=("key_reused",))
@guarded(per_device(120), NETWORK)
@with_device(Scope.CORRECT)
@with_body(requests.Correction)
async def correct(call: Call, data: requests.Correction) -> Response:
    """The owner's word on a message. The same key again answers the same."""
    key, gmail_id, decision = data["key"], data["gmail_id"], data["decision"]
    correction = Correction(key, gmail_id, Decision(decision), Origin.TRAY)
    moved = await call.service.correct(call.mailbox_id, correction)
    return answer({"key": key, "gmail_id": gmail_id, "decision": decision, "moved": list(moved)})


@blueprint.post("/corrections/<key>/undo")
@described(schemas.Undone, scope=Scope.CORRECT)
@guarded(per_device(120), NETWORK)
@with_device(Scope.CORRECT)
async def undo(call: Call, key: str) -> Response:
    """Take it back. Again: the same answer."""
    return answer({"key": key, "moved": list(await call.service.undo(call.mailbox_id, key))})


@blueprint.put("/questions/<gmail_id>")
@described(schemas.Answered, scope=Scope.CORRECT)
@guarded(per_device(120), NETWORK)
@with_device(Scope.CORRECT)
@with_body(requests.QuestionAnswer)
async def say(call: Call, gmail_id: str, data: requests.QuestionAnswer) -> Response:
    """Answer a question; a later answer stands in place of an earlier one."""
    given = Answer(data["answer"])
    await call.service.say(call.mailbox_id, gmail_id, given, Origin.TRAY)
    return answer({"gmail_id": gmail_id, "answer": given})


@blueprint.patch("/preferences")
@described(
    schemas.Changed,
    scope=Scope.SETTINGS,
    refuses=("out_of_range", "unknown_field"),
)
@guarded(per_device(120), NETWORK)
@with_device(Scope.SETTINGS)
@with_body(requests.PreferenceChanges)
async def prefer(call: Call, data: requests.PreferenceChanges) -> Response:
    """Change settings, all or none."""
    if set(data.get("left_alone", [])) - set(CATEGORIES):
        raise Refused("out_of_range.category", field="left_alone")
    preferences = await call.service.prefer(call.mailbox_id, dict(data))
    return answer({"preferences": preferences_json(preferences)})


@blueprint.post("/pause")
@described(schemas.Paused, scope=Scope.SETTINGS, refuses=("out_of_range",))
@guarded(per_device(120), NETWORK)
@with_device(Scope.SETTINGS)
@with_body(requests.Pause)
async def pause(call: Call, data: requests.Pause) -> Response:
    """Leave new mail alone until then; null resumes."""
    until = _time(data["until"]) if data["until"] is not None else None
    await call.service.pause(call.mailbox_id, until)
    return answer({"paused_until": until.isoformat() if until else None})


def _time(given: str) -> datetime:
    try:
        at = datetime.fromisoformat(given)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Refused("malformed.until", field="until") from error
