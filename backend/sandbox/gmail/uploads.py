"""Media uploads in two parts: metadata and media."""

import json
import re
from typing import Any

from backend.sandbox.base64_text import decode_data
from backend.sandbox.gmail.errors import invalid

_BOUNDARY = re.compile(r'boundary="?([^";,\s]+)"?')
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


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
