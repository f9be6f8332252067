"""The sandbox and the server as child processes that can be killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from backend.domain.errors import PitchgateError
from backend.terminal import words

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
        process = Process(self.name, [], {**self._environment, **environment}, self._log)
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
