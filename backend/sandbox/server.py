"""Serving the sandbox: one socket, one event loop, one line of JSON when it is ready."""

import asyncio
import errno
import ipaddress
import json
import os
import signal
import socket
from typing import Any

import click
import psutil
from hypercorn.asyncio import serve
from hypercorn.config import Config

from backend.sandbox.app import create_app
from backend.sandbox.world import World


def listen(host: str, port: int) -> socket.socket:
    """A bound, listening socket; port 0 takes any free one. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    listener.set_inheritable(True)
    return listener


def on_loopback(listener: socket.socket) -> bool:
    """Whether only this machine reaches the socket."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def holder(error: OSError, port: int) -> str:
    """Who has the port that could not be taken, as an ending for a sentence; "" if this user may not see it."""
    if error.errno != errno.EADDRINUSE:
        return ""
    try:
        for link in psutil.net_connections("tcp"):
            if link.status == psutil.CONN_LISTEN and link.laddr.port == port and link.pid:
                return f" by {psutil.Process(link.pid).name()} (process {link.pid})"
    except (psutil.Error, OSError):
        pass
    return ""


def base_url(listener: socket.socket) -> str:
    """The address the socket answers at."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _quiet_when_cut(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Requests cut at the end (a "slow" fault still sleeping) are meant: no traceback for them."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


async def run(world: World, listener: socket.socket, host: str) -> None:
    """Serve until SIGTERM or SIGINT; requests under way may finish."""
    url = base_url(listener)
    app = create_app(world, url, host)
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.accesslog = None
    config.errorlog = None
    config.include_date_header = False  # the application writes Google's own, which a test may put wrong
    config.graceful_timeout = 2.0
    config.keep_alive_timeout = 60.0
    # The default closes a connection after 1,000 requests without a word: connections drop here only by fault rule.
    config.keep_alive_max_requests = 10**9
    config.h11_max_incomplete_size = 64 * 1024
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_quiet_when_cut)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    @app.before_serving
    async def announce() -> None:
        click.echo(json.dumps({"sandbox": url, "pid": os.getpid()}))

    await serve(app, config, shutdown_trigger=stopped.wait)
