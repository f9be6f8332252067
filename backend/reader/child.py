"""The reading process: one request after the other from standard input, until that is closed."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO, TextIO

from backend.domain.digest import Digest
from backend.domain.digesting import Second, correspondents, digest, facts, fault_of, show
from backend.domain.errors import PitchgateError
from backend.domain.mail.machine_mail import offer
from backend.domain.mail.message import Arrival
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.verdict import FailOpen
from backend.domain.reading.score import Cost, Score, Thresholds
from backend.reader.confined import Alarm, confine, ignore_signals, resident
from backend.reader.frames import Limits, ModelData, Models, answered, read_request

GROWTH = 32_000_000
"""Bytes by which a process may have grown over a message and still read the next one."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that has been loaded: its version and digest, what it was published with, and how it scores a text; the
    second argument says whether the counts of its terms are told. `beside` scores as a challenger does: no reasons."""

    version: str
    digest: str
    thresholds: Mapping[Strictness, Thresholds]
    costs: Mapping[Strictness, Cost]
    score: Callable[[str, bool], Score]
    beside: Callable[[str], Score]


class NoAnswer(Exception):
    """The bytes are no whole answer of Google's."""


def serve(opened: Callable[[bytes], Arrival], load: Callable[[bytes, str], Model]) -> None:
    """Load the models that come first, then read what comes. `opened` raises `NoAnswer`. A challenger that is refused
    is done without."""
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
    beside, refusal = None, None
    try:
        beside = _loaded(load, models.challenger) if models.challenger is not None else None
    except PitchgateError as error:
        refusal = _told(error)
    del models, first
    ready = {"version": model.version, "thresholds": model.thresholds, "costs": model.costs}
    challenger = {} if beside is None else beside.thresholds
    _write(answers, {"ready": {**ready, "challenger_thresholds": challenger, "challenger_refused": refusal}})
    _silence(sys.stderr)
    # What is here now stays: the collector need not look through it after every few messages.
    gc.collect()
    gc.freeze()
    confine(limits.memory)
    _read_all(requests, answers, _works(opened, model, beside, limits.keep_counts), limits)


def _loaded(load: Callable[[bytes, str], Model], file: ModelData) -> Model:
    model = load(file.data, file.name)
    if file.digest not in ("", model.digest):
        raise PitchgateError("model.digest", path=file.name)
    return model


def _told(error: PitchgateError) -> dict[str, str]:
    return {"key": error.key, **{name: str(value) for name, value in error.blanks.items()}}


def _works(
    opened: Callable[[bytes], Arrival], model: Model, beside: Model | None, keep: bool
) -> Mapping[str, Callable[..., object]]:
    """What may be asked for, by name."""

    def score(text: str) -> Score:
        return model.score(text, keep)

    second = None if beside is None else Second(beside.beside, beside.thresholds)
    return {
        "digest": lambda raw, owner: _pared(digest(opened(raw), owner, score, model.thresholds, second)),
        "facts": lambda raw, owner: facts(opened(raw), owner),
        "show": lambda raw, owner, score: show(opened(raw).message, owner, score),
        "correspondents": lambda raw, owner: correspondents(opened(raw).message, owner),
        "offer": lambda raw: offer(opened(raw).message),
    }


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
        spent = answer.get("unread") is FailOpen.TOO_LARGE or resident() > began + GROWTH
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
