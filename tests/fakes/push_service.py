"""The push services of browsers' makers: what was sent through them, and what they say as a test wishes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from backend.domain.mailbox.owner_digest import PushSubscription
from backend.ports.public_post import PushAnswer, Pushed

POINT = "B" + "A" * 86
SECRET = "c" * 22


@dataclass
class FakePushService:
    """Implements `backend.ports.public_post.PushService`. `answers` is by endpoint; who has none takes what comes."""

    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, PushAnswer] = field(default_factory=dict)
    keys: int = 0

    def new_key(self) -> str:
        """Numbered."""
        self.keys += 1
        return f"key{self.keys}"

    def public_key(self, key: str) -> str:
        """So that a test can see whose it is."""
        return f"public-{key}"

    async def push(self, to: PushSubscription, payload: bytes) -> PushAnswer:
        """Noted, and answered."""
        self.sent.append((to.endpoint, json.loads(payload)))
        return self.answers.get(to.endpoint, PushAnswer(Pushed.SENT))

    def titles(self) -> list[str]:
        """What browsers received."""
        return [told["title"] for _, told in self.sent]
