"""The task on the captcha page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Answer:
    """A correct answer. `signature` identifies the task: stored as a unique key, it bars a replay."""

    signature: str
    expires_at: datetime


class Captcha(Protocol):
    """Makes a task bound to one challenge and checks its answer. Keeps nothing."""

    def task(self, challenge_id: str, factor: int, now: datetime) -> dict[str, Any]:
        """Public JSON for the page. `factor` multiplies the work (1, 2, 4, …)."""
        ...

    def verify(self, payload: str, challenge_id: str, factor: int, now: datetime) -> Answer:
        """Raise `Refused` with code captcha_wrong, captcha_expired or captcha_malformed, or return the answer."""
        ...
