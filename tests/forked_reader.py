"""A reading process that is forked from one which has imported what it needs, in place of a start of Python."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import traceback
from typing import Any, NoReturn

WAKE = signal.SIGUSR2
"""Says to a forked process that its clock was put forward (tests/machine.py)."""


class ForkedReader(asyncio.SubprocessTransport):
    """A process that reads messages, forked from its server, which knows what it would import for half a second. All
    else is as if it had been started: pipes at both ends, nothing else open, none of the server's environment."""

    def __init__(self, protocol: asyncio.SubprocessProtocol, code: str, environment: dict[str, str]) -> None:
        super().__init__()
        self.protocol = protocol
        self._code: int | None = None
        (asked, asks), (answered, answers) = os.pipe(), os.pipe()
        self._ends = asks, answered
        self._pid = os.fork()
        if self._pid == 0:
            os.dup2(asked, 0)
            os.dup2(answers, 1)
            os.closerange(3, os.sysconf("SC_OPEN_MAX"))
            read_messages(code, environment)
        os.close(asked)
        os.close(answers)

    async def connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hear of what it answers, and of its end."""
        asks, answered = self._ends
        requests = await loop.connect_write_pipe(lambda: _End(self.protocol, 0), os.fdopen(asks, "wb"))
        answers = await loop.connect_read_pipe(lambda: _End(self.protocol, 1), os.fdopen(answered, "rb"))
        self._pipes = (requests[0], answers[0])
        handle = self._handle()

        def ended() -> None:
            loop.remove_reader(handle)
            self._code = self._ended(handle)
            os.close(handle)
            self.protocol.process_exited()

        loop.add_reader(handle, ended)
        self.protocol.connection_made(self)

    def _handle(self) -> int:
        """What can be read once it has ended."""
        return os.pidfd_open(self._pid)

    def _ended(self, handle: int) -> int:
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def get_pid(self) -> int:
        return self._pid

    def get_returncode(self) -> int | None:
        return self._code

    def get_pipe_transport(self, fd: int) -> Any:
        return self._pipes[fd]

    def kill(self) -> None:
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        for pipe in self._pipes:
            pipe.close()


class _End(asyncio.Protocol):
    """One of its pipes."""

    def __init__(self, protocol: asyncio.SubprocessProtocol, number: int) -> None:
        self._protocol, self._number = protocol, number

    def data_received(self, data: bytes) -> None:
        self._protocol.pipe_data_received(self._number, data)

    def connection_lost(self, error: Exception | None) -> None:
        self._protocol.pipe_connection_lost(self._number, error)


def read_messages(code: str, environment: dict[str, str]) -> NoReturn:
    """What its command line says, until it ends."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, WAKE):
            signal.signal(number, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(environment)
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        exec(code, {})
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)
