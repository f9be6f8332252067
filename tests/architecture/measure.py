"""The measure of the house: `python -m tests.architecture.measure`. A table against the goals; its last line is JSON.
With `--files`, also the files that run.

What runs for a message and for pages is seen in real processes: the local Google, the server and its reading process,
each with a profiler that notes the files whose code is called between two signals.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from urllib.parse import quote

import psutil

from backend.demo.letters import letters
from backend.demo.play import Options, Stage, stage
from tests.architecture.source import ROOT, files, modules, text

APART = (
    "backend/sandbox/",
    "backend/demo/",
)  # the local Google and its story: in the source only, counted apart

PROFILER = """
import json, os, signal, sys, threading
seen = set()
def note(frame, event, argument):
    if event == "call" and frame.f_code.co_name != "<module>":
        seen.add(frame.f_code.co_filename)
def tell(*_):
    os.write(FIFO, (json.dumps(sorted(f for f in seen if {root!r} in f)) + "\\n").encode())
FIFO = os.open({fifo!r}, os.O_WRONLY | os.O_NONBLOCK)
signal.signal(signal.SIGUSR1, lambda *_: seen.clear())
signal.signal(signal.SIGUSR2, tell)
threading.setprofile(note)
sys.setprofile(note)
"""


@dataclass(frozen=True)
class Figure:
    """One line of the table. A goal is the most it should be."""

    name: str
    value: float
    goal: float | None = None


def _counted(ours: bool) -> list[tuple[str, int]]:
    """Files of the product, or of the local Google and the demo, with their lines."""
    every = [(m.path.as_posix(), m.lines) for m in modules("backend")]
    return [(path, lines) for path, lines in every if path.startswith(APART) is not ours]


def still() -> list[Figure]:
    """What can be counted without running anything."""
    product, google = _counted(True), _counted(False)
    pages = [path for path in files() if path.suffix == ".md" and path.parts[0] != "tests"]
    decisions = [path for path in pages if path.parts[:2] == ("docs", "adr") and path.name[0].isdigit()]
    sizes = [lines for path, lines in product if not path.endswith("__init__.py")]
    return [
        Figure("product files", len(product), 170),
        Figure("product lines", sum(lines for _, lines in product), 38_500),
        Figure("median module", median(sizes)),
        Figure("largest module", max(sizes), 500),
        Figure("modules of 40 lines or fewer", sum(lines <= 40 for lines in sizes)),
        Figure("files of the local Google and the demo", len(google), 35),
        Figure("lines of the local Google and the demo", sum(lines for _, lines in google), 9_000),
        Figure("test lines", sum(m.lines for m in modules("tests")), 58_000),
        Figure("words of documents", sum(len((text(path) or "").split()) for path in pages), 42_000),
        Figure("decisions", len(decisions), 45),
    ]


async def moving() -> list[Figure]:
    """Files whose code runs for one ordinary message, and for the review list, a message's page and a sender's."""
    with tempfile.TemporaryDirectory() as name, _profiled(Path(name)) as pipe:
        async with stage(Options(folder=Path(name, "play")), lambda _: None) as running:
            letter = next(letter for letter in letters() if letter.kind == "customer")
            await _arrive(running, letter.subject + " (first)")  # imports on demand are over
            _tell(running, signal.SIGUSR1)
            await _arrive(running, letter.subject)
            message = await _seen(running, pipe)
            pages = await _pages(running, pipe)
    if "--files" in sys.argv:
        print(*sorted(message), "", *sorted(pages), "", sep="\n")
    return [
        Figure("files run for an ordinary message", len(message), 30),
        Figure("files run for three pages of the review", len(pages), 40),
    ]


async def _arrive(running: Stage, subject: str) -> None:
    """An ordinary message comes and is decided."""
    letter = next(letter for letter in letters() if letter.kind == "customer")
    await running.deliver(replace(letter, subject=subject))
    database = running.options.folder / "state" / "pitchgate.sqlite3"
    deadline = asyncio.get_running_loop().time() + 60
    while asyncio.get_running_loop().time() < deadline:
        # Not by a page: what a page runs would be counted.
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as reader:
            query = "SELECT count(*) FROM messages WHERE stage IS NULL"
            if reader.execute(query).fetchone()[0] == len(running.delivered):
                await asyncio.sleep(1.5)  # the second look after a push is over too
                return
        await asyncio.sleep(0.1)
    raise AssertionError(f"{subject!r} was not decided within a minute")


async def _pages(running: Stage, pipe: int) -> frozenset[str]:
    pitch = next(letter for letter in letters() if letter.local)
    await running.deliver(pitch)
    await asyncio.sleep(5)
    held = running.delivered[-1]
    addresses = ("/review", f"/review/mail/{held}", f"/review/sender?address={quote(pitch.address)}")
    for turn in (1, 2):
        if turn == 2:
            _tell(running, signal.SIGUSR1)
        for address in addresses:
            async with running.http.get(running.server_url + address) as answer:
                assert answer.status == 200, (address, answer.status)
    return await _seen(running, pipe)


def _processes(running: Stage) -> list[psutil.Process]:
    server = psutil.Process(running.server.pid)
    return [server, *server.children(recursive=True)]


def _tell(running: Stage, number: signal.Signals) -> None:
    for process in _processes(running):
        process.send_signal(number)


async def _seen(running: Stage, pipe: int) -> frozenset[str]:
    """The product's files that were called since the last SIGUSR1, in any of the server's processes."""
    _tell(running, signal.SIGUSR2)
    told = b""
    while told.count(b"\n") < len(_processes(running)):
        ready, _, _ = await asyncio.to_thread(select.select, [pipe], [], [], 20)
        assert ready, f"a process told nothing; so far: {told!r}"
        told += os.read(pipe, 1 << 20)
    names = {
        Path(name).relative_to(ROOT).as_posix() for line in told.splitlines() for name in json.loads(line)
    }
    return frozenset(name for name in names if name.startswith("backend/") and not name.startswith(APART))


@contextmanager
def _profiled(folder: Path) -> Iterator[int]:
    """Processes started meanwhile note what they call, and tell it through this pipe."""
    fifo = folder / "told"
    os.mkfifo(fifo)
    pipe = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    code = PROFILER.format(root=str(ROOT / "backend"), fifo=str(fifo))
    (folder / "sitecustomize.py").write_text(code)
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), before]))
    try:
        yield pipe
    finally:
        os.close(pipe)
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def main() -> None:
    """Print the table and, as the last line, the same as JSON."""
    figures = [*still(), *asyncio.run(moving())]
    for one in figures:
        goal = (
            ""
            if one.goal is None
            else f"goal {one.goal:>8,.0f}  {'met' if one.value <= one.goal else 'missed'}"
        )
        print(f"{one.name:<46} {one.value:>9,.0f}  {goal}")
    print(json.dumps({one.name: one.value for one in figures}))


if __name__ == "__main__":
    main()
