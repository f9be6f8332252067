"""What all routes of the API share: authentication, scopes, rate limits, validation of input, and the format of answers
and errors."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from math import ceil
from typing import Any, ParamSpec, cast

from pydantic import ValidationError
from pydantic_core import from_json
from quart import Blueprint, Response, json, request
from quart_rate_limiter import RateLimit
from quart_schema import RequestSchemaValidationError, document_request
from quart_schema.conversion import model_load
from quart_schema.validation import QuerystringValidationError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from backend.domain import errors
from backend.domain.errors import PitchgateError, Refused
from backend.domain.mail.message import MailboxId
from backend.domain.mailbox.decisions import rule_domain
from backend.domain.mailbox.mailbox import Preferences
from backend.domain.mailbox.message import MessageView, Placement
from backend.domain.mailbox.review import reasons_of, shown_reason
from backend.locale import error_words, reason_sentence
from backend.locale import reason as reason_text
from backend.pipeline.devices import DeviceService
from backend.transactions.records import Device, HeldSender
from backend.web.api import schemas
from backend.web.guards import log_bug
from backend.web.pages import language_of
from backend.web.services import services

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
    return Response(json.dumps(data, ensure_ascii=False).encode(), status, content_type=JSON)


def answer_with_etag(data: Mapping[str, Any]) -> Response:
    """A JSON answer with its ETag, or 304 if the caller already has it."""
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
    """An error answer in the caller's language. `code` replaces the error's own code."""
    title, remedy = error_words(language_of(request.accept_languages), error)
    code = code or error.code
    field = error.field if isinstance(error, Refused) else ""
    response = answer({"code": code, "title": title, "remedy": remedy, "field": field}, STATUS.get(code, 422))
    response.headers[VERSION_HEADER] = API
    response.headers.extend(headers)
    return response


def message_json(view: MessageView, language: str) -> schemas.Message:
    """A message as described in docs/reference/api.md."""
    told = shown_reason(view)
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
        "told": reason_sentence(language, told.code, told.quotes, told.weight > 0) if told else "",
        "reasons": [
            {"text": reason_text(language, one.code), "weight": one.weight, "words": list(one.quotes)}
            for one in reasons_of(view)
        ],
        "guards": list(view.guards),
        "cause": view.cause,
        "model": view.model,
        "received_at": view.received_at.isoformat() if view.received_at else None,
        "decided_at": view.decided_at.isoformat() if view.decided_at else None,
        "changed_at": view.changed_at.isoformat(),
        "decided_by": view.decided_by,
        "note": view.note,
    }


def sender_json(group: HeldSender, language: str) -> schemas.Sender:
    return {
        "sender": group.sender,
        "sender_name": group.messages[0].sender_name if group.messages else "",
        "domain": rule_domain(group.sender),
        "count": group.count,
        "latest_at": group.latest_at.isoformat(),
        "messages": [message_json(view, language) for view in group.messages],
    }


def preferences_json(preferences: Preferences) -> schemas.Preferences:
    return cast(schemas.Preferences, preferences.to_json())


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

    Innermost, so that an unauthorized caller learns nothing about their input. `may_be_empty`: no body means {}.
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
