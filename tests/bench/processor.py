"""CPU time and memory of other processes, as the kernel counts them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+\s*(.*)")


def _stat(pid: int) -> list[str]:
    """The fields behind the name in /proc/<pid>/stat; [] for a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def spent(pids: Iterable[int]) -> float:
    """Seconds these processes have used so far, to the microsecond; their ended children included, to the tick."""
    return sum(_clock(pid) + sum(int(value) for value in _stat(pid)[13:15]) / TICKS for pid in pids)


def _clock(pid: int) -> float:
    """Seconds by the process's own clock, whose name Linux makes of its number (clock_getcpuclockid(3))."""
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:  # it has ended
        return 0.0


def family(pid: int) -> list[int]:
    """The process and its children."""
    others = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid, *(other for other in others if (fields := _stat(other)) and int(fields[1]) == pid)]


def descendants(pid: int) -> list[int]:
    """The process, its children, and theirs."""
    parents = {
        int(path.name): int(fields[1])
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and (fields := _stat(int(path.name)))
    }
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def held(pids: Iterable[int]) -> float:
    """Megabytes these processes hold together: what each has for itself, and of each file the most that one of them
    has in memory. Their resident sizes added up would count libraries they share several times."""
    own, files = 0, defaultdict[str, int](int)
    for pid in pids:
        seen = defaultdict[str, int](int)
        name = ""
        try:
            lines = Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in lines:
            if found := _MAPPING.match(line):
                name = found[1]
            elif line.startswith("Rss:"):
                seen[name] += int(line.split()[1])
            elif line.startswith("Anonymous:"):
                private = int(line.split()[1])
                own += private
                seen[name] -= private
        for file, size in seen.items():
            files[file] = max(files[file], size)
    return (own + sum(files.values())) / 1024


class Machine:
    """From when it is made: what the whole machine's processors do, and how much of it is ours."""

    def __init__(self) -> None:
        self._began, self._busy, self._ours = time.monotonic(), self._machine(), self._own()

    def others(self) -> float:
        """Share of all processors' time since then that went to processes that are neither we nor our children."""
        seconds = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        others = (self._machine() - self._busy) - (self._own() - self._ours)
        return round(max(0.0, others / seconds), 3)

    @staticmethod
    def _machine() -> float:
        fields = Path("/proc/stat").read_text("ascii").splitlines()[0].split()[1:]
        user, nice, system, _idle, _waiting, irq, soft, *_ = (int(value) for value in fields)
        return (user + nice + system + irq + soft) / TICKS

    @staticmethod
    def _own() -> float:
        times = os.times()
        running = spent(one for one in descendants(os.getpid()) if one != os.getpid())
        return times.user + times.system + times.children_user + times.children_system + running


@contextmanager
def busy(number: int) -> Iterator[None]:
    """So many processes that want a processor all the time."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()
