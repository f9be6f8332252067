"""What stands on standard error when something breaks outside our own handlers: the type and the place, no message."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
import structlog
from quart import Quart, Response

from backend.logs import configure_logging, log_unhandled_errors
from backend.serving import serve_app, server_config
from backend.settings import Settings

SECRET = "subject: buy our things"


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The process's logs are one for all tests."""
    root = logging.getLogger()
    handlers, level, ours = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**ours)


def lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was logged; every line is JSON."""
    output = capfd.readouterr().err
    assert SECRET not in output
    return [json.loads(line) for line in output.splitlines()]


def settings(address: str = "127.0.0.1:1") -> Settings:
    return Settings(log_json=True, bind=address, stop_seconds=1.0)


def test_an_answer_that_breaks_while_it_is_sent_is_told_by_type_and_place(
    capfd: pytest.CaptureFixture[str],
) -> None:
    app = Quart(__name__)

    @app.get("/")
    async def half() -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"the first half"
            raise KeyError(SECRET)

        return Response(pieces(), 200)

    async def play() -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        stop = asyncio.Event()
        configure_logging(settings(address))
        serving = asyncio.create_task(serve_app(app, server_config(settings(address)), stop))
        async with aiohttp.ClientSession() as http:
            await _ask(http, f"http://{address}/")
        stop.set()
        await serving

    asyncio.run(play())
    (entry,) = [line for line in lines(capfd) if line.get("error") == "KeyError"]
    assert entry["level"] == "error"
    assert any("pieces" in place for place in entry["places"])


async def _ask(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                async with http.get(url) as answer:
                    await answer.read()
                return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0)  # it is not listening yet
            except aiohttp.ClientError:
                return  # cut short, as it must be


def test_an_error_nobody_waits_for_is_told_by_type_and_place(capfd: pytest.CaptureFixture[str]) -> None:
    async def lost() -> None:
        raise ValueError(SECRET)

    async def play() -> None:
        log_unhandled_errors(asyncio.get_running_loop())
        task = asyncio.create_task(lost())
        await asyncio.wait({task})
        del task
        gc.collect()

    configure_logging(settings())
    asyncio.run(play())
    (entry,) = lines(capfd)
    assert (entry["event"], entry["error"]) == ("lost_error", "ValueError")


def test_what_libraries_log_of_an_exception_is_told_by_type_and_place(
    capfd: pytest.CaptureFixture[str],
) -> None:
    configure_logging(settings())
    try:
        raise RuntimeError(SECRET)
    except RuntimeError:
        logging.getLogger("some.library").exception("It broke for %s", "a reason")
    logging.getLogger("some.library").info("chatter")
    (entry,) = lines(capfd)
    assert (entry["logger"], entry["error"], entry["level"]) == ("some.library", "RuntimeError", "error")
    assert entry["event"] == "It broke for a reason"
