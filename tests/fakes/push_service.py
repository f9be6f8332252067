"""The push services of browser vendors: records what was sent, and answers as a test wants."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from backend.domain.mailbox.owner_digest import PushSubscription
from backend.ports.system import PushAnswer, Pushed

POINT = "B" + "A" * 86
SECRET = "c" * 22


@dataclass
class FakePushService:
    """Implements `backend.ports.system.PushService`. `answers` are by endpoint; others accept everything."""

    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, PushAnswer] = field(default_factory=dict)
    keys: int = 0

    def new_key(self) -> str:
        self.keys += 1
        return f"key{self.keys}"

    def public_key(self, key: str) -> str:
        """A public key in which a test can see the private one."""
        return f"public-{key}"

    async def push(self, to: PushSubscription, payload: bytes) -> PushAnswer:
        self.sent.append((to.endpoint, json.loads(payload)))
        return self.answers.get(to.endpoint, PushAnswer(Pushed.SENT))

    def titles(self) -> list[str]:
        return [payload["title"] for _, payload in self.sent]
