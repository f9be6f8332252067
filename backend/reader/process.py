"""Our end of one reading process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from backend.domain.digest import Digest, Rereading
from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.message import FailOpen
from backend.domain.reading.score import StrictnessCost, Thresholds
from backend.reader.frames import ANSWER, MAX_ANSWER, Limits, ModelData, Models, packed

START_SECONDS = 90.0
END_SECONDS = 1.0
BRIEF_SECONDS = 5.0
MAX_MODEL = 20_000_000
"""Bytes that are read of a model file; the process itself refuses less than that."""
_ROOT = str(Path(__file__).parent.parent.parent)
_SECRETS = "PITCHGATE_"


class ReaderDied(Exception):
    """The process ended, or was ended, over what it was asked. `cause` is `TOO_SLOW` or `READER_LOST`."""

    def __init__(self, cause: FailOpen) -> None:
        super().__init__(cause)
        self.cause = cause


class ModelFile(PitchgateError):
    """The model file must not be used, or nothing could be started with it."""


async def read_model(path: Path) -> ModelData:
    """The file as it is now. Raises `ModelFile`."""
    try:
        return ModelData(await asyncio.to_thread(_beginning, path), str(path))
    except OSError as error:
        raise ModelFile("model.unread", path=path, why=error.strerror) from error


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_MODEL)


class LoadedModels(BaseModel):
    """What the process says of the models it has loaded, before it has read any message, and why it reads without the
    challenger or the second reading it was to have."""

    version: str
    thresholds: Mapping[Strictness, Thresholds]
    costs: Mapping[Strictness, StrictnessCost]
    challenger_thresholds: Mapping[Strictness, Thresholds] = {}
    challenger_refused: dict[str, str] | None = None
    again_thresholds: Mapping[Strictness, Thresholds] = {}
    second_refused: dict[str, str] | None = None


class _Start(BaseModel):
    ready: LoadedModels | None = None
    refused: dict[str, str] = {}


_START = TypeAdapter(_Start)


class _Pipes(asyncio.SubprocessProtocol):
    """What goes to and fro: at most one answer at a time, and none that nobody asked for."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.open = True
        self.answer: asyncio.Future[bytes] | None = None
        self.left: Callable[[bytes], None] | None = None
        self._received = bytearray()
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(
            "asyncio.SubprocessTransport", transport
        )  # uvloop's own is not registered as one

    def ask(self, head: bytes, raw: bytes) -> asyncio.Future[bytes]:
        """Where the answer will be. Raises `OSError` for a process whose pipes are closed."""
        requests = cast("asyncio.WriteTransport | None", self.transport.get_pipe_transport(0))
        if not self.open or requests is None:
            raise BrokenPipeError
        self.answer, self.left = asyncio.get_running_loop().create_future(), None
        requests.writelines((head, raw))
        return self.answer

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        received, head = self._received, ANSWER.size
        received += data
        if not self._size and len(received) >= head:
            (self._size,) = ANSWER.unpack_from(received)
        whole = head + self._size
        if self.answer is None or self._size > MAX_ANSWER or len(received) > whole > head:
            self.broken()
        elif len(received) == whole > head:
            body = bytes(memoryview(received)[head:])
            self._received, self._size = bytearray(), 0
            self._settle(body)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        self.broken()

    def process_exited(self) -> None:
        self.broken()
        if not self.exited.done():
            self.exited.set_result(None)

    def broken(self) -> None:
        """It is of no more use."""
        self.open = False
        self._settle(b"")

    def _settle(self, body: bytes) -> None:
        answer, self.answer = self.answer, None
        left, self.left = self.left, None
        if answer is not None and not answer.done():
            answer.set_result(body)
        if left is not None:
            left(body)


