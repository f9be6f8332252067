"""Faults that the local Google can be made to show, by API method and by count; its clock, and its quota."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import time
from collections import Counter, defaultdict, deque
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from itertools import count
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import AfterValidator, ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from backend.sandbox import BadRequest

# ---- Settings from admin routes and the command line, checked by pydantic


STRICT = ConfigDict(extra="forbid", strict=True)
Amount = Annotated[float, Field(ge=0, le=10**9)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Checked = TypeVar("Checked")


def checked(kind: type[Checked], values: dict[str, Any]) -> Checked:
    """A `kind` with these values. Raises BadRequest for an unknown field or a wrong value."""
    try:
        return kind(**values)
    except ValidationError as error:
        found = error.errors()[0]
        name = str(found["loc"][0])[:60]
        if found["type"] != "unexpected_keyword_argument":
            raise BadRequest(f"{name}: {found['msg']}.") from error
        known = sorted(item.name for item in fields(cast("Any", kind)) if item.init)
        raise BadRequest(f"{name!r} is not known. Known: {', '.join(known)}.") from error


class Settable:
    """Fields that can be changed while the sandbox runs."""

    def update(self, values: dict[str, Any]) -> None:
        """Change several fields, or none. Raises BadRequest."""
        changed = checked(type(self), self.as_json() | values)
        for name in values:
            setattr(self, name, getattr(changed, name))

    def as_json(self) -> dict[str, Any]:
        return asdict(cast("Any", self))


@checked_dataclass(config=STRICT)
class Knobs(Settable):
    """The sandbox's settings (see docs/reference/sandbox.md). Times are seconds unless the name says otherwise."""

    access_token_lifetime: Amount = 3599.0
    authorization_code_lifetime: Amount = 600.0
    refresh_token_lifetime: Amount = 0.0
    push_interval: Amount = 1.0
    pull_wait: Amount = 20.0
    history_id_type: Literal["number", "string"] = "number"
    history_labels: Literal["added", "all", "none"] = "added"
    history_empty_pages: Count = 0
    history_lag: Amount = 0.0
    enforce_quota: bool = False
    quota_per_minute: Count = 6_000
    quota_prices: Literal["new", "old"] = "new"
    concurrency_cap: Count = 0
    latency_ms: Count = 0
    bounces: bool = False
    rewrite_message_ids: bool = False
    exact_subjects: bool = False


def parse_assignment(text: str) -> tuple[str, Any]:
    """`name=value` from a command line; the value is true or false, a number or a word."""
    name, sign, value = text.partition("=")
    if not sign:
        raise BadRequest(f"{text[:60]!r} is not of the form name=value.")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


# ---- The fault plan


# What a rule may do to a call. Errors answer in its place; the others spoil the transport.
ERROR_KINDS = (
    "unauthenticated",
    "rate_limit",
    "user_rate_limit",
    "daily_limit",
    "domain_policy",
    "insufficient_scope",
    "access_not_configured",
    "forbidden_page",
    "too_many_requests",
    "too_many_concurrent",
    "failed_precondition",
    "invalid_argument",
    "not_found",
    "missing_topic",
    "label_conflict",
    "backend_500",
    "bad_gateway",
    "unavailable",
    "gateway_timeout",
)
TOKEN_REFUSALS = {
    "invalid_grant": (400, "Token has been expired or revoked."),
    "admin_policy_enforced": (400, "This app is not allowed by the policies of the account's administrator."),
    "org_internal": (403, "This client is for the accounts of its organization only."),
    "invalid_client": (401, "The OAuth client was not found."),
    "deleted_client": (401, "The OAuth client was deleted."),
    "disabled_client": (401, "The OAuth client was disabled."),
    "unauthorized_client": (401, "Unauthorized"),
    "restricted_client": (403, "Unregistered scope(s) in the request."),
    "invalid_scope": (400, "Some requested scopes were invalid."),
    "rate_limit_exceeded": (403, "Rate Limit Exceeded"),
    "internal_failure": (400, "Backend Error"),
}
"""Errors of the token endpoint alone: OAuth error code → HTTP status and description."""
TRANSPORT_KINDS = ("slow", "drop", "drop_after", "drop_mid", "unavailable_after", "garbage")
RACE_KINDS = ("label_taken",)
"""Another caller has just done the same, so the call is refused."""
KINDS = ERROR_KINDS + tuple(TOKEN_REFUSALS) + TRANSPORT_KINDS + RACE_KINDS

