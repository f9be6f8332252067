"""The Gmail API's web side: plain calls and batches."""

import asyncio
from typing import Any

from quart import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from backend.sandbox.connection import drop_connection
from backend.sandbox.gmail.batch import answer_batch
from backend.sandbox.gmail.dispatch import JSON_TYPE, ApiRequest, ApiResponse, answer, json_response
from backend.sandbox.gmail.errors import ApiError
from backend.sandbox.web import world

blueprint = Blueprint("gmail", __name__)
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@blueprint.route("/gmail/v1/<path:rest>", methods=VERBS)
async def plain(rest: str) -> Response:
    """Any method of the API."""
    raw_path = request.scope.get("raw_path") or request.path.encode()
    return await to_web(await answer(world(), await _request(raw_path.decode("latin-1"))))


@blueprint.post("/batch")
@blueprint.post("/batch/gmail/v1")
async def batch() -> Response:
    """Many calls in one request."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        return await to_web(await answer_batch(world(), await _raw_body(), headers))
    except ApiError as error:
        return await to_web(json_response(error.body(), error.code))


async def to_web(response: ApiResponse) -> Response:
    """The dispatcher's answer as a web response; dropped connections are dropped here."""
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
        body=await _raw_body(),
    )


async def _raw_body() -> bytes:
    data = await request.get_data(as_text=False)
    return data if isinstance(data, bytes) else data.encode()
