"""Base64 as Google writes it: either alphabet, with or without padding."""

import base64
import binascii


def decode_data(text: str) -> bytes:
    """Decode tolerant of both alphabets and missing padding. Raises ValueError."""
    plain = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error


def encode_data(data: bytes) -> str:
    """Base64url with padding, as Gmail sends it."""
    return base64.urlsafe_b64encode(data).decode()
