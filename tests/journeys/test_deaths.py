"""The server's machine dies again and again while mail arrives and senders solve."""

from __future__ import annotations

import asyncio
import json
import os
import sys

DEATHS = 20
CHEAP = {"PITCHGATE_CAPTCHA_COST": "10"}
"""What a check costs is not asked here, and is a third of the processor time; test_main_job pays the full price."""


async def test_twenty_deaths_lose_nothing_and_double_nothing() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "backend", "demo", "--json", "--no-browser"),
        *("--seconds", "24", "--every", "0.4", "--kills", str(DEATHS), "--seed", "11"),
        env={**os.environ, **CHEAP},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 900)
    assert process.returncode == 0, err.decode()[-2_000:] + out.decode()[-2_000:]
    response = json.loads(out.decode().splitlines()[-1])
    assert response["kills"] == DEATHS
    assert (response["lost"], response["doubled"], response["ledger_differences"]) == (0, 0, 0)
    # It would also be clean if nothing had happened: so something must have.
    assert response["delivered"] > 30
    assert response["challenged"] >= 4
    assert response["released"] >= 1
    assert (
        response["delivered"]
        == response["ignored"] + response["passed"] + response["held"] + response["released"]
    )
