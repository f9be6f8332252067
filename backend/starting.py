"""Starts a server quickly: the reading processes start while the other modules are imported.

Each of the two takes about half a second of one core.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend.bootstrap import Application
    from backend.settings import Settings


GC_THRESHOLD = 20_000
"""Threshold of Python's garbage collector. At its default of 700, collecting took 4% of the event loop's time and
found no garbage in 500 messages."""


def run(
    settings: Settings, companion: Callable[[Application], Coroutine[Any, Any, None]] | None = None
) -> None:
    """Serve until stopped. `companion` is run at the same time, and cancelled at the end."""
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(_serve(settings, companion))


def quick_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The factory of uvloop's event loop; None (asyncio's own) if uvloop is not installed."""
    try:
        import uvloop
    except ImportError:  # Windows
        return None

    class Loop(uvloop.Loop):
        """uvloop's loop, with servers that accept only as many connections as file descriptors allow."""

        async def create_server(self, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
            from backend.serving import LimitedConnections
            from backend.system import caller_connections, raise_file_limit

            callers = LimitedConnections(protocol_factory, caller_connections(raise_file_limit()))
            return await super().create_server(callers, *args, **kwargs)

    return Loop


def _structlog_without_rich() -> None:
    """Import structlog without rich, which it uses for traces at a terminal if installed. Our logs have no traces, and
    rich with Pygments takes a thirtieth of the start."""
    modules: dict[str, Any] = sys.modules
    if "rich" in modules:
        return
    modules["rich"] = None  # makes `import rich` fail
    try:
        import structlog  # noqa: F401
    finally:
        del modules["rich"]


async def _serve(
    settings: Settings, companion: Callable[[Application], Coroutine[Any, Any, None]] | None
) -> None:
    gc.disable()  # collecting garbage during imports would take a tenth of the start
    _structlog_without_rich()
    from backend.reader.pool import open_reader

    async with AsyncExitStack() as stack:
        importing = asyncio.create_task(asyncio.to_thread(_import_serving))
        reader = await stack.enter_async_context(open_reader(settings))
        serving = await importing
        gc.freeze()
        gc.set_threshold(GC_THRESHOLD)
        gc.enable()
        await serving.serve(settings, companion, reader)


def _import_serving() -> ModuleType:
    """Run in a thread, so that the event loop can send the model to the reading processes meanwhile."""
    from backend import serving as backend_serving

    return backend_serving
