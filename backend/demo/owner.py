"""The owner connects her mailbox as her browser would: landing page, consent page, and back."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import aiohttp

from backend.domain.errors import PitchgateError


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
