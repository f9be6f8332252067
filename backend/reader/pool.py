"""The pool of reading processes: hands messages to free processes, each mailbox in its turn, retries or gives up after
a failure, and replaces processes that have ended or have an old model."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
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
from backend.domain.mailbox.message import FailOpenCause, ReadLimit
from backend.domain.reading.score import Score, ShownMessage, StrictnessCost, Thresholds
from backend.ports.gmail import Fetched
from backend.ports.system import ReadingFailed
from backend.reader.frames import Limits, ModelData, Models, SecondReadingLimits
from backend.reader.process import LoadedModels, ModelUnusable, ReaderDied, ReadingProcess, read_model
from backend.settings import ENCODER_FILE, Settings
from backend.transactions.records import StoredModel

log = structlog.get_logger()
T = TypeVar("T")
TRIES = 2
"""Tries for a message: a process that ends for an unknown reason may not have ended because of its message."""

ABANDONED_SECONDS = 3.0
"""Seconds in which a reading that nobody waits for any more may still end. Killing the process at once would cost the
next message the start of a new one, which on a busy machine can take longer than a message may wait."""

_LIMIT_OF = {FailOpenCause.TOO_SLOW: ReadLimit.TIME, FailOpenCause.TOO_LARGE: ReadLimit.MEMORY}
"""Why a message could not be read at all → why it is read only in part, if that works."""

_COSTLY_LIMITS = frozenset({ReadLimit.TIME, ReadLimit.MEMORY, ReadLimit.BROKEN})
"""Limits that are noticed only after much work; the sender's next mail is read in part at once."""


class ReaderReply(BaseModel, Generic[T]):
    """The answer of a process: a value, or why there is none (`fault`: the error, for logs). `later`: Google's response
    was incomplete; `spent`: the process ends after this answer."""

    value: T | None = None
    later: bool = False
    unread: FailOpenCause | None = None
    fault: str = ""
    spent: bool = False


# Looked up once, because looking up a generic model takes as long as reading an answer.
_DIGEST, _SCORE, _SHOWN, _OFFER, _CORRESPONDENTS, _ANY = (
    ReaderReply[Digest],
    ReaderReply[Score],
    ReaderReply[ShownMessage],
    ReaderReply[UnsubscribeOffer],
    ReaderReply[tuple[str, ...]],
    ReaderReply[Any],
)


