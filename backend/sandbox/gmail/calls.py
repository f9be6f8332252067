"""Calls of Gmail's API: who may make them, the form of answers and errors, and which fields are returned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.oauth import grants as s
from backend.sandbox.world import World

# ---- Scopes per group of methods


_ALL = s.FULL
READ_ANY = frozenset({_ALL, s.MODIFY, s.READONLY, s.METADATA})
PROFILE = READ_ANY | {s.COMPOSE}
READ_MESSAGE = READ_ANY | {s.ADDON_ACTION, s.ADDON_METADATA, s.ADDON_READONLY}
READ_ATTACHMENT = frozenset({_ALL, s.MODIFY, s.READONLY, s.ADDON_ACTION, s.ADDON_READONLY})
MODIFY = frozenset({_ALL, s.MODIFY})
DELETE = frozenset({_ALL})
SEND = frozenset({_ALL, s.MODIFY, s.COMPOSE, s.SEND, s.ADDON_COMPOSE})
INSERT = frozenset({_ALL, s.MODIFY, s.INSERT})
READ_LABELS = frozenset({_ALL, s.MODIFY, s.READONLY, s.METADATA, s.LABELS})
EDIT_LABELS = frozenset({_ALL, s.MODIFY, s.LABELS})
READ_SETTINGS = frozenset({_ALL, s.MODIFY, s.READONLY, s.SETTINGS_BASIC})
EDIT_SETTINGS = frozenset({s.SETTINGS_BASIC})

# With one of these alone only headers may be read, and no query may be asked.
_HEADERS_ONLY = frozenset({s.METADATA, s.ADDON_METADATA})


def headers_only(granted: frozenset[str]) -> bool:
    """Whether the token may read headers but no bodies."""
    usable = granted & READ_MESSAGE
    return bool(usable) and usable <= _HEADERS_ONLY


# ---- Google's error bodies.


_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential."
)


class ApiError(Exception):
    """An error answer. `body()` is the JSON object."""

    def __init__(
        self,
        code: int,
        message: str,
        reason: str,
        *,
        domain: str = "global",
        short: str | None = None,
        status: str | None = None,
        extra: dict[str, str] | None = None,
        details: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self._error: dict[str, Any] = {
            "code": code,
            "message": message,
            "errors": [{"message": short or message, "domain": domain, "reason": reason} | (extra or {})],
            "status": status or _STATUS.get(code, "UNKNOWN"),
        }
        if details:
            self._error["details"] = details

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"error": self._error}


def unauthenticated() -> ApiError:
    """401: no token, or one that is expired, revoked or unknown."""
    return ApiError(
        401,
        _UNAUTHENTICATED,
        "authError",
        short="Invalid Credentials",
        extra={"location": "Authorization", "locationType": "header"},
    )


def not_found() -> ApiError:
    """404 for any entity."""
    return ApiError(404, "Requested entity was not found.", "notFound")


def missing_topic() -> ApiError:
    """404 on watch: the topic does not exist (any more)."""
    text = "Error sending test message to Cloud PubSub : Resource not found (resource=gmail)."
    return ApiError(404, text, "notFound")


def invalid(message: str) -> ApiError:
    """400 invalidArgument."""
    return ApiError(400, message, "invalidArgument")


def label_conflict() -> ApiError:
    """409: the label's name is taken."""
    return ApiError(409, "Label name exists or conflicts", "aborted", status="ABORTED")


def batch_limit(most: int) -> ApiError:
    """400: more calls in one batch than Gmail accepts."""
    return ApiError(400, f"The batch request has too many calls: at most {most} are allowed.", "badRequest")


def failed_precondition(message: str = "Precondition check failed.") -> ApiError:
    """400 failedPrecondition; also the answer for an account without Gmail."""
    return ApiError(400, message, "failedPrecondition", status="FAILED_PRECONDITION")


def insufficient_scope() -> ApiError:
    """403: the token lacks a scope."""
    info = _error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    return ApiError(
        403,
        "Request had insufficient authentication scopes.",
        "insufficientPermissions",
        short="Insufficient Permission",
        details=[info],
    )


