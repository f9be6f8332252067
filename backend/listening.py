"""Taking the address to listen on, before anything else is opened; and who has it when it is taken."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable
from typing import Any

from hypercorn.config import Config

from backend.domain.errors import Refused

_KEYS = {
    errno.EADDRINUSE: "bind.taken",
    errno.EACCES: "bind.low",
    errno.EADDRNOTAVAIL: "bind.elsewhere",
}


def take(config: Config, variable: str) -> None:
    """Bind the sockets of `config`, which then holds them. Raises `Refused` that names `variable`.

    They are bound and do not listen yet: nobody connects before the server is ready to answer.
    """
    name = config.bind[0]
    try:
        sockets = config.create_sockets().insecure_sockets
    except (OSError, OverflowError) as error:
        raise _refused(name, error, variable) from error
    config.bind = [f"fd://{socket.detach()}" for socket in sockets]


class Callers:
    """Makes a protocol with `make` for each connection that comes in, for `most` at once. Whoever comes on top of them
    is hung up on: an idle connection ends after five seconds, and makes room."""

    def __init__(self, make: Callable[[], asyncio.BaseProtocol], most: int) -> None:
        self._make, self._most, self._open = make, most, 0

    def __call__(self) -> asyncio.BaseProtocol:
        """For the next connection."""
        if self._open >= self._most:
            return _HangUp()
        protocol: Any = self._make()
        ended = protocol.connection_lost
        self._open += 1

        def lost(error: Exception | None) -> None:
            self._open -= 1
            ended(error)

        protocol.connection_lost = lost
        made: asyncio.BaseProtocol = protocol
        return made


class _HangUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        transport.close()


def probe(address: str, variable: str) -> None:
    """Raise `Refused` like `take` if `address` cannot be listened on now. Takes nothing."""
    config = Config()
    config.bind = [address]
    take(config, variable)
    os.close(int(config.bind[0].removeprefix("fd://")))


def _refused(address: str, error: Exception, variable: str) -> Refused:
    """What to say of an address that could not be taken."""
    number = error.errno if isinstance(error, OSError) else None
    why = getattr(error, "strerror", None) or str(error).rstrip(".")
    holder = _holder(address.rpartition(":")[2]) if number == errno.EADDRINUSE else None
    key = "bind.taken_by" if holder else _KEYS.get(number or 0, "bind")
    return Refused(key, address=address, why=why, setting=variable, field="bind", **(holder or {}))


def _holder(port: str) -> dict[str, str] | None:
    """Program and process that listen on a TCP port; None if this user may not see it."""
    import psutil  # only here: ten milliseconds of a start that finds its port free

    try:
        for link in psutil.net_connections("tcp"):
            if link.status == psutil.CONN_LISTEN and str(link.laddr.port) == port and link.pid:
                return {"program": psutil.Process(link.pid).name(), "process": str(link.pid)}
    except (psutil.Error, OSError):
        pass
    return None
