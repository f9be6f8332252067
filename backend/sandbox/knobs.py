"""Everything about the sandbox's behaviour that can be turned while it runs."""

from dataclasses import asdict, dataclass, fields
from typing import Any


class KnobError(ValueError):
    """A knob that does not exist or a value out of range; the text names it."""


@dataclass(slots=True)
class Knobs:
    """Times are seconds unless the name says otherwise. Changed by admin route and command line."""

    access_token_lifetime: float = 3599.0
    authorization_code_lifetime: float = 600.0
    refresh_token_lifetime: float = 0.0
    certs_max_age: int = 20_000
    watch_lifetime: float = 7 * 86_400.0
    push_interval: float = 1.0
    pull_wait: float = 20.0
    history_id_type: str = "number"
    history_labels: str = "added"
    history_empty_pages: int = 0
    history_lag: float = 0.0
    enforce_quota: bool = False
    quota_per_minute: int = 6_000
    quota_prices: str = "new"
    concurrency_cap: int = 0
    batch_limit: int = 100
    latency_ms: int = 0
    bounces: bool = False
    rewrite_message_ids: bool = False
    shared_message_ids: bool = False
    exact_subjects: bool = False

    def update(self, values: dict[str, Any]) -> None:
        """Set several knobs at once, or none. Raises KnobError."""
        checked = {name: self._checked(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def as_json(self) -> dict[str, Any]:
        """All knobs and their values."""
        return asdict(self)

    def _checked(self, name: str, value: Any) -> Any:
        known = {item.name: item for item in fields(self)}
        if name not in known:
            raise KnobError(f"{name[:60]!r} is not a setting. Known: {', '.join(sorted(known))}.")
        present = getattr(self, name)
        if name in _CHOICES:
            if value not in _CHOICES[name]:
                raise KnobError(f"{name} must be one of {', '.join(_CHOICES[name])}.")
            return value
        if isinstance(present, bool):
            if not isinstance(value, bool):
                raise KnobError(f"{name} must be true or false.")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10**9:
            raise KnobError(f"{name} must be a number from 0 to 1000000000.")
        return type(present)(value)


_CHOICES = {
    "history_id_type": ("number", "string"),
    "history_labels": ("added", "all", "none"),
    "quota_prices": ("new", "old"),
}


def parse_assignment(text: str) -> tuple[str, Any]:
    """`name=value` from a command line, the value read as true/false, a number or a word."""
    name, sign, value = text.partition("=")
    if not sign:
        raise KnobError(f"{text[:60]!r} is not of the form name=value.")
    if value.lower() in ("true", "false"):
        return name, value.lower() == "true"
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value
