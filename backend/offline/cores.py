"""An archive weighed on several cores: this process reads the files, others parse and score what it hands them."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing import get_context

from backend.domain.errors import PitchgateError
from backend.offline.archives import Filed
from backend.offline.judge import Judge, Weighed

HANDED, BYTES_HANDED = 32, 1_000_000
"""Messages handed over at once, and when they are fewer because they are long."""

WORTH = 250
"""Messages for which it is worth it to start one more process, which takes about half a second."""

MANY_BYTES = 16_000_000
"""As good as many messages."""

_AHEAD = 3
"""Handfuls in hand for each process, so that none waits; an archive is larger than memory."""

_judge: Judge
"""In a process that weighs: the one it weighs with."""


def cores() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


Begin = Callable[[], Judge]
"""What each process that weighs begins with. It is sent to processes."""


def weighed(begin: Begin, messages: Iterable[Filed], jobs: int) -> Iterator[Weighed]:
    """The messages weighed, in their order, on up to `jobs` processes; a few of them by this one.

    Raises `PitchgateError` if a process is lost, most likely because memory ran out.
    """
    jobs, messages = _worth(messages, jobs)
    if jobs <= 1:
        yield from map(begin().weigh, messages)
        return
    # Started fresh, not forked: the progress bar has a thread by now.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _begin, (begin,))
    try:
        yield from _in_order(pool, _handfuls(messages), jobs * _AHEAD)
    except BrokenProcessPool as error:
        raise PitchgateError("reading_ended") from error
    finally:
        pool.shutdown(cancel_futures=True)


def _worth(messages: Iterable[Filed], jobs: int) -> tuple[int, Iterable[Filed]]:
    """How many processes are worth it, and the messages again. How many there are nobody knows before they are read:
    the first ones tell."""
    messages, first, size = iter(messages), list[Filed](), 0
    while len(first) < jobs * WORTH and size < MANY_BYTES and (filed := next(messages, None)) is not None:
        first.append(filed)
        size += len(filed.raw)
    return jobs if size >= MANY_BYTES else min(jobs, len(first) // WORTH), chain(first, messages)


def _handfuls(messages: Iterable[Filed]) -> Iterator[list[Filed]]:
    handful: list[Filed] = []
    size = 0
    for filed in messages:
        handful.append(filed)
        size += len(filed.raw)
        if len(handful) >= HANDED or size >= BYTES_HANDED:
            yield handful
            handful, size = [], 0
    if handful:
        yield handful


def _in_order(pool: ProcessPoolExecutor, handfuls: Iterable[list[Filed]], ahead: int) -> Iterator[Weighed]:
    handed: deque[Future[list[Weighed]]] = deque()
    for handful in handfuls:
        handed.append(pool.submit(_weigh, handful))
        if len(handed) >= ahead:
            yield from handed.popleft().result()
    while handed:
        yield from handed.popleft().result()


def _begin(begin: Begin) -> None:
    global _judge
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asked
    _judge = begin()


def _weigh(handful: list[Filed]) -> list[Weighed]:
    return [_judge.weigh(filed) for filed in handful]
