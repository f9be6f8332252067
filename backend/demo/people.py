"""Who takes part in the demo: sandbox and server as processes, the owner, and sellers who pass the check."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import os
import re
import signal
import socket
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import aiohttp

from backend.addon_manifest import FOLDER, render_manifest
from backend.demo.letters import Letter
from backend.domain.errors import PitchgateError, Refused
from backend.locale import LANGUAGES, catalogue
from backend.store.opening import open_store
from backend.terminal import cli_texts, language

# ---- Sandbox and server as child processes


START_SECONDS = 120.0
STOP_SECONDS = 15.0


class Process:
    """One child process. Its log goes to a file, so that a failure can be read afterwards."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *arguments]
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    def changed(self, **environment: str) -> Process:
        """A copy with other settings, not started."""
        process = type(self)(self.name, [], {**self._environment, **environment}, self._log)
        process._command = self._command
        return process

    async def start(self, *, pipe: bool = False) -> None:
        """Start it. With `pipe`, `first_line` can read its standard output."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if pipe else log,
                stderr=log,
                # Ctrl-C at a terminal goes to the whole group; we stop our children ourselves, after the count.
                start_new_session=True,
            )

    async def first_line(self) -> dict[str, object]:
        """The JSON object that it prints first. Raises `PitchgateError` if it ends or stays silent instead."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
            record: dict[str, object] = json.loads(line)
        except (TimeoutError, ValueError) as error:
            raise PitchgateError("demo.not_started", name=self.name, last=self.last_words()) from error
        return record

    def last_words(self) -> str:
        """The end of its log. It is part of the error, because the folder of a demo is deleted at the end."""
        lines = self._log.read_text("utf-8", "replace").split("\n") if self._log.exists() else []
        written = [line.strip() for line in lines if line.strip()]
        return " ".join(written[-2:])[:500] or cli_texts()("demo.log_empty")

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id, 0 before the start."""
        return self._process.pid if self._process is not None else 0

    @property
    def exit_code(self) -> int | None:
        return self._process.returncode if self._process is not None else None

    async def kill(self) -> None:
        """End it by SIGKILL, without any clean-up, as when a machine loses power."""
        if self._process is not None and self.running:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL if that takes too long."""
        if self._process is None or not self.running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.kill()


async def until_ready(http: aiohttp.ClientSession, url: str, process: Process) -> None:
    """Wait until `url` answers 200. Raises `PitchgateError` if the process ends or time runs out."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                if not process.running:
                    raise PitchgateError("demo.ended", name=process.name, last=process.last_words())
                try:
                    async with http.get(url) as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise PitchgateError("demo.not_ready", name=process.name, last=process.last_words()) from error


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---- Calls to the sandbox


class Sandbox:
    """The sandbox's admin routes. Every call raises `PitchgateError` with the sandbox's own message."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self.url = url

    async def create(self, email: str, name: str) -> None:
        await self._call("POST", "/sandbox/mailboxes", {"email": email, "name": name})

    async def watched(self, email: str) -> bool:
        """Whether this mailbox is watched, so that Google sends notices of its mail."""
        return bool((await self._call("GET", f"/sandbox/mailboxes/{email}"))["watches"])

    async def seed_sent(self, owner: str, to: str, subject: str, text: str) -> None:
        """Add a mail that the mailbox's owner wrote some time ago; history does not list it."""
        letter = {"from": owner, "header_to": to, "subject": subject, "text": text, "labels": ["SENT"]}
        await self._call(
            "POST", f"/sandbox/mailboxes/{owner}/messages", {"messages": [letter], "quiet": True}
        )

    async def deliver(self, letter: Letter, to: str) -> str:
        """Deliver a letter; returns its id in the recipient's mailbox."""
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
        response = await self._call("GET", "/sandbox/push")
        return int(response["pending"]) + int(response["unfetched"])

    async def push_modes(self, **modes: Any) -> None:
        """Duplicate, delay, reorder or drop pushes from now on."""
        await self._call("PUT", "/sandbox/push", modes)

    async def service_account(self, email: str, project: str) -> dict[str, Any]:
        """A new service account; its key file."""
        return await self._call("POST", "/sandbox/service-accounts", {"email": email, "project": project})

    async def deploy_addon(self, deployment: dict[str, Any] | None) -> None:
        """Show the Gmail add-on beside the mail, if there is a deployment."""
        if deployment is not None:
            await self._call("PUT", "/sandbox/addon", deployment)

    async def tell_story(self, name: str, seller: str, owner: str, server: str) -> None:
        """Show the bar that guides through the demo above the webmail's pages."""
        texts = ((language, catalogue(language)) for language in LANGUAGES)
        words = {
            each: {**found.section("story"), "nav_held": found["frame.nav_held"]} for each, found in texts
        }
        pages = {"check": f"{server}/c/", "live": f"{server}/live", "review": f"{server}/review"}
        people = {"name": name, "seller": seller, "owner": owner}
        await self._call("PUT", "/sandbox/story", {**people, **pages, "words": words})

    async def _call(self, method: str, path: str, data: Any = None) -> dict[str, Any]:
        async with self._http.request(method, self.url + path, json=data) as answer:
            body: dict[str, Any] = await answer.json(content_type=None)
            if answer.status >= 400:
                raise PitchgateError("demo.refused", path=path, said=body.get("error", answer.status))
            return body