class ReadingPool:
    """Implements `backend.ports.system.Reader`. Each process reads one message at a time, so that a message can break
    no reading but its own. Messages wait here for a free process."""

    def __init__(
        self, entry: str, path: Path, models: Models, limits: Limits, processes: int, wait: float
    ) -> None:
        self._entry = entry
        self._path = path
        self._wait = wait
        self._models = models
        self._former: Models | None = None  # still accepted while `switch` replaces processes
        self._limits = limits
        self._facts = LoadedModels(version="", thresholds={}, costs={})
        self._free: asyncio.Queue[ReadingProcess | None] = asyncio.Queue()
        self._spare: ReadingProcess | None = None
        self._turns = Turns(processes, time.monotonic)
        self._taken: dict[ReadingProcess, tuple[str, float]] = {}
        self._costly = CostlySenders(time.time)
        self._closing = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._processes: set[ReadingProcess] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, entry: str, model: Path, limits: Limits, processes: int, wait: float = 20.0
    ) -> AsyncIterator[ReadingPool]:
        """Start `processes` processes with the model file `model`; they end with the context. A message waits `wait`
        seconds for a free one. Raises `ModelUnusable`."""
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
            await asyncio.gather(*(process.close() for process in pool._processes))

    async def screen(self, fetched: Fetched, owner: Owner) -> Digest:
        """Read and score a message; in part, if it is too large or too slow."""
        if not fetched.whole:
            return await self._ask(owner.email, _DIGEST, "brief", fetched.raw, owner, ReadLimit.SIZE)
        costly = self._costly.of(owner.email)
        try:
            read = await self._ask(owner.email, _DIGEST, "digest", fetched.raw, owner, costly)
        except ReadingFailed as error:
            limit = _LIMIT_OF.get(error.cause, ReadLimit.BROKEN)
            try:
                read = await self._ask(owner.email, _DIGEST, "brief", fetched.raw, owner, limit)
            except ReadingFailed:
                raise error from None
            read = replace(read, fault=error.fault)
        if read.read_limit in _COSTLY_LIMITS and self._costly.note(owner.email, read.sender_key):
            log.warning("sender_unread", limit=read.read_limit)
        return read

    async def show(self, fetched: Fetched, owner: Owner, score: Score) -> ShownMessage:
        return await self._ask(owner.email, _SHOWN, "show", fetched.raw, owner, score, fetched.whole)

    async def correspondents(self, fetched: Fetched, owner: Owner) -> tuple[str, ...]:
        return await self._ask(owner.email, _CORRESPONDENTS, "correspondents", fetched.raw, owner)

    async def offer(self, fetched: Fetched) -> UnsubscribeOffer:
        return await self._ask("", _OFFER, "offer", fetched.raw)

    def thresholds(self, strictness: Strictness) -> Thresholds:
        return self._facts.thresholds[strictness]

    def cost(self, strictness: Strictness) -> StrictnessCost:
        return self._facts.costs[strictness]

    @property
    def model_version(self) -> str:
        return self._facts.version

    @property
    def pids(self) -> list[int]:
        return sorted(process.pid for process in self._processes if process.running)

    async def switch(
        self, champion: StoredModel | None, challenger: StoredModel | None = None
    ) -> LoadedModels:
        """Switch to other models and return their facts. No champion: use the model file, as it is now. Raises
        `ModelUnusable`; then the old models stay. Processes are replaced one after the other; until then they read with
        the old models."""
        file = await read_model(self._path) if champion is None else _model_data(champion)
        models = Models(file, None if challenger is None else _model_data(challenger))
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
        self, mailbox: str, shape: type[ReaderReply[T]], work: str, raw: bytes, *arguments: object
    ) -> T:
        for left in reversed(range(TRIES)):
            try:
                answer = await self._try_once(mailbox, shape, work, raw, *arguments)
            except ReaderDied as error:
                log.warning("reading_process_lost", work=work, cause=error.cause, bytes=len(raw))
                if error.cause is FailOpenCause.TOO_SLOW or not left:
                    raise ReadingFailed(error.cause) from error
            else:
                if answer.later:
                    raise TryLater("later.unreadable", reason="unreadable")
                if answer.value is None:
                    raise ReadingFailed(answer.unread or FailOpenCause.READER_LOST, answer.fault)
                return answer.value
        raise AssertionError("the last try returns or raises")

    async def _try_once(
        self, mailbox: str, shape: type[ReaderReply[T]], work: str, raw: bytes, *arguments: object
    ) -> ReaderReply[T]:
        process = await self._free_process(mailbox)
        try:
            answer = shape.model_validate_json(await process.ask(work, raw, *arguments))
            if answer.spent:
                process.retire()
            if isinstance(answer.value, Digest):
                read = (
                    await self._read_again(process, answer.value) if answer.value.doubtful else answer.value
                )
                answer.value = cast(T, process.with_thresholds(read))
        except asyncio.CancelledError:
            process.abandon(ABANDONED_SECONDS, partial(self._abandoned_ended, process))
            raise
        except ValidationError as error:
            process.end_now()
            self._hand_back(process)
            raise ReaderDied(FailOpenCause.READER_LOST) from error
        except BaseException:
            self._hand_back(process)
            raise
        if process.at_work:  # on a second reading that took too long
            process.abandon(ABANDONED_SECONDS, partial(self._abandoned_ended, process))
        else:
            self._hand_back(process)
        return answer

    async def _read_again(self, process: ReadingProcess, first: Digest) -> Digest:
        """`first` with the score of a second reading by the same process, which has kept the text. If that fails, the
        first score stays."""
        second = self._limits.second
        assert second is not None, "without a second reading no message is doubtful"
        if not process.usable:  # it ended after the first reading
            return replace(first, again=Rereading.LOST)
        try:
            async with asyncio.timeout(second.seconds):
                found = _SCORE.model_validate_json(await process.ask("again", b""))
        except TimeoutError:
            return replace(first, again=Rereading.LATE)
        except ReaderDied as error:
            log.warning("reading_process_lost", work="again", cause=error.cause, bytes=0)
            return replace(first, again=Rereading.LOST)
        except ValidationError:
            process.end_now()
            return replace(first, again=Rereading.LOST)
        if found.spent:
            process.retire()
        if found.value is None:
            log.warning("second_reading_failed", fault=found.fault)
            return replace(first, again=Rereading.LOST)
        return replace(first, score=found.value, again=Rereading.READ)

    def _abandoned_ended(self, process: ReadingProcess, body: bytes) -> None:
        """Called when a reading ends that nobody waits for."""
        try:
            spent = _ANY.model_validate_json(body).spent
        except ValidationError:
            spent = True
        if spent:
            process.retire()
        self._hand_back(process)

    async def _free_process(self, mailbox: str) -> ReadingProcess:
        """Wait for a free process, in turn with other mailboxes. It belongs to `mailbox` until it is handed back and
        free again."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._wait):
                taken = mailbox, await self._turns.take(mailbox)
        except TimeoutError:
            raise TryLater("later.reader", reason=NO_READER) from None
        try:
            process = await self._next_process(self._wait - (asyncio.get_running_loop().time() - began))
        except BaseException:
            self._turns.give_back(*taken)
            raise
        self._taken[process] = taken
        return process

    async def _next_process(self, wait: float) -> ReadingProcess:
        """The next free process. A message does not start one itself: if the message gave up, the start would be
        cancelled."""
        with contextlib.suppress(asyncio.QueueEmpty):
            process = self._free.get_nowait()
            if process is not None and self._can_read(process):
                return process
            self._free.put_nowait(process)
        failed = False
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                while True:
                    process = await self._free.get()
                    if process is not None and self._can_read(process):
                        return process
                    if process is None and failed:
                        self._free.put_nowait(None)
                        break
                    failed = process is None
                    self._hand_back(process)
        raise TryLater("later.reader", reason=NO_READER)

    def _hand_back(self, process: ReadingProcess | None) -> None:
        """Make the process free for the next message, or start another in its place if it can no longer be used."""
        if self._closing:
            return
        if process is not None and self._can_read(process):
            self._put(process, process)
            return
        # A task of the pool's own: it goes on if the caller is cancelled.
        task = asyncio.create_task(self._replace(process))
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _put(self, made: ReadingProcess | None, before: ReadingProcess | None) -> None:
        """Add a free process: `before` itself, or one `made` in its place. Only now its mailbox's turn ends."""
        self._free.put_nowait(made)
        if before is not None and (taken := self._taken.pop(before, None)) is not None:
            self._turns.give_back(*taken)

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as retrieved: a caller that waits gets it, and otherwise it does not matter

    async def _replace(self, process: ReadingProcess | None) -> None:
        made: ReadingProcess | None = None
        try:
            made = await self._usable(process)
        except (ModelUnusable, OSError) as error:
            log.error("reading_process_not_started", cause=type(error).__name__)
        finally:
            self._put(made, process)

    def _can_read(self, process: ReadingProcess) -> bool:
        return process.usable and process.models in (self._models, self._former)

    async def _end(self, process: ReadingProcess) -> None:
        await process.close()
        self._processes.discard(process)

    async def _usable(self, process: ReadingProcess | None) -> ReadingProcess:
        """`process` if it can be used and has the current models, otherwise another in its place."""
        if process is not None:
            if process.usable and process.models is self._models:
                return process
            await self._end(process)
        spare, self._spare = self._spare, None
        if spare is None or not spare.usable or spare.models is not self._models:
            spare = await self._start(self._models)
            self._facts = spare.facts
        return spare

    async def _start(self, models: Models) -> ReadingProcess:
        process = await ReadingProcess.start(self._entry, models, self._limits)
        self._processes.add(process)
        refused = process.facts.second_refused
        if refused is not None and refused != self._facts.second_refused:
            log.error("second_reading_off", cause=refused["key"])
        return process


