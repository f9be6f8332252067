"""Whether work grows faster than n log n, told on a machine that does other things meanwhile.

Processor time of this thread, the least of several runs, at n, 2n and 4n. Most texts cost next to nothing and are not
looked at more closely; a suspicion is measured again before it counts.
"""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

LENGTH = 2_000
"""n, in characters; 4n is the longest text."""

SLOW = 2.6
"""Times as long for twice as much text: 2 is linear, n log n is below 2.3 here, 4 is the square."""

TRIES = 4
HANG = 4.0
MEGABYTES = 60
"""Growth of memory below this is not looked at: a process takes memory in lumps and gives it back late."""


def grows(work: Callable[[str], object], text: Callable[[int], str], enough: float) -> str:
    """How `work` on texts of 1, 2 and 4 `LENGTH` grows where that is too fast, else "". `enough` in seconds is what
    4 `LENGTH` may cost without being looked at."""
    with _stopped():
        # A text that takes long at a quarter of n is looked at there first: at 4n it might not end. So short a text
        # may also take long for once, on a busy machine, and not grow there: then 4n decides.
        for length in (LENGTH // 4, 4 * LENGTH):
            if least(work, text(length), 1) > enough and (grown := _told(work, text, length // 4)):
                return grown
        return ""
    return f"not done after {HANG:.0f} s"


def _told(work: Callable[[str], object], text: Callable[[int], str], length: int) -> str:
    # The least of all tries: a busy moment may make the shorter text look as slow as the longer one.
    times = [float("inf")] * 3
    for tried in range(1, TRIES + 1):
        for place, factor in enumerate((1, 2, 4)):
            times[place] = min(times[place], least(work, text(length * factor), 3))
        if tried > 1 and (times[1] < SLOW * times[0] or times[2] < SLOW * times[1]):
            return ""
    return " → ".join(f"{seconds * 1000:.1f}" for seconds in times) + f" ms from {length} characters on"


def least(work: Callable[[str], object], text: str, runs: int) -> float:
    """Seconds of this thread that `work` takes, the least of some runs."""
    best = float("inf")
    for _ in range(runs):
        began = time.thread_time()
        with suppress(Exception):  # a function may refuse: what counts here is what that costs
            work(text)
        best = min(best, time.thread_time() - began)
    return best


class _Hang(BaseException):
    pass


@contextmanager
def _stopped() -> Iterator[None]:
    """End what runs for `HANG` seconds of processor time; the block is left without a word."""

    def stop(*_: object) -> None:
        raise _Hang

    def lost(ignored: sys.UnraisableHookArgs) -> None:
        if ignored.exc_type is not _Hang:
            told(ignored)

    before, told = signal.signal(signal.SIGVTALRM, stop), sys.unraisablehook
    sys.unraisablehook = (
        lost  # it may be raised where Python calls back and listens to nothing: so it comes again
    )
    signal.setitimer(signal.ITIMER_VIRTUAL, HANG, HANG / 4)
    try:
        yield
    except _Hang:
        pass
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        sys.unraisablehook = told


@contextmanager
def only_new_objects() -> Iterator[None]:
    """Let the collector leave alone what is there already: it would walk all of a test session for each text."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def memory_grows(work: Callable[[str], object], text: Callable[[int], str]) -> str:
    """The same of the most memory that was resident at a time, in megabytes. Linux alone can tell."""
    longest = _peak(work, text(4 * LENGTH))
    if longest < MEGABYTES:
        return ""
    peaks = [*(_peak(work, text(LENGTH * factor)) for factor in (1, 2)), longest]
    if peaks[2] < SLOW * peaks[1]:
        return ""
    return " → ".join(f"{peak} MB" for peak in peaks)


def _peak(work: Callable[[str], object], text: str) -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # memory freed before would be used again without a trace
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins at what is resident now
    before = _status("VmRSS")
    with suppress(Exception):
        work(text)
    return max(0, _status("VmHWM") - before)


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024
