"""What the demo may do in the sandbox: make mailboxes, deliver letters, read the meter."""

from __future__ import annotations

from typing import Any

import aiohttp

from backend.demo.letters import Letter
from backend.domain.errors import PitchgateError


class Sandbox:
    """The sandbox's admin routes. Every call raises `PitchgateError` with the sandbox's own words."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self.url = url

    async def create(self, email: str, name: str) -> None:
        """A new account with an empty mailbox."""
        await self._call("POST", "/sandbox/mailboxes", {"email": email, "name": name})

    async def watched(self, email: str) -> bool:
        """Whether somebody has called watch on this mailbox: mail from now on is told of."""
        return bool((await self._call("GET", f"/sandbox/mailboxes/{email}"))["watches"])

    async def seed_sent(self, owner: str, to: str, subject: str, text: str) -> None:
        """A mail that the mailbox's owner wrote some time ago, without a trace in history."""
        letter = {"from": owner, "header_to": to, "subject": subject, "text": text, "labels": ["SENT"]}
        await self._call(
            "POST", f"/sandbox/mailboxes/{owner}/messages", {"messages": [letter], "quiet": True}
        )

    async def deliver(self, letter: Letter, to: str) -> str:
        """A letter arrives; returns its id in the recipient's mailbox."""
        data: dict[str, Any] = {
            "to": to,
            "from": letter.sender,
            "subject": letter.subject,
            "text": letter.text,
            "auth": {"dmarc": letter.dmarc, "spf": letter.spf, "dkim": letter.dkim},
        }
        headers = {name: value for name, value in letter.headers.items() if name != "Return-Path"}
        if headers:
            data["headers"] = headers
        if letter.headers.get("Return-Path") == "<>":
            data["mail_from"] = ""
        if "SPAM" in letter.labels:
            data["spam"] = True
        if category := next((name for name in letter.labels if name.startswith("CATEGORY_")), ""):
            data["category"] = category.removeprefix("CATEGORY_").lower()
        answer = await self._call("POST", "/sandbox/deliver", data)
        return str(answer["delivered"][0]["id"])

    async def messages(self, mailbox: str) -> list[dict[str, Any]]:
        """Every message of a mailbox with its label names and text, newest first."""
        answer = await self._call("GET", f"/sandbox/mailboxes/{mailbox}/messages?full=1")
        found: list[dict[str, Any]] = answer["messages"]
        return found

    async def outbox(self) -> list[dict[str, Any]]:
        """Everything sent from local mailboxes, oldest first."""
        answer = await self._call("GET", "/sandbox/outbox")
        found: list[dict[str, Any]] = answer["messages"]
        return found

    async def meter(self, mailbox: str) -> dict[str, Any]:
        """Units by method of one mailbox: {"units", "calls", "methods": {name: {"calls", "units"}}}."""
        answer = await self._call("GET", "/sandbox/meter")
        found: dict[str, Any] = answer["mailboxes"].get(mailbox, {"units": 0, "calls": 0, "methods": {}})
        return found

    async def pushes_pending(self) -> int:
        """Notices not yet acknowledged."""
        response = await self._call("GET", "/sandbox/push")
        return int(response["pending"]) + int(response["unfetched"])

    async def push_modes(self, **modes: Any) -> None:
        """Duplicate, delay, reorder or drop pushes from now on."""
        await self._call("PUT", "/sandbox/push", modes)

    async def service_account(self, email: str, project: str) -> dict[str, Any]:
        """A new service account; its key file."""
        return await self._call("POST", "/sandbox/service-accounts", {"email": email, "project": project})

    async def deploy_addon(self, deployment: dict[str, Any] | None) -> None:
        """Put the Gmail add-on beside the mail, if there is one to put."""
        if deployment is not None:
            await self._call("PUT", "/sandbox/addon", deployment)

    async def tell_story(self, name: str, seller: str, owner: str, server: str) -> None:
        """Draw the bar that leads through the demo over the mail's pages."""
        pages = {"check": f"{server}/c/", "live": f"{server}/live", "review": f"{server}/review"}
        await self._call("PUT", "/sandbox/story", {"name": name, "seller": seller, "owner": owner, **pages})

    async def _call(self, method: str, path: str, data: Any = None) -> dict[str, Any]:
        async with self._http.request(method, self.url + path, json=data) as answer:
            body: dict[str, Any] = await answer.json(content_type=None)
            if answer.status >= 400:
                raise PitchgateError("demo.refused", path=path, said=body.get("error", answer.status))
            return body
