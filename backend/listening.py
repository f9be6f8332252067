"""Taking the address to listen on, before anything else is opened; and who has it when it is taken."""

from __future__ import annotations

import errno
import os

import psutil
from hypercorn.config import Config

from backend.domain.errors import Refused

_WAYS_OUT = {
    errno.EADDRINUSE: "Stop that one, or choose another port.",
    errno.EACCES: "Ports below 1024 belong to root: choose a higher one, with a proxy in front.",
    errno.EADDRNOTAVAIL: "This machine has no such address: 127.0.0.1 and 0.0.0.0 always work.",
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


def probe(address: str, variable: str) -> None:
    """Raise `Refused` like `take` if `address` cannot be listened on now. Takes nothing."""
    config = Config()
    config.bind = [address]
    take(config, variable)
    os.close(int(config.bind[0].removeprefix("fd://")))


def _refused(address: str, error: Exception, variable: str) -> Refused:
    """What to say of an address that could not be taken."""
    number = error.errno if isinstance(error, OSError) else None
    cause = getattr(error, "strerror", None) or str(error).rstrip(".")
    if number == errno.EADDRINUSE and (holder := _holder(address.rpartition(":")[2])):
        cause += f" by {holder}"
    way_out = _WAYS_OUT.get(number or 0, "It must be an address of this machine.")
    return Refused(
        f"Cannot listen on {address}: {cause}.",
        f"{way_out} It is set by {variable}.",
        code="bind",
        field="bind",
    )


def _holder(port: str) -> str:
    """Program and process that listen on a TCP port; "" if this user may not see it."""
    try:
        for link in psutil.net_connections("tcp"):
            if link.status == psutil.CONN_LISTEN and str(link.laddr.port) == port and link.pid:
                return f"{psutil.Process(link.pid).name()} (process {link.pid})"
    except (psutil.Error, OSError):
        pass
    return ""
