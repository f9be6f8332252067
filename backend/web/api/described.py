"""openapi.json: the routes with what they take, answer and refuse, drawn by quart-schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pydantic import TypeAdapter
from quart import Quart, Response, current_app
from quart_schema import QuartSchema, document_headers, security_scheme
from quart_schema.openapi import HttpSecurityScheme, Info, OpenAPIProvider, Server
from quart_schema.validation import QUART_SCHEMA_REQUEST_ATTRIBUTE
from werkzeug.routing import Rule

from backend.transactions.records import Scope
from backend.web.api import schemas
from backend.web.api.authentication import API, PREFIX, STATUS, VERSION_HEADER, blueprint, tagged
from backend.web.api.schemas import Unchanged
from backend.web.guards import guarded, per_minute
from backend.web.services import services

# ---- Drawing openapi.json
# What a route takes is described where it is checked (`with_body`, `validate_querystring`), so the two cannot differ.


F = TypeVar("F", bound=Callable[..., Any])

TOLD = "_pitchgate_told"
KEY = "pitchgate_openapi"
COMPONENTS = "#/components/schemas/{model}"
SCHEME = "device"
ALWAYS = ("client_too_old", "rate_limited", "broken", "unavailable")
WITH_TOKEN = ("unauthenticated", "scope_missing", "not_found")
WITH_BODY = ("too_large", "malformed")
MAY_WAIT = ("429", "503")


def described(
    answer: type | None,
    *,
    scope: Scope | None = None,
    headers: type | None = None,
    refuses: tuple[str, ...] = (),
    status: int = 200,
) -> Callable[[F], F]:
    """Say of a handler what it takes, answers (None: no body) and refuses beside what every route does.

    Stands right below the route's decorator. `scope` None: no token is asked for.
    """

    def decorate(handler: F) -> F:
        codes = (
            *ALWAYS,
            *(WITH_TOKEN if scope else ()),
            *(WITH_BODY if hasattr(handler, QUART_SCHEMA_REQUEST_ATTRIBUTE) else ()),
            *refuses,
        )
        setattr(handler, TOLD, (status, answer, codes))
        security_scheme([{SCHEME: [scope.value]}] if scope else [])(handler)
        if headers:
            document_headers(headers)(handler)
        return handler

    return decorate


def register_openapi(app: Quart) -> None:
    """How quart-schema reads and shows types in an app."""
    app.config["QUART_SCHEMA_CONVERSION_PREFERENCE"] = "pydantic"
    app.config["QUART_SCHEMA_CONVERT_CASING"] = False


def document(app: Quart, address: str) -> dict[str, Any]:
    """The document of `app` at its public address, made once."""
    if KEY not in app.extensions:
        made = _Provider(app, _about(address)).schema()
        app.extensions[KEY] = json.loads(json.dumps(made, sort_keys=True))
    found: dict[str, Any] = app.extensions[KEY]
    return found


def _about(address: str) -> QuartSchema:
    text = (
        "What the desktop app calls. The rules for every call, rate limits and the browser round: the page “The API” "
        "of Pitchgate's documents."
    )
    return QuartSchema(
        info=Info("Pitchgate", API, description=text),
        servers=[Server(address)],
        security_schemes={SCHEME: HttpSecurityScheme(scheme="bearer")},
    )


class _Provider(OpenAPIProvider):
    """Our blueprint only, shapes as components, and errors and headers as every route has them."""

    def schema(self) -> dict[str, Any]:
        made = super().schema()
        made["info"]["license"] = {"name": "MIT", "identifier": "MIT"}
        text = {"type": "string"}
        made["components"]["headers"] = {
            VERSION_HEADER: {"required": True, "schema": {"const": API}, "description": "On every answer."},
            "ETag": {"required": True, "schema": text},
            "Retry-After": {"schema": {"type": "string", "pattern": "^[0-9]+$"}, "description": "Seconds."},
        }
        made["components"]["schemas"].update(self._shape(schemas.Refusal)[1])
        return made

    def generate_rules(self) -> Iterable[Rule]:
        return (rule for rule in super().generate_rules() if rule.rule.startswith(f"{PREFIX}/"))

    def operation_id(self, method: str, path: str, func: Callable[..., Any]) -> str:
        return func.__name__

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, components = super().build_paths(rule)
        status, answer, codes = getattr(self._app.view_functions[rule.endpoint], TOLD)
        for operations in paths.values():
            for operation in operations.values():
                operation["responses"] = _refusals(codes)
                operation["responses"][str(status)], more = self._answer(answer)
                components |= more
                self._finish(operation, status, components)
        return paths, components

    def _finish(self, operation: dict[str, Any], status: int, components: dict[str, Any]) -> None:
        if not operation.get("description"):
            operation.pop("description", None)
        if sent := operation.get("requestBody"):
            (content,) = sent["content"].values()
            name = content["schema"].pop("title")
            components[name] = content["schema"] | {"title": name}
            content["schema"] = {"$ref": COMPONENTS.format(model=name)}
            sent["required"] = bool(
                components[name].get("required") or "additionalProperties" in components[name]
            )
        if any(parameter["name"] == "if-none-match" for parameter in operation["parameters"]):
            operation["responses"][str(status)]["headers"] |= _headers("ETag")
            operation["responses"]["304"] = {
                "description": "Unchanged.",
                "headers": _headers(VERSION_HEADER, "ETag"),
            }

    def _answer(self, answer: type | None) -> tuple[dict[str, Any], dict[str, Any]]:
        success: dict[str, Any] = {"description": "Done.", "headers": _headers(VERSION_HEADER)}
        if answer is None:
            return success, {}
        if answer is bytes:
            return self._stream(success)
        if answer is dict:
            success |= {
                "description": "This document.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            }
            return success, {}
        schema, components = self._shape(answer)
        text = str(answer.__doc__)
        return success | {
            "description": text,
            "content": {"application/json": {"schema": schema}},
        }, components

    def _stream(self, success: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Server-sent events. The standard has no words for them: the data of each stand under x-events."""
        events: dict[str, Any] = {}
        components: dict[str, Any] = {}
        for name, shape in schemas.EVENTS.items():
            events[name], more = self._shape(shape)
            components |= more
        content = {"text/event-stream": {"schema": {"type": "string"}, "x-events": events}}
        return success | {
            "description": "The stream of server-sent events.",
            "content": content,
        }, components

    def _shape(self, shape: type) -> tuple[dict[str, Any], dict[str, Any]]:
        """A reference to the shape, and it and all it holds as components."""
        schema = TypeAdapter(shape).json_schema(ref_template=COMPONENTS, mode="serialization")
        components = schema.pop("$defs", {}) | {shape.__name__: schema}
        return {"$ref": COMPONENTS.format(model=shape.__name__)}, components


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusals(codes: Iterable[str]) -> dict[str, Any]:
    """Error answers by status, with the codes that may stand in each."""
    by_status: dict[str, set[str]] = {}
    for code in codes:
        by_status.setdefault(str(STATUS[code]), set()).add(code)
    return {
        status: {
            "description": ", ".join(sorted(found)),
            "headers": _headers(VERSION_HEADER, *(("Retry-After",) if status in MAY_WAIT else ())),
            "content": {"application/json": {"schema": {"$ref": COMPONENTS.format(model="Refusal")}}},
        }
        for status, found in by_status.items()
    }


# ---- GET openapi.json
# GET openapi.json: the contract for machines. It tells of no owner, so it asks for no token.


@blueprint.get("/openapi.json")
@described(dict, headers=Unchanged)
@guarded(per_minute(60))
async def openapi() -> Response:
    """This contract as an OpenAPI document."""
    app: Quart = current_app._get_current_object()  # type: ignore[attr-defined]
    return tagged(document(app, services().context.settings.public_url))
