"""Cutting a client's TCP connection, for faults that no HTTP answer can play."""

import contextlib
import os
import socket


def drop_connection(client: tuple[str, int] | None) -> bool:
    """Shut down this process's connection to the peer `client` (host, port); False if there is none.

    The server gives applications no hold on their connection, so it is found among the open
    descriptors by its peer.
    """
    if client is None:
        return False
    for name in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError, ValueError):
            copy = os.dup(int(name))
            try:
                duplicate = socket.socket(fileno=copy)
            except OSError:
                os.close(copy)
                continue
            with duplicate:
                if duplicate.getpeername()[:2] == tuple(client[:2]):
                    duplicate.shutdown(socket.SHUT_RDWR)
                    return True
    return False
