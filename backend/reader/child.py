"""The reading process: it limits its own memory and time, then answers one request at a time."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from backend.domain.digest import Digest
from backend.domain.digesting import (
    Challenger,
    correspondents,
    fault_of,
    message_sender_key,
    read_and_score,
    show,
)
from backend.domain.errors import PitchgateError
from backend.domain.mail.machine_mail import unsubscribe_offer
from backend.domain.mail.message import Arrival, Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpenCause, ReadLimit
from backend.domain.reading.passages import Passage
from backend.domain.reading.score import Score, StrictnessCost, Thresholds
from backend.reader.frames import Limits, ModelData, Models, SecondReadingLimits, pack_answer, read_request

# ---- Limits of the process
# The operating system enforces them: it ends the process or refuses memory. Where a system lacks a limit (memory on
# macOS and Windows, time on Windows, which are used for development only), the server still kills the process in time.


if sys.platform != "win32":
    import resource

_STATM = Path("/proc/self/statm")
_IGNORED = ("SIGINT", "SIGTERM", "SIGHUP")


def ignore_signals() -> None:
    """Ignore signals that a terminal or supervisor sends to the whole process group. They are meant for the server;
    this process ends when the server closes its input."""
    for name in _IGNORED:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def confine(memory: int) -> None:
    """Allow at most `memory` bytes more than now, no growing file, and no core dump (it would contain mail)."""
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
    """Bytes in memory now, 0 if the system does not say."""
    return _pages(1)


def _pages(column: int) -> int:
    """A column of Linux's statm, in bytes: 1 is resident memory, 5 what the data limit counts."""
    try:
        return int(os.pread(_statm(), 200, 0).split()[column]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 0


@cache
def _statm() -> int:
    # Opened once, because it is read after every message.
    return os.open(_STATM, os.O_RDONLY)


class CpuAlarm:
    """A context manager that ends the process after `seconds` of processor time. The system does it, so it also ends
    loops in C code, for example in `re`, during which no Python code runs."""

    def __init__(self, seconds: float, timeout: float) -> None:
        self._seconds = seconds
        self._timeout = timeout

    def __enter__(self) -> None:
        if hasattr(signal, "setitimer"):
            # SIGPROF without a handler ends the process.
            signal.setitimer(signal.ITIMER_PROF, self._seconds)
        else:
            faulthandler.dump_traceback_later(self._timeout, exit=True, file=sys.__stderr__ or sys.stderr)

    def __exit__(self, *_: object) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, 0.0)
        else:
            faulthandler.cancel_dump_traceback_later()


# ---- The reading process


FULL_READING_SHARE = 0.25
"""Share of the processor time allowed for a message in which it must be read in full. If that fails, the rest is for
reading it in part."""

MOST_GROWTH = 32_000_000
"""Bytes by which a process may grow in all before it ends after a message."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A loaded model: its version, digest, thresholds and costs, and three ways to score a text. `score` gives
    everything, with the counts of the terms if its second argument is true; `briefly` leaves out the reasons;
    `as_challenger` also leaves out the trace."""

    version: str
    digest: str
    thresholds: Mapping[Strictness, Thresholds]
    costs: Mapping[Strictness, StrictnessCost]
    score: Callable[[str, bool], Score]
    briefly: Callable[[str], Score]
    as_challenger: Callable[[str], Score]


class SecondReader(Protocol):
    """The second reading. May raise any error."""

    @property
    def languages(self) -> Set[str]:
        """The languages of texts that it can read."""

    @property
    def thresholds(self) -> Mapping[Strictness, Thresholds]:
        """The thresholds for its scores."""

    def read(self, text: str, first: Score) -> Score:
        """The score of a text after a second reading; `first` is that of the first."""


