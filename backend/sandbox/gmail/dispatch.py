"""Passes a request to the method it names."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from quart import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from backend.sandbox.faults import AFTER_KINDS, FaultRule, drop_connection, price
from backend.sandbox.gmail import messages, resources
from backend.sandbox.gmail.calls import TABLE, ApiError, Call, Method, check_names, invalid, not_found
from backend.sandbox.world import World, world

METHOD_MODULES = (messages, resources)
"""Importing them fills `TABLE`."""

# ---- From request to answer
# No web framework here.


JSON_TYPE = "application/json; charset=UTF-8"
HTML_TYPE = "text/html; charset=UTF-8"


@dataclass(slots=True)
class ApiRequest:
    """A request as the dispatcher needs it. Header names are lower case; `path` is still percent-encoded."""

    verb: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(slots=True)
class ApiResponse:
    """An answer. `transport` says how it is spoiled on the wire: "drop", "drop_mid", or ""."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    transport: str = ""


async def answer(world: World, request: ApiRequest) -> ApiResponse:
    """Answer one call. Never raises ApiError: errors become answers."""
    try:
        return await _answer(world, request)
    except ApiError as error:
        return json_response(error.body(), error.code)


def json_response(body: Any, status: int = 200) -> ApiResponse:
    return ApiResponse(status, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


async def _answer(world: World, request: ApiRequest) -> ApiResponse:
    user, method, path = _route(request)
    token_account, project, scopes = _authenticate(world, request)
    rule = world.faults.strike(method.id, token_account, project)
    if (spoilt := await spoil_before(world, rule)) is not None:
        return spoilt
    mailbox = world.mailboxes[token_account]
    if user != "me" and user.lower() != token_account:
        raise ApiError("delegation_denied", text=user[:100])
    if not method.scopes & scopes:
        raise ApiError("insufficient_scope")
    call = Call(world, mailbox, project, scopes, path, request.query, _body(request))
    check_names(method, call.query, call.body)
    response = await _metered(call, method)
    return spoil_after(rule, response)


def _route(request: ApiRequest) -> tuple[str, Method, dict[str, str]]:
    segments = tuple(unquote(part) for part in request.path.strip("/").split("/"))
    if segments[:3] != ("gmail", "v1", "users") or len(segments) < 5:
        raise not_found()
    found = TABLE.find(request.verb, segments[4:])
    if found is None:
        raise not_found()
    return segments[3], found[0], found[1]


def _authenticate(world: World, request: ApiRequest) -> tuple[str, str, frozenset[str]]:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    token = world.grants.access(text.strip(), world.clock.now()) if scheme.lower() == "bearer" else None
    if token is None:
        raise ApiError("unauthenticated")
    return token.account, token.project, world.grants.effective_scopes(token)


def _body(request: ApiRequest) -> dict[str, Any]:
    if not request.body.strip():
        return {}
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise invalid("Invalid JSON payload received.") from error
    if not isinstance(body, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    return body


async def _metered(call: Call, method: Method) -> ApiResponse:
    world, address = call.world, call.mailbox.address
    knobs = world.knobs
    units = price(method.id, knobs.quota_prices)
    limit = knobs.quota_per_minute if knobs.enforce_quota else None
    if not world.meter.enter(address, knobs.concurrency_cap):
        raise ApiError("too_many_concurrent")
    try:
        if not world.meter.charge(address, method.id, units, world.clock.now(), limit):
            raise ApiError("rate_limit")
        if knobs.latency_ms or knobs.concurrency_cap:
            await asyncio.sleep(knobs.latency_ms / 1000)
        body = method.handler(call)
    finally:
        world.meter.leave(address)
    return ApiResponse(204, b"") if body is None else json_response(body)


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
"""Answers of a proxy in front of Google: HTML pages that name no reason."""


async def spoil_before(world: World, rule: FaultRule | None) -> ApiResponse | None:
    """The answer of a rule instead of the call's; None if the call proceeds. Raises ApiError."""
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
    """The answer of a call that took effect, as the rule spoils it."""
    if rule is None:
        return response
    if rule.kind == "label_taken":
        return json_response(ApiError("label_conflict").body(), 409)
    if rule.kind == "unavailable_after":
        return json_response(ApiError("unavailable").body(), 503)
    if rule.kind == "garbage":
        return ApiResponse(200, response.body[: len(response.body) // 2] or b"{")
    if rule.kind in AFTER_KINDS:
        response.transport = "drop_mid" if rule.kind == "drop_mid" else "drop"
    return response


def error_for(world: World, rule: FaultRule) -> ApiError:
    """The refusal for this kind of fault."""
    text = "Invalid argument." if rule.kind == "invalid_argument" else "Requested entity was not found."
    moment = datetime.fromtimestamp(world.clock.reported() + rule.seconds, UTC)
    retry_at = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ApiError(rule.kind, text=text, retry_at=retry_at)


# ---- The Gmail API's web side


blueprint = Blueprint("gmail", __name__)
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@blueprint.route("/gmail/v1/<path:rest>", methods=VERBS)
async def gmail_api(rest: str) -> Response:
    raw_path = request.scope.get("raw_path") or request.path.encode()
    return await to_web(await answer(world(), await _request(raw_path.decode("latin-1"))))


async def to_web(response: ApiResponse) -> Response:
    """The dispatcher's answer as a web response; connections to be dropped are dropped here."""
    if response.transport == "drop":
        drop_connection(request.scope.get("client"))
        await asyncio.sleep(0)
        return Response(b"", 500)
    if response.transport == "drop_mid":
        return _cut_short(response)
    web = Response(response.body, response.status, content_type=response.content_type)
    if response.status == 204:
        web.headers.pop("Content-Type", None)
    return web


def _cut_short(response: ApiResponse) -> Response:
    client = request.scope.get("client")
    half = response.body[: max(1, len(response.body) // 2)] or b"{"

    async def parts() -> Any:
        yield half
        await asyncio.sleep(0.01)
        drop_connection(client)

    web = Response(parts(), response.status, content_type=JSON_TYPE)
    web.headers["Content-Length"] = str(len(response.body) + 64)
    return web


async def _request(path: str) -> ApiRequest:
    args: MultiDict[str, str] = request.args
    return ApiRequest(
        verb=request.method,
        path=path,
        query={name: args.getlist(name) for name in args},
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.data,
    )
