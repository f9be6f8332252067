"""Kills a writer of the state file with SIGKILL again and again: `python kill_writer.py FOLDER SERVER TOKEN KILLS`.

The parent forks a writer, lets it live for a random while, kills it, and opens the state file as the next start
would. A last writer may finish. Written as a process of its own that forks, since 200 interpreters would take minutes.
The writer notes each decision it was told is stored in `acked`, through a plain append that outlives the kill.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tray_app.backend_client import HttpBackend
from tray_app.errors import BackendError
from tray_app.memory import Memory
from tray_app.outbox import Outbox
from tray_app.state import Decision, Message

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LIST = tuple(Message(f"k{n:04}", f"a{n}@x.example", f"Ann {n}", "x.example", "Hi " * 9) for n in range(120))


async def write_for_ever(folder: Path, server: str, token: str, round_number: int) -> None:
    """Decide, send, change settings and lists, all at once."""
    memory = Memory(folder / "state.json")
    outbox = Outbox(memory)
    backend = HttpBackend(server, "0.1.0")
    backend.use_token(token)
    acks = os.open(folder / "acked", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def decide() -> None:
        number = 0
        while True:
            gmail_id = f"m{(round_number * 97 + number) % 50:05}"
            key = outbox.decide(gmail_id, Decision.BLOCK, "Blocked")
            os.write(acks, f"{key}\n".encode())
            number += 1
            memory.change(event=str(number))
            if number % 5 == 0:
                memory.know(LIST, LIST[:20], NOW)
            await asyncio.sleep(0.004)

    async def send() -> None:
        while True:
            with contextlib.suppress(BackendError):
                await outbox.flush(backend)
            await asyncio.sleep(0.001)

    await asyncio.gather(decide(), send())


async def finish(folder: Path, server: str, token: str) -> None:
    """Send what is left."""
    backend = HttpBackend(server, "0.1.0")
    backend.use_token(token)
    await Outbox(Memory(folder / "state.json")).flush(backend)
    await backend.close()


def main() -> None:
    folder, server, token, kills = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    dice = random.Random(4711)
    report = {"kills": 0, "unreadable": 0, "left_temporary_files": 0, "waiting_after_kill": 0}
    for round_number in range(kills):
        child = os.fork()
        if child == 0:
            asyncio.run(write_for_ever(folder, server, token, round_number))
        time.sleep(dice.uniform(0.005, 0.14))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "the writer ended by itself"
        report["kills"] += 1
        report["left_temporary_files"] += bool(list(folder.glob("state.json.tmp*")))
        memory = Memory(folder / "state.json")
        report["unreadable"] += memory.recovered != ""
        report["waiting_after_kill"] += bool(memory.waiting())
    asyncio.run(finish(folder, server, token))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
