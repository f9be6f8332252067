"""What a fault journey may do in the sandbox beyond the demo: faults, acts, the owner's hand."""

from __future__ import annotations

from typing import Any

from backend.demo.people import Sandbox
from backend.settings import GMAIL_MODIFY

OTHER = "another-program"
"""Client and project of another program the owner uses."""

PART = (
    "--b\r\nContent-Type: application/http\r\nContent-ID: <x + {number}>\r\n\r\n"
    "GET /gmail/v1/users/me/profile HTTP/1.1\r\n\r\n\r\n"
)


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

    async def others_batch(self, mailbox: str, calls: int) -> int:
        """Another program of the owner's sends one batch of so many calls; the HTTP status of the whole."""
        if not self._other_client:
            client = {"client_id": OTHER, "client_secret": "other-secret", "project": OTHER}
            await self._call("POST", "/sandbox/clients", client)
            self._other_client = True
        fields = {"account": mailbox, "scopes": [GMAIL_MODIFY], "client_id": OTHER}
        token = str((await self._call("POST", "/sandbox/tokens", fields))["access_token"])
        parts = "".join(PART.format(number=number) for number in range(calls))
        head = {"Authorization": f"Bearer {token}", "Content-Type": "multipart/mixed; boundary=b"}
        async with self._http.post(f"{self.url}/batch", data=f"{parts}--b--\r\n", headers=head) as answer:
            await answer.read()
            return answer.status

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
