"""The scripted salesperson: finds challenges in their mailbox and solves them over HTTP, as their browser would."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import aiohttp

from backend.captcha.solver import solve
from backend.demo.google import Sandbox

LINK = re.compile(r"https?://[^\s\"'<>]+/c/[A-Za-z0-9_-]{20,64}")


@dataclass
class Salesperson:
    """One local mailbox that answers challenges. `links` are those found, `solved` those let through."""

    address: str
    links: list[str] = field(default_factory=list)
    solved: list[str] = field(default_factory=list)

    async def look(self, sandbox: Sandbox) -> None:
        """Read the mailbox for challenges that have not been seen yet. The same link twice would be told."""
        found: list[str] = []
        for mail in await sandbox.messages(self.address):
            text = str(mail.get("text", ""))
            if "INBOX" in mail.get("labels", ()) and (match := LINK.search(text)):
                found.append(match.group(0))
        self.links = found

    async def answer(self, http: aiohttp.ClientSession) -> int:
        """Solve every link not solved yet; returns how many were accepted now."""
        accepted = 0
        for link in dict.fromkeys(self.links):
            if link not in self.solved and await self._solve(http, link):
                self.solved.append(link)
                accepted += 1
        return accepted

    async def _solve(self, http: aiohttp.ClientSession, link: str) -> bool:
        """Solve while mail waits behind the link; whether it has nothing left to deliver."""
        try:
            while (left := await self._solve_once(http, link)) > 0:
                pass
        except aiohttp.ClientError:
            return False
        return left == 0

    async def _solve_once(self, http: aiohttp.ClientSession, link: str) -> int:
        """How much mail still waits after one check; below 0 if it was not accepted."""
        async with http.get(f"{link}/task") as answer:
            if answer.status != 200:
                # Used or voided already, or the server is being restarted: looked at again next time.
                return 0 if answer.status == 410 else -1
            task = await answer.json()
        payload = await asyncio.to_thread(solve, task)
        async with http.post(link, data={"payload": payload}, headers=JSON) as answer:
            if answer.status == 200:
                return int((await answer.json())["waiting"])
            return 0 if answer.status == 410 else -1


JSON = {"Accept": "application/json"}
