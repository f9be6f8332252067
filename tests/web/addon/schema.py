"""Google's own description of a card, as a JSON Schema, and the answers around it as section 6.4 has them."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]
CARD, SECTION, WIDGET = (f"GoogleAppsCardV1{name}" for name in ("Card", "Section", "Widget"))


@functools.cache
def _definitions() -> Json:
    name = "discovery_cache/documents/chat.v1.json"
    document = json.loads(resources.files("googleapiclient").joinpath(name).read_text(encoding="utf-8"))
    return {name: _schema(described) for name, described in document["schemas"].items()}


def _schema(described: Json) -> Json:
    """One discovery schema, strictly: nothing it does not describe, no value it does not name, no empty list."""
    if "$ref" in described:
        return {"$ref": f"#/$defs/{described['$ref']}"}
    kind = described["type"]
    if kind == "any":
        return {}
    if kind == "object":
        inner = {name: _schema(field) for name, field in described.get("properties", {}).items()}
        extra = described.get("additionalProperties")
        return {
            "type": "object",
            "properties": inner,
            "additionalProperties": _schema(extra) if extra else False,
        }
    if kind == "array":
        return {"type": "array", "items": _schema(described["items"]), "minItems": 1}
    return {"type": kind} | ({"enum": described["enum"]} if "enum" in described else {})


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


TEXT: Json = {"type": "string", "minLength": 1}
CARD_REF: Json = {"$ref": f"#/$defs/{CARD}"}
ACTION = _object(
    ["navigations"],
    navigations={
        "type": "array",
        "minItems": 1,
        "items": {
            "oneOf": [_object(["pushCard"], pushCard=CARD_REF), _object(["updateCard"], updateCard=CARD_REF)]
        },
    },
    notification=_object(["text"], text=TEXT),
)
SCOPES = _object(["scopes"], scopes={"type": "array", "items": TEXT, "minItems": 1})
PROMPT = _object(["authorization_url", "resource"], authorization_url=TEXT, resource=TEXT)
TRIGGER = _object(["action"], action=ACTION)
CLICK = _object(
    ["renderActions", "stateChanged"],
    renderActions=_object(["action"], action=ACTION),
    stateChanged={"type": "boolean"},
)
PROMPTS = [
    _object(["requesting_google_scopes"], requesting_google_scopes=SCOPES),
    _object(["basic_authorization_prompt"], basic_authorization_prompt=PROMPT),
]


@functools.cache
def validator(name: str) -> Draft202012Validator:
    """Of one card, or of one part of it."""
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": _definitions()})


@functools.cache
def answer_validator(clicked: bool) -> Draft202012Validator:
    return Draft202012Validator({"oneOf": [CLICK if clicked else TRIGGER, *PROMPTS], "$defs": _definitions()})


def check_answer(answer: Json, *, clicked: bool) -> None:
    """Fail with the place and the reason of everything that is wrong."""
    wrong = list(answer_validator(clicked).iter_errors(answer))
    details = [error for one in wrong for error in (one.context or [one])]
    assert not wrong, "\n".join(f"{list(e.absolute_path)}: {e.message[:300]}" for e in details)
