"""A machine for tests: its processes are forked from one that has imported the program, and a test puts its clock
forward.

    process = Forked("server", ["backend", "serve"], environment, log)
    machine().advance(60)     a minute is over for every process that was forked, and for those to come

A start costs neither an interpreter nor imports, and whatever sleeps wakes when its time has come. `backend` knows
nothing of this: where `tests` is not, there is no way to another time.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import json
import math
import mmap
import os
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextvars import Context
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, NoReturn
from weakref import WeakSet

import aiohttp

from backend import starting
from backend.__main__ import COMMANDS
from backend.__main__ import main as program
from backend.demo.people import Process
from backend.demo.play import Stage, jobs_left
from backend.sandbox.__main__ import sandbox_command
from backend.system import SystemClock
from tests import once
from tests.forked_reader import WAKE, ForkedReader, read_messages

AHEAD = struct.Struct("d")
NUMBER = struct.Struct("i")
LONGEST_ORDER = 200_000
LOOK = 0.01
PR_SET_PDEATHSIG = 1
ONLY_OURS = ([sys.executable, "-m", "backend"], [sys.executable, "-m", "backend.sandbox"])


# ---- What a test has in hand


class Machine:
    """The first process, which all others are forked from, and the clock they share."""

    def __init__(self) -> None:
        self._running: dict[int, int] = {}
        self._templates = tempfile.TemporaryDirectory()
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with tempfile.TemporaryFile() as file, theirs:
            file.truncate(AHEAD.size)
            self._clock = mmap.mmap(file.fileno(), AHEAD.size)
            given = (theirs.fileno(), file.fileno())
            # Ends when our end of the socket is closed.
            self._first = subprocess.Popen(
                (sys.executable, "-m", "tests.machine", *map(str, given), self._templates.name),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=given,
                start_new_session=True,
            )

    @property
    def ahead(self) -> float:
        """By how many seconds its clock is ahead of the real one."""
        return float(AHEAD.unpack_from(self._clock)[0])

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def advance(self, seconds: float) -> None:
        """So much time is over."""
        AHEAD.pack_into(self._clock, 0, self.ahead + seconds)
        for pid in list(self._running):
            self.runs(pid, WAKE)

    def runs(self, pid: int, wake: int = 0) -> bool:
        """Whether it is one of this machine's and has not ended. By its handle: a number may be given to another."""
        handle = self._running.get(pid)
        if handle is None:
            return False
        try:
            signal.pidfd_send_signal(handle, wake)
        except ProcessLookupError:
            os.close(self._running.pop(pid))
            return False
        return True

    def begin(
        self,
        words: list[str],
        environment: dict[str, str],
        log: int,
        *,
        pipe: bool,
        real_time: bool = False,
        asked: int | None = None,
    ) -> Child:
        """Like `python -m WORDS` in a session of its own; with `pipe` its standard output can be read, without it goes
        to `log` as well. The clock is right when the first one begins, and always for one with the `real_time`. One
        that is `asked` through a pipe is `python -c WORDS`."""
        if not real_time and not any(self.runs(pid) for pid in list(self._running)):
            self.advance(-self.ahead)
        ended, ends = os.pipe()
        said, says = os.pipe() if pipe else (None, os.dup(log))
        order = json.dumps(
            {"words": words, "environment": environment, "folder": os.getcwd(), "real_time": real_time}
        )
        socket.send_fds(
            self._orders, [order.encode()], [says, log, ends, *([] if asked is None else [asked])]
        )
        os.close(ends)
        os.close(says)
        pid = NUMBER.unpack(self._orders.recv(NUMBER.size))[0]
        if not real_time:
            with contextlib.suppress(ProcessLookupError):  # it has ended already
                self._running[pid] = os.pidfd_open(pid)
        return Child(pid, ended, said)


@functools.cache
def machine() -> Machine:
    """The one of this process; it is there from when it is first asked for."""
    return Machine()


