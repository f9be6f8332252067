"""The pool of reading processes: who waits, who is served, and what becomes of a reading that ends badly."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import structlog
from pydantic import BaseModel, ValidationError

from backend.domain.digest import Digest, Rereading
from backend.domain.errors import NO_READER, TryLater
from backend.domain.mail.machine_mail import UnsubscribeOffer
from backend.domain.mail.message import Owner
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpen, Limit
from backend.domain.reading.score import Score, ShownMessage, StrictnessCost, Thresholds
from backend.ports.gmail import Fetched
from backend.ports.reader import Unread
from backend.reader.frames import Limits, ModelData, Models, Second
from backend.reader.process import LoadedModels, ModelFile, ReaderDied, ReadingProcess, read_model
from backend.reader.turns import CostlySenders, Turns
from backend.settings import ENCODER_FILE, Settings
from backend.transactions.records import StoredModel

# ---- The pool of reading processes


log = structlog.get_logger()
T = TypeVar("T")
R = TypeVar("R")
TRIES = 2
"""A process that ends for no known reason may have been ended by somebody else: its message is given to another."""


ABANDONED = 3.0
"""Seconds in which a reading nobody waits for any more may come to its end. Ended at once, it would cost a process, and
on a busy machine the next message would wait for that one's start until its own time is over."""


_LIMITS = {FailOpen.TOO_SLOW: Limit.TIME, FailOpen.TOO_LARGE: Limit.MEMORY}
"""What kept a message from being read at all, as what kept it from being read in full."""

_COSTLY = frozenset({Limit.TIME, Limit.MEMORY, Limit.BROKEN})
"""Limits that are found out about by reaching them."""


class ReaderReply(BaseModel, Generic[T]):
    """What a process answers: a value, or the reason why it has none."""

    value: T | None = None
    later: bool = False
    unread: FailOpen | None = None
    fault: str = ""
    spent: bool = False


# Made once: to look one up costs as much as to read an answer.
_DIGEST, _SCORE, _SHOWN, _OFFER, _CORRESPONDENTS, _ANY = (
    ReaderReply[Digest],
    ReaderReply[Score],
    ReaderReply[ShownMessage],
    ReaderReply[UnsubscribeOffer],
    ReaderReply[tuple[str, ...]],
    ReaderReply[Any],
)


