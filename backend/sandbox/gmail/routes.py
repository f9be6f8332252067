"""The Gmail API's web side: plain calls, uploads and batches."""

import asyncio
from typing import Any, cast

from quart import Blueprint, Response, current_app, request
from werkzeug.datastructures import MultiDict

from backend.sandbox.connection import drop_connection
from backend.sandbox.gmail.batch import answer_batch
from backend.sandbox.gmail.dispatch import JSON_TYPE, ApiRequest, ApiResponse, answer, json_response
from backend.sandbox.gmail.errors import ApiError, invalid
from backend.sandbox.gmail.uploads import Upload, Uploads, content_range, read_metadata, read_multipart
from backend.sandbox.web import world

blueprint = Blueprint("gmail", __name__)
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@blueprint.route("/gmail/v1/<path:rest>", methods=VERBS)
async def plain(rest: str) -> Response:
    """Any method of the API."""
    raw_path = request.scope.get("raw_path") or request.path.encode()
    return await to_web(await answer(world(), await _request(raw_path.decode("latin-1"))))


@blueprint.route("/upload/gmail/v1/<path:rest>", methods=["POST", "PUT"])
@blueprint.route("/resumable/upload/gmail/v1/<path:rest>", methods=["POST", "PUT"])
async def upload(rest: str) -> Response:
    """A media upload, in one of the three ways."""
    path = f"/gmail/v1/{rest}"
    try:
        kind = request.args.get("uploadType", "media")
        incoming = await _request(path)
        if "upload_id" in request.args:
            return await _continue(request.args["upload_id"], incoming)
        if kind == "resumable":
            return await _open(path, incoming)
        if kind == "multipart":
            incoming.metadata, incoming.media = read_multipart(
                incoming.body, request.headers.get("Content-Type", "")
            )
            if "drafts" in path.split("/") and "message" not in incoming.metadata:
                incoming.metadata["message"] = {}
        elif kind == "media":
            incoming.media = incoming.body
        else:
            raise invalid("uploadType must be media, multipart or resumable.")
        return await to_web(await answer(world(), incoming))
    except ApiError as error:
        return await to_web(json_response(error.body(), error.code))


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


def _uploads() -> Uploads:
    return cast(Uploads, current_app.config["UPLOADS"])


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


async def _open(path: str, incoming: ApiRequest) -> Response:
    session = _uploads().open(Upload(path, incoming.verb, read_metadata(incoming.body)))
    web = Response(b"", 200)
    base = str(current_app.config["BASE_URL"])
    web.headers["Location"] = f"{base}/upload{path}?uploadType=resumable&upload_id={session}"
    return web


async def _continue(session: str, incoming: ApiRequest) -> Response:
    under_way = _uploads().get(session)
    first, total = content_range(request.headers.get("Content-Range", ""), len(incoming.body))
    if incoming.body:
        if first != len(under_way.received):
            raise ApiError(400, "Invalid Content-Range", "badRequest")
        under_way.received += incoming.body
    if total is None or len(under_way.received) < total:
        web = Response(b"", 308)
        if under_way.received:
            web.headers["Range"] = f"bytes=0-{len(under_way.received) - 1}"
        return web
    _uploads().close(session)
    incoming.verb, incoming.path = under_way.verb, under_way.path
    incoming.media, incoming.metadata = bytes(under_way.received), under_way.metadata
    return await to_web(await answer(world(), incoming))
