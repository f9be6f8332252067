"""An app on a real port: Hypercorn in a thread, on a socket the system picked."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hypercorn.config import Config
from quart import Quart

from backend.serving import serve_app
from tests.web.service import Office, office

T = TypeVar("T")
WAIT = 20.0


@dataclass
class Server:
    """Its address, what is behind it, and the loop that everything there runs in."""

    address: str
    office: Office
    loop: asyncio.AbstractEventLoop

    def do(self, story: Coroutine[Any, Any, T]) -> T:
        """Something happens behind the pages; returns when it has."""
        return asyncio.run_coroutine_threadsafe(story, self.loop).result(WAIT)


@contextmanager
def served_office(folder: Path, **options: Any) -> Iterator[Server]:
    """`office(folder, **options)` at an address of its own, which is its public one."""
    opened: list[Server] = []

    @asynccontextmanager
    async def open_(address: str, stopping: asyncio.Event) -> AsyncIterator[Quart]:
        async with office(folder, stopping, public_url=address, **options) as here:
            opened.append(Server(address, here, asyncio.get_running_loop()))
            yield here.app

    with served(open_):
        yield opened[0]


@contextmanager
def served(
    open_app: Callable[[str, asyncio.Event], AbstractAsyncContextManager[Quart]],
) -> Iterator[str]:
    """The address of the running app that `open_app(address, stopping)` opens in the server's own loop."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []
    stopping = asyncio.Event()

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.errorlog = None
        config.graceful_timeout = 2.0
        async with open_app(address, stopping) as app:
            ready.set()
            await serve_app(app, config, stopping)

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(WAIT), "the server did not start"
    try:
        yield address
    finally:
        loops[0].call_soon_threadsafe(stopping.set)
        thread.join(WAIT)
        assert not thread.is_alive(), "the server did not stop"
