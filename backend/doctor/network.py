"""Checks over the network: the clock, the OAuth client and its redirect address, and our own public address."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import ssl
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp

from backend.doctor.finding import Finding, broken, refused, warning, well
from backend.domain.errors import Refused
from backend.gmail.executor import told_at
from backend.home.client import CONSOLE, OAuthClient, try_out
from backend.settings import Settings
from backend.terminal import words

SKEW = 10.0
"""Seconds by which a clock may be off before tokens can be refused for it."""
SOON = 14
"""Days of life below which a certificate is told of."""
PATIENCE = aiohttp.ClientTimeout(total=15)
TROUBLE = (aiohttp.ClientError, OSError, TimeoutError)


async def of_clock(http: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Ours against Google's, by the date of an answer."""
    try:
        async with http.get(settings.jwks_url) as answer:
            told = told_at(answer.headers)
    except TROUBLE as error:
        host = urlsplit(settings.jwks_url).netloc
        return broken("clock", "unreachable", host=host, why=type(error).__name__)
    if told is None:
        return warning("clock", "no_date")
    off = (datetime.now(UTC) - told).total_seconds()
    if abs(off) > SKEW:
        return broken("clock", "ahead" if off > 0 else "behind", seconds=round(abs(off)))
    return well("clock", "right")


async def of_client(settings: Settings) -> Finding:
    """Whether Google knows the OAuth client and its secret."""
    client = OAuthClient(settings.client_id, settings.client_secret.get_secret_value())
    try:
        await try_out(client, settings)
    except Refused as error:
        return refused("client", error, mend=words("doctor")("client.settings"))
    return well("client", "known")


async def of_redirect(http: aiohttp.ClientSession, settings: Settings) -> Finding:
    """Whether Google would lead an owner back to us: it says so before anybody signs in."""
    query = urlencode(
        {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": settings.redirect_uri,
            "scope": " ".join(settings.scopes),
        }
    )
    try:
        async with http.get(f"{settings.authorize_url}?{query}", allow_redirects=False) as answer:
            response = _query(answer.headers.get("Location", "")) + (
                await answer.content.read(200_000)
            ).decode("utf-8", "replace")
    except TROUBLE as error:
        return broken("redirect", "unreachable", why=type(error).__name__)
    if "redirect_uri_mismatch" in response:
        return broken("redirect", "mismatch", address=settings.redirect_uri, console=CONSOLE)
    if "invalid_scope" in response:
        return broken("redirect", "scope")
    return well("redirect", "known", address=settings.redirect_uri)


def _query(location: str) -> str:
    """What Google's own error page is told in its address, where it is packed."""
    packed = parse_qs(urlsplit(location).query).get("authError", [""])[0]
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_").decode("utf-8", "replace")
    except ValueError:
        return ""


async def of_address(http: aiohttp.ClientSession, settings: Settings) -> list[Finding]:
    """Our public address: its name, its certificate, and that it is we who answer there."""
    parts = urlsplit(settings.public_url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    try:
        await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return [broken("dns", "unknown", host=host)]
    found = [well("dns", "known", host=host)]
    if parts.scheme == "https":
        tls = await _of_certificate(host, port)
        found.append(tls)
        if tls.state == "broken":
            return found
    return [*found, await _of_answer(http, settings)]


async def _of_certificate(host: str, port: int) -> Finding:
    try:
        async with asyncio.timeout(15):
            _, writer = await asyncio.open_connection(host, port, ssl=ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        return broken("tls", "not_believed", host=host, why=error.verify_message)
    except (OSError, TimeoutError) as error:
        return broken("tls", "none", host=host, port=str(port), why=type(error).__name__)
    certificate = writer.get_extra_info("peercert") or {}
    writer.close()
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (until - datetime.now(UTC)).days
    if days < SOON:
        return warning("tls", "ending", count=days)
    return well("tls", "good", count=days)


async def _of_answer(http: aiohttp.ClientSession, settings: Settings) -> Finding:
    try:
        async with http.get(f"{settings.public_url}/readyz", allow_redirects=False) as answer:
            response = await answer.json(content_type=None) if answer.status in (200, 503) else None
            status = answer.status
    except (*TROUBLE, ValueError) as error:
        return broken("server", "silent", address=settings.public_url, why=type(error).__name__)
    if not isinstance(response, dict) or "model" not in response:
        return broken("server", "other", address=settings.public_url, status=str(status))
    if status != 200:
        why = re.sub(r"[^\w ,.:-]", "", str(response))[:200]
        return broken("server", "not_ready", why=why)
    return well("server", "answers", address=settings.public_url, model=str(response["model"])[:40])