class Child:
    """As `asyncio.subprocess.Process` is, as far as `Process` asks. `said` is where its standard output can be read."""

    def __init__(self, pid: int, ended: int, said: int | None) -> None:
        self.pid, self.ended, self.said = pid, ended, said
        self._code: int | None = None
        os.set_blocking(ended, False)

    @property
    def stdout(self) -> Child:
        return self

    async def readline(self) -> bytes:
        """The first line."""
        line = b""
        while self.said is not None and (more := await asyncio.to_thread(os.read, self.said, 4096)):
            line += more
            if line.endswith(b"\n"):
                break
        return line

    @property
    def returncode(self) -> int | None:
        """What it ended with, None while it runs."""
        if self._code is None:
            with contextlib.suppress(BlockingIOError):
                self._code = NUMBER.unpack(os.read(self.ended, NUMBER.size))[0]
                for number in filter(None, (self.ended, self.said)):
                    os.close(number)
        return self._code

    def first_line(self, seconds: float) -> bytes:
        """As `readline`, for those who have no loop; nothing where it takes longer than that."""
        if self.said is None or not select.select((self.said,), (), (), seconds)[0]:
            return b""
        return os.read(self.said, 4096)

    def ends(self, seconds: float) -> int | None:
        """What it ended with, if it does so in that time."""
        if self._code is None:
            select.select((self.ended,), (), (), seconds)
        return self.returncode

    async def wait(self) -> int:
        """Until it has ended."""
        while (code := self.returncode) is None:  # noqa: ASYNC110 - a poll of another process
            await asyncio.sleep(LOOK)
        return code

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Forked(Process):
    """One of the demo's processes: forked if it runs our code, else started by its command."""

    async def start(self, *, pipe: bool = False) -> None:
        """See `Process`."""
        if self._command[:3] not in ONLY_OURS or "PYTHONSAFEPATH" in self._environment:
            await super().start(pipe=pipe)
            return
        with self._log.open("ab") as log:
            child = machine().begin(self._command[2:], self._environment, log.fileno(), pipe=pipe)
        self._process = child  # type: ignore[assignment]

    async def end(self) -> int:
        """Wait for it; what it ended with."""
        assert self._process is not None
        return await self._process.wait()


SOON = 2.0
"""A duty that is due in so many seconds is no rest: a push is looked into once more when Google's window has closed."""
STEP = 0.25
JOBS = """
SELECT (SELECT COUNT(*) FROM messages WHERE due_at IS NOT NULL), (
    SELECT MIN(due_at) FROM (
        SELECT due_at FROM messages WHERE mailbox_id IN (SELECT id FROM mailboxes WHERE link = 'connected')
        UNION ALL SELECT due_at FROM duties WHERE mailbox_id IN (SELECT id FROM mailboxes WHERE link = 'connected')
    )
)
"""
"""Messages that are not done with, and when the next job is due; one that is under way has been due since it began."""


async def hurry(running: Stage, state: Path) -> int:
    """How much a server with an embedded store has left to do. Where nothing is under way the clock is put forward to
    when the next thing is due."""
    pushes = await running.sandbox.pushes_pending()
    with contextlib.closing(sqlite3.connect(state / "pitchgate.sqlite3")) as store:
        messages, due = store.execute(JOBS).fetchone()
    # A server that was started in another way has the real time.
    ours = machine().runs(running.server.pid)
    now = machine().now() if ours else datetime.now(UTC)
    seconds = (due or math.inf) / 1e6 - now.timestamp()
    left = int(pushes + messages + (seconds < SOON))
    # Looks that pushes asked for are in the server's memory. Pushes may be held back, too.
    looks = 0 if left else await _looks_left(running)
    if ours and (left or looks) and seconds > 0:
        machine().advance(STEP if pushes or looks else seconds)
    return left + looks


CALLERS = count()


async def _looks_left(running: Stage) -> int:
    """Each time asked as another caller, since the server allows each of them two questions a second."""
    number = next(CALLERS) % 60_000
    connector = aiohttp.TCPConnector(local_addr=(f"127.1.{number // 250}.{number % 250 + 1}", 0))
    async with aiohttp.ClientSession(connector=connector) as http:
        return await jobs_left(replace(running, http=http))


# ---- The first process


def main() -> NoReturn:
    """Import the program and fork what is ordered."""
    orders, clocks = socket.socket(fileno=int(sys.argv[1])), [mmap.mmap(int(sys.argv[2]), AHEAD.size)]
    put_ahead(lambda: float(AHEAD.unpack_from(clocks[-1])[0]))
    starting._structlog_without_rich()
    for name in ("backend.serving", "backend.sandbox.server", "backend.reader_process", COMMANDS["serve"][0]):
        importlib.import_module(name)
    once.keep_templates(sys.argv[3])
    once.prepare()
    signal.signal(WAKE, lambda *_: None)  # enough for asyncio's loop, which then looks at the time
    gc.freeze()
    while True:
        order, given, *_ = socket.recv_fds(orders, LONGEST_ORDER, 4)
        if not order:
            os._exit(0)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if os.fork() == 0:
            ends_with_its_parent()
            if (pid := os.fork()) == 0:
                ends_with_its_parent()
                orders.close()
                asked = json.loads(order)
                if asked.pop("real_time"):
                    clocks.append(mmap.mmap(-1, AHEAD.size))  # all zero, for ever
                become(given, **asked)
            orders.send(NUMBER.pack(pid))
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            os.write(given[2], NUMBER.pack(code))
            os._exit(0)
        for number in given:
            os.close(number)


