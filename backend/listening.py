"""Shared by our server and the local Google's: HTTP/1.1 only, and which program uses a port."""

from __future__ import annotations

from typing import Any

from hypercorn import events, protocol
from hypercorn.protocol.h11 import H11Protocol


class _HTTP2(Exception):
    """A client started with HTTP/2."""


class HTTP1Only(H11Protocol):
    """Hypercorn's HTTP/1.1 without its two ways to switch to HTTP/2.

    Without TLS no browser, no proxy and no service of Google uses HTTP/2. A client that does could open and reset
    streams without being counted, since our limits apply only to requests that reach the application.
    """

    async def handle(self, event: events.Event) -> None:
        """Handle bytes from the client. HTTP/2 is answered with 505."""
        try:
            await super().handle(event)
        except _HTTP2:
            await self._send_error_response(505)
            await self.send(events.Closed())

    async def _check_protocol(self, event: Any) -> None:
        # A request to upgrade to h2c is simply answered in HTTP/1.1, as RFC 9110 (7.8) allows.
        if event.http_version == b"2.0":
            raise _HTTP2


def refuse_http2() -> None:
    """Make every Hypercorn of this process use HTTP/1.1 only, for which it has no setting.

    tests/web/test_serving.py fails if a new version of Hypercorn needs another way.
    """
    vars(protocol)["H11Protocol"] = HTTP1Only


def port_holder(port: int) -> tuple[str, int] | None:
    """The program and process id that listen on a TCP port; None if unknown, or not visible to this user."""
    import psutil  # imported late: it would slow every start by ten milliseconds

    try:
        for link in psutil.net_connections("tcp"):
            if link.status == psutil.CONN_LISTEN and link.laddr.port == port and link.pid:
                return psutil.Process(link.pid).name(), link.pid
    except (psutil.Error, OSError):
        pass
    return None
