"""Google's own description of the API, and its schemas as JSON Schema."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import googleapiclient
from jsonschema import Draft202012Validator

Json = dict[str, Any]
_INT64 = r"^-?[0-9]{1,19}$"
_UINT64 = r"^[0-9]{1,20}$"
_BASE64URL = r"^[A-Za-z0-9_-]*={0,2}$"


@functools.cache
def _document() -> Json:
    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    return dict(json.loads((folder / "gmail.v1.json").read_text(encoding="utf-8")))


def document(root_url: str) -> Json:
    """The discovery document, aimed at another root."""
    aimed = copy.deepcopy(_document())
    aimed["rootUrl"] = aimed["baseUrl"] = root_url.rstrip("/") + "/"
    aimed.pop("mtlsRootUrl", None)
    return aimed


def methods() -> dict[str, Json]:
    """Every method of the document by id."""
    return dict(_walk(_document()["resources"]))


def validator(method_id: str) -> Draft202012Validator | None:
    """A validator for a method's answer, or None if it answers nothing."""
    reference = methods()[method_id].get("response")
    if reference is None:
        return None
    return Draft202012Validator({"$ref": f"#/$defs/{reference['$ref']}", "$defs": _definitions()})


@functools.cache
def _definitions() -> Json:
    return {name: _schema(schema) for name, schema in _document()["schemas"].items()}


def _walk(resources: Json) -> Iterator[tuple[str, Json]]:
    for resource in resources.values():
        for method in resource.get("methods", {}).values():
            yield method["id"], method
        yield from _walk(resource.get("resources", {}))


def _schema(described: Json) -> Json:
    """One discovery schema as a strict JSON Schema: nothing undocumented, int64 as text, no empty lists."""
    if "$ref" in described:
        return {"$ref": f"#/$defs/{described['$ref']}"}
    kind = described["type"]
    if kind == "object":
        properties = {name: _schema(inner) for name, inner in described.get("properties", {}).items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if kind == "array":
        # Google leaves empty lists out.
        return {"type": "array", "items": _schema(described["items"]), "minItems": 1}
    schema: Json = {"type": kind}
    if "enum" in described:
        schema["enum"] = described["enum"]
    patterns = {"int64": _INT64, "uint64": _UINT64, "byte": _BASE64URL}
    form = described.get("format")
    if kind == "string" and form in patterns:
        schema["pattern"] = patterns[form]
    if form in ("int32", "uint32"):
        schema |= {"minimum": 0 if form == "uint32" else -(2**31), "maximum": 2**32 - 1}
    return schema
