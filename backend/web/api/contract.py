"""What all routes of the API share: answers and refusals, who may call and how often, validated input, and the
OpenAPI document."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from math import ceil
from typing import Any, Concatenate, ParamSpec, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from quart import Blueprint, Quart, Response, request
from quart import json as app_json
from quart_rate_limiter import RateLimit
from quart_schema import (
    QuartSchema,
    RequestSchemaValidationError,
    document_headers,
    document_request,
    security_scheme,
)
from quart_schema.conversion import model_load
from quart_schema.openapi import HttpSecurityScheme, Info, OpenAPIProvider, Server
from quart_schema.validation import QUART_SCHEMA_REQUEST_ATTRIBUTE, QuerystringValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.routing import Rule

from backend.domain import errors
from backend.domain.errors import PitchgateError, Refused, Unauthenticated
from backend.domain.mail.message import MailboxId
from backend.locale import error_words
from backend.pipeline.devices import DeviceService
from backend.transactions.records import Device, Scope
from backend.web.api import schemas
from backend.web.api.schemas import IfNoneMatch
from backend.web.guards import guarded, log_bug, per_minute
from backend.web.pages import language_of
from backend.web.services import services, this_app

# ---- Answers


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
    return Response(app_json.dumps(data, ensure_ascii=False).encode(), status, content_type=JSON)


def answer_with_etag(data: Mapping[str, Any]) -> Response:
    """A JSON answer with its ETag, or 304 if the caller already has it."""
    response = answer(data)
    body = app_json.dumps(data, ensure_ascii=False, sort_keys=True).encode()
    tag = hashlib.sha256(body).hexdigest()[:32]
    if request.if_none_match.contains_weak(tag):
        response = Response(b"", 304)
        del response.headers["Content-Type"]
    response.headers["ETag"] = f'"{tag}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def refusal(error: PitchgateError, code: str = "", **headers: str) -> Response:
    """An error answer in the caller's language. `code` replaces the error's own code."""
    title, remedy = error_words(language_of(request.accept_languages), error)
    code = code or error.code
    field = error.field if isinstance(error, Refused) else ""
    response = answer({"code": code, "title": title, "remedy": remedy, "field": field}, STATUS.get(code, 422))
    response.headers[VERSION_HEADER] = API
    response.headers.extend(headers)
    return response


# ---- Guards of every API route


P = ParamSpec("P")

BODY_LIMIT = 64 * 1024
BEARER = re.compile(r"Bearer ([A-Za-z0-9_~.+/=-]{20,200})", re.IGNORECASE)
CLIENT = re.compile(r"tray/(\d{1,4})\.(\d{1,4})(?:[.\s+-].*)?")
OLDEST_CLIENT = (0, 1)
HTTP_CODES = {
    404: "not_found",
    405: "wrong_method",
    413: "too_large",
    429: "rate_limited",
    503: "unavailable",
}

blueprint = Blueprint("api", __name__, url_prefix=PREFIX)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call of an authenticated device."""

    service: DeviceService
    device: Device

    @property
    def mailbox_id(self) -> MailboxId:
        """The only mailbox this device may use."""
        return self.device.mailbox_id


def service() -> DeviceService:
    return services().devices


async def _device_key() -> str:
    return hashlib.sha256(request.headers.get("Authorization", "").encode()).hexdigest()[:32]


def per_device(count: int) -> RateLimit:
    """At most `count` calls a minute for each token. Invented tokens are bounded by the limit for the address."""
    return RateLimit(count, timedelta(minutes=1), key_function=_device_key)


@blueprint.before_request
async def _check_size_and_version() -> Response | None:
    length = request.content_length
    if length is not None and length > BODY_LIMIT:
        raise RequestEntityTooLarge
    client = CLIENT.fullmatch(request.headers.get("Pitchgate-Client", ""))
    if client and (int(client[1]), int(client[2])) < OLDEST_CLIENT:
        return refusal(errors.PitchgateError("client_too_old"))
    return None


@blueprint.after_request
async def _add_version(response: Response) -> Response:
    response.headers[VERSION_HEADER] = API
    return response


@blueprint.errorhandler(errors.PitchgateError)
async def _pitchgate_error(error: errors.PitchgateError) -> Response:
    if isinstance(error, errors.Unauthenticated):
        return refusal(errors.PitchgateError("unauthenticated.device"))
    if isinstance(error, errors.NotFound):
        return refusal(error, "not_found")
    if isinstance(error, errors.Refused):
        return refusal(error)
    if isinstance(error, errors.GoogleError | errors.Conflict):
        headers = {"Retry-After": "1"} if isinstance(error, errors.Conflict) else retry_after(error)
        return refusal(error, "unavailable", **headers)
    log_bug(error)
    return refusal(errors.PitchgateError("broken"))


