"""The letters of the demo, the sandbox and the server as child processes, and what the demo may do in the sandbox."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from backend.demo.letters import Letter
from backend.domain.errors import PitchgateError
from backend.terminal import words

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
        """The same with other settings, not started."""
        process = type(self)(self.name, [], {**self._environment, **environment}, self._log)
        process._command = self._command
        return process

    async def start(self, *, pipe: bool = False) -> None:
        """Start it; with `pipe` its standard output can be read by `first_line`."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if pipe else log,
                stderr=log,
                # Ctrl-C at a terminal goes to all of a group: ours ends its children when it has taken stock.
                start_new_session=True,
            )

    async def first_line(self) -> dict[str, object]:
        """The JSON object it prints first. Raises `PitchgateError` when it ends or stays silent instead."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
            told: dict[str, object] = json.loads(line)
        except (TimeoutError, ValueError) as error:
            raise PitchgateError("demo.not_started", name=self.name, last=self.last_words()) from error
        return told

    def last_words(self) -> str:
        """The end of its log: the folder of a demo is gone when a person would look for it."""
        lines = self._log.read_text("utf-8", "replace").split("\n") if self._log.exists() else []
        said = [line.strip() for line in lines if line.strip()]
        return " ".join(said[-2:])[:500] or words()("demo.log_empty")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its number, 0 before the start."""
        return self._process.pid if self._process is not None else 0

    @property
    def exit_code(self) -> int | None:
        """What it ended with; None while it runs."""
        return self._process.returncode if self._process is not None else None

    async def kill(self) -> None:
        """SIGKILL: no goodbye, as when a machine dies."""
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
    """Wait until `url` answers 200. Raises `PitchgateError` when the process ends or time runs out."""
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
    """The sandbox's admin routes. Every call raises `PitchgateError` with the sandbox's own words."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self.url = url

    async def create(self, email: str, name: str) -> None:
        """A new account with an empty mailbox."""
        await self._call("POST", "/sandbox/mailboxes", {"email": email, "name": name})

    async def watched(self, email: str) -> bool:
        """Whether somebody has called watch on this mailbox: Google now notifies us of its mail."""
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