# ---- The owner connects


async def connect(http: aiohttp.ClientSession, server: str, account: str) -> None:
    """Press Connect, choose `account`, tick every box, allow. Raises `PitchgateError` if that fails. `http` must keep
    cookies of IP addresses, because only the browser that went to Google may come back."""
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
# Nobody who watches a demo waits for eight o'clock.


DAY = 86_400_000_000
"""In microseconds, as in the store."""


async def first_digest(file: Path, owner: str, held: int) -> None:
    """Switch the digest of `owner` on in the server's store, in the terminal's language; make it due once `held`
    messages wait."""
    store = open_store(file)
    await store.open()
    try:
        mailbox = await store.mailbox_by_email(owner)
        if mailbox is None:
            return
        await store.change_preferences(
            mailbox.id, {"digest": "daily", "language": language()}, datetime.now(UTC)
        )
        while (seen := await store.overview(mailbox.id)) and (  # noqa: ASYNC110
            seen.messages < held or not next_morning(file)
        ):
            await asyncio.sleep(1.0)  # another process writes there
    finally:
        await store.close()


def next_morning(file: Path) -> bool:
    """Move the last digest back by a day, so that the next is due; False if none was planned yet."""
    with closing(sqlite3.connect(file, timeout=30)) as database, database:
        moved = database.execute('UPDATE "digests" SET told_until=told_until-?', (DAY,)).rowcount
        database.execute('UPDATE "duties" SET due_at=0 WHERE duty=?', ("digest",))
    return moved > 0


# ---- The Gmail add-on in the sandbox


ACCOUNT = "service-104400000017@gcp-sa-gsuiteaddons.iam.gserviceaccount.com"
CLIENT_ID = "104400000017-addon.apps.googleusercontent.com"
PLACEHOLDER_URL = "https://addon.pitchgate.example"


def deployment(server_url: str) -> dict[str, Any] | None:
    """The deployment for the sandbox's add-on host; None if the template is missing (in an installed program). The
    local address is filled in after the check, because Google would refuse it."""
    if not (FOLDER / "deployment.json").is_file():
        return None
    text = json.dumps(render_manifest("dev", PLACEHOLDER_URL)).replace(PLACEHOLDER_URL, server_url)
    return {"deployment": json.loads(text), "account": ACCOUNT, "client_id": CLIENT_ID}


def settings() -> dict[str, str]:
    """The settings a server needs to serve the add-on."""
    return {"PITCHGATE_ADDON_ACCOUNT": ACCOUNT, "PITCHGATE_ADDON_CLIENT_ID": CLIENT_ID}


# ---- Scripted solving of the check


MAX_STEPS = 64_000
MAX_COST = 1_000_000


def solve(task: dict[str, Any]) -> str:
    """The answer to a public task (the JSON of /c/<token>/task), ready to be posted as `payload`. It takes some tenths
    of a second of processor time at factor 1, so call it in a thread. Raises `Refused` (captcha_malformed) if the task
    is malformed, needs more work than the limits here, or has no solution."""
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
    """One local mailbox that answers challenges. `links` are those found, `solved` those whose check is passed."""

    address: str
    links: list[str] = field(default_factory=list)
    solved: list[str] = field(default_factory=list)

    async def look(self, sandbox: Sandbox) -> None:
        """Search the inbox for links of challenges."""
        found: list[str] = []
        for mail in await sandbox.messages(self.address):
            text = str(mail.get("text", ""))
            if "INBOX" in mail.get("labels", ()) and (match := LINK.search(text)):
                found.append(match.group(0))
        self.links = found

    async def answer(self, http: aiohttp.ClientSession) -> int:
        """Solve every link that is not solved yet; returns how many were accepted."""
        accepted = 0
        for link in dict.fromkeys(self.links):
            if link not in self.solved and await self._solve(http, link):
                self.solved.append(link)
                accepted += 1
        return accepted

    async def _solve(self, http: aiohttp.ClientSession, link: str) -> bool:
        """Solve the link while mail waits behind it. Returns whether none is left."""
        try:
            while (left := await self._solve_once(http, link)) > 0:
                pass
        except aiohttp.ClientError:
            return False
        return left == 0

    async def _solve_once(self, http: aiohttp.ClientSession, link: str) -> int:
        """How much mail still waits after one check; below 0 if the answer was not accepted."""
        async with http.get(f"{link}/task") as answer:
            if answer.status != 200:
                # 410: used or voided already. Else the server may be restarting: tried again next time.
                return 0 if answer.status == 410 else -1
            task = await answer.json()
        payload = await asyncio.to_thread(solve, task)
        async with http.post(link, data={"payload": payload}, headers=JSON) as answer:
            if answer.status == 200:
                return int((await answer.json())["waiting"])
            return 0 if answer.status == 410 else -1


JSON = {"Accept": "application/json"}
