"""What an app on a computer asks an owner's browser for, checked before anybody acts on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from backend.domain.errors import Refused
from backend.domain.mail.headers import UNSEEN

LOOPBACK = frozenset({"127.0.0.1", "::1"})
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """What an app on a computer asks for: where its listener is, its challenge, its state and its name."""

    redirect_uri: str
    challenge: str
    state: str
    name: str

    def answer(self, **fields: str) -> str:
        """The listener's address with an answer. `fields` are code or error."""
        joint = "&" if urlsplit(self.redirect_uri).query else "?"
        return f"{self.redirect_uri}{joint}{urlencode({**fields, 'state': self.state})}"


def read_request(query: Mapping[str, str]) -> DeviceRequest:
    """What an address of `/connect/device` asks for. Raises `Refused` (malformed) naming the parameter."""
    target = query.get("redirect_uri", "")
    if not _is_loopback(target):
        raise malformed("redirect_uri")
    if query.get("code_challenge_method", "S256") != "S256":
        raise malformed("code_challenge_method")
    challenge, state = query.get("code_challenge", ""), query.get("state", "")
    if not CHALLENGE.fullmatch(challenge):
        raise malformed("code_challenge")
    if not 1 <= len(state) <= 500:
        raise malformed("state")
    name = UNSEEN.sub("", query.get("name", "")).strip()
    if not 1 <= len(name) <= 80:
        raise malformed("name")
    return DeviceRequest(target, challenge, state, name)


def _is_loopback(target: str) -> bool:
    if len(target) > 500 or not target.isascii() or re.search(r"[\s\\;,'\"<>]", target):
        return False
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError:
        return False
    plain = parts.username is None and parts.password is None and not parts.fragment
    return parts.scheme == "http" and parts.hostname in LOOPBACK and port is not None and plain


def malformed(field: str) -> Refused:
    """The error for a parameter that is not in order."""
    return Refused("malformed.app", name=field, field=field)
