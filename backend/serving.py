"""A server process: Hypercorn and the job loop on one event loop, and the binding of its address."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import os
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import structlog
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from hypercorn.utils import LifespanFailureError
from quart import Quart

from backend.bootstrap import Application, open_application
from backend.domain.errors import PitchgateError, Refused
from backend.listening import port_holder, refuse_http2
from backend.logs import configure_logging, log_unhandled_errors
from backend.reader.pool import ReadingPool
from backend.settings import Settings
from backend.settings_read import read_settings, unknown_settings
from backend.terminal import showing_errors
from backend.web.app import create_app

# ---- Binding the address


_ERROR_KEYS = {
    errno.EADDRINUSE: "bind.taken",
    errno.EACCES: "bind.low",
    errno.EADDRNOTAVAIL: "bind.elsewhere",
}


def bind_sockets(config: Config, variable: str) -> None:
    """Bind the sockets of `config` and put them into it. Raises `Refused`, which names `variable` as the setting to
    change.

    They do not listen yet, so that nobody connects before the server is ready.
    """
    name = config.bind[0]
    try:
        sockets = config.create_sockets().insecure_sockets
    except (OSError, OverflowError) as error:
        raise _refused(name, error, variable) from error
    config.bind = [f"fd://{socket.detach()}" for socket in sockets]


class LimitedConnections:
    """A protocol factory that allows `most` open connections. Further ones are closed at once; idle ones end after five
    seconds and make room. `make` creates the real protocol."""

    def __init__(self, make: Callable[[], asyncio.BaseProtocol], most: int) -> None:
        self._make, self._most, self._open = make, most, 0

    def __call__(self) -> asyncio.BaseProtocol:
        """The protocol for a new connection."""
        if self._open >= self._most:
            return _HangUp()
        protocol: Any = self._make()
        original = protocol.connection_lost
        self._open += 1

        def lost(error: Exception | None) -> None:
            self._open -= 1
            original(error)

        protocol.connection_lost = lost
        limited: asyncio.BaseProtocol = protocol
        return limited


class _HangUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def check_can_bind(address: str, variable: str) -> None:
    """Raise `Refused`, as `bind_sockets` does, if `address` cannot be bound now. Does not keep it bound."""
    config = Config()
    config.bind = [address]
    bind_sockets(config, variable)
    os.close(int(config.bind[0].removeprefix("fd://")))


def _refused(address: str, error: Exception, variable: str) -> Refused:
    """The error for an address that could not be bound."""
    number = error.errno if isinstance(error, OSError) else None
    why = getattr(error, "strerror", None) or str(error).rstrip(".")
    port = address.rpartition(":")[2]
    holder = port_holder(int(port)) if number == errno.EADDRINUSE and port.isdecimal() else None
    facts = {"address": address, "why": why, "setting": variable, "field": "bind"}
    if holder is None:
        return Refused(_ERROR_KEYS.get(number or 0, "bind"), **facts)
    return Refused("bind.taken_by", **facts, program=holder[0], process=str(holder[1]))


# ---- One server process
# Everything is opened before Hypercorn starts and closed after it has stopped. In Hypercorn's own start-up hooks a
# failure would end the process with exit code 0, and handlers still running at shutdown would find the store closed.


log = structlog.get_logger()


async def serve(
    settings: Settings,
    companion: Callable[[Application], Coroutine[Any, Any, None]] | None = None,
    reader: ReadingPool | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish running requests within `stop_seconds`. `companion` is run at the same
    time and cancelled then. `reader` is closed by the caller."""
    configure_logging(settings)
    for name, meant in unknown_settings().items():
        log.warning("unknown_setting", name=name, meant=meant)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    log_unhandled_errors(loop)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    config = server_config(settings)
    bind_sockets(config, "PITCHGATE_BIND")
    async with open_application(settings, running=reader) as application:
        app = create_app(application.services, stop)
        log.info("serving", address=settings.public_url, environment=settings.environment)
        async with asyncio.TaskGroup() as group:
            _reload_models_on_sighup(application, group)
            group.create_task(serve_app(app, config, stop))
            group.create_task(application.work(stop))
            if companion is not None:
                group.create_task(_until(stop, companion(application)))


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or cancel it when `stop` is set."""
    tasks = {asyncio.create_task(work), asyncio.create_task(stop.wait())}
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    for task in done:
        await task  # raises its error


def _reload_models_on_sighup(application: Application, group: asyncio.TaskGroup) -> None:
    """On SIGHUP reload the models, including the model file. Not on Windows, which has no such signal."""
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGHUP, lambda: group.create_task(application.models.try_to_look(again=True))
        )


def server_config(settings: Settings) -> Config:
    config = Config()
    config.bind = [settings.bind]
    config.graceful_timeout = settings.stop_seconds
    config.keep_alive_max_requests = 100_000  # load balancers keep their connections open
    config.accesslog = None  # we write our own, without the tokens in addresses
    # Without Hypercorn's own handler, which would print exceptions.
    config.errorlog = logging.getLogger("hypercorn.error")
    return config


async def serve_app(app: Quart, config: Config, stop: asyncio.Event) -> None:
    """Run Hypercorn until `stop` is set. If Hypercorn ends by itself, set `stop`, which ends the job loop."""
    try:
        await hypercorn_serve(app, config, shutdown_trigger=stop.wait)
    finally:
        stop.set()


refuse_http2()  # in Hypercorn, for the whole process


class DevelopmentApp(Quart):
    """The app that `quart run` starts. Explains in words why it cannot start, as `pitchgate serve` does."""

    failure: PitchgateError | None = None

    def run(self, host: str | None = None, port: int | None = None, *args: Any, **kwargs: Any) -> None:
        with showing_errors("quart"):
            check_can_bind(f"{host or '127.0.0.1'}:{5000 if port is None else port}", "--host and --port")
            try:
                super().run(host, port, *args, **kwargs)
            except LifespanFailureError:
                raise self.failure or PitchgateError("not_started") from None

    def log_exception(self, exception_info: Any) -> None:
        """Log no trace of an error that is explained in words."""
        if self.failure is None:
            super().log_exception(exception_info)


def development_app() -> Quart:
    """An app for `quart run`: everything is opened by its start-up and closed by its shutdown."""
    shell = DevelopmentApp("backend")
    with showing_errors("quart"):
        settings = read_settings()

    @shell.while_serving
    async def life() -> AsyncGenerator[None, None]:
        configure_logging(settings)
        async with contextlib.AsyncExitStack() as stack:
            try:
                application = await stack.enter_async_context(open_application(settings))
            except PitchgateError as error:
                shell.failure = error  # kept because Hypercorn passes on only its text
                raise
            # From now on requests go to the real app; this one only handles start-up and shutdown.
            shell.asgi_app = create_app(application.services).asgi_app  # type: ignore[method-assign]
            stop = asyncio.Event()
            worker = asyncio.create_task(application.work(stop))
            yield
            stop.set()
            with contextlib.suppress(asyncio.CancelledError):
                await worker

    return shell
