"""The reading process: confines itself, then answers one request at a time."""

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
from backend.domain.digesting import Challenger, correspondents, digest, fault_of, message_sender_key, show
from backend.domain.errors import PitchgateError
from backend.domain.mail.machine_mail import unsubscribe_offer
from backend.domain.mail.message import Arrival, Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpen, Limit
from backend.domain.reading.passages import Passage
from backend.domain.reading.score import Score, StrictnessCost, Thresholds
from backend.reader.frames import Limits, ModelData, Models, Second, answered, read_request

# ---- Bounds of a reading process
# It needs nobody outside to watch: the system ends it, or refuses memory. Where a system lacks a limit (memory on
# macOS and Windows, time on Windows) the process that started this one still stops it in time; those are systems for
# development.


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


# ---- The reading process


IN_FULL = 0.25
"""Share of a message's processor time in which it must be read in full: the rest is for what can be read of it then."""

GROWTH = 32_000_000
"""Bytes by which a process may have grown over a message and still read the next one."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that has been loaded: its version and digest, what it was published with, and how it scores a text; the
    second argument says whether its terms' counts come too. `briefly` does without reasons, `beside`, as a challenger
    scores, without a trace too."""

    version: str
    digest: str
    thresholds: Mapping[Strictness, Thresholds]
    costs: Mapping[Strictness, StrictnessCost]
    score: Callable[[str, bool], Score]
    briefly: Callable[[str], Score]
    beside: Callable[[str], Score]


class Rereader(Protocol):
    """What reads a second time. Raises anything it likes."""

    @property
    def languages(self) -> Set[str]:
        """Of texts it may read."""

    @property
    def thresholds(self) -> Mapping[Strictness, Thresholds]:
        """Its own."""

    def read(self, text: str, first: Score) -> Score:
        """`first`, judged again."""


class Doubts:
    """The view of the latest message that is in doubt, until it has been read again."""

    def __init__(self, rereader: Rereader, second: Second) -> None:
        self._rereader, self._second = rereader, second
        self._kept: tuple[str, Score] | None = None

    def keep(self, view: Passage, score: Score) -> bool:
        """Whether it is in doubt."""
        between = self._second.least <= score.probability < self._second.below
        doubtful = between and bool(view.own) and view.words.language in self._rereader.languages
        self._kept = (view.own, score) if doubtful else None
        return doubtful

    def read_again(self) -> Score:
        """Its score after a second reading. Raises `LookupError` where nothing is in doubt."""
        kept, self._kept = self._kept, None
        if kept is None:
            raise LookupError
        return self._rereader.read(*kept)


class NoAnswer(Exception):
    """The bytes are no whole answer of Google's."""


class _TooLong(BaseException):
    """A message has had the time in which it may be read in full. No handler of ordinary errors may take it."""


class _Patience:
    """Ends a block after `seconds` of processor time, between two steps of Python: much earlier than `Alarm`, and the
    process goes on."""

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
            raise _TooLong


def serve(
    opened: Callable[[bytes, bool], Arrival],
    load: Callable[[bytes, str], Model],
    load_rereader: Callable[[str, str], Rereader],
) -> None:
    """Load the models that come first, then read what comes. `opened` opens a message, whole or briefly, and raises
    `NoAnswer`. A challenger or a second reading that is refused is done without."""
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
        model = _loaded(load, models.champion)
    except PitchgateError as error:
        _write(answers, {"refused": _told(error)})
        return
    beside = rereader = None
    refusals: dict[str, object] = {}
    try:
        beside = _loaded(load, models.challenger) if models.challenger is not None else None
    except PitchgateError as error:
        refusals["challenger_refused"] = _told(error)
    try:
        rereader = load_rereader(limits.second.file, model.digest) if limits.second is not None else None
    except PitchgateError as error:
        refusals["second_refused"] = _told(error)
    del models, first
    ready = {"version": model.version, "thresholds": model.thresholds, "costs": model.costs}
    challenger = {} if beside is None else beside.thresholds
    again = {} if rereader is None else rereader.thresholds
    _write(
        answers,
        {"ready": {**ready, "challenger_thresholds": challenger, "again_thresholds": again, **refusals}},
    )
    doubts = Doubts(rereader, limits.second) if rereader is not None and limits.second is not None else None
    _silence(sys.stderr)
    # What is here now stays: the collector need not look through it after every few messages.
    gc.collect()
    gc.freeze()
    confine(limits.memory)
    _read_all(requests, answers, _works(opened, model, beside, doubts, limits), limits)


