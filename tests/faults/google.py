"""What a fault journey may do in the sandbox beyond the demo: faults, acts, the owner's hand."""

from __future__ import annotations

import asyncio
from typing import Any

from backend.demo.people import Sandbox
from backend.settings import GMAIL_MODIFY

OTHER = "another-program"
"""Client and project of another program the owner uses."""


class FaultySandbox(Sandbox):
    """The sandbox's admin routes for faults and for what an owner does in Gmail."""

    _other_client = False

    async def rule(self, kind: str, **rule: Any) -> int:
        """Put a fault rule in force; its id."""
        return int((await self._call("POST", "/sandbox/faults", {"kind": kind, **rule}))["id"])

    async def act(self, act: str, mailbox: str, **data: Any) -> dict[str, Any]:
        return await self._call("POST", "/sandbox/faults", {"act": act, "mailbox": mailbox, **data})

    async def faults(self) -> tuple[list[dict[str, Any]], dict[str, int]]:
        """The rules in force, and how often each kind has struck."""
        response = await self._call("GET", "/sandbox/faults")
        return response["rules"], response["counts"]

    async def by_method(self) -> dict[str, dict[str, int]]:
        """How often each kind has struck, method by method."""
        found: dict[str, dict[str, int]] = (await self._call("GET", "/sandbox/faults"))["methods"]
        return found

    async def lift(self) -> None:
        """No more faults."""
        await self._call("DELETE", "/sandbox/faults")

    async def knobs(self, **values: Any) -> None:
        await self._call("PUT", "/sandbox/settings", values)

    async def skew_clock(self, seconds: float) -> None:
        """Google's clock tells times that are off by so much."""
        await self._call("POST", "/sandbox/clock", {"skew": seconds})

    async def crowd(self, mailbox: str, calls: int) -> None:
        """Another program of the owner's makes so many calls at once."""
        if not self._other_client:
            client = {"client_id": OTHER, "client_secret": "other-secret", "project": OTHER}
            await self._call("POST", "/sandbox/clients", client)
            self._other_client = True
        fields = {"account": mailbox, "scopes": [GMAIL_MODIFY], "client_id": OTHER}
        token = str((await self._call("POST", "/sandbox/tokens", fields))["access_token"])
        head = {"Authorization": f"Bearer {token}"}

        async def call() -> None:
            async with self._http.get(f"{self.url}/gmail/v1/users/me/profile", headers=head) as answer:
                await answer.read()

        await asyncio.gather(*(call() for _ in range(calls)))

    async def push_report(self) -> dict[str, Any]:
        """Modes, counts, and how many pushes are pending."""
        return await self._call("GET", "/sandbox/push")

    async def reset_meter(self) -> None:
        await self._call("POST", "/sandbox/meter/reset", {})

    async def meters(self) -> dict[str, Any]:
        return await self._call("GET", "/sandbox/meter")

    async def position(self, mailbox: str) -> int:
        return int((await self._call("GET", f"/sandbox/mailboxes/{mailbox}"))["historyId"])

    async def watching(self, mailbox: str) -> list[dict[str, Any]]:
        """The mailbox's watches, lapsed ones too."""
        found: list[dict[str, Any]] = (await self._call("GET", f"/sandbox/mailboxes/{mailbox}"))["watches"]
        return found

    async def labels_now(self, mailbox: str) -> dict[str, frozenset[str]]:
        """Label names of every message by id."""
        response = await self._call("GET", f"/sandbox/mailboxes/{mailbox}/messages")
        return {mail["id"]: frozenset(mail["labels"]) for mail in response["messages"]}

    async def sent_mail(self, mailbox: str) -> list[dict[str, Any]]:
        """Every mail in Sent, in full."""
        response = await self._call("GET", f"/sandbox/mailboxes/{mailbox}/messages?label=SENT&full=1")
        found: list[dict[str, Any]] = response["messages"]
        return found

    async def move(
        self, mailbox: str, ids: list[str], add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
    ) -> None:
        """The owner's hand on labels, by name."""
        data = {"ids": ids, "add": list(add), "remove": list(remove)}
        await self._call("POST", f"/sandbox/mailboxes/{mailbox}/labels", data)

    async def write(self, mailbox: str, to: str, text: str) -> None:
        letter = {"to": to, "subject": "Hello", "text": text}
        await self._call("POST", f"/sandbox/mailboxes/{mailbox}/send", letter)

    async def reply(self, mailbox: str, gmail_id: str, text: str) -> None:
        """The owner answers a message."""
        await self._call(
            "POST", f"/sandbox/mailboxes/{mailbox}/send", {"reply_to_id": gmail_id, "text": text}
        )

    async def seed_known(self, owner: str, addresses: list[str]) -> None:
        """Messages the owner wrote some time ago."""
        seeded = [
            {"from": owner, "header_to": to, "subject": "Your reading", "text": "Shall we say the 12th?",
             "labels": ["SENT"]}
            for to in addresses
        ]  # fmt: skip
        await self._call("POST", f"/sandbox/mailboxes/{owner}/messages", {"messages": seeded, "quiet": True})