# These let the call take effect before it fails: the caller cannot know whether it happened.
AFTER_KINDS = frozenset({"drop_after", "drop_mid", "unavailable_after", "garbage", *RACE_KINDS})


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"must be one of {', '.join(KINDS)}")
    return kind


@checked_dataclass(config=STRICT)
class FaultRule:
    """One rule. `method`, `mailbox` and `project` (the client's) are shell patterns; `times` 0 means for ever. The
    first `skip` calls pass, then each matching call is hit with `probability` (0 to 1). `seconds` is for "slow", and
    for the time that "too_many_requests" names."""

    kind: Annotated[str, AfterValidator(_known_kind)]
    method: str = "*"
    mailbox: str = "*"
    project: str = "*"
    times: Count = 1
    skip: Count = 0
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    seconds: Amount = 1.0
    id: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    @property
    def spent(self) -> bool:
        """Whether the rule has been applied as often as it may be."""
        return self.times > 0 and self.hits >= self.times

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class FaultPlan:
    """The active rules, in order; the first that hits a call counts."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ids = count(1)
        self.rules: list[FaultRule] = []
        self.counts: Counter[str] = Counter()
        self.methods: dict[str, Counter[str]] = {}

    def add(self, rule: FaultRule) -> int:
        """Add a rule; returns its id."""
        rule.id = next(self._ids)
        self.rules.append(rule)
        return rule.id

    def clear(self) -> None:
        """Remove all rules; the counts stay."""
        self.rules.clear()

    def remove(self, rule_id: int) -> bool:
        """Remove one rule; False if no rule has this id."""
        before = len(self.rules)
        self.rules = [rule for rule in self.rules if rule.id != rule_id]
        return len(self.rules) < before

    def strike(self, method: str, mailbox: str = "", project: str = "") -> FaultRule | None:
        """The rule that hits this call, or None. Counts the hit; used-up rules are removed. Errors of the token
        endpoint hit nothing else."""
        short = method.removeprefix("gmail.users.")
        for rule in self.rules:
            if not (fnmatchcase(method, rule.method) or fnmatchcase(short, rule.method)):
                continue
            if rule.kind in TOKEN_REFUSALS and method != "oauth.token":
                continue
            if not fnmatchcase(mailbox, rule.mailbox) or not fnmatchcase(project, rule.project):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                continue
            if self._rng.random() >= rule.probability:
                continue
            rule.hits += 1
            self.counts[rule.kind] += 1
            self.methods.setdefault(rule.kind, Counter())[short] += 1
            if rule.spent:
                self.rules.remove(rule)
            return rule
        return None


# ---- The sandbox's clock: real time plus an offset that a test may move forward, and what it shows to others


LARGEST_SKEW = 86_400.0


class Clock:
    """Epoch time. Only `advance` moves it against the real time. `skew` (seconds, negative: behind) is added to all
    times that Google reports: dates of mail, ends of watches, times to retry at, the Date header, times in signed
    tokens. The sandbox's own waits do not use it."""

    def __init__(self) -> None:
        self.offset = 0.0
        self.skew = 0.0

    def real(self) -> float:
        """Epoch seconds for signed tokens: without the offset, because programs whose clock was not moved check
        them."""
        return time.time() + self.skew

    def now(self) -> float:
        return time.time() + self.offset

    def now_ms(self) -> int:
        """Epoch milliseconds."""
        return int(self.now() * 1000)

    def reported(self) -> float:
        """Epoch seconds as others see them."""
        return self.now() + self.skew

    def reported_ms(self) -> int:
        """Epoch milliseconds as others see them."""
        return int(self.reported() * 1000)

    def set_skew(self, seconds: float) -> None:
        """Report times that are wrong by this many seconds. Raises BadRequest beyond a day."""
        if not -LARGEST_SKEW <= seconds <= LARGEST_SKEW:
            raise BadRequest(
                f"A clock's skew must be from {-LARGEST_SKEW:.0f} to {LARGEST_SKEW:.0f} seconds."
            )
        self.skew = float(seconds)

    def advance(self, seconds: float) -> None:
        """Move the clock forward (never back: tokens and watches rely on it)."""
        self.offset += max(0.0, seconds)


