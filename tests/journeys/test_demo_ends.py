"""Ending the demo ends its processes too."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import psutil

from backend.demo.people import free_port
from tests.journeys.conftest import until

ROOT = Path(__file__).parents[2]


async def test_nobody_is_left_behind() -> None:
    """The signal goes to the whole group, as a terminal and `timeout` send it. Three demos play side by side."""
    await asyncio.gather(*(_ended_by(end) for end in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)))


async def _ended_by(end: signal.Signals) -> None:
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

        async def gone() -> bool:
            return not any(child.is_running() for child in children)

        await until(gone, f"the end after {end.name}")
    finally:
        if process.returncode is None:
            for one in (*psutil.Process(process.pid).children(recursive=True), process):
                one.kill()
            await process.wait()