def _model_data(model: StoredModel) -> ModelData:
    return ModelData(model.file, model.name, model.digest)


# ---- Opening the pool


ENTRY = "backend.reader_process"
WALL_CLOCK_FACTOR = 5
"""Wall-clock time that a message may take on a busy machine, as a multiple of its processor time."""


def open_reader(settings: Settings) -> AbstractAsyncContextManager[ReadingPool]:
    """The pool as the settings say, with its processes started. Raises `ModelUnusable`."""
    second = SecondReadingLimits(
        str(settings.state_dir / ENCODER_FILE),
        settings.second_reading_from,
        settings.second_reading_below,
        settings.second_reading_seconds,
    )
    limits = Limits(
        settings.reader_seconds,
        settings.reader_memory,
        settings.reader_seconds * WALL_CLOCK_FACTOR,
        keep_counts=settings.replay_days > 0,
        second=second if settings.second_reading else None,
    )
    return ReadingPool.open(ENTRY, settings.model_path, limits, settings.readers)


# ---- Whose turn it is
# The processes are shared fairly between mailboxes, and some senders' mail is read only in part: so mail that is made
# to be slow delays only its own mailbox.


REMEMBERED = 30 * 86_400.0
"""Seconds for which mail of a sender is read in part at once, after some could not be read in full."""

