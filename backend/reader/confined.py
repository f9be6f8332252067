"""What keeps a reading process in bounds. It needs nobody outside to watch: the system ends it, or refuses memory.

Where a system lacks a limit (memory on macOS and Windows, time on Windows) the process that started this one still
stops it in time; those are systems for development.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import signal
import sys
from functools import cache
from pathlib import Path

if sys.platform != "win32":
    import resource

_STATM = Path("/proc/self/statm")
_IGNORED = ("SIGINT", "SIGTERM", "SIGHUP")


def ignore_signals() -> None:
    """What a terminal or a supervisor sends to a whole group is for our parent: we end when it closes our input."""
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def confine(memory: int) -> None:
    """From now on at most `memory` bytes more than now; no file may grow, and no core dump holds mail."""
    if sys.platform == "win32":
        return
    for limit in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(limit, (0, 0))
    held = _pages(5)
    if held:
        with contextlib.suppress(OSError, ValueError):
            most = held + memory
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def resident() -> int:
    """Bytes in memory now, 0 where the system does not say."""
    return _pages(1)


def _pages(column: int) -> int:
    """A figure of Linux' statm in bytes: 1 is what is resident, 5 what the data limit counts."""
    try:
        return int(os.pread(_statm(), 200, 0).split()[column]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


@cache
def _statm() -> int:
    """Opened once: it is asked after every message."""
    return os.open(_STATM, os.O_RDONLY)


class Alarm:
    """Ends the process after `seconds` of processor time in one block: by the system, so that no loop in a library or
    in `re`, which lets no other code run, can outlast it."""

    def __init__(self, seconds: float, patience: float) -> None:
        self._seconds = seconds
        self._patience = patience

    def __enter__(self) -> None:
        if hasattr(signal, "setitimer"):
            # SIGPROF has no handler here: it ends the process.
            signal.setitimer(signal.ITIMER_PROF, self._seconds)
        else:
            faulthandler.dump_traceback_later(self._patience, exit=True, file=sys.__stderr__ or sys.stderr)

    def __exit__(self, *_: object) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0.0)
        else:
            faulthandler.cancel_dump_traceback_later()
