"""The server's handle of one reading process."""

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
from backend.domain.mailbox.message import FailOpenCause
from backend.domain.reading.score import StrictnessCost, Thresholds
from backend.reader.frames import ANSWER, MAX_ANSWER, Limits, ModelData, Models, pack_request

START_SECONDS = 90.0
END_SECONDS = 1.0
BRIEF_SECONDS = 5.0
MAX_MODEL = 20_000_000
"""Bytes read of a model file, more than the process accepts."""
_ROOT = str(Path(__file__).parent.parent.parent)
_SECRETS = "PITCHGATE_"


class ReaderDied(Exception):
    """The process ended, or was killed, during a request. `cause` is `TOO_SLOW` or `READER_LOST`."""

    def __init__(self, cause: FailOpenCause) -> None:
        super().__init__(cause)
        self.cause = cause


class ModelUnusable(PitchgateError):
    """The model file cannot be used, or no process could be started with it."""


async def read_model(path: Path) -> ModelData:
    """The content of the file now. Raises `ModelUnusable`."""
    try:
        return ModelData(await asyncio.to_thread(_beginning, path), str(path))
    except OSError as error:
        raise ModelUnusable("model.unread", path=path, why=error.strerror) from error


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_MODEL)


class LoadedModels(BaseModel):
    """What the process reports about the models it has loaded, before it has read any message; and why it works without
    a configured challenger or second reading."""

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
    """The pipes to and from the process. One request at a time; an answer without a request breaks the connection."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.open = True
        self.answer: asyncio.Future[bytes] | None = None
        self.abandoned: Callable[[bytes], None] | None = None
        self._received = bytearray()
        self._size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A cast, because uvloop's transport is not a subclass.
        self.transport = cast("asyncio.SubprocessTransport", transport)

    def ask(self, head: bytes, raw: bytes) -> asyncio.Future[bytes]:
        """Send a request; returns the future of its answer. Raises `OSError` if the pipes are closed."""
        requests = cast("asyncio.WriteTransport | None", self.transport.get_pipe_transport(0))
        if not self.open or requests is None:
            raise BrokenPipeError
        self.answer, self.abandoned = asyncio.get_running_loop().create_future(), None
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
        """Close the connection: the process can no longer be used, and a pending answer becomes b""."""
        self.open = False
        self._settle(b"")

    def _settle(self, body: bytes) -> None:
        answer, self.answer = self.answer, None
        abandoned, self.abandoned = self.abandoned, None
        if answer is not None and not answer.done():
            answer.set_result(body)
        if abandoned is not None:
            abandoned(body)


class ReadingProcess:
    """One process, which answers one request at a time. It ends when its input is closed, so it ends with the
    server."""

    def __init__(self, pipes: _Pipes, models: Models, limits: Limits) -> None:
        self._pipes = pipes
        self._limits = limits
        self._retired = False
        self.models = models
        self.facts = LoadedModels(version="", thresholds={}, costs={})

    @classmethod
    async def start(cls, entry: str, models: Models, limits: Limits) -> ReadingProcess:
        """Start and load the models. `entry` names the module whose `main` runs. Raises `ModelUnusable`."""
        # The package's folder comes last in the path, so that it cannot hide modules of Python.
        code = f"import sys; sys.path.append({_ROOT!r}); from {entry} import main; main()"
        _, pipes = await asyncio.get_running_loop().subprocess_exec(
            _Pipes,
            *(sys.executable, "-c", code),
            stderr=None,
            # The process reads what strangers wrote, so it gets none of our keys.
            env={name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)},
        )
        made = cls(pipes, models, limits)
        try:
            body = await made._exchange(START_SECONDS, *pack_request("", b"", models, limits))
            first = _START.validate_json(body)
        except (ReaderDied, ValidationError) as error:
            await made.kill()
            raise ModelUnusable("model.reader") from error
        except BaseException:
            await made.kill()
            raise
        if first.ready is None:
            await made.kill()
            raise ModelUnusable(**{"key": "model", **first.refused})
        made.facts = first.ready
        return made

    @property
    def pid(self) -> int:
        return self._pipes.transport.get_pid()

    @property
    def running(self) -> bool:
        """Whether it has not ended, as far as we know."""
        return self._pipes.transport.get_returncode() is None

    @property
    def usable(self) -> bool:
        return self.running and self._pipes.open and not self._retired

    def with_thresholds(self, read: Digest) -> Digest:
        """`read` with the thresholds of the models that scored it."""
        facts = self.facts
        of_score = facts.again_thresholds if read.again is Rereading.READ else facts.thresholds
        return replace(
            read,
            thresholds=of_score if read.score is not None else {},
            challenger_thresholds=facts.challenger_thresholds if read.challenger is not None else {},
        )

    @property
    def at_work(self) -> bool:
        """Whether an answer is still to come, even if nobody waits for it any more."""
        return self._pipes.answer is not None

    def retire(self) -> None:
        """Use it no more: it will end by itself."""
        self._retired = True

    async def ask(self, work: str, raw: bytes, *arguments: object) -> bytes:
        """The answer as JSON. Raises `ReaderDied`. If cancelled, the process goes on working: see `abandon`."""
        try:
            seconds = self._limits.timeout
            # This is the last try and takes almost no time, so it must not fail because the machine is busy.
            seconds = max(seconds, BRIEF_SECONDS) if work == "brief" else seconds
            return await self._exchange(seconds, *pack_request(work, raw, *arguments))
        except ReaderDied:
            self.end_now()
            raise

    def abandon(self, seconds: float, then: Callable[[bytes], None]) -> None:
        """Stop waiting for the answer. `then` is called with it when it comes, or with b"" if the process ends instead;
        after `seconds` it is killed."""
        if self._pipes.answer is None:
            then(b"")
            return
        end = asyncio.get_running_loop().call_later(seconds, self.end_now)

        def ended(body: bytes) -> None:
            end.cancel()
            then(body)

        self._pipes.abandoned = ended

    async def _exchange(self, seconds: float, head: bytes, raw: bytes) -> bytes:
        try:
            answer = self._pipes.ask(head, raw)
        except OSError as error:
            raise ReaderDied(await self._why()) from error
        late = asyncio.get_running_loop().call_later(seconds, _too_late, answer)
        try:
            body = await answer
        finally:
            late.cancel()
        if not body:
            raise ReaderDied(await self._why())
        return body

    async def _why(self) -> FailOpenCause:
        """Why the process ended by itself."""
        await self._ended()
        alarm = getattr(signal, "SIGPROF", None)
        slow = alarm is not None and self._pipes.transport.get_returncode() == -alarm
        return FailOpenCause.TOO_SLOW if slow else FailOpenCause.READER_LOST

    async def _ended(self) -> None:
        """Wait until it has ended, but not long."""
        await asyncio.wait((self._pipes.exited,), timeout=END_SECONDS)

    async def close(self) -> None:
        """Let it end by itself, or kill it. May be called again."""
        if (requests := self._pipes.transport.get_pipe_transport(0)) is not None:
            requests.close()
        await self._ended()
        await self.kill()

    async def kill(self) -> None:
        """Kill it and wait until it has ended. May be called again."""
        self.end_now()
        await asyncio.shield(self._pipes.exited)
        self._pipes.transport.close()

    def end_now(self) -> None:
        """Kill it without waiting."""
        self._retired = True
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._pipes.transport.kill()


def _too_late(answer: asyncio.Future[bytes]) -> None:
    if not answer.done():
        answer.set_exception(ReaderDied(FailOpenCause.TOO_SLOW))
