"""Taking the address to listen on, before anything else is opened; and who has it when it is taken."""

from __future__ import annotations

import errno
import os

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