def ends_with_its_parent() -> None:
    """A test that is killed leaves nobody behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def become(given: list[int], words: list[str], environment: dict[str, str], folder: str) -> NoReturn:
    """What was ordered, until it ends."""
    os.setsid()
    for number, place in zip(given, (1, 2, None, 0), strict=False):
        if place is not None:
            os.dup2(number, place)
    for number in given:
        os.close(number)
    os.chdir(folder)
    if len(given) > 3:
        read_messages(words[0], environment)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    code: object = 0
    try:
        if words[0] == "backend":
            program()
        else:
            sandbox_command(prog_name="sandbox")
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    # All that an interpreter does at its end but to free every object, which takes as long as a start.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


def put_ahead(ahead: Callable[[], float]) -> None:
    """Every clock of this process is ahead from now on. Processor time stays as it is."""
    for name in ("time", "monotonic"):
        real = getattr(time, name)
        setattr(time, name, lambda real=real: real() + ahead())
    real_clock, passes = time.clock_gettime, (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC, time.CLOCK_REALTIME)
    time.clock_gettime = lambda which: real_clock(which) + (ahead() if which in passes else 0.0)
    SystemClock.now = lambda _: datetime.now(UTC) + timedelta(seconds=ahead())  # type: ignore[method-assign, assignment]
    quick = starting.quick_loop()
    if quick is not None:
        starting.quick_loop = lambda: partial(_ahead_loop, quick, ahead)


class _Timer:
    """A handle whose moment comes sooner when the clock is put forward."""

    def __init__(self, when: float, call: Callable[[], object], context: Context | None) -> None:
        self._when, self.call, self.context = when, call, context
        self.handle: asyncio.TimerHandle | None = None

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        if self.handle is not None:
            self.handle.cancel()

    def cancelled(self) -> bool:
        return self.handle is None or self.handle.cancelled()


def _ahead_loop(quick: Any, ahead: Callable[[], float]) -> Any:
    """uvloop's loop, whose timers are libuv's: they go by the real time, and are set once more at each advance."""

    class Loop(quick):  # type: ignore[misc]
        def time(self) -> float:
            return float(super().time()) + ahead()

        def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> _Timer:
            timer = _Timer(when, partial(callback, *args), context)
            self._set(timer)
            return timer

        def call_later(
            self, delay: float, callback: Any, *args: Any, context: Context | None = None
        ) -> _Timer:
            return self.call_at(self.time() + delay, callback, *args, context=context)

        def _set(self, timer: _Timer) -> None:
            left = max(0.0, timer.when() - self.time())
            timer.handle = super().call_later(left, self._ring, timer, context=timer.context)
            self.__dict__.setdefault("timers", WeakSet()).add(timer)

        def _ring(self, timer: _Timer) -> None:
            self.timers.discard(timer)
            timer.call()

        async def subprocess_exec(self, make: Any, *command: str, **options: Any) -> Any:
            if command[:2] != (sys.executable, "-c"):
                return await super().subprocess_exec(make, *command, **options)
            reader = ForkedReader(make(), command[2], options["env"])
            await reader.connect(self)
            return reader, reader.protocol

        def catch_up(self) -> None:
            for timer in list(self.timers):
                if not timer.cancelled():
                    timer.handle.cancel()
                    self._set(timer)

    loop = Loop()
    loop.timers = WeakSet()
    loop.add_signal_handler(WAKE, loop.catch_up)
    return loop


class BegunReader(ForkedReader):
    """The same for a test, whose own process has too much in it to be forked: forked from the first process."""

    def __init__(self, protocol: asyncio.SubprocessProtocol, code: str, environment: dict[str, str]) -> None:
        asyncio.SubprocessTransport.__init__(self)
        self.protocol = protocol
        self._code = None
        asked, asks = os.pipe()
        self._child = machine().begin([code], environment, 2, pipe=True, real_time=True, asked=asked)
        os.close(asked)
        self._pid = self._child.pid
        assert self._child.said is not None
        self._ends = asks, self._child.said

    def _handle(self) -> int:
        return self._child.ended

    def _ended(self, handle: int) -> int:
        return int(NUMBER.unpack(os.read(handle, NUMBER.size))[0])


async def begin_reader(
    loop: asyncio.AbstractEventLoop,
    make: Callable[[], asyncio.SubprocessProtocol],
    *command: str,
    **options: Any,
) -> tuple[BegunReader, asyncio.SubprocessProtocol]:
    """As `subprocess_exec` of a loop, for nothing but readers."""
    reader = BegunReader(make(), command[2], options["env"])
    await reader.connect(loop)
    return reader, reader.protocol


if __name__ == "__main__":
    main()
