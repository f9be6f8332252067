"""A push endpoint on loopback: keeps what it receives and answers as set."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Self

from aiohttp import web

WAIT = 10.0


class Receiver:
    """`async with Receiver() as hook:` then `await hook.take(3)`.

    `answer` gives the status of the n-th push (from 1); pushes in `silent` are never answered.
    """

    def __init__(
        self, answer: Callable[[int], int] = lambda number: 204, silent: Collection[int] = ()
    ) -> None:
        self._answer = answer
        self._silent = silent
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self._arrived: asyncio.Queue[Push] = asyncio.Queue()
        self.pushes: list[Push] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._receive)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/hook"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self._closing.set()
        await self._runner.cleanup()

    async def take(self, count: int) -> list[Push]:
        """The next `count` pushes, waiting for them."""
        async with asyncio.timeout(WAIT):
            return [await self._arrived.get() for _ in range(count)]

    async def _receive(self, request: web.Request) -> web.Response:
        push = Push(await request.json(), dict(request.headers))
        self.pushes.append(push)
        self._arrived.put_nowait(push)
        number = len(self.pushes)
        if number in self._silent:
            await self._closing.wait()
        return web.Response(status=self._answer(number))


class Push:
    """One push as it came in."""

    def __init__(self, body: dict[str, Any], headers: dict[str, str]) -> None:
        self.body = body
        self.headers = headers

    @property
    def message_id(self) -> str:
        return str(self.body["message"]["messageId"])

    @property
    def token(self) -> str:
        return self.headers["Authorization"].removeprefix("Bearer ")

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(base64.urlsafe_b64decode(self.body["message"]["data"])))
