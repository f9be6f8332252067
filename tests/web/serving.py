"""An app on a real port: Hypercorn in a thread, on a socket the system picked."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart

WAIT = 10.0


@contextmanager
def served(make_app: Callable[[str, asyncio.Event], Quart]) -> Iterator[str]:
    """The address of the running app that `make_app(address, stopping)` makes in the server's own loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready = threading.Event()
    handles: dict[str, object] = {}

    async def run() -> None:
        stopping = asyncio.Event()
        handles["stop"] = stopping.set
        handles["loop"] = asyncio.get_running_loop()
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.errorlog = None
        config.graceful_timeout = 2.0
        app = make_app(address, stopping)
        ready.set()
        await serve(app, config, shutdown_trigger=stopping.wait)

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(WAIT), "the server did not start"
    try:
        yield address
    finally:
        loop, stop = handles["loop"], handles["stop"]
        assert isinstance(loop, asyncio.AbstractEventLoop)
        assert callable(stop)
        loop.call_soon_threadsafe(stop)
        thread.join(WAIT)
        assert not thread.is_alive(), "the server did not stop"
