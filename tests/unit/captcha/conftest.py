"""A stand-in for a company's siteverify endpoint: on loopback, told what to answer, keeping what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from backend.captcha.vendors import VENDORS, SiteVerify, Vendor
from backend.ports.system import CaptchaKind

HOST = "gate.test"
SECRET = "0x-the-secret"
SITE_KEY = "0x-the-site-key"


@dataclass
class StandIn:
    """Takes each good token once, as all three companies do. `says` overrides the answer, `status` its status,
    `raw` its body; `hangs` never answers, `drops` cuts the line."""

    vendor: Vendor
    url: str = ""
    requests: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    says: dict[str, Any] | None = None
    status: int = 200
    raw: bytes | None = None
    hangs: bool = False
    drops: bool = False

    def success(self) -> dict[str, Any]:
        """The documented answer to a good token."""
        fields: dict[str, Any] = {
            "success": True, "challenge_ts": "2026-03-02T09:00:00.000Z", "hostname": HOST, "error-codes": [],
        }  # fmt: skip
        if self.vendor.action:
            fields |= {"action": self.vendor.action, "cdata": ""}
        return fields

    async def answer(self, request: web.Request) -> web.Response:
        """One call."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.requests.append(form)
        self.headers.append(dict(request.headers))
        if self.hangs:
            await asyncio.sleep(5)
        if self.drops and request.transport is not None:
            request.transport.close()
        if self.raw is not None:
            return web.Response(body=self.raw, status=self.status)
        return web.json_response(self.says or self._honest(form), status=self.status)

    def _honest(self, form: dict[str, str]) -> dict[str, Any]:
        for name in ("secret", "response"):
            if not form.get(name):
                return _no(f"missing-input-{name}")
        if form["secret"] != SECRET:
            return _no("invalid-input-secret")
        if not form["response"].startswith("good"):
            return _no("invalid-input-response")
        if form["response"] in self.seen:
            known = self.vendor.errors
            return _no(
                "already-seen-response" if "already-seen-response" in known else "timeout-or-duplicate"
            )
        self.seen.add(form["response"])
        return self.success()


def _no(code: str) -> dict[str, Any]:
    return {"success": False, "error-codes": [code]}


@pytest.fixture(params=[CaptchaKind.TURNSTILE, CaptchaKind.HCAPTCHA, CaptchaKind.RECAPTCHA])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]


@pytest.fixture
async def stand_in(vendor: Vendor) -> AsyncIterator[StandIn]:
    """Its endpoint, on a port of its own."""
    stand = StandIn(vendor)
    app = web.Application()
    app.router.add_post("/siteverify", stand.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    stand.url = f"http://{host}:{port}/siteverify"
    yield stand
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def check(vendor: Vendor, stand_in: StandIn, http: aiohttp.ClientSession) -> SiteVerify:
    """The adapter under test, beside its stand-in."""
    return adapter(vendor, stand_in, http)


def adapter(vendor: Vendor, stand_in: StandIn, http: aiohttp.ClientSession, **changes: Any) -> SiteVerify:
    """One with other keys, or less patience."""
    fields = {"site_key": SITE_KEY, "secret": SECRET, "host": HOST, "verify_url": stand_in.url} | changes
    return SiteVerify(vendor, http, **fields)
