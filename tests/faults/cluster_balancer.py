"""A load balancer as in front of any deployment: requests in turn to equal replicas, past those that are down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count

import aiohttp
from aiohttp import web
from yarl import URL

HOP_BY_HOP = ("Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Host")
PATIENCE = 15.0


class Balancer:
    """Listens at `url`. A request whose replica dies under it gets 502, as from any balancer: whether it was
    carried out, nobody knows. Only one that never reached a replica is given to the next."""

    def __init__(self, port: int, replicas: Sequence[str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.answers: Counter[int] = Counter()
        self._port = port
        self._replicas = replicas
        self._turns = count()
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Listen."""
        self._http = aiohttp.ClientSession(
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
            connector=aiohttp.TCPConnector(limit=0),
        )
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._forward)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()

    async def stop(self) -> None:
        """Listen no more."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    async def _forward(self, request: web.Request) -> web.Response:
        body = await request.read()
        number = next(self._turns)
        answer = web.Response(status=503)
        for step in range(len(self._replicas)):
            replica = self._replicas[(number + step) % len(self._replicas)]
            try:
                answer = await self._ask(replica, request, body, number)
                break
            except aiohttp.ClientConnectorError:
                continue
            except (aiohttp.ClientError, TimeoutError, OSError):
                answer = web.Response(status=502)
                break
        self.answers[answer.status] += 1
        return answer

    async def _ask(self, replica: str, request: web.Request, body: bytes, number: int) -> web.Response:
        assert self._http is not None
        headers = request.headers.copy()
        for name in HOP_BY_HOP:
            headers.popall(name, None)
        headers["Host"] = f"127.0.0.1:{self._port}"
        # A caller of its own for each request: how often one may come is not what is tried here.
        headers["X-Forwarded-For"] = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        async with self._http.request(
            request.method,
            URL(replica + request.raw_path, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
        ) as answer:
            fields = answer.headers.copy()
            for name in HOP_BY_HOP:
                fields.popall(name, None)
            return web.Response(status=answer.status, headers=fields, body=await answer.read())
