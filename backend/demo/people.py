"""Who takes part in the demo: the owner, the sellers, what they write, and how they solve the check."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import aiohttp

from backend.addon_manifest import FOLDER, rendered
from backend.demo.processes import Sandbox
from backend.domain.errors import PitchgateError, Refused
from backend.store.opening import open_store

# ---- The owner connects


async def connect(http: aiohttp.ClientSession, server: str, account: str) -> None:
    """Press Connect, choose `account`, tick every box, allow. Raises `PitchgateError` if that fails.

    `http` must keep cookies of IP addresses: the way back is only accepted from the browser that left.
    """
    async with http.post(f"{server}/connect", headers={"Origin": server}) as answer:
        onward = re.search(r'<a [^>]*href="([^"]+)"', (await answer.text()).partition("<main")[2])
        if answer.status != 200 or onward is None:
            raise PitchgateError("demo.connect", status=str(answer.status))
    parts = urlsplit(html.unescape(onward[1]))
    fields = parse_qsl(parts.query)
    scopes = dict(fields).get("scope", "").split()
    form = [*fields, ("account", account), ("decision", "allow"), *(("grant", scope) for scope in scopes)]
    page = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
    async with http.post(page, data=form, allow_redirects=False) as answer:
        back = answer.headers.get("Location", "")
        if not back.startswith(server):
            raise PitchgateError("demo.consent", status=str(answer.status))
    async with http.get(back) as answer:
        if answer.status != 200:
            raise PitchgateError("demo.back", status=str(answer.status))


# ---- The next morning, for the digest
# The next morning, for the digest: nobody who watches a demo waits for eight o'clock.


DAY = 86_400_000_000
"""Microseconds, as the store counts."""


async def first_digest(file: Path, owner: str, held: int) -> None:
    """Switch the digest of `owner` on in the server's store and, once `held` messages wait, let their morning come."""
    store = open_store(file)
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(owner)
        if mailbox is None:
            return
        await store.change_preferences(mailbox.id, {"digest": "daily"}, datetime.now(UTC))
        while (seen := await store.overview(mailbox.id)) and (  # noqa: ASYNC110
            seen.messages < held or not next_morning(file)
        ):
            await asyncio.sleep(1.0)  # another process writes there
    finally:
        await store.close()


def next_morning(file: Path) -> bool:
    """Move what was said so far back by a day, so that the digest is due; False if nobody was to get one yet."""
    with closing(sqlite3.connect(file, timeout=30)) as books, books:
        moved = books.execute('UPDATE "digests" SET told_until=told_until-?', (DAY,)).rowcount
        books.execute('UPDATE "duties" SET due_at=0 WHERE duty=?', ("digest",))
    return moved > 0


# ---- The Gmail add-on in the sandbox


ACCOUNT = "service-104400000017@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"
CLIENT_ID = "104400000017-addon.apps.googleusercontent.com"
ON_FILE = "https://addon.pitchgate.example"


def deployment(server_url: str) -> dict[str, Any] | None:
    """What the sandbox's add-on host is given; None where the template is not there (an installed program).

    Google would refuse an address on this machine, so it is put in after the check.
    """
    if not (FOLDER / "deployment.json").is_file():
        return None
    text = json.dumps(rendered("dev", ON_FILE)).replace(ON_FILE, server_url)
    return {"deployment": json.loads(text), "account": ACCOUNT, "client_id": CLIENT_ID}


def settings() -> dict[str, str]:
    """The settings a server needs to serve it."""
    return {"PITCHGATE_ADDON_ACCOUNT": ACCOUNT, "PITCHGATE_ADDON_CLIENT_ID": CLIENT_ID}


# ---- Scripted solving of the check


MAX_STEPS = 64_000
MAX_COST = 1_000_000


def solve(task: dict[str, Any]) -> str:
    """The answer to a public task (the JSON of /c/<token>/task), ready to be posted as `payload`.

    Pure, and busy for some tenths of a second of processor time at factor 1, so call it in a thread. Raises
    `Refused` (captcha_malformed) for a task that is none, is beyond the bounds here or has no solution.
    """
    try:
        parameters = task["parameters"]
        nonce, salt = bytes.fromhex(parameters["nonce"]), bytes.fromhex(parameters["salt"])
        prefix = bytes.fromhex(parameters["keyPrefix"])
        cost, length = int(parameters["cost"]), int(parameters["keyLength"])
        ceiling = int(parameters["data"]["ceiling"])
        understood = parameters["algorithm"] == "PBKDF2/SHA-256" and 0 < length <= 64
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("captcha_malformed.task") from error
    if not understood or not 0 < cost <= MAX_COST or not 0 < ceiling <= MAX_STEPS:
        raise Refused("captcha_malformed.task")
    for counter in range(ceiling):
        key = hashlib.pbkdf2_hmac("sha256", nonce + counter.to_bytes(4, "big"), salt, cost, length)
        if key.startswith(prefix):
            answer = {"challenge": task, "solution": {"counter": counter, "derivedKey": key.hex()}}
            return base64.b64encode(json.dumps(answer).encode()).decode()
    raise Refused("captcha_malformed.task")


# ---- The scripted salesperson


LINK = re.compile(r"https?://[^\s\"'<>]+/c/[A-Za-z0-9_-]{20,64}")


@dataclass
class Salesperson:
    """One local mailbox that answers challenges. `links` are those found, `solved` those let through."""

    address: str
    links: list[str] = field(default_factory=list)
    solved: list[str] = field(default_factory=list)

    async def look(self, sandbox: Sandbox) -> None:
        """Read the mailbox for challenges that have not been seen yet. The same link twice would be reported."""
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
