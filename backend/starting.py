"""Starts a server in as little time as can be: the processes that read come up while the rest is still imported.

Either takes about half a second of a core. In turn they would be twice that.
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


YOUNG = 20_000
"""How many more objects may be made than freed before Python looks for garbage in cycles. In 500 messages it found
none; at its usual 700 the looking took a twenty-fifth of the event loop."""


def run(settings: Settings, beside: Callable[[Application], Coroutine[Any, Any, None]] | None = None) -> None:
    """Serve until stopped; `beside` as for `backend.serving.serve`."""
    with asyncio.Runner(loop_factory=quick_loop()) as runner:
        runner.run(_served(settings, beside))


def quick_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes uvloop's event loop; None, for asyncio's own, where there is no uvloop."""
    try:
        import uvloop
    except ImportError:  # Windows
        return None

    class Loop(uvloop.Loop):
        """That never accepts more connections than there is room for."""

        async def create_server(self, protocol_factory: Any, *args: Any, **kwargs: Any) -> Any:
            from backend.serving import Callers
            from backend.system import for_callers, raise_limit

            callers = Callers(protocol_factory, for_callers(raise_limit()))
            return await super().create_server(callers, *args, **kwargs)

    return Loop


def _structlog_without_rich() -> None:
    """structlog takes rich where it is installed, for traces at a terminal. Our logs have none (`logs.places_only`),
    and rich with Pygments is a thirtieth of a start."""
    modules: dict[str, Any] = sys.modules
    if "rich" in modules:
        return
    modules["rich"] = None  # so Python marks a package that is not there
    try:
        import structlog  # noqa: F401
    finally:
        del modules["rich"]


async def _served(
    settings: Settings, beside: Callable[[Application], Coroutine[Any, Any, None]] | None
) -> None:
    gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of the start
    _structlog_without_rich()
    from backend.reader.pool import open_reader

    async with AsyncExitStack() as stack:
        rest = asyncio.create_task(asyncio.to_thread(_the_rest))
        reader = await stack.enter_async_context(open_reader(settings))
        serving = await rest
        gc.freeze()
        gc.set_threshold(YOUNG)
        gc.enable()
        await serving.serve(settings, beside, reader)


def _the_rest() -> ModuleType:
    """In a thread: the loop must be free to hand the model to the processes that wait for it."""
    from backend import serving as backend_serving

    return backend_serving