def retry_after(error: errors.PitchgateError) -> dict[str, str]:
    """The header with the seconds until another try, if the error says when."""
    if not isinstance(error, errors.TryLater) or error.retry_at is None:
        return {}
    wait = (error.retry_at - services().context.clock.now()).total_seconds()
    return {"Retry-After": str(max(1, ceil(wait)))}


@blueprint.errorhandler(HTTPException)
async def http_error(error: HTTPException) -> Response:
    """An HTTP error in the API's format, also for unknown addresses below /api/v1."""
    headers = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    status = error.code or 500
    code = HTTP_CODES.get(status, "malformed" if status < 500 else "broken")
    return refusal(errors.PitchgateError(code), **headers)


@blueprint.errorhandler(Exception)
async def _bug(error: Exception) -> Response:
    log_bug(error)
    return refusal(errors.PitchgateError("broken"))


# ---- Validating input
# Input is validated by the types that openapi.json shows. A refusal names the field.


WRONG = {
    "extra_forbidden": "unknown_field",
    **dict.fromkeys(
        ("enum", "greater_than_equal", "less_than_equal", "string_too_long", "int_parsing", "int_type"),
        "out_of_range",
    ),
}
"""Our code for pydantic's error types; "malformed" for all others."""


def with_body(
    shape: type, *, may_be_empty: bool = False
) -> Callable[[Callable[..., Awaitable[Response]]], Callable[..., Awaitable[Response]]]:
    """Decorator that passes the JSON body to the handler as `data`, validated as `shape`, and documents it.

    Place innermost: unauthorized callers must learn nothing about their input. `may_be_empty`: no body means {}.
    """

    def decorate(handler: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
        document_request(shape)(handler)

        @wraps(handler)
        async def validated(*args: Any, **kwargs: Any) -> Response:
            data: Any = model_load(await _read_json(may_be_empty), shape, RequestSchemaValidationError)
            return await handler(*args, data=data, **kwargs)

        return validated

    return decorate


async def _read_json(may_be_empty: bool) -> Any:
    """The body as JSON, whatever its Content-Type, bounded in size and depth; None if it is not JSON."""
    raw = await request.get_data(as_text=False)
    if len(raw) > BODY_LIMIT:  # a body without Content-Length
        raise RequestEntityTooLarge
    try:
        # Stricter than the standard library: refuses lone surrogates and unlimited nesting.
        return from_json(raw or (b"{}" if may_be_empty else b""))
    except ValueError:
        return None


@blueprint.errorhandler(RequestSchemaValidationError)
@blueprint.errorhandler(QuerystringValidationError)
async def _invalid_input(error: RequestSchemaValidationError | QuerystringValidationError) -> Response:
    """The answer to invalid input: the first error and its field."""
    found = error.validation_error
    first = found.errors(include_url=False)[0] if isinstance(found, ValidationError) else None
    if first is None or not first["loc"]:
        return refusal(Refused("malformed.body"))
    code, field = WRONG.get(first["type"], "malformed"), str(first["loc"][0])[:40]
    return refusal(Refused(f"{code}.value", name=field, why=first["msg"][:200], field=field))


# ---- Generating openapi.json
# Input is documented by the decorators that validate it (`with_body`, `validate_querystring`), so the two cannot
# differ.


F = TypeVar("F", bound=Callable[..., Any])

RESPONSES = "_pitchgate_responses"
KEY = "pitchgate_openapi"
COMPONENTS = "#/components/schemas/{model}"
SCHEME = "device"
ALWAYS = ("client_too_old", "rate_limited", "broken", "unavailable")
WITH_TOKEN = ("unauthenticated", "scope_missing", "not_found")
WITH_BODY = ("too_large", "malformed")
WITH_RETRY_AFTER = ("429", "503")


def described(
    answer: type | None,
    *,
    scope: Scope | None = None,
    headers: type | None = None,
    refuses: tuple[str, ...] = (),
    status: int = 200,
) -> Callable[[F], F]:
    """Decorator that documents a handler: its `answer` (None: no body), `headers`, and the error codes it `refuses`
    with besides every route's.

    Comes right below the route's decorator. `scope` None: no token is needed.
    """

    def decorate(handler: F) -> F:
        codes = (
            *ALWAYS,
            *(WITH_TOKEN if scope else ()),
            *(WITH_BODY if hasattr(handler, QUART_SCHEMA_REQUEST_ATTRIBUTE) else ()),
            *refuses,
        )
        setattr(handler, RESPONSES, (status, answer, codes))
        security_scheme([{SCHEME: [scope.value]}] if scope else [])(handler)
        if headers:
            document_headers(headers)(handler)
        return handler

    return decorate


PER_ADDRESS = per_minute(1_200)
"""Limit for an IP address, whatever tokens it uses."""


def for_device(
    answer: type | None,
    scope: Scope,
    *,
    headers: type | None = None,
    refuses: tuple[str, ...] = (),
    status: int = 200,
    calls: int = 120,
    timeout: float = 10.0,
) -> Callable[[Callable[Concatenate[ApiCall, P], Awaitable[Response]]], Callable[P, Awaitable[Response]]]:
    """Decorator that passes an `ApiCall` to the handler if the caller is a device with `scope`: documented as by
    `described`, and limited to `calls` a minute for a device and to `timeout` seconds."""

    def decorate(
        handler: Callable[Concatenate[ApiCall, P], Awaitable[Response]],
    ) -> Callable[P, Awaitable[Response]]:
        @wraps(handler)
        async def authenticated(*args: P.args, **kwargs: P.kwargs) -> Response:
            token = BEARER.fullmatch(request.headers.get("Authorization", ""))
            if token is None:
                raise Unauthenticated("unauthenticated.device")
            device = await service().device(token[1])
            if scope not in device.scopes:
                raise Refused("scope_missing")
            return await handler(ApiCall(service(), device), *args, **kwargs)

        limited = guarded(per_device(calls), PER_ADDRESS, timeout=timeout)(authenticated)
        return described(answer, scope=scope, headers=headers, refuses=refuses, status=status)(limited)

    return decorate


def register_openapi(app: Quart) -> None:
    app.config["QUART_SCHEMA_CONVERSION_PREFERENCE"] = "pydantic"
    app.config["QUART_SCHEMA_CONVERT_CASING"] = False


def document(app: Quart, address: str) -> dict[str, Any]:
    """The OpenAPI document of `app` at its public `address`, generated once."""
    if KEY not in app.extensions:
        made = _Provider(app, _about(address)).schema()
        app.extensions[KEY] = json.loads(json.dumps(made, sort_keys=True))
    found: dict[str, Any] = app.extensions[KEY]
    return found


def _about(address: str) -> QuartSchema:
    text = (
        "What the desktop app calls. Rules for every call, rate limits and browser sign-in: the page “The API” "
        "of Pitchgate's documents."
    )
    return QuartSchema(
        info=Info("Pitchgate", API, description=text),
        servers=[Server(address)],
        security_schemes={SCHEME: HttpSecurityScheme(scheme="bearer")},
    )


class _Provider(OpenAPIProvider):
    """Documents only the API's blueprint, with types as components and the errors and headers all routes share."""

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
        status, answer, codes = getattr(self._app.view_functions[rule.endpoint], RESPONSES)
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
        if body := operation.get("requestBody"):
            (content,) = body["content"].values()
            name = content["schema"].pop("title")
            components[name] = content["schema"] | {"title": name}
            content["schema"] = {"$ref": COMPONENTS.format(model=name)}
            # A body that forbids unknown fields must be sent, even if all its fields are optional.
            body["required"] = bool(
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
        if answer is dict:  # only openapi.json's own route
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
        """Server-sent events. OpenAPI cannot describe them: the data of each is documented under x-events."""
        events: dict[str, Any] = {}
        components: dict[str, Any] = {}
        for name, shape in schemas.EVENTS.items():
            events[name], more = self._shape(shape)
            components |= more
        content = {"text/event-stream": {"schema": {"type": "string"}, "x-events": events}}
        return success | {"description": "The stream of server-sent events.", "content": content}, components

    def _shape(self, shape: type) -> tuple[dict[str, Any], dict[str, Any]]:
        """A reference to the type, and the components for it and the types it contains."""
        schema = TypeAdapter(shape).json_schema(ref_template=COMPONENTS, mode="serialization")
        components = schema.pop("$defs", {}) | {shape.__name__: schema}
        return {"$ref": COMPONENTS.format(model=shape.__name__)}, components


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _refusals(codes: Iterable[str]) -> dict[str, Any]:
    """The documentation of error answers, by status, with the codes each may have."""
    by_status: dict[str, set[str]] = {}
    for code in codes:
        by_status.setdefault(str(STATUS[code]), set()).add(code)
    return {
        status: {
            "description": ", ".join(sorted(found)),
            "headers": _headers(VERSION_HEADER, *(("Retry-After",) if status in WITH_RETRY_AFTER else ())),
            "content": {"application/json": {"schema": {"$ref": COMPONENTS.format(model="Refusal")}}},
        }
        for status, found in by_status.items()
    }


# ---- GET openapi.json
# Without a token: it says nothing about an owner.


@blueprint.get("/openapi.json")
@described(dict, headers=IfNoneMatch)
@guarded(per_minute(60))
async def openapi() -> Response:
    """This contract as an OpenAPI document."""
    return answer_with_etag(document(this_app(), services().context.settings.public_url))
