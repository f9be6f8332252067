"""Ending the demo ends its processes too."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from backend.demo.people import free_port
from tests.journeys.conftest import until

ROOT = Path(__file__).parents[2]


async def test_nobody_is_left_behind() -> None:
    """The signal goes to the whole group, as a terminal and `timeout` send it. Three demos play side by side."""
    await asyncio.gather(*(_ended_by(end) for end in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)))


async def test_that_the_local_google_died_is_said_in_a_line() -> None:
    async with _playing() as (process, children):
        google = next(child for child in children if "backend.sandbox" in child.cmdline())
        google.kill()
        _, failed = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode == 1
        assert failed.decode().startswith("pitchgate: The sandbox ended: ")
        assert b"Traceback" not in failed
        await until(_gone(children), "the end of the others")


async def _ended_by(end: signal.Signals) -> None:
    async with _playing() as (process, children):
        os.killpg(process.pid, end)
        told, failed = await asyncio.wait_for(process.communicate(), 120)
        assert (process.returncode, failed) == (0, b"")
        last = told.decode().splitlines()[-3:]
        summed = re.fullmatch(
            r"  (\d+) emails? came: (\d+) stayed in the inbox, (\d+) held, (\d+) delivered after all\.",
            last[0],
        )
        assert summed is not None
        came, *became = map(int, summed.groups())
        assert came == sum(became)
        assert last[1:] == [
            "  Nothing was lost, and nothing was done twice.",
            "  All of it ran on this machine; nothing of it is left.",
        ]
        await until(_gone(children), f"the end after {end.name}")


@asynccontextmanager
async def _playing() -> AsyncIterator[tuple[Process, list[psutil.Process]]]:
    """A demo that runs, and the processes it started."""
    ports = [*("--port", str(free_port())), *("--sandbox-port", str(free_port()))]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backend", "demo", "--no-browser", *ports),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    try:
        assert process.stdout is not None
        while line := await asyncio.wait_for(process.stdout.readline(), 120):
            if b"Ctrl-C" in line:
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 3, "the local Google, the server and the process that reads mail"
        yield process, children
    finally:
        if process.returncode is None:
            for one in (*psutil.Process(process.pid).children(recursive=True), process):
                one.kill()
            await process.wait()


def _gone(children: list[psutil.Process]) -> Callable[[], Awaitable[bool]]:
    async def gone() -> bool:
        return not any(child.is_running() for child in children)

    return gone
