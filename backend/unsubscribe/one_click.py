"""The one POST of RFC 8058, to an address a stranger wrote.

https only, a named host on the usual port, public addresses only, looked up once and connected to as looked up; no
redirect, no cookies, no proxy, nothing of the owner's but what the address itself holds; an answer's first
kilobytes are read and thrown away.
"""

from __future__ import annotations

import asyncio
import ssl
from socket import SOCK_STREAM

import aiohttp
from yarl import URL

from backend.domain.errors import Refused
from backend.domain.mail.unsubscribe import BODY, host_of
from backend.unsubscribe.addresses import Allowance, Lookup, Pinned, is_public

SECONDS = 8.0
MOST_READ = 16 * 1024
HEADERS = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Pitchgate"}


async def system_lookup(host: str) -> list[str]:
    """The system's own answer."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, 443, type=SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class OneClick:
    """`backend.ports.unsubscribe.Unsubscriber`. A connection of its own for each order; nothing is kept."""

    def __init__(
        self,
        lookup: Lookup = system_lookup,
        allowed: Allowance = is_public,
        trust: ssl.SSLContext | None = None,
        port: int = 443,
        seconds: float = SECONDS,
    ) -> None:
        """All but the defaults is for tests, whose lists live on loopback."""
        self._lookup = lookup
        self._allowed = allowed
        self._trust = trust
        self._port = port
        self._seconds = seconds

    async def one_click(self, url: str) -> None:
        """See `Unsubscriber.one_click`."""
        host = host_of(url)
        if not host:
            raise Refused("unsafe_address.form")
        try:
            async with asyncio.timeout(self._seconds):
                status = await self._post(url)
        except Refused:
            raise
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            cause = error.__cause__
            if isinstance(cause, Refused):
                raise cause from None
            # Neither the address nor what its owner answered belongs into a log.
            raise Refused("unreachable", host=host) from None
        if not 200 <= status < 300:
            raise Refused("not_accepted", host=host, status=str(status))

    async def _post(self, url: str) -> int:
        connector = aiohttp.TCPConnector(
            resolver=Pinned(self._lookup, self._allowed),
            use_dns_cache=False,
            force_close=True,
            limit=1,
            ssl=self._trust if self._trust is not None else True,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
                headers=HEADERS,
                skip_auto_headers=("Accept", "Accept-Encoding"),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                max_line_size=8 * 1024,
                max_field_size=8 * 1024,
            ) as session,
            session.post(self._aimed(url), data=BODY, allow_redirects=False) as answer,
        ):
            await answer.content.read(MOST_READ)
            return answer.status

    def _aimed(self, url: str) -> URL:
        """The address as it was written. Tests cannot listen on the usual port: theirs takes its place."""
        written = URL(url, encoded=True)
        return written if self._port == 443 else written.with_port(self._port)
