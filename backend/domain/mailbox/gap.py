"""What a re-list after a lost cursor found and left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time that Google's history no longer told of, and what listing over it did.

    From `since` to `until` mail was looked for by listing; `found` of it was new. `cut` is "" if all of it
    was looked at, "time" if the gap was longer than is listed, "count" if it held more mail than is: what was
    left out stays in the inbox, unjudged. `unchecked` held messages were not compared with Gmail: had the owner
    moved them meanwhile, nobody noticed.
    """

    since: datetime
    until: datetime
    found: int
    cut: str = ""
    unchecked: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"since": self.since.isoformat(), "until": self.until.isoformat()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Gap:
        """Inverse of `to_json`."""
        since, until = (datetime.fromisoformat(data[name]) for name in ("since", "until"))
        return cls(since, until, int(data["found"]), str(data["cut"]), int(data.get("unchecked", 0)))