MOST_SENDERS = 50
"""Most such senders remembered for a mailbox."""

MOST_MAILBOXES = 10_000

LONG_READING = 0.1
"""Seconds after which a reading counts as long; ordinary messages take a twentieth of it."""

WARN_AFTER = 3
"""Emails of a sender that could not be read in full, after which it is logged."""


class Turns:
    """Gives at most `places` places for readings to mailboxes, in turn. While a mailbox has a reading that is already
    long, it does not get the last free place, which stays for other mailboxes."""

    def __init__(self, places: int, now: Callable[[], float]) -> None:
        self._free = places
        self._now = now
        self._started: dict[str, list[float]] = {}
        self._waiting: OrderedDict[str, deque[asyncio.Future[float]]] = OrderedDict()

    async def take(self, mailbox: str) -> float:
        """Wait for a place. Returns the time when it was taken, which `give_back` needs."""
        if self._may_start(mailbox) and self._next_mailbox() is None:
            return self._start(mailbox)
        turn: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(mailbox, deque()).append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back(mailbox, turn.result())
            elif turn in (others := self._waiting.get(mailbox, deque())):
                others.remove(turn)
                if not others:
                    del self._waiting[mailbox]
            raise

    def give_back(self, mailbox: str, began: float) -> None:
        """Free a place and give it to the next waiting mailbox."""
        self._free += 1
        self._started[mailbox].remove(began)
        if not self._started[mailbox]:
            del self._started[mailbox]
        if mailbox in self._waiting:
            # It has just had a place, so all other waiting mailboxes come before it.
            self._waiting.move_to_end(mailbox)
        while (following := self._next_mailbox()) is not None:
            turns = self._waiting.pop(following)
            turn = turns.popleft()
            if turns:
                self._waiting[following] = turns  # at the end: others come before its next message
            if not turn.done():
                turn.set_result(self._start(following))

    def _start(self, mailbox: str) -> float:
        self._free -= 1
        began = self._now()
        self._started.setdefault(mailbox, []).append(began)
        return began

    def _may_start(self, mailbox: str) -> bool:
        if self._free != 1 or mailbox not in self._started:
            return self._free > 0
        return self._now() - min(self._started[mailbox]) < LONG_READING

    def _next_mailbox(self) -> str | None:
        return next(filter(self._may_start, self._waiting), None) if self._free else None


@dataclass(slots=True)
class _Record:
    at: float
    times: int = 0


class CostlySenders:
    """Remembers, for each mailbox, senders whose mail recently reached a limit of time or memory. Kept in memory
    only, with bounded size."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._senders: OrderedDict[str, OrderedDict[str, _Record]] = OrderedDict()

    def of(self, mailbox: str) -> frozenset[str]:
        """The senders of a mailbox whose mail is read in part at once."""
        senders = self._senders.get(mailbox)
        if senders is None:
            return frozenset()
        oldest = self._now() - REMEMBERED
        return frozenset(sender for sender, record in senders.items() if record.at > oldest)

    def note(self, mailbox: str, sender: str) -> bool:
        """Note that another email of the sender could not be read in full; returns whether to log it."""
        senders = self._senders.setdefault(mailbox, OrderedDict())
        self._senders.move_to_end(mailbox)
        record = senders.setdefault(sender, _Record(0.0))
        if record.at <= self._now() - REMEMBERED:
            record.times = 0
        record.at, record.times = self._now(), record.times + 1
        senders.move_to_end(sender)
        if len(senders) > MOST_SENDERS:
            senders.popitem(last=False)
        if len(self._senders) > MOST_MAILBOXES:
            self._senders.popitem(last=False)
        return record.times == WARN_AFTER