class ReadingProcess:
    """One process, asked one thing at a time. It ends when its input is closed, so it ends with us."""

    def __init__(self, pipes: _Pipes, models: Models, limits: Limits) -> None:
        self._pipes = pipes
        self._limits = limits
        self._retired = False
        self.models = models
        self.facts = LoadedModels(version="", thresholds={}, costs={})

    @classmethod
    async def start(cls, entry: str, models: Models, limits: Limits) -> ReadingProcess:
        """Start and load the models. `entry` names the module whose `main` runs. Raises `ModelFile`."""
        # The package's folder comes last: it must not hide anything of Python's own.
        code = f"import sys; sys.path.append({_ROOT!r}); from {entry} import main; main()"
        _, pipes = await asyncio.get_running_loop().subprocess_exec(
            _Pipes,
            *(sys.executable, "-c", code),
            stderr=None,
            # It reads what strangers wrote and needs none of our keys.
            env={name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)},
        )
        made = cls(pipes, models, limits)
        try:
            body = await made._exchange(START_SECONDS, *packed("", b"", models, limits))
            first = _START.validate_json(body)
        except (ReaderDied, ValidationError) as error:
            await made.kill()
            raise ModelFile("model.reader") from error
        except BaseException:
            await made.kill()
            raise
        if first.ready is None:
            await made.kill()
            raise ModelFile(**{"key": "model", **first.refused})
        made.facts = first.ready
        return made

    @property
    def pid(self) -> int:
        """Its number."""
        return self._pipes.transport.get_pid()

    @property
    def running(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._pipes.transport.get_returncode() is None

    @property
    def usable(self) -> bool:
        """Whether it can be asked something."""
        return self.running and self._pipes.open and not self._retired

    def with_thresholds(self, read: Digest) -> Digest:
        """With the thresholds of the models that scored."""
        facts = self.facts
        of_score = facts.again_thresholds if read.again is Rereading.READ else facts.thresholds
        return replace(
            read,
            thresholds=of_score if read.score is not None else {},
            challenger_thresholds=facts.challenger_thresholds if read.challenger is not None else {},
        )

    @property
    def at_work(self) -> bool:
        """Whether its answer is still to come, though nobody may wait for it any more."""
        return self._pipes.answer is not None

    def retire(self) -> None:
        """It is about to end by itself."""
        self._retired = True

    async def ask(self, work: str, raw: bytes, *arguments: object) -> bytes:
        """The answer as JSON. Raises `ReaderDied`. Cancelled, it leaves the process at work: see `leave`."""
        try:
            patience = self._limits.patience
            # It is the last try, and takes next to nothing: that the machine is busy must not end it.
            patience = max(patience, BRIEF_SECONDS) if work == "brief" else patience
            return await self._exchange(patience, *packed(work, raw, *arguments))
        except ReaderDied:
            self.end_now()
            raise

    def leave(self, patience: float, then: Callable[[bytes], None]) -> None:
        """Nobody waits for the answer any more. `then` is called with it when it comes, or with b"" when the process
        has ended: by itself, or in `patience` seconds."""
        if self._pipes.answer is None:
            then(b"")
            return
        end = asyncio.get_running_loop().call_later(patience, self.end_now)

        def left(body: bytes) -> None:
            end.cancel()
            then(body)

        self._pipes.left = left

    async def _exchange(self, patience: float, head: bytes, raw: bytes) -> bytes:
        try:
            answer = self._pipes.ask(head, raw)
        except OSError as error:
            raise ReaderDied(await self._why()) from error
        late = asyncio.get_running_loop().call_later(patience, _too_late, answer)
        try:
            body = await answer
        finally:
            late.cancel()
        if not body:
            raise ReaderDied(await self._why())
        return body

    async def _why(self) -> FailOpen:
        """Why it ended by itself."""
        await self._ended()
        alarm = getattr(signal, "SIGPROF", None)
        slow = alarm is not None and self._pipes.transport.get_returncode() == -alarm
        return FailOpen.TOO_SLOW if slow else FailOpen.READER_LOST

    async def _ended(self) -> None:
        """Once it has ended, or some time has passed."""
        await asyncio.wait((self._pipes.exited,), timeout=END_SECONDS)

    async def close(self) -> None:
        """Let it end by itself, or make it. May run again."""
        if (requests := self._pipes.transport.get_pipe_transport(0)) is not None:
            requests.close()
        await self._ended()
        await self.kill()

    async def kill(self) -> None:
        """End it and wait until it has ended. May run again."""
        self.end_now()
        await asyncio.shield(self._pipes.exited)
        self._pipes.transport.close()

    def end_now(self) -> None:
        """End it without waiting."""
        self._retired = True
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._pipes.transport.kill()


def _too_late(answer: asyncio.Future[bytes]) -> None:
    if not answer.done():
        answer.set_exception(ReaderDied(FailOpen.TOO_SLOW))