def quota_exceeded() -> ApiError:
    """403 rateLimitExceeded: the usual answer if more than a minute's units are used."""
    text = (
        "Quota exceeded for quota metric 'Total Query Cost' and limit 'Units per minute per user' of service "
        "'gmail.googleapis.com' for consumer 'project_number:123456789012'."
    )
    return ApiError(
        403, text, "rateLimitExceeded", domain="usageLimits", details=[_error_info("RATE_LIMIT_EXCEEDED")]
    )


def user_rate_limit() -> ApiError:
    """403 userRateLimitExceeded."""
    return ApiError(403, "User Rate Limit Exceeded", "userRateLimitExceeded", domain="usageLimits")


def daily_limit() -> ApiError:
    """403 dailyLimitExceeded."""
    return ApiError(403, "Daily Limit Exceeded", "dailyLimitExceeded", domain="usageLimits")


def domain_policy() -> ApiError:
    """403 domainPolicy: an administrator has switched Gmail apps off."""
    text = "The domain administrators have disabled Gmail apps."
    return ApiError(403, text, "domainPolicy")


def access_not_configured() -> ApiError:
    """403: the API is not enabled in the project."""
    text = "Gmail API has not been used in project 123456789012 before or it is disabled."
    return ApiError(
        403, text, "accessNotConfigured", domain="usageLimits", details=[_error_info("SERVICE_DISABLED")]
    )


def delegation_denied(address: str) -> ApiError:
    """403: the token belongs to another account."""
    return ApiError(403, f"Delegation denied for {address}", "forbidden")


def too_many_requests(retry_at: float) -> ApiError:
    """429 with the time in the text only, as from Gmail. `retry_at` is epoch seconds."""
    moment = datetime.fromtimestamp(retry_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return ApiError(
        429,
        f"User-rate limit exceeded.  Retry after {moment}",
        "rateLimitExceeded",
        domain="usageLimits",
        short="User-rate limit exceeded.",
    )


def too_many_concurrent() -> ApiError:
    """429: the mailbox's concurrency cap."""
    text = "Too many concurrent requests for user"
    return ApiError(429, text, "rateLimitExceeded", domain="usageLimits")


def backend_error(code: int = 500) -> ApiError:
    """500, 503 or 504 backendError."""
    text = {503: "The service is currently unavailable.", 504: "Deadline exceeded"}
    return ApiError(code, text.get(code, "Internal error encountered."), "backendError")


def _error_info(reason: str) -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "gmail.googleapis.com"},
    }


# ---- The `fields` parameter


Mask = dict[str, "Mask"]
MAX_LENGTH = 2000


def read_mask(text: str) -> Mask:
    """Parse a field mask. Raises ApiError 400."""
    if len(text) > MAX_LENGTH:
        raise invalid("Invalid field mask")
    mask, rest = _group(text.replace(" ", ""), 0)
    if rest != len(text.replace(" ", "")):
        raise invalid(f"Invalid field selection {text[:60]}")
    return mask


