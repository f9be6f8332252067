"""Calls of Gmail's API: who may make them, how they are refused, and the table of methods that answer them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.oauth import grants
from backend.sandbox.world import World

# ---- Scopes per group of methods


_ALL = grants.FULL
READ_ANY = frozenset({_ALL, grants.MODIFY, grants.READONLY, grants.METADATA})
PROFILE = READ_ANY | {grants.COMPOSE}
READ_MESSAGE = READ_ANY | {grants.ADDON_ACTION, grants.ADDON_METADATA, grants.ADDON_READONLY}
MODIFY = frozenset({_ALL, grants.MODIFY})
SEND = frozenset({_ALL, grants.MODIFY, grants.COMPOSE, grants.SEND, grants.ADDON_COMPOSE})
INSERT = frozenset({_ALL, grants.MODIFY, grants.INSERT})
READ_LABELS = frozenset({_ALL, grants.MODIFY, grants.READONLY, grants.METADATA, grants.LABELS})
EDIT_LABELS = frozenset({_ALL, grants.MODIFY, grants.LABELS})
READ_SETTINGS = frozenset({_ALL, grants.MODIFY, grants.READONLY, grants.SETTINGS_BASIC})

# With one of these alone only headers may be read, and no query may be asked.
_HEADERS_ONLY = frozenset({grants.METADATA, grants.ADDON_METADATA})


def headers_only(granted: frozenset[str]) -> bool:
    """Whether the token may read headers but no bodies."""
    usable = granted & READ_MESSAGE
    return bool(usable) and usable <= _HEADERS_ONLY


# ---- Errors


_ERRORS: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("errors.json").read_text("utf-8"))
_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
}


class ApiError(Exception):
    """An error answer, as errors.json describes this `kind`; `blanks` fill its message."""

    def __init__(self, kind: str, **blanks: object) -> None:
        found = _ERRORS[kind]
        message = found["message"].format(**blanks)
        super().__init__(message)
        self.code: int = found["code"]
        self._error: dict[str, Any] = {
            "code": self.code,
            "message": message,
            "errors": [
                {
                    "message": found.get("short", message),
                    "domain": found.get("domain", "global"),
                    "reason": found["reason"],
                    **found.get("beside", {}),
                }
            ],
            "status": found.get("status") or _STATUS[self.code],
        }
        if "info" in found:
            self._error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": found["info"],
                    "domain": "googleapis.com",
                    "metadata": {"service": "gmail.googleapis.com"},
                }
            ]

    def body(self) -> dict[str, Any]:
        return {"error": self._error}


def not_found() -> ApiError:
    return ApiError("not_found", text="Requested entity was not found.")


def invalid(message: str) -> ApiError:
    return ApiError("invalid_argument", text=message)


# ---- One API call, and the table of methods that answer it.


Json = dict[str, Any]
Handler = Callable[["Call"], Json | None]

COMMON_PARAMETERS = frozenset(
    {"$.xgafv", "access_token", "alt", "callback", "key", "oauth_token", "prettyPrint", "quotaUser"}
)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(slots=True)
class Call:
    """An authenticated call: its mailbox, scopes, path, query and body."""

    world: World
    mailbox: Mailbox
    project: str
    scopes: frozenset[str]
    path: dict[str, str]
    query: Mapping[str, list[str]]
    body: Json = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        """The sandbox's time, epoch milliseconds."""
        return self.world.clock.now_ms()

    def one(self, name: str, default: str = "") -> str:
        values = self.query.get(name)
        return values[-1] if values else default

    def many(self, name: str) -> list[str]:
        return list(self.query.get(name, []))

    def flag(self, name: str) -> bool:
        """A boolean parameter; absent is False. Raises ApiError 400."""
        text = self.one(name, "false").lower()
        if text not in _BOOLEANS:
            raise invalid(f"Invalid value at '{name}' (TYPE_BOOL), \"{text[:60]}\"")
        return _BOOLEANS[text]

    def limit(self, default: int = 100, most: int = 500) -> int:
        """maxResults: larger values are cut to the maximum. Raises ApiError 400."""
        text = self.one("maxResults") or str(default)
        if not text.isdecimal() or len(text) > 10:
            raise invalid(f"Invalid value at 'max_results' (TYPE_UINT32), \"{text[:60]}\"")
        return min(int(text) or default, most)

    def strings(self, name: str) -> list[str]:
        """A list of texts in the body; absent is empty. Raises ApiError 400."""
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise invalid(f"Invalid value at '{name}'")
        return value


@dataclass(frozen=True, slots=True)
class Method:
    """One API method: its address, the scopes it needs, and the names it knows."""

    id: str
    verb: str
    path: str
    scopes: frozenset[str]
    handler: Handler
    parameters: frozenset[str] = frozenset()
    body_keys: frozenset[str] = frozenset()


class MethodTable:
    """All methods, found by verb and path segments below `users/{userId}/`."""

    def __init__(self) -> None:
        self.methods: dict[str, Method] = {}

    def add(
        self, name: str, verb: str, path: str, scopes: frozenset[str], *, parameters: str = "", body: str = ""
    ) -> Callable[[Handler], Handler]:
        """Register a handler under `gmail.users.{name}`; parameter and body names are space-separated."""

        def register(handler: Handler) -> Handler:
            names, keys = frozenset(parameters.split()), frozenset(body.split())
            method = Method(f"gmail.users.{name}", verb, path, scopes, handler, names, keys)
            self.methods[method.id] = method
            return handler

        return register

    def find(self, verb: str, segments: tuple[str, ...]) -> tuple[Method, dict[str, str]] | None:
        """The method for a verb and the path after the user id, with its path values."""
        for method in self.methods.values():
            pattern = method.path.split("/")
            if method.verb != verb or len(pattern) != len(segments):
                continue
            pairs = list(zip(pattern, segments, strict=True))
            if all(name == given or name.startswith("{") for name, given in pairs):
                return method, {name[1:-1]: given for name, given in pairs if name.startswith("{")}
        return None


def check_names(method: Method, query: Mapping[str, list[str]], body: Json) -> None:
    """Refuse names the method does not know, as Google does. Raises ApiError 400."""
    unknown = 'Invalid JSON payload received. Unknown name "{0}": Cannot {1}'
    for name in query.keys() - method.parameters - COMMON_PARAMETERS:
        bind = f"bind query parameter. Field '{name[:60]}' could not be found in request message."
        raise ApiError("bad_request", text=unknown.format(name[:60], bind))
    for name in body.keys() - method.body_keys:
        raise ApiError("bad_request", text=unknown.format(name[:60], "find field."))


TABLE = MethodTable()
