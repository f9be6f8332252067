"""What any server of docs/reference/api.md must do, as checks over HTTP. The fake passes them here; the real one must.

`Subject` is all a server under test has to offer besides its HTTP.
"""

from __future__ import annotations

from typing import Any, Protocol

import httpx
from jsonschema import Draft202012Validator

TEXT = {"type": "string"}
MAYBE_TIME = {"type": ["string", "null"]}
COUNT = {"type": "integer", "minimum": 0}


def shape(**fields: Any) -> dict[str, Any]:
    """An object that has all these fields, and may have more."""
    return {"type": "object", "properties": fields, "required": sorted(fields)}


def rows(of: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": of}


REASON = shape(text=TEXT, weight={"type": "number"}, words=rows(TEXT))
MESSAGE = shape(
    **dict.fromkeys(
        (*"gmail_id thread_id sender sender_name domain subject outcome row cause model note told".split(),),
        TEXT,
    ),
    placement={"enum": ["inbox", "marked", "held"]},
    score={"type": ["number", "null"], "minimum": 0, "maximum": 1},
    reasons=rows(REASON),
    guards=rows(TEXT),
    received_at=MAYBE_TIME,
    decided_at=MAYBE_TIME,
    changed_at=TEXT,
    decided_by={"enum": ["", "solve", "credit", "owner", "kept", "replied"]},
)
STATUS = shape(
    version=TEXT,
    email=TEXT,
    name=TEXT,
    condition={
        "enum": [
            *("connecting", "indexing", "active", "observing"),
            *("paused", "needs_reconnect", "watch_lapsed", "delayed", "disconnected"),
        ]
    },
    title={"type": "string", "minLength": 1},
    cause=TEXT,
    remedy=TEXT,
    who={"enum": ["nobody", "owner", "pitchgate"]},
    warnings=rows(TEXT),
    watch_expires_at=MAYBE_TIME,
    index=shape(done=COUNT, total=COUNT),
    preferences=shape(
        mode={"enum": ["observe", "quarantine", "challenge"]},
        strictness={"enum": ["relaxed", "normal", "strict"]},
        paused_until=MAYBE_TIME,
    ),
    held=shape(messages=COUNT, senders=COUNT),
    questions=COUNT,
    event={"type": "string", "pattern": "^[0-9]+$"},
)
SENDER = shape(
    sender=TEXT, sender_name=TEXT, domain=TEXT, count=COUNT, latest_at=TEXT, messages=rows(MESSAGE)
)
HELD = shape(senders=rows(SENDER), cursor=TEXT, total=COUNT)
MESSAGES = shape(messages=rows(MESSAGE), cursor=TEXT)
QUESTIONS = shape(messages=rows(MESSAGE))
PREVIEW = shape(gmail_id=TEXT, text={"type": "string", "maxLength": 20_000}, truncated={"type": "boolean"})
CORRECTED = shape(key=TEXT, gmail_id=TEXT, decision=TEXT, moved=rows(TEXT))
UNDONE = shape(key=TEXT, moved=rows(TEXT))
TOKEN = shape(token=TEXT, device_id=TEXT, email=TEXT, scopes=rows(TEXT))
DEVICES = shape(
    devices=rows(
        shape(
            device_id=TEXT, name=TEXT, created_at=TEXT, last_seen_at=MAYBE_TIME, current={"type": "boolean"}
        )
    )
)
TICKET = shape(url=TEXT, expires_in={"type": "integer", "minimum": 1})
ERROR = shape(code=TEXT, title={"type": "string", "minLength": 1}, remedy=TEXT, field=TEXT)


class Subject(Protocol):
    """A server under test, with one mailbox."""

    url: str

    async def device_token(self) -> str:
        """A token of a new device."""
        ...

    async def hold(self, number: int, subject: str) -> str:
        """One more held, undecided message of the sender with this number; returns its gmail id."""
        ...

    async def code(self, redirect_uri: str, challenge: str, state: str) -> str:
        """Where the browser of an owner who consents is sent: redirect_uri?code=…&state=…"""
        ...


def fits(answer: httpx.Response, schema: dict[str, Any], status: int = 200) -> Any:
    """The JSON of an answer with this status and shape."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text[:300]}"
    assert answer.headers["Pitchgate-Api"] == "1"
    data = answer.json()
    Draft202012Validator(schema).validate(data)
    return data


def refused(answer: httpx.Response, status: int, code: str, field: str = "") -> None:
    found = fits(answer, ERROR, status)
    assert (found["code"], found["field"]) == (code, field)