def apply_mask(value: Any, mask: Mask) -> Any:
    """Keep only the fields in the mask; lists are masked item by item. An empty mask keeps everything."""
    if not mask or "*" in mask:
        return value
    if isinstance(value, list):
        return [apply_mask(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: apply_mask(value[name], inner) for name, inner in mask.items() if name in value}


def _group(text: str, at: int) -> tuple[Mask, int]:
    mask: Mask = {}
    while at < len(text):
        start = at
        while at < len(text) and (text[at].isalnum() or text[at] in "*_"):
            at += 1
        name = text[start:at]
        if not name:
            raise invalid(f"Invalid field selection {text[:60]}")
        inner: Mask = {}
        if at < len(text) and text[at] == "/":
            inner, at = _path(text, at + 1)
        elif at < len(text) and text[at] == "(":
            inner, at = _group(text, at + 1)
            if at >= len(text) or text[at] != ")":
                raise invalid(f"Invalid field selection {text[:60]}")
            at += 1
        mask.setdefault(name, {}).update(inner)
        if at >= len(text) or text[at] != ",":
            break
        at += 1
    return mask, at


def _path(text: str, at: int) -> tuple[Mask, int]:
    """One element after a slash; it ends at the next comma or bracket of its own level."""
    start = at
    while at < len(text) and (text[at].isalnum() or text[at] in "*_"):
        at += 1
    name = text[start:at]
    if not name:
        raise invalid(f"Invalid field selection {text[:60]}")
    if at < len(text) and text[at] == "/":
        inner, at = _path(text, at + 1)
        return {name: inner}, at
    if at < len(text) and text[at] == "(":
        inner, at = _group(text, at + 1)
        if at >= len(text) or text[at] != ")":
            raise invalid(f"Invalid field selection {text[:60]}")
        return {name: inner}, at + 1
    return {name: {}}, at


# ---- One API call, and the table of methods that answer it.


Json = dict[str, Any]
Handler = Callable[["Call"], Json | None]

COMMON_PARAMETERS = frozenset(
    {"$.xgafv", "access_token", "alt", "callback", "fields", "key", "oauth_token", "prettyPrint", "quotaUser"}
)
_TRUE = {"true": True, "false": False, "1": True, "0": False}


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
        """The last value of a query parameter."""
        values = self.query.get(name)
        return values[-1] if values else default

    def many(self, name: str) -> list[str]:
        """All values of a repeated query parameter."""
        return list(self.query.get(name, []))

    def flag(self, name: str) -> bool:
        """A boolean parameter; absent is False. Raises ApiError 400."""
        text = self.one(name, "false").lower()
        if text not in _TRUE:
            raise invalid(f"Invalid value at '{name}' (TYPE_BOOL), \"{text[:60]}\"")
        return _TRUE[text]

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
        self._fixed: dict[tuple[str, tuple[str, ...]], Method] = {}
        self._open: dict[tuple[str, int], list[tuple[tuple[str, ...], Method]]] = {}

    def add(
        self, name: str, verb: str, path: str, scopes: frozenset[str], *, parameters: str = "", body: str = ""
    ) -> Callable[[Handler], Handler]:
        """Register a handler under `gmail.users.{name}`; parameter and body names are space-separated."""

        def register(handler: Handler) -> Handler:
            method = Method(
                id=f"gmail.users.{name}",
                verb=verb,
                path=path,
                scopes=scopes,
                handler=handler,
                parameters=frozenset(parameters.split()),
                body_keys=frozenset(body.split()),
            )
            self._insert(method)
            return handler

        return register

    def find(self, verb: str, segments: tuple[str, ...]) -> tuple[Method, dict[str, str]] | None:
        """The method for a verb and the path after the user id, with its path values."""
        fixed = self._fixed.get((verb, segments))
        if fixed is not None:
            return fixed, {}
        for pattern, method in self._open.get((verb, len(segments)), []):
            values = _match(pattern, segments)
            if values is not None:
                return method, values
        return None

    def _insert(self, method: Method) -> None:
        self.methods[method.id] = method
        pattern = tuple(method.path.split("/"))
        if any(segment.startswith("{") for segment in pattern):
            self._open.setdefault((method.verb, len(pattern)), []).append((pattern, method))
        else:
            self._fixed[(method.verb, pattern)] = method


def check_names(method: Method, query: Mapping[str, list[str]], body: Json) -> None:
    """Refuse names the method does not know, as Google does. Raises ApiError 400."""
    for name in query:
        if name not in method.parameters and name not in COMMON_PARAMETERS:
            raise ApiError(
                400,
                f'Invalid JSON payload received. Unknown name "{name[:60]}": Cannot bind query parameter. '
                f"Field '{name[:60]}' could not be found in request message.",
                "badRequest",
                status="INVALID_ARGUMENT",
            )
    for name in body:
        if name not in method.body_keys:
            raise ApiError(
                400,
                f'Invalid JSON payload received. Unknown name "{name[:60]}": Cannot find field.',
                "badRequest",
                status="INVALID_ARGUMENT",
            )


def _match(pattern: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for expected, given in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            values[expected[1:-1]] = given
        elif expected != given:
            return None
    return values


TABLE = MethodTable()
