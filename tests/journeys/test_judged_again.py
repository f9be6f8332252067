"""What was decided is judged again from the mail itself, fetched once more from the local Google."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

from tests.simulations.year import HOME, OWNER, Life, corpus, living

SIZE = 12


async def replay(life: Life) -> dict[str, Any]:
    """The last line of `pitchgate audit replay --fetch`."""
    fields = {f"PITCHGATE_{name.upper()}": str(value) for name, value in life.given.items()}
    command = (sys.executable, "-m", "backend", "audit", "replay", "--fetch")
    pipe = asyncio.subprocess.PIPE
    running = await asyncio.create_subprocess_exec(
        *command, env=os.environ | fields, stdout=pipe, stderr=pipe
    )
    out, errors = await running.communicate()
    assert running.returncode == 0, errors.decode()[-2_000:] + out.decode()[-2_000:]
    found: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return found


async def test_messages_that_are_fetched_again_are_judged_alike_to_the_bit(tmp_path: Path) -> None:
    async with living(tmp_path) as life:
        await life.a_week(corpus("train_5"), HOME, SIZE, random.Random(1))
        units = life.google.meter(OWNER)["units"]

        found = await replay(life)
        assert (found["checked"], found["fetched"], found["different"]) == (SIZE, SIZE, 0)
        assert life.google.meter(OWNER)["units"] - units >= 20 * SIZE

        life.google.delete_messages(OWNER, [life.google.messages(OWNER)[0]["id"]])
        found = await replay(life)
        assert (found["fetched"], found["gone"], found["different"]) == (SIZE - 1, 1, 0)