class DoubtfulPassage:
    """Keeps the decisive passage of the latest message, if its score is doubtful, for a second reading."""

    def __init__(self, reader: SecondReader, second: SecondReadingLimits) -> None:
        self._reader, self._second = reader, second
        self._kept: tuple[str, Score] | None = None

    def keep(self, passage: Passage, score: Score) -> bool:
        """Keep the passage if its score is doubtful; returns whether it is."""
        between = self._second.least <= score.probability < self._second.below
        doubtful = between and bool(passage.own) and passage.model_input.language in self._reader.languages
        self._kept = (passage.own, score) if doubtful else None
        return doubtful

    def read_again(self) -> Score:
        """The score after a second reading. Raises `LookupError` if no passage is kept."""
        kept, self._kept = self._kept, None
        if kept is None:
            raise LookupError
        return self._reader.read(*kept)


class IncompleteResponse(Exception):
    """The bytes are not a complete response from Google."""


class _OutOfTime(BaseException):
    """The time for reading a message in full is over. A `BaseException`, so that no handler of ordinary errors catches
    it."""


class _TimeLimit:
    """A context manager that raises `_OutOfTime` after `seconds` of processor time. Unlike `CpuAlarm`, the process goes
    on; but it works only while Python code runs, not within a call into C."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._within = False
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGVTALRM, self._over)

    def __enter__(self) -> None:
        if hasattr(signal, "setitimer"):
            self._within = True
            signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)

    def __exit__(self, *_: object) -> None:
        self._within = False
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)

    def _over(self, *_: object) -> None:
        if self._within:
            self._within = False
            raise _OutOfTime


def serve(
    parse: Callable[[bytes, bool], Arrival],
    load: Callable[[bytes, str], LoadedModel],
    load_rereader: Callable[[str, str], SecondReader],
) -> None:
    """Load the models from the first request, then answer requests until the input ends. `parse` turns Google's
    response into a message (only part of it, if its second argument is true) and raises `IncompleteResponse`. If the
    challenger or the second reading cannot be loaded, the process works without it."""
    ignore_signals()
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    _silence(sys.stdout)
    first = read_request(requests)
    if first is None:
        return
    _, (models, limits), _ = first
    assert isinstance(models, Models)
    assert isinstance(limits, Limits)
    try:
        model = _load_checked(load, models.champion)
    except PitchgateError as error:
        _write(answers, {"refused": _as_json(error)})
        return
    challenger = rereader = None
    refusals: dict[str, object] = {}
    try:
        challenger = _load_checked(load, models.challenger) if models.challenger is not None else None
    except PitchgateError as error:
        refusals["challenger_refused"] = _as_json(error)
    try:
        rereader = load_rereader(limits.second.file, model.digest) if limits.second is not None else None
    except PitchgateError as error:
        refusals["second_refused"] = _as_json(error)
    del models, first
    ready = {"version": model.version, "thresholds": model.thresholds, "costs": model.costs}
    thresholds = {
        "challenger_thresholds": {} if challenger is None else challenger.thresholds,
        "again_thresholds": {} if rereader is None else rereader.thresholds,
    }
    _write(answers, {"ready": {**ready, **thresholds, **refusals}})
    doubts = DoubtfulPassage(rereader, limits.second) if rereader and limits.second else None
    _silence(sys.stderr)
    # The objects so far are permanent, so the garbage collector need not check them again and again.
    gc.collect()
    gc.freeze()
    confine(limits.memory)
    _serve_requests(requests, answers, _commands(parse, model, challenger, doubts, limits), limits)


def _load_checked(load: Callable[[bytes, str], LoadedModel], file: ModelData) -> LoadedModel:
    model = load(file.data, file.name)
    if file.digest not in ("", model.digest):
        raise PitchgateError("model.digest", path=file.name)
    return model


def _as_json(error: PitchgateError) -> dict[str, str]:
    return {"key": error.key, **{name: str(value) for name, value in error.blanks.items()}}


def _commands(
    parse: Callable[[bytes, bool], Arrival],
    model: LoadedModel,
    in_trial: LoadedModel | None,
    doubts: DoubtfulPassage | None,
    limits: Limits,
) -> Mapping[str, Callable[..., object]]:
    """The requests that can be answered, by name."""
    keep, time_limit = limits.keep_counts, _TimeLimit(limits.seconds * FULL_READING_SHARE)

    def score(text: str) -> Score:
        return model.score(text, keep)

    challenger = None if in_trial is None else Challenger(in_trial.as_challenger, in_trial.thresholds)
    # If counts are to be kept, every message needs them, and only the full score has them.
    briefly = None if keep else model.briefly
    keep_doubtful = doubts.keep if doubts is not None else None

    def in_part(raw: bytes, owner: Owner, limit: ReadLimit) -> Digest:
        return _without_thresholds(
            read_and_score(parse(raw, True), owner, score, model.thresholds, challenger, briefly, limit)
        )

    def in_full(raw: bytes, owner: Owner, costly: Set[str]) -> Digest:
        if costly and message_sender_key(parse(raw, True)) in costly:
            return in_part(raw, owner, ReadLimit.TIME)
        try:
            with time_limit:
                read = read_and_score(
                    parse(raw, False),
                    owner,
                    score,
                    model.thresholds,
                    challenger,
                    briefly,
                    None,
                    keep_doubtful,
                )
        except IncompleteResponse:
            raise
        except _OutOfTime:
            return in_part(raw, owner, ReadLimit.TIME)
        except MemoryError:
            return in_part(raw, owner, ReadLimit.MEMORY)
        except Exception as error:
            return replace(in_part(raw, owner, ReadLimit.BROKEN), fault=fault_of(error))
        if read.cause is FailOpenCause.UNREADABLE:
            return replace(in_part(raw, owner, ReadLimit.BROKEN), fault=read.fault)
        return _without_thresholds(read)

    commands: dict[str, Callable[..., object]] = {
        "digest": in_full,
        "brief": in_part,
        "show": lambda raw, owner, stored, whole: show(
            parse(raw, not whole).message, owner, stored, score if stored.model == model.version else None
        ),
        "correspondents": lambda raw, owner: correspondents(parse(raw, False).message, owner),
        "offer": lambda raw: unsubscribe_offer(parse(raw, False).message),
    }
    if doubts is not None:
        commands["again"] = lambda raw: doubts.read_again()
    return commands


def _without_thresholds(read: Digest) -> Digest:
    """Without the thresholds: the server knows them since the start of the process."""
    return replace(read, thresholds={}, challenger_thresholds={})


def _serve_requests(
    requests: BinaryIO, answers: BinaryIO, commands: Mapping[str, Callable[..., object]], limits: Limits
) -> None:
    alarm, at_start = CpuAlarm(limits.seconds, limits.timeout + 1), resident()
    while True:
        with alarm:
            # The alarm counts processor time only, so waiting for a request does not count.
            request = read_request(requests)
            if request is None:
                return
            name, arguments, raw = request
            answer = _answer(commands[name], raw, arguments)
        del request, raw
        # After a lack of memory the process is unreliable, and memory that one message used should be freed: it ends.
        value = answer.get("value")
        out_of_memory = isinstance(value, Digest) and value.read_limit is ReadLimit.MEMORY
        out_of_memory |= answer.get("unread") is FailOpenCause.TOO_LARGE
        spent = out_of_memory or resident() > at_start + MOST_GROWTH
        _write(answers, {**answer, "spent": spent})
        if spent:
            return


def _answer(command: Callable[..., object], raw: bytes, arguments: tuple[object, ...]) -> dict[str, object]:
    try:
        return {"value": command(raw, *arguments)}
    except IncompleteResponse:
        return {"later": True}
    except MemoryError:
        return {"unread": FailOpenCause.TOO_LARGE, "fault": "MemoryError"}
    except Exception as error:
        return {"unread": FailOpenCause.UNREADABLE, "fault": fault_of(error)}


def _silence(stream: TextIO) -> None:
    """Discard what is written to a stream: output of libraries must not mix with answers, and might quote mail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _write(answers: BinaryIO, answer: Mapping[str, object]) -> None:
    answers.write(pack_answer(answer))
    answers.flush()
