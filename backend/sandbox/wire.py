"""What every part of the local Google needs on the wire: refusals, dropped connections, URL-safe base64."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import socket

# ---- Base64 as Google writes it


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


# ---- Cutting a TCP connection


def drop_connection(client: tuple[str, int] | None) -> bool:
    """Shut down this process's connection to the peer `client` (host, port); False if there is none.

    The server gives applications no hold on their connection, so it is found among the open
    descriptors by its peer.
    """
    if client is None:
        return False
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError, ValueError):
            copy = os.dup(int(name))
            try:
                duplicate = socket.socket(fileno=copy)
            except OSError:
                os.close(copy)
                continue
            with duplicate:
                if duplicate.getpeername()[:2] == tuple(client[:2]):
                    duplicate.shutdown(socket.SHUT_RDWR)
                    return True
    return False


# ---- What Gmail says no to.


class GmailRefusal(ValueError):
    """A request Gmail would refuse: `status` is the HTTP code, `message` Gmail's wording."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
