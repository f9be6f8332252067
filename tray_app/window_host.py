"""The review window from the tray's side: a process of its own, since its toolkit wants the main thread too.

Tray and window speak JSON lines over the window's standard input and output: no port is opened for it. The page
of the server gets no such line: only our own local page may ask the tray for anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from tray_app.errors import TrayError
from tray_app.start import window_command
from tray_app.words import t

LINE_LIMIT = 1 << 20
CLOSE_PATIENCE = 3.0
Answer = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]


class WindowProcess:
    """The `Window` port. `answer` serves the local page; `snapshot` is what it is shown.

    `on_broken(mode, url)` is called when the window could not be shown, `on_closed` when its owner closed it,
    `on_lost` when they asked for a page of the server's and none came.
    """

    def __init__(
        self,
        answer: Answer,
        snapshot: Callable[[], dict[str, Any]],
        on_broken: Callable[[str, str], None],
        on_closed: Callable[[], None],
        on_lost: Callable[[], None],
        command: tuple[str, ...] = window_command(),
    ) -> None:
        self._answer = answer
        self._snapshot = snapshot
        self._on_broken = on_broken
        self._on_closed = on_closed
        self._on_lost = on_lost
        self._command = command
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._changed: asyncio.Handle | None = None
        self.showing = ""

    async def open_page(self, url: str) -> None:
        """See `Window.open_page`."""
        await self._open({"mode": "page", "url": url})

    async def open_local(self) -> None:
        """See `Window.open_local`."""
        if self.showing == "local":
            await self.to_front()
        else:
            await self._open({"mode": "local", "snapshot": self._snapshot()})

    async def to_front(self) -> None:
        """See `Window.to_front`."""
        self._say({"front": True})

    def refresh(self) -> None:
        """See `Window.refresh`. Several changes in one go make one call."""
        if self.showing == "local" and self._changed is None:
            self._changed = asyncio.get_running_loop().call_soon(self._push)

    async def close(self) -> None:
        """Close the window, by force if it does not close by itself."""
        process, reading = self._process, self._reading
        self._process = self._reading = None
        self.showing = ""
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin:
                process.stdin.close()  # the window ends when nobody speaks to it any more
        try:
            async with asyncio.timeout(CLOSE_PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
        if reading:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _open(self, first: dict[str, Any]) -> None:
        await self.close()
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=None if sys.stderr else asyncio.subprocess.DEVNULL,  # none without a console, on Windows
            limit=LINE_LIMIT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self._process = process
        self.showing = str(first["mode"])
        self._say(first)
        self._reading = asyncio.create_task(self._read(process, first))

    def _say(self, line: dict[str, Any]) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(json.dumps(line).encode() + b"\n")

    def _push(self) -> None:
        self._changed = None
        if self.showing == "local":
            self._say({"push": self._snapshot()})

    async def _read(self, process: asyncio.subprocess.Process, first: dict[str, Any]) -> None:
        shown = lost = False
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # a line beyond the limit, or no JSON: not our window's
            while line := await process.stdout.readline():
                message = json.loads(line)
                if message.get("shown"):
                    shown = True
                elif first["mode"] == "local":
                    await self._serve(message)
                elif message.get("lost") and not lost:
                    lost = True  # said for each load that fails; a second list would be a second window
                    self._on_lost()
        code = await process.wait()
        if self._process is process:
            self._process = None
            self.showing = ""
            if code and not shown:
                self._on_broken(str(first["mode"]), str(first.get("url", "")))
            else:
                self._on_closed()

    async def _serve(self, message: dict[str, Any]) -> None:
        self._say({"id": message.get("id"), "answer": await answered(self._answer, message)})


async def answered(answer: Answer, asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to the local page that asked {"do": name, "args": {…}}; in words if it fails."""
    try:
        return await answer(str(asked["do"]), dict(asked.get("args") or {}))
    except TrayError as error:
        return {"error": {"title": error.title, "remedy": error.remedy}}
    except (KeyError, TypeError, ValueError):
        return {"error": {"title": t("error.unknown_request"), "remedy": ""}}
