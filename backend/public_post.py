"""One POST to an address that somebody else wrote.

https only, a named host on the usual port, public addresses only, looked up once and connected to as looked up; no
redirect, no cookies, no proxy; an answer's first kilobytes are read and thrown away.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from socket import SOCK_STREAM

import aiohttp
from yarl import URL

from backend.domain.errors import Refused
from backend.domain.mail.machine_mail import host_of
from backend.public_addresses import Allowance, Lookup, Pinned, is_public

SECONDS = 8.0
MOST_READ = 16 * 1024


async def system_lookup(host: str) -> list[str]:
    """The system's own answer."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, 443, type=SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class Answer:
    """`retry_after` is that header, as it was sent."""

    status: int
    retry_after: str = ""


class PublicPost:
    """A connection of its own for each order; nothing is kept."""

    def __init__(
        self,
        lookup: Lookup = system_lookup,
        allowed: Allowance = is_public,
        trust: ssl.SSLContext | None = None,
        port: int = 443,
        seconds: float = SECONDS,
    ) -> None:
        """All but the defaults is for tests, whose hosts live on loopback."""
        self._lookup = lookup
        self._allowed = allowed
        self._trust = trust
        self._port = port
        self._seconds = seconds

    async def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """The answer, whatever it says. Raises `Refused` with a code: unsafe_address (not https, or a host that leads
        anywhere but to the public Internet) or unreachable (no answer in time, or none at all)."""
        host = host_of(url)
        if not host:
            raise Refused("unsafe_address.form")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._post(url, body, headers)
        except Refused:
            raise
        except (aiohttp.ClientError, OSError, ValueError, TimeoutError) as error:
            cause = error.__cause__
            if isinstance(cause, Refused):
                raise cause from None
            # Neither the address nor what its owner answered belongs into a log.
            raise Refused("unreachable", host=host) from None

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
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
                headers={"User-Agent": "Pitchgate", **headers},
                skip_auto_headers=("Accept", "Accept-Encoding"),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
                max_line_size=8 * 1024,
                max_field_size=8 * 1024,
            ) as session,
            session.post(self._aimed(url), data=body, allow_redirects=False) as answer,
        ):
            await answer.content.read(MOST_READ)
            return Answer(answer.status, answer.headers.get("Retry-After", ""))

    def _aimed(self, url: str) -> URL:
        """The address as it was written. Tests cannot listen on the usual port: theirs takes its place."""
        written = URL(url, encoded=True)
        return written if self._port == 443 else written.with_port(self._port)
