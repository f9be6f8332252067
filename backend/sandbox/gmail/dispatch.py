"""From a request to an answer: token, faults, scopes, quota, handler. Knows no web framework."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from backend.sandbox.faults import AFTER_KINDS, FaultRule
from backend.sandbox.gmail import errors
from backend.sandbox.gmail.calls import Call, Method, check_names
from backend.sandbox.gmail.errors import ApiError
from backend.sandbox.gmail.fields import apply_mask, read_mask
from backend.sandbox.gmail.methods import TABLE
from backend.sandbox.quota import price
from backend.sandbox.world import World

JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"


@dataclass(slots=True)
class ApiRequest:
    """A request as the dispatcher needs it. Header names lower case; `path` still percent-encoded."""

    verb: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class ApiResponse:
    """An answer. `transport` spoils it on the wire: "drop", "drop_mid", or nothing."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    transport: str = ""


async def answer(world: World, request: ApiRequest) -> ApiResponse:
    """Answer one call. Never raises ApiError: errors become their bodies."""
    try:
        return await _answer(world, request)
    except ApiError as error:
        return json_response(error.body(), error.code)


def json_response(body: Any, status: int = 200) -> ApiResponse:
    """A JSON answer."""
    return ApiResponse(status, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


async def _answer(world: World, request: ApiRequest) -> ApiResponse:
    user, method, path = _route(request)
    token_account, project, scopes = _authenticate(world, request)
    rule = world.faults.strike(method.id, token_account, project)
    if (spoilt := await spoil_before(world, rule)) is not None:
        return spoilt
    mailbox = world.mailboxes[token_account]
    if user != "me" and user.lower() != token_account:
        raise errors.delegation_denied(user[:100])
    if not method.scopes & scopes:
        raise errors.insufficient_scope()
    call = Call(world, mailbox, project, scopes, path, request.query, _body(request))
    check_names(method, call.query, call.body)
    response = await _metered(call, method)
    return spoil_after(rule, response)


def _route(request: ApiRequest) -> tuple[str, Method, dict[str, str]]:
    segments = tuple(unquote(part) for part in request.path.strip("/").split("/"))
    if segments[:3] != ("gmail", "v1", "users") or len(segments) < 5:
        raise errors.not_found()
    found = TABLE.find(request.verb, segments[4:])
    if found is None:
        raise errors.not_found()
    return segments[3], found[0], found[1]


def _authenticate(world: World, request: ApiRequest) -> tuple[str, str, frozenset[str]]:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    token = world.grants.access(text.strip(), world.clock.now()) if scheme.lower() == "bearer" else None
    if token is None:
        raise errors.unauthenticated()
    return token.account, token.project, world.grants.effective_scopes(token)


def _body(request: ApiRequest) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise errors.invalid("Invalid JSON payload received.") from error
    if not isinstance(body, dict):
        raise errors.invalid("Invalid JSON payload received. Root element must be a message.")
    return body


async def _metered(call: Call, method: Method) -> ApiResponse:
    world, address = call.world, call.mailbox.address
    knobs = world.knobs
    units = price(method.id, knobs.quota_prices)
    limit = knobs.quota_per_minute if knobs.enforce_quota else None
    if not world.meter.enter(address, knobs.concurrency_cap):
        raise errors.too_many_concurrent()
    try:
        if not world.meter.charge(address, method.id, units, world.clock.now(), limit):
            raise errors.quota_exceeded()
        if knobs.latency_ms or knobs.concurrency_cap:
            await asyncio.sleep(knobs.latency_ms / 1000)
        body = method.handler(call)
    finally:
        world.meter.leave(address)
    if body is None:
        return ApiResponse(204, b"")
    mask = call.one("fields")
    return json_response(apply_mask(body, read_mask(mask)) if mask else body)


PAGES = {
    "bad_gateway": (
        502,
        b"<!DOCTYPE html><title>Error 502 (Server Error)!!1</title><p><b>502.</b> That's an error.",
    ),
    "forbidden_page": (
        403,
        b"<!DOCTYPE html><title>Error 403 (Forbidden)!!1</title><p><b>403.</b> That's an error.",
    ),
}
"""What some machine before Google's own says, in HTML and without a reason."""


async def spoil_before(world: World, rule: FaultRule | None) -> ApiResponse | None:
    """What a rule answers in the place of the call; None lets it pass. Raises ApiError."""
    if rule is None or rule.kind in AFTER_KINDS:
        return None
    if rule.kind == "slow":
        await asyncio.sleep(rule.seconds)
        return None
    if rule.kind == "drop":
        return ApiResponse(0, transport="drop")
    if rule.kind in PAGES:
        status, page = PAGES[rule.kind]
        return ApiResponse(status, page, HTML_TYPE)
    raise error_for(world, rule)


def spoil_after(rule: FaultRule | None, response: ApiResponse) -> ApiResponse:
    """The answer of a call that took effect, as a rule lets it arrive."""
    if rule is None:
        return response
    if rule.kind == "label_taken":
        return json_response(errors.label_conflict().body(), 409)
    if rule.kind == "unavailable_after":
        return json_response(errors.backend_error(503).body(), 503)
    if rule.kind == "garbage":
        return ApiResponse(200, response.body[: len(response.body) // 2] or b"{")
    if rule.kind in AFTER_KINDS:
        response.transport = "drop_mid" if rule.kind == "drop_mid" else "drop"
    return response


def error_for(world: World, rule: FaultRule) -> ApiError:
    """The refusal that a rule's kind stands for."""
    retry_at = world.clock.shown() + rule.seconds
    table: dict[str, Callable[[], ApiError]] = {
        "unauthenticated": errors.unauthenticated,
        "rate_limit": errors.quota_exceeded,
        "user_rate_limit": errors.user_rate_limit,
        "daily_limit": errors.daily_limit,
        "domain_policy": errors.domain_policy,
        "insufficient_scope": errors.insufficient_scope,
        "access_not_configured": errors.access_not_configured,
        "too_many_requests": lambda: errors.too_many_requests(retry_at),
        "too_many_concurrent": errors.too_many_concurrent,
        "failed_precondition": errors.failed_precondition,
        "invalid_argument": lambda: errors.invalid("Invalid argument."),
        "not_found": errors.not_found,
        "missing_topic": errors.missing_topic,
        "label_conflict": errors.label_conflict,
        "batch_limit": lambda: errors.batch_limit(world.knobs.batch_limit),
        "backend_500": errors.backend_error,
        "unavailable": lambda: errors.backend_error(503),
        "gateway_timeout": lambda: errors.backend_error(504),
    }
    return table.get(rule.kind, errors.backend_error)()