class ReadingPool:
    """Implements `backend.ports.reader.Reader`. Messages wait here for a process that is free: one at a time, so that
    a message can take nothing down but its own reading."""

    def __init__(
        self, entry: str, path: Path, models: Models, limits: Limits, processes: int, wait: float
    ) -> None:
        self._entry = entry
        self._path = path
        self._wait = wait
        self._models = models
        self._former: Models | None = None
        self._limits = limits
        self._facts = LoadedModels(version="", thresholds={}, costs={})
        self._free: asyncio.Queue[ReadingProcess | None] = asyncio.Queue()
        self._spare: ReadingProcess | None = None
        self._turns = Turns(processes, time.monotonic)
        self._whose: dict[ReadingProcess, tuple[str, float]] = {}
        self._costly = CostlySenders(time.time)
        self._closing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._all: set[ReadingProcess] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, entry: str, model: Path, limits: Limits, processes: int, wait: float = 20.0
    ) -> AsyncIterator[ReadingPool]:
        """Start `processes` of them with the model at `model`; all end at the end. A message waits `wait` seconds for
        one that is free. Raises `ModelFile`."""
        pool = cls(entry, model, Models(await read_model(model)), limits, processes, wait)
        try:
            for _ in range(processes):
                pool._free.put_nowait(await pool._usable(None))
            yield pool
        finally:
            pool._closing = True
            tasks = list(pool._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(process.close() for process in pool._all))

    async def screen(self, fetched: Fetched, owner: Owner) -> Digest:
        """Read and score; where that is too much, what can be read of it."""
        if not fetched.whole:
            return await self._ask(owner.email, _DIGEST, "brief", fetched.raw, owner, Limit.SIZE)
        costly = self._costly.of(owner.email)
        try:
            read = await self._ask(owner.email, _DIGEST, "digest", fetched.raw, owner, costly)
        except Unread as error:
            limit = _LIMITS.get(error.cause, Limit.BROKEN)
            try:
                read = await self._ask(owner.email, _DIGEST, "brief", fetched.raw, owner, limit)
            except Unread:
                raise error from None
            read = replace(read, fault=error.fault)
        if read.limit in _COSTLY and self._costly.note(owner.email, read.sender_key):
            log.warning("sender_unread", limit=read.limit)
        return read

    async def show(self, fetched: Fetched, owner: Owner, score: Score) -> ShownMessage:
        """See `Reader.show`."""
        return await self._ask(owner.email, _SHOWN, "show", fetched.raw, owner, score, fetched.whole)

    async def correspondents(self, fetched: Fetched, owner: Owner) -> tuple[str, ...]:
        """See `Reader.correspondents`."""
        return await self._ask(owner.email, _CORRESPONDENTS, "correspondents", fetched.raw, owner)

    async def offer(self, fetched: Fetched) -> UnsubscribeOffer:
        """See `Reader.offer`."""
        return await self._ask("", _OFFER, "offer", fetched.raw)

    def thresholds(self, strictness: Strictness) -> Thresholds:
        """Thresholds of the model in use."""
        return self._facts.thresholds[strictness]

    def cost(self, strictness: Strictness) -> StrictnessCost:
        """Cost of the model in use, as its file states it."""
        return self._facts.costs[strictness]

    @property
    def model_version(self) -> str:
        """Version of the model in use."""
        return self._facts.version

    @property
    def pids(self) -> list[int]:
        """The numbers of the processes that run."""
        return sorted(process.pid for process in self._all if process.running)

    async def switch(
        self, champion: StoredModel | None, challenger: StoredModel | None = None
    ) -> LoadedModels:
        """Read with other models from now on; what is said of them. No champion: the file, as it is now. Raises
        `ModelFile`, and the old ones stay. What is being read is finished with the old ones, and processes are
        replaced one after the other: meanwhile the others read with the old ones."""
        file = await read_model(self._path) if champion is None else _data(champion)
        models = Models(file, None if challenger is None else _data(challenger))
        spare, self._spare = self._spare, await self._start(models)
        self._former, self._models, self._facts = self._models, models, self._spare.facts
        try:
            if spare is not None:
                await self._end(spare)
            for _ in range(self._free.qsize()):
                await self._replace(await self._free.get())
        finally:
            self._former = None
        return self._facts

    async def _ask(
        self, whose: str, shape: type[ReaderReply[T]], work: str, raw: bytes, *arguments: object
    ) -> T:
        for left in reversed(range(TRIES)):
            try:
                answer = await self._once(whose, shape, work, raw, *arguments)
            except ReaderDied as error:
                log.warning("reading_process_lost", work=work, cause=error.cause, bytes=len(raw))
                if error.cause is FailOpen.TOO_SLOW or not left:
                    raise Unread(error.cause) from error
            else:
                if answer.later:
                    raise TryLater("later.unreadable", reason="unreadable")
                if answer.value is None:
                    raise Unread(answer.unread or FailOpen.READER_LOST, answer.fault)
                return answer.value
        raise AssertionError("the last try returns or raises")

    async def _once(
        self, whose: str, shape: type[ReaderReply[T]], work: str, raw: bytes, *arguments: object
    ) -> ReaderReply[T]:
        held = await self._process(whose)
        try:
            answer = shape.model_validate_json(await held.ask(work, raw, *arguments))
            if answer.spent:
                held.retire()
            if isinstance(answer.value, Digest):
                read = await self._again(held, answer.value) if answer.value.doubtful else answer.value
                answer.value = cast(T, held.with_thresholds(read))
        except asyncio.CancelledError:
            held.leave(ABANDONED, partial(self._left, held))
            raise
        except ValidationError as error:
            held.end_now()
            self._hand_back(held)
            raise ReaderDied(FailOpen.READER_LOST) from error
        except BaseException:
            self._hand_back(held)
            raise
        if held.at_work:
            held.leave(ABANDONED, partial(self._left, held))
        else:
            self._hand_back(held)
        return answer

    async def _again(self, held: ReadingProcess, first: Digest) -> Digest:
        """`first` with the score of a second reading by the same process, which has kept the text. The first one stands
        whatever becomes of that."""
        second = self._limits.second
        assert second is not None, "nothing is in doubt without one"
        if not held.usable:  # it has ended after what the first one took
            return replace(first, again=Rereading.LOST)
        try:
            async with asyncio.timeout(second.seconds):
                found = _SCORE.model_validate_json(await held.ask("again", b""))
        except TimeoutError:
            return replace(first, again=Rereading.LATE)
        except ReaderDied as error:
            log.warning("reading_process_lost", work="again", cause=error.cause, bytes=0)
            return replace(first, again=Rereading.LOST)
        except ValidationError:
            held.end_now()
            return replace(first, again=Rereading.LOST)
        if found.spent:
            held.retire()
        if found.value is None:
            log.warning("second_reading_failed", fault=found.fault)
            return replace(first, again=Rereading.LOST)
        return replace(first, score=found.value, again=Rereading.READ)

    def _left(self, held: ReadingProcess, body: bytes) -> None:
        """A reading nobody waited for has come to its end."""
        try:
            spent = _ANY.model_validate_json(body).spent
        except ValidationError:
            spent = True
        if spent:
            held.retire()
        self._hand_back(held)

    async def _process(self, whose: str) -> ReadingProcess:
        """One that is free, in turn with other mailboxes: it is `whose` until it is handed back and of use again."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._wait):
                taken = whose, await self._turns.take(whose)
        except TimeoutError:
            raise TryLater("later.reader", reason=NO_READER) from None
        try:
            held = await self._next(self._wait - (asyncio.get_running_loop().time() - began))
        except BaseException:
            self._turns.give_back(*taken)
            raise
        self._whose[held] = taken
        return held

    async def _next(self, wait: float) -> ReadingProcess:
        """One that is free. None is started for a message: it would be lost with the message's patience."""
        with contextlib.suppress(asyncio.QueueEmpty):
            held = self._free.get_nowait()
            if held is not None and self._good(held):
                return held
            self._free.put_nowait(held)
        failed = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while True:
                    held = await self._free.get()
                    if held is not None and self._good(held):
                        return held
                    if held is None and failed:
                        self._free.put_nowait(None)
                        break
                    failed = held is None
                    self._hand_back(held)
        raise TryLater("later.reader", reason=NO_READER)

    def _hand_back(self, held: ReadingProcess | None) -> None:
        """The process waits for the next message; in place of one that is of no more use another is started now."""
        if self._closing:
            return
        if held is not None and self._good(held):
            self._put(held, held)
            return
        self._task(self._replace(held))

    def _put(self, made: ReadingProcess | None, before: ReadingProcess | None) -> None:
        """The process is free that was `before`, or was made in its place: only now its mailbox's turn is over."""
        self._free.put_nowait(made)
        if before is not None and (taken := self._whose.pop(before, None)) is not None:
            self._turns.give_back(*taken)

    def _task(self, work: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        """Work of the pool's own, which ends with the pool and with no caller."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # a caller that waits hears of it; without one, nobody asks

    async def _replace(self, held: ReadingProcess | None) -> None:
        made: ReadingProcess | None = None
        try:
            made = await self._usable(held)
        except (ModelFile, OSError) as error:
            log.error("reading_process_not_started", cause=type(error).__name__)
        finally:
            self._put(made, held)

    def _good(self, held: ReadingProcess) -> bool:
        return held.usable and held.models in (self._models, self._former)

    def _newest(self, held: ReadingProcess) -> bool:
        return held.usable and held.models is self._models

    async def _end(self, held: ReadingProcess) -> None:
        await held.close()
        self._all.discard(held)

    async def _usable(self, held: ReadingProcess | None) -> ReadingProcess:
        """`held`, or one in its place."""
        if held is not None:
            if self._newest(held):
                return held
            await self._end(held)
        spare, self._spare = self._spare, None
        if spare is None or not self._newest(spare):
            spare = await self._start(self._models)
            self._facts = spare.facts
        return spare

    async def _start(self, models: Models) -> ReadingProcess:
        process = await ReadingProcess.start(self._entry, models, self._limits)
        self._all.add(process)
        refused = process.facts.second_refused
        if refused is not None and refused != self._facts.second_refused:
            log.error("second_reading_off", cause=refused["key"])
        return process


def _data(model: StoredModel) -> ModelData:
    return ModelData(model.file, model.name, model.digest)


# ---- Starting reading processes


ENTRY = "backend.reader_process"
PATIENCE = 5
"""How many times its processor time a message may take by the clock, on a machine that is busy."""


def open_reader(settings: Settings) -> AbstractAsyncContextManager[ReadingPool]:
    """The processes that read, started. Raises `ModelFile`."""
    patience = settings.reader_seconds * PATIENCE
    limits = Limits(
        settings.reader_seconds,
        settings.reader_memory,
        patience,
        keep_counts=settings.replay_days > 0,
        second=second_of(settings),
    )
    return ReadingPool.open(
        ENTRY, settings.model_path, limits, settings.readers, wait=settings.lease_seconds / 3
    )


def second_of(settings: Settings) -> Second | None:
    """The second reading that is set, if it is."""
    if not settings.second_reading:
        return None
    return Second(
        str(settings.state_dir / ENCODER_FILE),
        settings.second_reading_from,
        settings.second_reading_below,
        settings.second_reading_seconds,
    )
