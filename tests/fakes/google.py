"""An HTTP server that answers as Google exactly what a test scripts, wrong answers and broken connections included.

The sandbox behaves like the real Google; this fake is for what the real one hardly ever does.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from backend.gmail.client import Google, open_google
from backend.settings import Settings

KEYS = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("k1", "k2")}


def jwks(*kids: str, **changes: Any) -> dict[str, Any]:
    """The public halves as Google publishes them."""
    found = [json.loads(RSAAlgorithm.to_jwk(KEYS[kid].public_key())) | {"kid": kid} for kid in kids]
    return {"keys": [key | {"use": "sig", "alg": "RS256"} | changes for key in found]}


@dataclass
class Answer:
    """A scripted answer. It waits for `gate` first; `cut` breaks the connection: "before" any byte, or in the
    "middle"."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    cut: str = ""
    raw: bytes | None = None
    gzipped: bool = True


@dataclass
class Seen:
    """A request that was received."""

    verb: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")


class StoryClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at

    def pass_(self, **by: float) -> None:
        self.at += timedelta(**by)


class Keeper:
    """Implements the port for stored grants with a dictionary."""

    def __init__(self) -> None:
        self.grants: dict[str, str] = {"m1": "refresh-1"}
        self.replaced: list[tuple[str, str]] = []
        self.ends: list[tuple[str, str, datetime]] = []

    async def refresh_token(self, mailbox_id: str) -> str | None:
        return self.grants.get(mailbox_id)

    async def replace_refresh_token(self, mailbox_id: str, old: str, new: str) -> None:
        if self.grants.get(mailbox_id) == old:
            self.grants[mailbox_id] = new
            self.replaced.append((mailbox_id, new))

    async def grant_ends(self, mailbox_id: str, token: str, at: datetime) -> None:
        self.ends.append((mailbox_id, token, at))


class FakeGoogle:
    """Gives scripted answers, for each verb and path in turn; the last one is repeated."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self._moved = asyncio.Condition()
        self.hosts: set[str] = set()
        self._script: dict[str, list[Answer]] = defaultdict(list)
        self._issued = 0
        self.on("GET /certs", Answer(body=jwks("k1"), headers={"Cache-Control": "public, max-age=600"}))

    def on(self, where: str, *answers: Answer) -> None:
        """Answer `where` ("GET /gmail/v1/…") with each of `answers` in turn."""
        self._script[where] = list(answers)

    def calls(self, part: str) -> list[Seen]:
        return [seen for seen in self.seen if part in f"{seen.verb} {seen.path}"]

    async def until_in_flight(self, count: int) -> None:
        """Wait until `count` requests are in flight at once."""
        async with asyncio.timeout(10), self._moved:
            await self._moved.wait_for(lambda: self.in_flight >= count)

    def settings(self, **changes: Any) -> Settings:
        """Settings under which all requests to Google come here."""
        addresses = {
            "gmail_url": self.url,
            "token_url": f"{self.url}/token",
            "revoke_url": f"{self.url}/revoke",
            "jwks_url": f"{self.url}/certs",
            "authorize_url": f"{self.url}/auth",
        }
        # A small quota would only make tests wait; the quota has tests of its own.
        return Settings(**{**addresses, "quota_per_user_minute": 1_000_000, **changes})

    def id_token(self, clock: StoryClock, **changes: Any) -> str:
        issued = clock.now().timestamp()
        claims = {
            "iss": "https://accounts.google.com",
            "aud": Settings().client_id,
            "sub": "10769",
            "email": "Ana@Corp.Test",
            "email_verified": True,
            "name": "Ana",
            "nonce": "nonce-1",
            "iat": issued,
            "exp": issued + 3_600,
        }
        merged = {name: value for name, value in (claims | changes).items() if value is not ...}
        return jwt.encode(merged, KEYS["k1"], algorithm="RS256", headers={"kid": "k1"})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        query = {name: request.query.getall(name) for name in request.query}
        self.seen.append(Seen(request.method, request.path, query, dict(request.headers), body))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        async with self._moved:
            self._moved.notify_all()
        try:
            return await self._answer(request)
        finally:
            self.in_flight -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        where = f"{request.method} {request.path}"
        script = self._script.get(where)
        if script is None and where == "POST /token":
            return web.json_response(self._new_token())
        if script is None:
            return web.json_response({"error": {"code": 404, "message": f"no story for {where}"}}, status=404)
        answer = script.pop(0) if len(script) > 1 else script[0]
        if answer.gate is not None:
            await answer.gate.wait()
        assert request.transport is not None
        if answer.cut == "before":
            request.transport.abort()
            return web.Response()
        content = answer.raw if answer.raw is not None else json.dumps(answer.body or {}).encode()
        headers = dict(answer.headers)
        if answer.raw is None and answer.gzipped and "gzip" in request.headers.get("Accept-Encoding", ""):
            content = gzip.compress(content, 1)
            headers["Content-Encoding"] = "gzip"
        if answer.cut == "middle":
            headers["Content-Length"] = str(len(content))
            response = web.StreamResponse(status=answer.status, headers=headers)
            await response.prepare(request)
            await response.write(content[: len(content) // 2])
            request.transport.abort()
            return response
        return web.Response(status=answer.status, body=content, headers=headers)

    def _new_token(self) -> dict[str, Any]:
        self._issued += 1
        return {"access_token": f"access-{self._issued}", "expires_in": 3599, "token_type": "Bearer"}


@asynccontextmanager
async def fake_google() -> AsyncIterator[FakeGoogle]:
    """A running fake on a free port of this machine."""
    fake = FakeGoogle()
    app = web.Application(client_max_size=50_000_000)
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


def watching(hosts: set[str]) -> aiohttp.TraceConfig:
    """A trace that records the host of every request and every DNS lookup."""
    trace = aiohttp.TraceConfig()

    async def on_request(_: Any, __: Any, params: aiohttp.TraceRequestStartParams) -> None:
        hosts.add(params.url.host or "")

    async def on_resolve(_: Any, __: Any, params: aiohttp.TraceDnsResolveHostStartParams) -> None:
        hosts.add(params.host)

    trace.on_request_start.append(on_request)
    trace.on_dns_resolvehost_start.append(on_resolve)
    return trace


@asynccontextmanager
async def open_against(
    fake: FakeGoogle, keeper: Keeper | None = None, clock: StoryClock | None = None, **changes: Any
) -> AsyncIterator[Google]:
    """Our adapter, connected to `fake`. At the end, fails if any request went elsewhere."""
    async with open_google(
        fake.settings(**changes), keeper or Keeper(), clock or StoryClock(), traces=[watching(fake.hosts)]
    ) as google:
        yield google
    assert fake.hosts <= {"127.0.0.1"}, f"requests left this machine: {fake.hosts}"
