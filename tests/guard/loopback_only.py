"""No Python process of the test suite speaks to anything but this machine.

An audit hook sees every connect and every look-up, also those made by C code, and stops what would leave
loopback. What it stopped is written to a file, because code under test may swallow the error: the test that
caused it fails all the same. `sitecustomize` beside this file puts the same hook into child processes.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import NoReturn

LOG_VARIABLE = "LOOPBACK_ONLY_LOG"
"""Names the file to which a process writes what it stopped. Unset: it is stopped without a note."""

_CONNECTS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


def install() -> None:
    """Hook this process, once. A hook cannot be taken out again."""
    if getattr(sys, "_loopback_only", False):
        return
    sys._loopback_only = True  # type: ignore[attr-defined]
    sys.addaudithook(_look)


def is_local(host: object) -> bool:
    """Whether `host` means this machine: an address of its own, or a name that needs no look-up elsewhere."""
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode("ascii", "replace")
    if not isinstance(host, str) or host == "":  # netlink addresses are numbers; None and "" mean "here"
        return True
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_unspecified)


def is_number(host: object) -> bool:
    """Whether `host` is an address already, so that looking it up asks nobody."""
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False
    return True


def _look(event: str, arguments: tuple[object, ...]) -> None:
    if event in _CONNECTS:
        address = arguments[1]
        if isinstance(address, tuple) and address and not is_local(address[0]):
            _stop(event, address[0])
    elif event in _LOOKUPS:
        host = arguments[0]
        if not is_local(host) and not is_number(host):
            _stop(event, host)


def _stop(event: str, host: object) -> NoReturn:
    text = f"{event} to {host!r} by process {os.getpid()} ({Path(sys.argv[0] or 'python').name})"
    if log := os.environ.get(LOG_VARIABLE):
        with open(log, "a", encoding="utf-8") as file:
            file.write(text + "\n")
    raise PermissionError(f"the test suite stays on this machine: {text}")