# ---- The quota meter


WINDOW = 60.0

# Method id without the prefix "gmail.users." → units by the new prices, and by the old.
PRICES = {
    "watch": (100, 100),
    "stop": (50, 50),
    "getProfile": (1, 1),
    "history.list": (2, 2),
    "messages.list": (5, 5),
    "messages.get": (20, 5),
    "messages.modify": (5, 5),
    "messages.send": (100, 100),
    "messages.insert": (25, 25),
    "threads.get": (40, 10),
    "labels.list": (1, 1),
    "labels.create": (5, 5),
    "settings.getVacation": (1, 1),
    "settings.filters.list": (1, 1),
    "settings.sendAs.list": (1, 1),
}


def price(method_id: str, prices: str = "new") -> int:
    """Units one call costs. Raises KeyError for a method without a price."""
    return PRICES[method_id.removeprefix("gmail.users.")][prices == "old"]


@dataclass(slots=True)
class _Account:
    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    units: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    recent: deque[tuple[float, int]] = field(default_factory=deque)  # calls in the window: when, units
    in_window: int = 0
    high_water: int = 0
    refused: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


class Meter:
    """Units spent, per mailbox, with the highest sum in any 60 seconds."""

    def __init__(self) -> None:
        self._accounts: dict[str, _Account] = defaultdict(_Account)

    def charge(self, mailbox: str, method_id: str, units: int, now: float, limit: int | None = None) -> bool:
        """Count one call; False, without counting, if it would exceed `limit` units in 60 seconds."""
        account = self._accounts[mailbox]
        while account.recent and account.recent[0][0] <= now - WINDOW:
            account.in_window -= account.recent.popleft()[1]
        if limit is not None and account.in_window + units > limit:
            account.refused += 1
            return False
        account.recent.append((now, units))
        account.in_window += units
        account.high_water = max(account.high_water, account.in_window)
        account.calls[method_id] += 1
        account.units[method_id] += units
        return True

    def enter(self, mailbox: str, cap: int) -> bool:
        """Note a call in flight; False if `cap` are in flight already (0 means no limit)."""
        account = self._accounts[mailbox]
        if cap and account.in_flight >= cap:
            account.refused += 1
            return False
        account.in_flight += 1
        account.most_in_flight = max(account.most_in_flight, account.in_flight)
        return True

    def leave(self, mailbox: str) -> None:
        self._accounts[mailbox].in_flight -= 1

    def reset(self) -> None:
        """Forget all counts (calls in flight stay counted)."""
        for address, account in list(self._accounts.items()):
            self._accounts[address] = _Account(in_flight=account.in_flight)

    def report(self) -> dict[str, Any]:
        """{"mailboxes": {address: {units, calls, high_water, refused, most_in_flight, methods}}, "units": total}."""
        mailboxes = {
            address: {
                "units": sum(account.units.values()),
                "calls": sum(account.calls.values()),
                "high_water": account.high_water,
                "refused": account.refused,
                "most_in_flight": account.most_in_flight,
                "methods": {
                    name: {"calls": account.calls[name], "units": account.units[name]}
                    for name in sorted(account.calls)
                },
            }
            for address, account in sorted(self._accounts.items())
            if account.calls or account.refused
        }
        return {"units": sum(item["units"] for item in mailboxes.values()), "mailboxes": mailboxes}


# ---- Cutting a TCP connection


def drop_connection(client: tuple[str, int] | None) -> bool:
    """Shut down this process's connection to the peer `client` (host, port); False if there is none. The server gives
    applications no access to their connection, so it is found among the open descriptors by its peer."""
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
