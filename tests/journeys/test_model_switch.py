"""Another model file is served without a restart, and a file that must not be used changes nothing."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import aiohttp

from backend.demo.people import free_port, until_ready
from backend.scoring import SHIPPED
from tests.journeys.conftest import until
from tests.machine import Forked
from tests.renamed_model import OTHER_VERSION, SHIPPED_VERSION, put, put_renamed


async def test_a_hangup_switches_the_model_and_a_refused_file_changes_nothing(tmp_path: Path) -> None:
    model, log, port = tmp_path / "model.onnx", tmp_path / "serve.log", free_port()
    shutil.copy(SHIPPED, model)
    environment = {
        "PITCHGATE_BIND": f"127.0.0.1:{port}",
        "PITCHGATE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PITCHGATE_STATE_DIR": str(tmp_path),
        "PITCHGATE_MODEL_PATH": str(model),
        "PITCHGATE_LOG_JSON": "true",
    }
    server = Forked("server", ["backend", "serve"], environment, log)
    await server.start()
    try:
        async with aiohttp.ClientSession() as client:
            ready = f"http://127.0.0.1:{port}/readyz"

            async def in_use() -> str:
                async with client.get(ready) as answer:
                    return str((await answer.json())["model"])

            async def refused() -> bool:
                return "model_refused" in log.read_text()

            async def switched() -> bool:
                return await in_use() == OTHER_VERSION

            await until_ready(client, ready, server)
            assert await in_use() == SHIPPED_VERSION

            put(model, b"not a model")
            os.kill(server.pid, signal.SIGHUP)
            await until(refused, "the refusal in the log")
            assert await in_use() == SHIPPED_VERSION

            put_renamed(model)
            os.kill(server.pid, signal.SIGHUP)
            await until(switched, "the other model")
            assert server.running
    finally:
        await server.stop()
