"""Our end of one reading process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from backend.domain.errors import PitchgateError
from backend.domain.mailbox.mailbox import Strictness
from backend.domain.mailbox.verdict import FailOpen
from backend.domain.reading.score import Cost, Thresholds
from backend.reader.frames import ANSWER, MAX_ANSWER, Limits, ModelData, Models, packed

START_SECONDS = 90.0
END_SECONDS = 1.0
MAX_MODEL = 20_000_000
"""Bytes that are read of a model file; the process itself refuses less than that."""
_ROOT = str(Path(__file__).parent.parent.parent)
_SECRETS = "PITCHGATE_"


class Lost(Exception):
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


class ModelFacts(BaseModel):
    """What the process says of the model it has loaded, and why it reads without the challenger it was given."""

    version: str
    thresholds: Mapping[Strictness, Thresholds]
    costs: Mapping[Strictness, Cost]
    challenger_refused: dict[str, str] | None = None


class _Start(BaseModel):
    ready: ModelFacts | None = None
    refused: dict[str, str] = {}


_START = TypeAdapter(_Start)


class ReadingProcess:
    """One process, asked one thing at a time. It ends when its input is closed, so it ends with us."""

    def __init__(self, process: asyncio.subprocess.Process, models: Models, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._retired = False
        self.models = models
        self.facts = ModelFacts(version="", thresholds={}, costs={})

    @classmethod
    async def start(cls, entry: str, models: Models, limits: Limits) -> ReadingProcess:
        """Start and load the models. `entry` names the module whose `main` runs. Raises `ModelFile`."""
        # The package's folder comes last: it must not hide anything of Python's own.
        code = f"import sys; sys.path.append({_ROOT!r}); from {entry} import main; main()"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", code),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # It reads what strangers wrote and needs none of our keys.
            env={name: value for name, value in os.environ.items() if not name.startswith(_SECRETS)},
        )
        made = cls(process, models, limits)
        try:
            body = await made._exchange(START_SECONDS, *packed("", b"", models, limits))
            first = _START.validate_json(body)
        except (Lost, ValidationError) as error:
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
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None

    @property
    def usable(self) -> bool:
        """Whether it can be asked something."""
        return self.running and not self._retired

    def retire(self) -> None:
        """It is about to end by itself."""
        self._retired = True

    async def ask(self, work: str, raw: bytes, *arguments: object) -> bytes:
        """The answer as JSON. Raises `Lost`; cancelled, it ends the process, which is still at work."""
        try:
            return await self._exchange(self._limits.patience, *packed(work, raw, *arguments))
        except BaseException:
            self.end_now()
            raise

    async def _exchange(self, patience: float, head: bytes, raw: bytes) -> bytes:
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        try:
            async with asyncio.timeout(patience):
                requests.writelines((head, raw))
                await requests.drain()
                (size,) = ANSWER.unpack(await answers.readexactly(ANSWER.size))
                if size > MAX_ANSWER:
                    raise Lost(FailOpen.READER_LOST)
                return await answers.readexactly(size)
        except TimeoutError as error:
            raise Lost(FailOpen.TOO_SLOW) from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Lost(await self._why()) from error

    async def _why(self) -> FailOpen:
        """Why it ended by itself."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        alarm = getattr(signal, "SIGPROF", None)
        slow = alarm is not None and self._process.returncode == -alarm
        return FailOpen.TOO_SLOW if slow else FailOpen.READER_LOST

    async def close(self) -> None:
        """Let it end by itself, or make it. May run again."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), END_SECONDS)
        await self.kill()

    async def kill(self) -> None:
        """End it and wait until it has ended. May run again."""
        self.end_now()
        await self._process.wait()
        await self._read_to_the_end()

    async def _read_to_the_end(self) -> None:
        """What it wrote and nobody read: asyncio keeps the pipe of an ended process open until then."""
        if self._process.stdout is not None:
            with contextlib.suppress(
                RuntimeError, TimeoutError
            ):  # Somebody else is reading it, or nothing ends.
                await asyncio.wait_for(self._process.stdout.read(), END_SECONDS)

    def end_now(self) -> None:
        """End it without waiting."""
        self._retired = True
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
