"""Corrections and undo, settings and pause."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from quart import Response

from backend.domain.errors import Refused
from backend.domain.mailbox.correction import Correction, Decision, Origin
from backend.domain.mailbox.mailbox import CATEGORIES
from backend.ports.devices import Scope
from backend.web.api import requests, schemas
from backend.web.api.answers import answer, preferences_json
from backend.web.api.authentication import Call, blueprint, body, per_device, text, with_device
from backend.web.api.described import described
from backend.web.api.reading import NETWORK
from backend.web.guards import guarded

KEY = re.compile(r"[A-Za-z0-9_-]{16,64}")
OFFERED = frozenset(Decision) - {Decision.REPLIED}
SETTABLE = frozenset(
    {
        *("mode", "strictness", "left_alone", "rows_off", "credits_per_solve"),
        *("daily_challenges", "domain_challenges", "retention_days"),
    }
)


@blueprint.post("/corrections")
@described(schemas.Corrected, scope=Scope.CORRECT, sends=requests.Correction, refuses=("key_reused",))
@guarded(per_device(120), NETWORK)
@with_device(Scope.CORRECT)
async def correct(call: Call) -> Response:
    """The owner's word on a message. The same key again answers the same."""
    sent = await body()
    key, gmail_id, decision = (text(sent, name) for name in ("key", "gmail_id", "decision"))
    if not KEY.fullmatch(key):
        raise Refused("The key must be 16 to 64 of A-Z a-z 0-9 - _.", code="malformed", field="key")
    if decision not in OFFERED:
        raise Refused("There is no such decision.", code="malformed", field="decision")
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


@blueprint.patch("/preferences")
@described(
    schemas.Changed,
    scope=Scope.SETTINGS,
    sends=requests.PreferenceChanges,
    refuses=("out_of_range", "unknown_field"),
)
@guarded(per_device(120), NETWORK)
@with_device(Scope.SETTINGS)
async def prefer(call: Call) -> Response:
    """Change settings, all or none."""
    changes = await body()
    _check(changes)
    return answer({"preferences": preferences_json(await call.service.prefer(call.mailbox_id, changes))})


def _check(changes: dict[str, Any]) -> None:
    if unknown := changes.keys() - SETTABLE:
        raise Refused(
            f"There is no setting {min(unknown)[:40]!r} here.", code="unknown_field", field=min(unknown)[:40]
        )
    for name in ("left_alone", "rows_off"):
        rows = changes.get(name, [])
        if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
            raise Refused(f"{name} must be a list of texts.", code="malformed", field=name)
    if set(changes.get("left_alone", [])) - set(CATEGORIES):
        raise Refused("There is no such category.", code="out_of_range", field="left_alone")


@blueprint.post("/pause")
@described(schemas.Paused, scope=Scope.SETTINGS, sends=requests.Pause, refuses=("out_of_range",))
@guarded(per_device(120), NETWORK)
@with_device(Scope.SETTINGS)
async def pause(call: Call) -> Response:
    """Leave new mail alone until then; null resumes."""
    sent = await body()
    if "until" not in sent:
        # Left out is not null: a slip must not end the owner's pause.
        raise Refused("until must be a time, or null to resume.", code="malformed", field="until")
    until = None if sent.get("until") is None else _time(text(sent, "until"))
    await call.service.pause(call.mailbox_id, until)
    return answer({"paused_until": until.isoformat() if until else None})


def _time(given: str) -> datetime:
    try:
        at = datetime.fromisoformat(given)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Refused(
            "until must be a time like 2026-01-31T08:00:00+00:00.", code="malformed", field="until"
        ) from error
