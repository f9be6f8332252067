"""One API call, and the table of methods that answer it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.sandbox.gmail.errors import ApiError, invalid
from backend.sandbox.mail.mailbox import Mailbox
from backend.sandbox.world import World

Json = dict[str, Any]
Handler = Callable[["Call"], Json | None]

COMMON_PARAMETERS = frozenset(
    {
        "$.xgafv",
        "access_token",
        "alt",
        "callback",
        "fields",
        "key",
        "oauth_token",
        "prettyPrint",
        "quotaUser",
    }
)
_TRUE = {"true": True, "false": False, "1": True, "0": False}


@dataclass(slots=True)
class Call:
    """An authenticated call: whose mailbox, with which scopes, path, query and body."""

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
    """One API method: where it answers, what it needs and which names it knows."""

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
        self,
        name: str,
        verb: str,
        path: str,
        scopes: frozenset[str],
        *,
        parameters: str = "",
        body: str = "",
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
