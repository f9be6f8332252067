"""What both HTTP servers here need, ours and the local Google's: HTTP/1.1 alone, and who holds a port."""

from __future__ import annotations

from typing import Any

from hypercorn import events, protocol
from hypercorn.protocol.h11 import H11Protocol


class _HTTP2(Exception):
    """A client that begins with HTTP/2."""


class HTTP1Only(H11Protocol):
    """HTTP/1.1 as Hypercorn speaks it, without the two ways from there to HTTP/2.

    Without TLS no browser, proxy or Google asks for HTTP/2. A client that does can open and reset streams faster than
    anything counts them, since our limits begin where a request reaches the application.
    """

    async def handle(self, event: events.Event) -> None:
        """Bytes of the client. One that takes HTTP/2 for granted gets the answer that we do not speak it."""
        try:
            await super().handle(event)
        except _HTTP2:
            await self._send_error_response(505)
            await self.send(events.Closed())

    async def _check_protocol(self, event: Any) -> None:
        # An `Upgrade` to h2c is no error (RFC 9110, 7.8): the request is answered in HTTP/1.1.
        if event.http_version == b"2.0":
            raise _HTTP2


def refuse_http2() -> None:
    """From now on every Hypercorn of this process speaks HTTP/1.1 only; it has no setting for it.

    tests/web/test_serving.py fails should another version build its protocol elsewhere.
    """
    vars(protocol)["H11Protocol"] = HTTP1Only


def port_holder(port: int) -> tuple[str, int] | None:
    """Program and process id that listen on a TCP port; None if this user may not see it."""
    import psutil  # only here: ten milliseconds of a start that finds its port free

    try:
        for link in psutil.net_connections("tcp"):
            if link.status == psutil.CONN_LISTEN and link.laddr.port == port and link.pid:
                return psutil.Process(link.pid).name(), link.pid
    except (psutil.Error, OSError):
        pass
    return None
