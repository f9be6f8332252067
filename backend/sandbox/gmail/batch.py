"""Batch requests: many calls in one multipart body, each answered in its own part."""

import asyncio
import re
import secrets
from urllib.parse import parse_qs, urlsplit

from backend.sandbox.faults import BATCH, FaultRule
from backend.sandbox.gmail.dispatch import ApiRequest, ApiResponse, answer, spoil_after, spoil_before
from backend.sandbox.gmail.errors import batch_limit, invalid
from backend.sandbox.world import World

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?')
_REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
}


async def answer_batch(world: World, body: bytes, headers: dict[str, str]) -> ApiResponse:
    """Answer a batch. Raises ApiError for a malformed or too large one."""
    rule = _struck(world, headers.get("authorization", ""))
    if (spoilt := await spoil_before(world, rule)) is not None:
        return spoilt
    return spoil_after(rule, await _answered(world, body, headers))


def _struck(world: World, authorization: str) -> FaultRule | None:
    token = world.grants.access(authorization.partition(" ")[2].strip(), world.clock.now())
    who = ("", "") if token is None else (token.account, token.project)
    return world.faults.strike(BATCH, *who)


async def _answered(world: World, body: bytes, headers: dict[str, str]) -> ApiResponse:
    found = _BOUNDARY.search(headers.get("content-type", ""))
    if found is None:
        raise invalid("Failed to parse batch request: no boundary.")
    parts = _split(body, found.group(1).encode())
    if len(parts) > world.knobs.batch_limit:
        world.faults.counts["batch_limit"] += 1
        raise batch_limit(world.knobs.batch_limit)
    # Inner calls run at the same time, so that the concurrency cap bites as it does at Google.
    outer = headers.get("authorization", "")
    answers = await asyncio.gather(*(_one(world, part, outer) for part in parts))
    boundary = "batch_" + secrets.token_urlsafe(18)
    lines = [b"--" + boundary.encode() + b"\r\n" + item for item in answers]
    whole = b"".join(lines) + f"--{boundary}--\r\n".encode()
    return ApiResponse(200, whole, f"multipart/mixed; boundary={boundary}")


def _split(body: bytes, boundary: bytes) -> list[bytes]:
    normal = body.replace(b"\r\n", b"\n")
    pieces = (b"\n" + normal).split(b"\n--" + boundary)
    parts = [
        piece.split(b"\n", 1)[1] for piece in pieces[1:] if not piece.startswith(b"--") and b"\n" in piece
    ]
    if not parts:
        raise invalid("Failed to parse batch request: no parts.")
    return parts


async def _one(world: World, part: bytes, outer: str) -> bytes:
    outer_head, _, inner = part.partition(b"\n\n")
    content_id = _headers(outer_head.split(b"\n")).get("content-id", "")
    head, _, body = inner.lstrip(b"\n").partition(b"\n\n")
    lines = head.split(b"\n")
    pieces = lines[0].decode("latin-1").split(" ")
    if len(pieces) < 2:
        raise invalid("Failed to parse batch request: a part has no request line.")
    url = urlsplit(pieces[1])
    headers = _headers(lines[1:])
    headers.setdefault("authorization", outer)
    request = ApiRequest(
        verb=pieces[0],
        path=url.path,
        query=parse_qs(url.query, keep_blank_values=True),
        headers=headers,
        body=body.strip(b"\n"),
    )
    return _part(await answer(world, request), content_id)


def _headers(lines: list[bytes]) -> dict[str, str]:
    pairs = (line.decode("latin-1").partition(":") for line in lines if b":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _part(response: ApiResponse, content_id: str) -> bytes:
    status = response.status or 503
    shown = f"<response-{content_id.strip('<>')}>"
    head = [
        "Content-Type: application/http",
        f"Content-ID: {shown}",
        "",
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {len(response.body)}",
        "",
        "",
    ]
    return "\r\n".join(head).encode() + response.body + b"\r\n"
