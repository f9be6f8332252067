"""CPU time of other processes, as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields behind the name in /proc/<pid>/stat; [] for a process that is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def spent(pids: Iterable[int]) -> float:
    """Seconds these processes have used so far, their ended children included."""
    return sum(sum(int(value) for value in _stat(pid)[11:15]) for pid in pids) / TICKS


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
