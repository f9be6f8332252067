"""Whoever ends the demo ends its processes too."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from backend.demo.processes import free_port
from tests.journeys.conftest import until

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGHUP])
async def test_nobody_is_left_behind(end: signal.Signals) -> None:
    ports = [*("--port", str(free_port())), *("--sandbox-port", str(free_port()))]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backend", "demo", "--no-browser", *ports),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    try:
        assert process.stdout is not None
        while line := await asyncio.wait_for(process.stdout.readline(), 120):
            if b"Ctrl-C" in line:
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 3, "the local Google, the server and the process that reads mail"
        process.send_signal(end)

        async def gone() -> bool:
            return process.returncode is not None and not any(child.is_running() for child in children)

        await until(gone, f"the end after {end.name}")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
