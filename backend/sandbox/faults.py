"""The fault plan: rules that routes consult before and after they answer."""

import random
from collections import Counter
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

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
    "batch_limit",
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
"""What only the token endpoint says, by its word: HTTP status and description."""
TRANSPORT_KINDS = ("slow", "drop", "drop_after", "drop_mid", "unavailable_after", "garbage")
RACE_KINDS = ("label_taken",)
"""Somebody else has just done the same: it is there, and the call is refused."""
KINDS = ERROR_KINDS + tuple(TOKEN_REFUSALS) + TRANSPORT_KINDS + RACE_KINDS
ISSUER = "oauth.token"
BATCH = "batch"
"""A batch request as a whole; the calls inside it go by their own names."""

# These let the call take effect before it fails: the caller cannot know whether it happened.
AFTER_KINDS = frozenset({"drop_after", "drop_mid", "unavailable_after", "garbage", *RACE_KINDS})


class FaultError(ValueError):
    """A fault rule that cannot be read; the text says why."""


@dataclass(slots=True)
class FaultRule:
    """One rule. `method`, `mailbox` and `project` (the client's) are shell patterns; `times` 0 means without end.

    `skip` calls pass first, then each matching call is hit with `probability` (0 to 1).
    `seconds` is for "slow" and for the time named by "too_many_requests".
    """

    kind: str
    method: str = "*"
    mailbox: str = "*"
    project: str = "*"
    times: int = 1
    skip: int = 0
    probability: float = 1.0
    seconds: float = 1.0
    id: int = 0
    hits: int = 0

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "FaultRule":
        """Read a rule. Raises FaultError."""
        settable = {item.name: item for item in fields(cls) if item.name not in ("id", "hits")}
        if data.get("kind") not in KINDS:
            raise FaultError(f"kind must be one of {', '.join(KINDS)}.")
        for name, value in data.items():
            if name not in settable:
                raise FaultError(f"{name[:60]!r} is not part of a fault rule.")
            wanted = str if name in ("kind", "method", "mailbox", "project") else int | float
            if not isinstance(value, wanted) or isinstance(value, bool):
                raise FaultError(f"{name} has the wrong type.")
            if not isinstance(value, str) and not 0 <= value <= 10**6:
                raise FaultError(f"{name} is out of range.")
        return cls(**data)

    @property
    def spent(self) -> bool:
        """Whether the rule has done all it was asked to."""
        return self.times > 0 and self.hits >= self.times

    def as_json(self) -> dict[str, Any]:
        """The rule with its counters."""
        return asdict(self)


class FaultPlan:
    """The rules in force, in order; the first that hits a call decides."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ids = count(1)
        self.rules: list[FaultRule] = []
        self.counts: Counter[str] = Counter()
        self.methods: dict[str, Counter[str]] = {}

    def add(self, rule: FaultRule) -> int:
        """Put a rule in force; returns its id."""
        rule.id = next(self._ids)
        self.rules.append(rule)
        return rule.id

    def clear(self) -> None:
        """Lift all rules; counts stay."""
        self.rules.clear()

    def remove(self, rule_id: int) -> bool:
        """Lift one rule; False if there is none with this id."""
        before = len(self.rules)
        self.rules = [rule for rule in self.rules if rule.id != rule_id]
        return len(self.rules) < before

    def strike(self, method: str, mailbox: str = "", project: str = "") -> FaultRule | None:
        """The rule that hits this call, or None. Counts the hit; spent rules leave the plan.

        A batch as a whole is hit only by a rule that names it: one for any method means the calls inside. What only
        the token endpoint says hits nothing else.
        """
        short = method.removeprefix("gmail.users.")
        for rule in self.rules:
            named = fnmatchcase(method, rule.method) or fnmatchcase(short, rule.method)
            if not named or (method == BATCH) != (rule.method == BATCH):
                continue
            if rule.kind in TOKEN_REFUSALS and method != ISSUER:
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
