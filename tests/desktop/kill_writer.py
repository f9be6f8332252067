"""Kills a writer of the state file again and again: `python kill_writer.py FOLDER SERVER TOKEN KILLS`.

The parent starts a writer, lets it write for a random while, kills it (SIGKILL, on Windows TerminateProcess), and opens
the state file as the next start would. A last writer may finish. Written as a process of its own that forks where the
system can, since 200 interpreters would take minutes. The writer notes each decision reported as stored in `acked`,
through a plain append that outlives the kill.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import sys
import time
from datetime import UTC, datetime
from functools import cache
from multiprocessing.synchronize import Event
from pathlib import Path

from tray_app.backend_client import HttpBackend
from tray_app.connection import Outbox
from tray_app.errors import BackendError
from tray_app.memory import Memory
from tray_app.state import Decision, Message

FORKS = hasattr(os, "fork")
LIFE = 0.08 if FORKS else 1.5
"""Seconds a writer writes at most. One that was not forked from a warm process first has to load what it sends with."""
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LIST = tuple(Message(f"k{n:04}", f"a{n}@x.example", f"Ann {n}", "x.example", "Hi " * 9) for n in range(120))


@cache
def client(server: str, token: str) -> HttpBackend:
    """Made once, before the first fork: it reads certificates."""
    backend = HttpBackend(server, "0.1.0")
    backend.use_token(token)
    return backend


def write(folder: Path, server: str, token: str, round_number: int, begun: Event) -> None:
    asyncio.run(write_for_ever(folder, server, token, round_number, begun))


async def write_for_ever(folder: Path, server: str, token: str, round_number: int, begun: Event) -> None:
    """Decide, send, change settings and lists, all at once, from `begun` on."""
    memory = Memory(folder / "state.json")
    outbox = Outbox(memory)
    backend = client(server, token)
    acks = os.open(folder / "acked", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def decide() -> None:
        number = 0
        while True:
            gmail_id = f"m{(round_number * 97 + number) % 50:05}"
            key = outbox.decide(gmail_id, Decision.BLOCK, "Blocked")
            os.write(acks, f"{key}\n".encode())
            number += 1
            memory.change(email=str(number))
            if number % 5 == 0:
                memory.save_lists(LIST, LIST[:20], NOW)
            await asyncio.sleep(0.004)

    async def send() -> None:
        while True:
            with contextlib.suppress(BackendError):
                await outbox.flush(backend)
            await asyncio.sleep(0.001)

    begun.set()
    await asyncio.gather(decide(), send())


async def finish(folder: Path, server: str, token: str) -> None:
    """Send what is left."""
    backend = client(server, token)
    await Outbox(Memory(folder / "state.json")).flush(backend)
    await backend.close()


def main() -> None:
    folder, server, token, kills = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
    dice = random.Random(4711)
    processes = multiprocessing.get_context("fork" if FORKS else "spawn")
    client(server, token)
    report = {"kills": 0, "unreadable": 0, "left_temporary_files": 0, "waiting_after_kill": 0}
    for round_number in range(kills):
        begun = processes.Event()
        writer = processes.Process(target=write, args=(folder, server, token, round_number, begun))
        writer.start()
        assert begun.wait(30)
        time.sleep(dice.uniform(0.005, LIFE))
        assert writer.is_alive(), "the writer ended by itself"
        writer.kill()
        writer.join()
        report["kills"] += 1
        report["left_temporary_files"] += bool(list(folder.glob("state.json.tmp*")))
        memory = Memory(folder / "state.json")
        report["unreadable"] += memory.recovered != ""
        report["waiting_after_kill"] += bool(memory.unsent())
    asyncio.run(finish(folder, server, token))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
