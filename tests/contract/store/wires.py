"""Ways to a PostgreSQL server that are not straight: one that goes silent, and a pooler that shares sessions."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SSL_REQUEST, CANCEL_REQUEST, STARTUP = 80877103, 80877102, 196608
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Way:
    """Listens on loopback while it is open; `address` is the way to the database at `target` through it."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._socket = parse_qs(parts.query)["host"][0] + "/.s.PGSQL.5432"
        self._role, self._database = parts.username or "", parts.path.lstrip("/")
        self._callers: set[asyncio.Task[None]] = set()
        self._sessions: list[Streams] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._called, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.address = f"postgresql://{self._role}@127.0.0.1:{port}/{self._database}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)
        for _reader, writer in self._sessions:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: Any = asyncio.current_task()
        self._callers.add(task)
        # Cancelled at the end; asyncio's own callback cannot bear a task that says so.
        ends = (OSError, asyncio.IncompleteReadError, asyncio.CancelledError)
        with contextlib.closing(writer), contextlib.suppress(*ends):
            await self._carry((reader, writer))

    async def _carry(self, client: Streams) -> None:
        raise NotImplementedError

    async def _to_server(self) -> Streams:
        session = await asyncio.open_unix_connection(self._socket)
        self._sessions.append(session)
        return session


class Wire(Way):
    """Carries everything, until it goes silent: then nothing arrives, and nobody is told."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self._carries = asyncio.Event()
        self._carries.set()

    def go_silent(self) -> None:
        self._carries.clear()

    def speak_again(self) -> None:
        """What was on its way arrives now."""
        self._carries.set()

    async def _carry(self, client: Streams) -> None:
        server = await self._to_server()
        await asyncio.gather(self._pump(client[0], server[1]), self._pump(server[0], client[1]))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one end is closed; then the other is."""
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65_536):
                    await self._carries.wait()
                    writer.write(data)
                    await writer.drain()
            await self._carries.wait()
        finally:
            writer.close()


class Pooler(Way):
    """Gives each transaction to the session that was used last and is free, as PgBouncer with `pool_mode = transaction`
    does; with `by_session` each caller keeps a session of their own."""

    def __init__(self, target: str, *, by_session: bool) -> None:
        super().__init__(target)
        self._by_session = by_session
        self._free: list[Streams] = []
        self._greeting = b""

    async def _carry(self, client: Streams) -> None:
        if not await self._welcome(client):
            return
        session: Streams | None = None
        relay: asyncio.Task[bytes] | None = None
        while (message := await _message(client[0]))[:1] != b"X":
            session = session or await self._session()
            relay = relay or asyncio.create_task(self._relay(session[0], client[1]))
            session[1].write(message)
            if message[:1] not in (b"Q", b"S"):
                continue
            state, relay = await relay, None
            if state == b"I" and not self._by_session:
                self._free.append(session)
                session = None

    async def _welcome(self, client: Streams) -> bool:
        """Whether the caller wants to stay."""
        reader, writer = client
        while True:
            size, code = struct.unpack("!II", await reader.readexactly(8))
            await reader.readexactly(size - 8)
            if code == CANCEL_REQUEST:
                return False
            if code == STARTUP:
                break
            writer.write(b"N")
        if not self._greeting:
            self._free.append(await self._session())
        writer.write(self._greeting)
        return True

    async def _session(self) -> Streams:
        if self._free:
            return self._free.pop()
        session = await self._to_server()
        words = f"user\0{self._role}\0database\0{self._database}\0\0".encode()
        session[1].write(struct.pack("!II", 8 + len(words), STARTUP) + words)
        greeting = b""
        while (message := await _message(session[0]))[:1] != b"Z":
            greeting += message
        self._greeting = greeting + message
        return session

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Until the server is ready again; in what state, "" if it ended the session."""
        with contextlib.suppress(asyncio.IncompleteReadError):
            while (message := await _message(reader))[:1] != b"Z":
                writer.write(message)
            writer.write(message)
            return message[5:]
        writer.close()
        return b""


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return head + await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
