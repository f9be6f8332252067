"""Media uploads: simple, multipart, and resumable."""

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from backend.sandbox.base64_text import decode_data
from backend.sandbox.gmail.errors import ApiError, invalid, not_found

MAX_SESSIONS = 64

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?')
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


@dataclass(slots=True)
class Upload:
    """An upload under way: what it will become, and the bytes so far."""

    path: str
    verb: str
    metadata: dict[str, Any]
    received: bytearray = field(default_factory=bytearray)


class Uploads:
    """Resumable sessions by id; the oldest is dropped when there are too many."""

    def __init__(self) -> None:
        self._sessions: dict[str, Upload] = {}

    def open(self, upload: Upload) -> str:
        """Begin a session; returns its id."""
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        session = secrets.token_urlsafe(24)
        self._sessions[session] = upload
        return session

    def get(self, session: str) -> Upload:
        """The upload of a session. Raises ApiError 404."""
        if session not in self._sessions:
            raise not_found()
        return self._sessions[session]

    def close(self, session: str) -> None:
        """Forget a finished session."""
        self._sessions.pop(session, None)


def read_multipart(body: bytes, content_type: str) -> tuple[dict[str, Any], bytes]:
    """JSON metadata and media of a multipart/related upload. Raises ApiError 400."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise invalid("A multipart upload needs a boundary.")
    # Split by hand: the media must stay as it was sent, byte for byte.
    mark = re.compile(rb"(?:\A|\r?\n)--" + re.escape(found.group(1).encode()) + rb"(?:--)?[ \t]*(?:\r?\n|\Z)")
    parts = [part for part in mark.split(body)[1:] if part.strip()]
    if len(parts) != 2:
        raise invalid("A multipart upload must have two parts: metadata and media.")
    metadata, media = (_END_OF_HEADERS.split(part, maxsplit=1) for part in parts)
    if len(metadata) != 2 or len(media) != 2:
        raise invalid("A part of the multipart upload has no body.")
    raw = media[1]
    if re.search(rb"(?im)^content-transfer-encoding:[ \t]*base64", media[0]):
        raw = decode_data(raw.decode("latin-1").replace("\r", "").replace("\n", ""))
    return read_metadata(metadata[1]), raw


def read_metadata(body: bytes) -> dict[str, Any]:
    """The JSON part of an upload; empty is {}. Raises ApiError 400."""
    try:
        value = json.loads(body) if body.strip() else {}
    except ValueError as error:
        raise invalid("Invalid JSON payload received.") from error
    if not isinstance(value, dict):
        raise invalid("Invalid JSON payload received.")
    return value


def content_range(text: str, length: int) -> tuple[int, int | None]:
    """(first byte, total or None) of a Content-Range; absent means everything at once."""
    if not text:
        return 0, length
    spec, _, total = text.removeprefix("bytes").strip().partition("/")
    first = spec.partition("-")[0]
    if spec != "*" and not first.isdecimal():
        raise ApiError(400, "Invalid Content-Range", "badRequest")
    return (0 if spec == "*" else int(first)), (int(total) if total.isdecimal() else None)