def _loaded(load: Callable[[bytes, str], Model], file: ModelData) -> Model:
    model = load(file.data, file.name)
    if file.digest not in ("", model.digest):
        raise PitchgateError("model.digest", path=file.name)
    return model


def _told(error: PitchgateError) -> dict[str, str]:
    return {"key": error.key, **{name: str(value) for name, value in error.blanks.items()}}


def _works(
    opened: Callable[[bytes, bool], Arrival],
    model: Model,
    beside: Model | None,
    doubts: Doubts | None,
    limits: Limits,
) -> Mapping[str, Callable[..., object]]:
    """What may be asked for, by name."""
    keep, patience = limits.keep_counts, _Patience(limits.seconds * IN_FULL)

    def score(text: str) -> Score:
        return model.score(text, keep)

    second = None if beside is None else Challenger(beside.beside, beside.thresholds)
    # Counts are kept of every message, and they come with the whole score.
    briefly = None if keep else model.briefly
    keep_doubtful = doubts.keep if doubts is not None else None

    def in_part(raw: bytes, owner: Owner, limit: Limit) -> Digest:
        return _pared(digest(opened(raw, True), owner, score, model.thresholds, second, briefly, limit))

    def in_full(raw: bytes, owner: Owner, costly: Set[str]) -> Digest:
        if costly and message_sender_key(opened(raw, True)) in costly:
            return in_part(raw, owner, Limit.TIME)
        try:
            with patience:
                read = digest(
                    opened(raw, False), owner, score, model.thresholds, second, briefly, doubts=keep_doubtful
                )
        except NoAnswer:
            raise
        except _TooLong:
            return in_part(raw, owner, Limit.TIME)
        except MemoryError:
            return in_part(raw, owner, Limit.MEMORY)
        except Exception as error:
            return replace(in_part(raw, owner, Limit.BROKEN), fault=fault_of(error))
        if read.cause is FailOpen.UNREADABLE:
            return replace(in_part(raw, owner, Limit.BROKEN), fault=read.fault)
        return _pared(read)

    works: dict[str, Callable[..., object]] = {
        "digest": in_full,
        "brief": in_part,
        "show": lambda raw, owner, told, whole: show(
            opened(raw, not whole).message, owner, told, score if told.model == model.version else None
        ),
        "correspondents": lambda raw, owner: correspondents(opened(raw, False).message, owner),
        "offer": lambda raw: unsubscribe_offer(opened(raw, False).message),
    }
    if doubts is not None:
        works["again"] = lambda raw: doubts.read_again()
    return works


def _pared(read: Digest) -> Digest:
    """Without what was said of the models at the start."""
    return replace(read, thresholds={}, challenger_thresholds={})


def _read_all(
    requests: BinaryIO, answers: BinaryIO, works: Mapping[str, Callable[..., object]], limits: Limits
) -> None:
    alarm, began = Alarm(limits.seconds, limits.patience + 1), resident()
    while True:
        with alarm:
            # The alarm counts our own time only, so waiting for a request costs nothing of it.
            request = read_request(requests)
            if request is None:
                return
            work, arguments, raw = request
            answer = _answer(works[work], raw, arguments)
        del request, raw
        # After a lack of memory nothing can be relied upon, and what one message took is given back.
        value = answer.get("value")
        lacked = isinstance(value, Digest) and value.limit is Limit.MEMORY
        lacked |= answer.get("unread") is FailOpen.TOO_LARGE
        spent = lacked or resident() > began + GROWTH
        _write(answers, {**answer, "spent": spent})
        if spent:
            return


def _answer(work: Callable[..., object], raw: bytes, arguments: tuple[object, ...]) -> dict[str, object]:
    try:
        return {"value": work(raw, *arguments)}
    except NoAnswer:
        return {"later": True}
    except MemoryError:
        return {"unread": FailOpen.TOO_LARGE, "fault": "MemoryError"}
    except Exception as error:
        return {"unread": FailOpen.UNREADABLE, "fault": fault_of(error)}


def _silence(stream: TextIO) -> None:
    """Nothing a library prints may mix with the answers, or tell of a message."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _write(answers: BinaryIO, answer: Mapping[str, object]) -> None:
    answers.write(answered(answer))
    answers.flush()
